"""The file that freezes a plan: it lies beside the plan and is written when the arms are drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ParamsError
from ..files import write_json
from ..params.experiment import ExperimentSpec, load_experiment, plan_content, plan_digest
from ..params.loading import digest
from .frozen import FrozenPlan
from .roster import Roster

SUFFIX = ".frozen.json"
KEYS = ("digest", "since", "content")


def frozen_beside(plan: str | Path) -> Path:
    """The file that freezes a plan.

    Example:
        >>> frozen_beside("params/experiments/demo/trial.yaml").name
        'trial.frozen.json'
    """
    return Path(plan).with_suffix(SUFFIX)


def freeze(
    plan: str | Path,
    spec: ExperimentSpec,
    month: str,
    draw: Mapping[str, Any],
    roster: Roster | None = None,
) -> Path:
    """Freeze a plan as it reads now.

    Args:
        plan: The plan's YAML file.
        spec: What it says.
        month: Month of whose end its units were drawn.
        draw: How they were drawn: all that is needed to draw them again.
        roster: Who got which arm, by hashes.

    Returns:
        The file, which `read_frozen` reads.

    Raises:
        RunError: It cannot be written.
    """
    path = frozen_beside(plan)
    frozen = FrozenPlan(plan_digest(spec), month, plan_content(spec), "design", roster)
    write_json(path, {**frozen.to_json(), "draw": dict(draw)})
    return path


def read_frozen(plan: str | Path) -> FrozenPlan | None:
    """The plan that was frozen beside a plan's file; None where none was.

    Raises:
        ParamsError: The file cannot be read, or was changed by hand.
    """
    content = frozen_document(plan)
    return None if content is None else FrozenPlan.from_json(content)


def frozen_document(plan: str | Path) -> dict[str, Any] | None:
    """All of the file that freezes a plan, with its ``draw``; None where there is none.

    Raises:
        ParamsError: The file cannot be read, or its content does not have its digest.
    """
    path = frozen_beside(plan)
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise _broken(path, "cannot be read") from fault
    if not isinstance(content, dict) or not all(key in content for key in KEYS):
        raise _broken(path, "does not hold a plan")
    if digest(content["content"]) != content["digest"]:
        raise _broken(path, "was changed: its content does not have its digest")
    return content


def load_frozen_plans(folder: str | Path) -> dict[str, FrozenPlan]:
    """The frozen plans of a profile's experiments.

    Args:
        folder: Such as ``params/experiments/demo``.

    Returns:
        Experiment → the plan it was drawn with; without those that were not drawn here.

    Raises:
        ParamsError: A plan or a frozen file is wrong.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        frozen = read_frozen(path)
        if frozen is not None:
            found[load_experiment(path).id] = frozen
    return found


def rosters_without(folder: str | Path, names: Iterable[str]) -> dict[Path, dict[str, Any]]:
    """The frozen files of a profile that hold forgotten customers, without them.

    Args:
        folder: Such as ``params/experiments/demo``.
        names: Their ids.

    Returns:
        File → what it should hold; nothing is written.

    Raises:
        ParamsError: A frozen file is wrong.
    """
    found = {}
    for plan in sorted(Path(folder).glob("*.yaml")):
        content = frozen_document(plan)
        if content and content.get("roster"):
            left = Roster.from_json(content["roster"]).without(names).to_json()
            if left != content["roster"]:
                found[frozen_beside(plan)] = {**content, "roster": left}
    return found


def _broken(path: Path, why: str) -> ParamsError:
    return ParamsError(
        f"The frozen plan {why}",
        where=str(path),
        todo="Restore the file as it was drawn, for instance from version control; a plan that "
        "must change keeps it, and its verdict is then exploratory.",
    )
