"""``tierlab design --assign``: the file of the draw, and the plan frozen beside its own file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DesignError, ParamsError, SourceError

if TYPE_CHECKING:
    import pandas as pd

    from ..experiment.design import Assignment
    from ..params.experiment import ExperimentSpec
    from ..workspace import Workspace

KEY_BYTES = 16
MARK = "\ufeff"
"""So that Excel reads Chinese."""


def assign_to(workspace: Workspace, experiment: Path, file: Path, key: str = "") -> Assignment:
    """Draw a plan, write the assignment file and freeze the plan.

    Args:
        workspace: The month.
        experiment: The plan's YAML file; ``<plan>.frozen.json`` is written beside it.
        file: The assignment file, CSV.
        key: Of the draw; a random one by default. A plan that was drawn keeps its own.

    Returns:
        The draw. A plan drawn before is drawn the same again; one whose looks are ``accrual``
        deals arms to customers that have come since.

    Raises:
        DesignError: The plan was changed since it was drawn, or other tables were drawn from.
        SourceError: The assignment file was changed, or has gone.
        ParamsError: The file exists already, or the key is another one than that of the draw.
    """
    from ..experiment.freezing import frozen_document
    from ..params import load_experiment

    spec = load_experiment(experiment)
    document = frozen_document(experiment)
    if document is None:
        return _first(workspace, experiment, spec, file, key or secrets.token_hex(KEY_BYTES))
    refuse_changes(spec, document)
    draw = document["draw"]
    if key and key != draw["key"]:
        told = "A plan that was drawn keeps the key of its draw"
        raise ParamsError(told, where="--key", todo="Leave --key away.")
    return _again(workspace, experiment, spec, file, draw)


def refuse_changes(spec: ExperimentSpec, document: Mapping[str, Any]) -> None:
    """Refuse a plan that was changed since it was drawn.

    Raises:
        DesignError: It was; the message tells each key.
    """
    from ..experiment.frozen import FrozenPlan, plan_changes
    from ..language import Language

    changes = plan_changes(spec, FrozenPlan.from_json(document))
    if changes:
        raise DesignError(
            "The plan was changed after it was drawn",
            where=f"experiment {spec.id}",
            got="; ".join(change.in_(Language("en")) for change in changes[1:]),
            todo="Restore the plan; or give the changed one an id and a file of its own and draw "
            "it as a new experiment.",
        )


def _first(
    workspace: Workspace, experiment: Path, spec: ExperimentSpec, file: Path, key: str
) -> Assignment:
    if file.exists():
        raise ParamsError(
            "The file exists already, and the plan was not drawn into it",
            where=str(file),
            todo="Name another file with --assign.",
        )
    drawn = _drawn(workspace, spec, key)
    _freeze(experiment, drawn, key, [_round(drawn)])
    _write(file, drawn)
    return drawn


def _again(
    workspace: Workspace,
    experiment: Path,
    spec: ExperimentSpec,
    file: Path,
    draw: Mapping[str, Any],
) -> Assignment:
    """The same draw, or the newcomers of a plan to which new units accrue."""
    rounds, month = list(draw["rounds"]), str(workspace.as_of)
    before = _read(file, rounds[-1]) if file.exists() else None
    if len(rounds) == 1 and month == rounds[0]["month"]:
        drawn = _drawn(workspace, spec, draw["key"])
        _must_equal(drawn, rounds[0])
        if before is None:
            _write(file, drawn)
        return drawn
    if before is None:
        raise SourceError("The assignment file has gone", where=str(file),
                          todo="Name the file that the plan was drawn into.")  # fmt: skip
    if spec.looks_kind != "accrual" or month < rounds[-1]["month"]:
        raise DesignError(
            f"The plan was drawn as of {rounds[-1]['month']}",
            where=f"experiment {spec.id}",
            got=f"--month {month}",
            todo="It follows the customers of its draw. A plan with looks: accrual takes new ones "
            "in later months.",
        )
    drawn = _drawn(workspace, spec, draw["key"], before)
    if drawn.added:
        _freeze(experiment, drawn, draw["key"], [*rounds, _round(drawn)], draw["month"])
        _write(file, drawn)
    return drawn


def _drawn(
    workspace: Workspace, spec: ExperimentSpec, key: str, before: pd.DataFrame | None = None
) -> Assignment:
    from ..calendar import load_calendar
    from ..experiment.design import DESIGN_TABLES, draw_arms

    return draw_arms(
        spec,
        {name: workspace.read(name) for name in DESIGN_TABLES},
        as_of=workspace.as_of,
        key=key,
        calendar=load_calendar(workspace.calendar),
        before=before,
    )


def _round(drawn: Assignment) -> dict[str, Any]:
    return {"month": str(drawn.as_of), "customers": len(drawn.units), "digest": drawn.digest}


def _freeze(
    experiment: Path, drawn: Assignment, key: str, rounds: list[Any], month: str = ""
) -> None:
    from ..experiment.freezing import freeze
    from ..experiment.roster import roster_of

    first = month or str(drawn.as_of)
    draw = {"key": key, "month": first, "rounds": rounds}
    freeze(experiment, drawn.spec, first, draw, roster_of(drawn.units, key))


def _write(file: Path, drawn: Assignment) -> None:
    from ..files import write_atomically

    write_atomically(file, MARK + drawn.units.to_csv(index=False))


def _read(file: Path, last: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    from ..experiment.design import units_digest

    try:
        found = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        same = units_digest(found) == last["digest"]
    except (OSError, ValueError, KeyError):
        same = False
    if not same:
        raise SourceError(
            "The assignment file is not the one that was drawn",
            where=str(file),
            todo="Restore it, for instance from version control; without the file, the draw of "
            "the same month writes it again.",
        )
    return found


def _must_equal(drawn: Assignment, first: Mapping[str, Any]) -> None:
    if drawn.digest != first["digest"]:
        raise DesignError(
            "The month's tables are other ones than those that were drawn from",
            where=f"experiment {drawn.spec.id}: month {drawn.as_of}",
            got=f"{len(drawn.units)} customers, {first['customers']} when it was drawn",
            todo="Keep the file of the draw; arms are never dealt twice.",
        )
