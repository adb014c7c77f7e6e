"""Which months of a profile are published, and whether that has changed since they were read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ..errors import CoverageError
from ..files import read_json
from ..params import load_profile, repository_of

MONTH = r"\d{4}-\d{2}"
STATES = ".states"
"""Folder beside the months that says how each stands since it was published."""
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
    return tuple(sorted((m for m in months if re.fullmatch(MONTH, m)), reverse=True))


def state_of(reports: Path, month: str) -> str:
    """How a month stands since it was published: ``stale``, ``failed``, or nothing to say."""
    state = read_json(reports / STATES / f"{month}.json") or {}
    return str(state.get("state", ""))


def fingerprint(reports: Path, *, with_states: bool = False) -> str:
    """A digest of what has been published for a profile.

    It looks at names, sizes and times only, so that it costs well under a millisecond a month
    and can be asked for at every visit.

    Args:
        reports: The profile's folder of results.
        with_states: Also of how each month stands since.

    Returns:
        A short text that changes whenever a month is published, replaced or withdrawn.
    """
    paths = [path for name in WATCHED for path in reports.glob(f"*/{name}")]
    watched = [path for path in paths if re.fullmatch(MONTH, path.parent.name)]
    states = list((reports / STATES).glob("*.json")) if with_states else []
    seen = hashlib.sha256()
    for path in sorted([*watched, *states]):
        try:
            state = path.stat()
        except FileNotFoundError:  # replaced between the listing and the look
            continue
        seen.update(
            f"{path.parent.name}/{path.name}:{state.st_size}:{state.st_mtime_ns}\n".encode()
        )
    return seen.hexdigest()[:16]
