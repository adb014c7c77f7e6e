"""``tierlab evaluate``: any experiment, from a plan and a table of units."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..files import write_atomically
from ..language import Language, LanguageCode

PAGES: tuple[LanguageCode, ...] = ("zh", "en")


def evaluate_to(experiment: Path, units: Path, out: Path, assignments: Path | None = None) -> str:
    """Evaluate a table of units, write what was found and say the verdict.

    Args:
        experiment: The plan's YAML file.
        units: CSV or Parquet, one row a unit.
        out: Folder for ``estimates.csv``, ``verdict.json``, ``report.zh.html``, ``report.en.html``.
        assignments: Units as they were assigned, to count those lost.

    Returns:
        The verdict with its reasons, and where the files are.

    Raises:
        AnalysisError: The plan, the table or the folder is wrong.
    """
    from ..experiment import evaluate_file
    from ..pipeline.digests import content_digest
    from ..report import Provenance, evaluation_page

    found = evaluate_file(experiment, units, out, assignments=assignments)
    files = [path for path in (experiment, units, assignments) if path is not None]
    made = Provenance(
        command=_command(experiment, units, out, assignments),
        digests={path.name: content_digest(path) for path in files},
    )
    names = ["estimates.csv", "verdict.json"]
    for code in PAGES:
        page = evaluation_page(found, code, provenance=made)
        write_atomically(out / f"report.{code}.html", page)
        names.append(f"report.{code}.html")
    english = Language("en")
    verdict = found.verdict
    reasons = [f"  - {reason.in_(english)}" for reason in verdict.reasons]
    needs = [f"  > {need.in_(english)}" for need in verdict.needs]
    return "\n".join(
        [verdict.headline.in_(english), *reasons, *needs, *(str(out / name) for name in names)]
    )


def _command(experiment: Path, units: Path, out: Path, assignments: Path | None) -> str:
    words = ["tierlab", "evaluate", "--experiment", str(experiment), "--units", str(units)]
    words += ["--assignments", str(assignments)] if assignments else []
    return shlex.join([*words, "--out", str(out)])
