"""Loss of units as a metric of its own: who was assigned and is not there any more, by arm."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..params.metric import Metric
from .contrasts import contrasts
from .estimate import WHOLE, Estimate
from .estimation import compare_cell, dressed, make_cell
from .followed import Followed
from .looks import Looks
from .study import Study

LOSS = "loss"


def loss_rows(study: Study, looks: Looks) -> list[Estimate]:
    """The share of assigned units that were lost, arm by arm.

    Args:
        study: Units and those lost.
        looks: How the experiment is looked at.

    Returns:
        One row a comparison; none where nothing says who was assigned, or where the lost units'
        clusters are not known.
    """
    if study.lost is None or LOSS in {entry.name for entry in study.followed}:
        return []
    drawn = everybody(study, study.lost)
    if drawn is None:
        return []
    rows: list[Estimate] = []
    for side in contrasts(drawn):
        cell = make_cell(drawn, side, WHOLE, side.rows, adjusted=False)
        found = compare_cell(cell, drawn.followed, alpha=looks.spec.alpha)
        rows += [dressed(one, looks) for one in found]
    return rows


def everybody(study: Study, lost: pd.DataFrame) -> Study | None:
    """All assigned units with 0 or 1 for being lost, and what the design needs of them.

    Args:
        study: The units that are left.
        lost: Rows of the draw's file of the units that are not.

    Returns:
        A study of both whose one metric is `LOSS`; None where the file lacks a column of the
        design, such as the cluster.
    """
    spec = study.spec
    needed = [spec.unit, spec.arm]
    needed += [spec.cluster] if spec.cluster else []
    needed += [spec.share, spec.arm_at_half] if spec.design == "saturation" else []
    if not set(needed) <= set(lost.columns):
        return None
    strata = spec.strata if set(spec.strata) <= set(lost.columns) else ()
    columns = list(dict.fromkeys([*needed, *strata]))
    parts = [study.units[columns].assign(**{LOSS: 0.0}), lost[columns].assign(**{LOSS: 1.0})]
    content = {"name": LOSS, "kind": "proportion", "column": LOSS, "direction": "decrease"}
    return replace(
        study,
        spec=spec.model_copy(update={"strata": strata, "covariates": (), "exposure": None}),
        units=pd.concat([p for p in parts if len(p)], ignore_index=True),
        followed=(_reading(content),),
        covariates=(),
        unavailable={},
    )


def _reading(content: dict[str, str]) -> Followed:
    return Followed(Metric.model_validate(content), "reading", declared=False)
