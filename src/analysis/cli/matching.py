"""``tierlab match``: which records of any file are one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .commands import app


@app.command()
def match(
    records: Annotated[
        Path, typer.Option("--records", help="CSV, Parquet or spreadsheet, a row each.")
    ],
    config: Annotated[Path, typer.Option("--config", help="YAML: kind → column(s).")],
    out: Annotated[Path, typer.Option("--out", help="CSV of record_id, entity_id, probability.")],
) -> None:
    """Find the records of any file that are one company, person or thing."""
    from ..identity.matching import match_file, write_links
    from ..params import load_match_config

    _keep_inputs(out, records, config)
    matched = match_file(records, load_match_config(config), str(config))
    write_links(matched, out)
    print(f"{out}: {matched.records_n} records are {matched.entities_n} entities")


def _keep_inputs(out: Path, *inputs: Path) -> None:
    """Refuse to write the links over a file that is read."""
    from ..errors import ParamsError

    if out.exists() and any(path.exists() and out.samefile(path) for path in inputs):
        raise ParamsError(
            "The links would be written over a file that is read",
            where=str(out),
            todo="Name another one with --out.",
        )
