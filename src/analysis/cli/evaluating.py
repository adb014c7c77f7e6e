"""``tierlab evaluate``: any experiment, from a plan and a table of units."""

from __future__ import annotations

from pathlib import Path

from ..language import Language


def evaluate_to(experiment: Path, units: Path, out: Path, assignments: Path | None = None) -> str:
    """Evaluate a table of units, write what was found and say the verdict.

    Args:
        experiment: The plan's YAML file.
        units: CSV or Parquet, one row a unit.
        out: Folder for ``estimates.csv`` and ``verdict.json``.
        assignments: Units as they were assigned, to count those lost.

    Returns:
        The verdict with its reasons, and where the files are.

    Raises:
        AnalysisError: The plan, the table or the folder is wrong.
    """
    from ..experiment import evaluate_file

    verdict = evaluate_file(experiment, units, out, assignments=assignments).verdict
    english = Language("en")
    reasons = [f"  - {reason.in_(english)}" for reason in verdict.reasons]
    files = [str(out / name) for name in ("estimates.csv", "verdict.json")]
    return "\n".join([verdict.headline.in_(english), *reasons, *files])
