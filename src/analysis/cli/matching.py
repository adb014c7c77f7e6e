"""``tierlab match``: which records of any file are one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .commands import app


@app.command()
def match(
    records: Annotated[Path, typer.Option("--records", help="CSV or Parquet, one row a record.")],
    config: Annotated[Path, typer.Option("--config", help="YAML: kind → column(s).")],
    out: Annotated[Path, typer.Option("--out", help="CSV of record_id, entity_id, probability.")],
) -> None:
    """Find the records of any file that are one company, person or thing."""
    from ..identity.matching import match_file, write_links
    from ..params import load_match_config

    matched = match_file(records, load_match_config(config), str(config))
    write_links(matched, out)
    print(f"{out}: {matched.records_n} records are {matched.entities_n} entities")
