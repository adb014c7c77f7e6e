"""When the treatment has paid for itself: net value per customer, summed month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from ..message import Message, Value
from ..params.metric import Metric
from .contrasts import Contrast
from .estimate import ITT, WHOLE, Estimate
from .estimation import compare_cell, dressed, make_cell
from .followed import NET_BY_MONTH, Followed, month_summed_to, months_of_money
from .looks import Looks
from .study import Study


def payback_rows(study: Study, side: Contrast, looks: Looks) -> list[Estimate]:
    """The net value per customer from assignment to the end of each month after it.

    Returns:
        One row a month, named ``net_value_to_month_<n>``; none outside the pipeline.
    """
    followed = [
        _to_month(number)
        for number in range(1, months_of_money(study.spec) + 1)
        if f"{NET_BY_MONTH}{number}" in study.units.columns
    ]
    if not followed or side.estimand != "total":
        return []
    cell = make_cell(study, side, WHOLE, side.rows)
    found = compare_cell(cell, followed, alpha=study.spec.alpha)
    return [dressed(one, looks) for one in found if one.values.used.any()]


def _to_month(number: int) -> Followed:
    name = f"{NET_BY_MONTH}{number}"
    content = {"name": name, "kind": "mean", "column": name, "matured": f"{name}_matured"}
    return Followed(Metric.model_validate(content), "reading", declared=False)


def payback_told(estimates: Sequence[Estimate], arm: str) -> Message | None:
    """From which month on the sum stays above zero; None where no month is known.

    Months have the numbers of their metrics; one without an estimate (as long as nothing was
    earned or spent, say) is passed over.
    """
    named = ((month_summed_to(e.metric.name), e) for e in estimates)
    rows = [
        (month, e)
        for month, e in named
        if month is not None and e.treatment == arm and e.basis == ITT and e.is_ok
    ]
    if not rows:
        return None
    number = {"n": Value("number", max(month for month, _ in rows))}
    paid = _stays({month: e.effect > 0 for month, e in rows})
    if paid is None:
        source = "Pay-back: not within {n} months: the summed net value has not stayed above zero"
        return Message(source, number)
    month = {"month": Value("number", paid)}
    shown = _stays({month: e.gain_limits[0] > 0 for month, e in rows})
    if shown is None:
        return Message(
            "Pay-back: as estimated from month {month} after the start; the interval of the "
            "summed net value still includes zero after {n} months",
            {**month, **number},
        )
    if shown == paid:
        return Message(
            "Pay-back: from month {month} after the start the summed net value is above zero, "
            "beyond chance",
            month,
        )
    return Message(
        "Pay-back: from month {month} after the start the summed net value is above zero, shown "
        "beyond chance from month {shown}",
        {**month, "shown": Value("number", shown)},
    )


def _stays(holds: Mapping[int, bool]) -> int | None:
    """The first known month from which something holds up to the last known one."""
    since = list(takewhile(holds.__getitem__, sorted(holds, reverse=True)))
    return since[-1] if since else None
