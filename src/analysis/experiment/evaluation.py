"""Evaluate an experiment: from a table with one row a unit to estimates, gates and a verdict.

Every assigned unit is analysed in the arm it was assigned to. Only what was known before
assignment stratifies, adjusts or segments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..message import Message
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .assigned import with_assignments
from .carriers import Table
from .checks import Check, checks_table, gates
from .contrasts import contrasts
from .curves import curves_table
from .decision import decide
from .estimate import Estimate, estimates_table
from .extras import answered, can_be_unanswered, with_extras
from .look_history import boundaries_of, looks_of
from .readings import Estimated, estimated
from .reasons import Circumstances
from .setting import Setting
from .study import Study, available, read_study
from .two_readings import two_readings
from .verdict import Verdict


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm as it was read.

    Attributes:
        arm: Its name.
        n: Units.
        clusters: Clusters; None where units were randomised.
        response_rate: Share that answered the first metric that can go unanswered; else None.
    """

    arm: str
    n: int
    clusters: int | None
    response_rate: float | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluated experiment.

    Attributes:
        experiment: The plan.
        estimates: One row an estimate, in the columns of the contract ``estimates``.
        checks: One row a gate: experiment, gate, statistic, p_value, threshold, alarmed, note.
        verdict: Decision, headline, reasons and needs.
        curves: One row an arm and day: experiment, arm, day, survival, low, high, at_risk.
        arms: Sizes and response rates.
        readings: The same estimates with their messages, for both languages.
        gates: The same gates with their messages.
        boundaries: Boundaries of the looks so far by row, to be stored.
        looks: The ordinary interval and the one that holds at every look, compared in words.
        plan_changes: What was changed in the plan after it was frozen; the verdict is exploratory
            where anything was.
    """

    experiment: ExperimentSpec
    estimates: pd.DataFrame
    checks: pd.DataFrame
    verdict: Verdict
    curves: pd.DataFrame
    arms: tuple[Arm, ...]
    readings: tuple[Estimate, ...]
    gates: tuple[Check, ...]
    boundaries: Mapping[str, Sequence[float]]
    looks: tuple[Message, ...] = ()
    plan_changes: tuple[Message, ...] = ()


def evaluate(
    units: Table,
    experiment: ExperimentSpec,
    *,
    assignments: Table | None = None,
    setting: Setting | None = None,
) -> Evaluation:
    """Evaluate an experiment on any table with one row a unit.

    Args:
        units: A data frame, an Ibis table, or the path of a CSV or Parquet file.
        experiment: The plan, see `load_experiment`.
        assignments: Units as they were assigned, to count those lost since (optional).
        setting: What the monthly pipeline adds; not needed for a plain table.

    Returns:
        Estimates, checks, verdict and curves.

    Raises:
        DesignError: The table does not fit the plan; every fault is told.
        SourceError: The file cannot be read.

    Example:
        >>> import pandas as pd
        >>> from analysis.params import ExperimentSpec
        >>> plan = ExperimentSpec.model_validate({
        ...     "id": "colours", "unit": "id", "arm": "arm", "control": "grey",
        ...     "allocation": {"grey": 0.5, "red": 0.5}, "looks": "calendar", "looks_planned": 1,
        ...     "metrics": [{"name": "orders", "kind": "mean", "column": "orders",
        ...                  "role": "primary"}]})
        >>> table = pd.DataFrame({"id": range(8), "arm": ["red", "grey"] * 4,
        ...                       "orders": [5, 2, 6, 1, 5, 3, 7, 2]})
        >>> evaluate(table, plan).verdict.decision
        'roll_out'
    """
    setting = setting or Setting()
    read = with_assignments(read_study(units, experiment, dict(setting.unavailable)), assignments)
    study = with_extras(read)
    sides = contrasts(study)
    looks = looks_of(study, setting)
    found = estimated(study, sides, looks, setting)
    checked = gates(study, sides, setting.quality)
    month = str(setting.as_of) if setting.as_of else None
    return Evaluation(
        experiment=experiment,
        estimates=estimates_table(found.readings, experiment.id, month),
        checks=checks_table(checked, experiment.id),
        verdict=decide(experiment, found.readings, checked, _circumstances(setting, found)),
        curves=curves_table(study),
        arms=_arms(study),
        readings=found.readings,
        gates=checked,
        boundaries=boundaries_of(found.readings, looks),
        looks=two_readings(found.readings, looks),
        plan_changes=setting.plan_changes,
    )


def _circumstances(setting: Setting, found: Estimated) -> Circumstances:
    return Circumstances(
        currency=setting.currency,
        is_last_look=found.is_last_look,
        next_look=setting.next_look,
        complete_on=setting.complete_on,
        is_monthly=found.is_monthly,
        interactions=found.interactions,
        segment_columns=found.columns,
        plan_changes=setting.plan_changes,
    )


def _arms(study: Study) -> tuple[Arm, ...]:
    """Sizes, and the share that answered the first metric that can go unanswered."""
    asked = [e.metric for e in available(study) if can_be_unanswered(e.metric)]
    return tuple(_arm(study, arm, asked[0] if asked else None) for arm in study.spec.allocation)


def _arm(study: Study, arm: str, asked: Metric | None) -> Arm:
    rows = study.in_arm(arm)
    clusters = study.spec.cluster
    rate = None
    if asked is not None:
        used = rows & study.matured(asked) & study.eligible(asked)
        rate = float(answered(study, asked)[used].mean()) if used.any() else None
    n_clusters = int(study.units.loc[rows, clusters].nunique()) if clusters else None
    return Arm(arm, int(rows.sum()), n_clusters, rate)
