"""Which months of a profile are published, and whether that has changed since they were read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ..errors import CoverageError
from ..params import load_profile, repository_of

WATCHED = ("summary.json", "manifest.json")
"""What a run publishes last in a month's folder of results."""


def reports_of(profile: str | Path, out: str | Path = "") -> Path:
    """The folder of a profile's published results, ``reports/<profile>``.

    Args:
        profile: The profile's YAML file.
        out: Folder under which ``reports`` lies; the repository by default.

    Raises:
        CoverageError: No month has been published.
    """
    path = Path(profile)
    name = load_profile(path).profile
    reports = (Path(out) if out else repository_of(path)).resolve() / "reports" / name
    if not months_in(reports):
        raise CoverageError(
            f"The profile '{name}' has no results yet",
            where=str(reports),
            todo=f"Run `tierlab run --profile {profile} --month YYYY-MM` first.",
        )
    return reports


def months_in(reports: Path) -> tuple[str, ...]:
    """The published months, the latest first."""
    months = {path.parent.name for path in reports.glob("*/summary.json")}
    return tuple(sorted((m for m in months if re.fullmatch(r"\d{4}-\d{2}", m)), reverse=True))


def fingerprint(reports: Path) -> str:
    """A digest of what has been published for a profile.

    It looks at names, sizes and times only, so that it costs well under a millisecond a month
    and can be asked for at every visit.

    Args:
        reports: The profile's folder of results.

    Returns:
        A short text that changes whenever a month is published, replaced or withdrawn.
    """
    seen = hashlib.sha256()
    for name in WATCHED:
        for path in sorted(reports.glob(f"*/{name}")):
            try:
                state = path.stat()
            except FileNotFoundError:  # replaced between the listing and the look
                continue
            seen.update(f"{path.parent.name}/{name}:{state.st_size}:{state.st_mtime_ns}\n".encode())
    return seen.hexdigest()[:16]
