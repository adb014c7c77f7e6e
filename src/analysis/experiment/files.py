"""Evaluate a file: the plan and the units in, estimates and verdict out."""

from __future__ import annotations

import json
from pathlib import Path

from ..files import disk_faults_told, write_atomically
from ..language import Language, LanguageCode
from ..message import Message
from ..params.experiment import ExperimentSpec, load_experiment
from .carriers import read_table
from .evaluation import Evaluation, evaluate
from .freezing import read_frozen
from .frozen import FrozenPlan, assignment_changes, plan_changes
from .record import record
from .roster import difference
from .setting import Setting
from .table_faults import columns_of_names

CODES: tuple[LanguageCode, ...] = ("zh", "en")


def evaluate_file(
    experiment: str | Path,
    units: str | Path,
    out: str | Path,
    *,
    assignments: str | Path | None = None,
) -> Evaluation:
    """Evaluate a table of units and write what was found.

    Args:
        experiment: The plan's YAML file.
        units: CSV or Parquet, one row a unit.
        out: Folder that receives ``estimates.csv`` (UTF-8 with a mark that spreadsheets need)
            and ``verdict.json`` (as `record` has it, and ``in_words`` by language).
        assignments: Units as they were assigned, CSV or Parquet, to count those lost (optional).

    Returns:
        The evaluation; exploratory where the plan differs from the one frozen beside it, or the
        units stand otherwise than they were drawn.

    Raises:
        ParamsError: The plan is wrong.
        DesignError: The table does not fit the plan.
        SourceError: A file cannot be read.
        RunError: The folder cannot be written.
    """
    spec = load_experiment(experiment)
    frozen = read_frozen(experiment)
    changes = _changes(spec, frozen, units if assignments is None else assignments)
    setting = Setting(plan_changes=changes)
    found = evaluate(units, spec, assignments=assignments, setting=setting)
    folder = Path(out)
    with disk_faults_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    table = found.estimates.to_csv(index=False).encode("utf-8-sig")
    write_atomically(folder / "estimates.csv", table)
    document = {**record(found), "in_words": {code: _in_words(found, code) for code in CODES}}
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(folder / "verdict.json", text + "\n")
    return found


def _in_words(found: Evaluation, code: LanguageCode) -> dict[str, object]:
    """The verdict as finished sentences, for whoever reads the document itself."""
    language, verdict = Language(code), found.verdict
    return {
        "headline": verdict.headline.in_(language),
        "reasons": [reason.in_(language) for reason in verdict.reasons],
        "needs": [need.in_(language) for need in verdict.needs],
        "looks": [told.in_(language) for told in found.looks],
    }


def _changes(
    spec: ExperimentSpec, frozen: FrozenPlan | None, assigned: str | Path
) -> tuple[Message, ...]:
    """What was changed in plan and assignment since they were frozen."""
    if frozen is None:
        return ()
    changes = plan_changes(spec, frozen)
    if frozen.roster is None:
        return changes
    table = read_table(assigned, columns_of_names(spec))
    if not {spec.unit, spec.arm} <= set(table.columns):  # told when the study is read
        return changes
    found = difference(frozen.roster, table, unit=spec.unit, arm=spec.arm)
    return (*changes, *assignment_changes(found, frozen))
