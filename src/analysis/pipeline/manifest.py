"""The manifest: what a report was made of, so that it can be made again and compared."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from .. import __version__
from ..files import read_json
from ..params import profile_digest
from .digests import content_digest
from .inputs import cache_of, code_digest, params_file_digests, raw_digests, versions
from .job import Job
from .stages import STAGES

PARAMS_FILES = [pattern for stage in STAGES for pattern in stage.params_files]
SCHEMA_VERSION = 1
LEDGER_COUNTS = (
    "rows_in_files",
    "rows_later",
    "rows_read",
    "rows_kept",
    "rows_rejected",
    "rows_merged",
)


def manifest_of(job: Job, pages: list[Path]) -> dict[str, Any]:
    """The manifest of a month's results.

    Args:
        job: The month, with all its stages done.
        pages: The files that are published beside it.

    Returns:
        A JSON-like mapping; digests are the first 16 hex digits of SHA-256.
    """
    cache = cache_of(job)
    steps = [read_json(job.marker(step)) or {} for step in job.steps if step.stage.notebook]
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": job.profile.profile,
        "month": str(job.month),
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "again": again(job),
        "version": __version__,
        "code": code_digest(cache),
        "packages": dict(versions()),
        "params": {
            "file": job.profile_path.name,
            "digest": profile_digest(job.profile),
            "values": job.profile.model_dump(mode="json"),
            "files": params_file_digests(job, PARAMS_FILES, cache),
        },
        "raw": raw_digests(job, cache),
        "ledger": ledger_of(job),
        "stages": [
            {"name": step["step"], "seconds": step["seconds"], "tables": step["tables"]}
            for step in steps
            if step
        ],
        "inputs": {step["step"]: step["inputs"] for step in steps if step},
        "files": {page.name: content_digest(page) for page in pages},
    }


def again(job: Job) -> str:
    """The one command that makes this month again, seen from the repository."""
    return f"tierlab run --profile params/{job.profile_path.name} --month {job.month}"


def ledger_of(job: Job) -> dict[str, Any]:
    """Rows read, kept, rejected and merged: by source and table, and in total."""
    path = job.processed / "ledger.parquet"
    if not path.exists():
        return {}
    import pyarrow.parquet as pq

    rows = pq.read_table(path).to_pylist()
    totals = {name: sum(int(row.get(name) or 0) for row in rows) for name in LEDGER_COUNTS}
    return {"rows": rows, "total": totals}
