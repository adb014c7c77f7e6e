"""The customer satisfaction index: survey items weighed into one number from 0 to 100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ..errors import ParamsError, did_you_mean
from ..message import Message, Value
from ..months import Month, month_index, month_text
from ..panel import AMOUNT_DECIMALS
from .words import not_available

POINTS_A_STEP = 25
"""Points between two steps of the scale 1-5, so that it becomes 0-100."""
LOWEST = 1


@dataclass(frozen=True)
class SatisfactionIndex:
    """What `satisfaction_index` returns; the tables have no rows where there are no survey items.

    Attributes:
        by_month: One row a month with answers: month, csi (0-100), std_error, answers_n,
            customers_n.
        by_customer: One row a customer that answered in the trailing window: customer_id, month,
            csi, answers_n, ``<item>_mean`` (1-5) of each item.
        missing: What is missing; None where nothing is.
    """

    by_month: ir.Table
    by_customer: ir.Table
    missing: Message | None


def satisfaction_index(
    surveys: ir.Table | None,
    items: ir.Table | None,
    weights: Mapping[str, float] | None,
    as_of: Month,
    *,
    window_months: int = 12,
) -> SatisfactionIndex:
    """Weigh each answer's items, then average over answers.

    An item that an answer left out drops out of that answer, the others keep their proportion.

    Args:
        surveys: Canonical `surveys`, which say whose answer it is.
        items: Canonical `survey_items`.
        weights: Weight of each item; one that is not named does not count; None: equal weights.
        as_of: The month; answers after it are not used.
        window_months: Months of the customers' table.

    Raises:
        ParamsError: None of the items that have a weight was asked by then, though others were.
    """
    if surveys is None or items is None:
        lacking = "surveys" if surveys is None else "survey_items"
        return SatisfactionIndex(*_no_answers(), not_available(lacking))
    known = items.filter(items.answered_at < ibis.literal(as_of.end))
    asked = sorted(known.select("item").distinct().execute()["item"])
    if not asked:
        return SatisfactionIndex(*_no_answers(), Message("No survey has been answered yet."))
    chosen, missing = _weights(asked, weights)
    answers = _answers(known, chosen).inner_join(
        surveys.select("survey_id", "customer_id"), "survey_id"
    )
    return SatisfactionIndex(
        _by_month(answers), _by_customer(answers, list(chosen), as_of, window_months), missing
    )


def _weights(
    asked: list[str], weights: Mapping[str, float] | None
) -> tuple[dict[str, float], Message | None]:
    """Weight of each item that counts, and which items have no answer yet."""
    if weights is None:
        return dict.fromkeys(asked, 1.0), None
    unknown = [item for item in weights if item not in asked]
    if len(unknown) == len(weights):
        raise ParamsError(
            "No survey asks for the items of the satisfaction index",
            where="value.satisfaction_index",
            got=", ".join(unknown),
            allowed=asked,
            todo=did_you_mean(unknown[0], asked) or "Correct the items.",
        )
    missing = Message("No answers yet to {items}.", {"items": Value("terms", unknown)})
    return {i: w for i, w in weights.items() if w > 0}, missing if unknown else None


def _answers(items: ir.Table, weights: Mapping[str, float]) -> ir.Table:
    """One row an answer that has an item that counts: survey_id, month_index, csi, the items."""
    counted = items.filter(items.item.isin(list(weights)))
    weight = ibis.cases(*((counted.item == name, w) for name, w in weights.items()), else_=0.0)
    weighed = counted.mutate(weight=weight)
    return weighed.group_by("survey_id").aggregate(
        month_index=month_index(weighed.answered_at.max()),
        csi=POINTS_A_STEP
        * ((weighed.weight * weighed.score).sum() / weighed.weight.sum() - LOWEST),
        **{name: weighed.score.mean(where=weighed.item == name) for name in weights},
    )


def _no_answers() -> tuple[ir.Table, ir.Table]:
    """Both tables without rows."""
    counts = {"csi": "float64", "answers_n": "int64"}
    by_month = {"month": "string", "std_error": "float64", "customers_n": "int64"} | counts
    by_customer = {"customer_id": "string", "month": "string"} | counts
    return ibis.memtable([], schema=by_month), ibis.memtable([], schema=by_customer)


def _by_month(answers: ir.Table) -> ir.Table:
    summed = answers.group_by("month_index").aggregate(
        csi=answers.csi.mean().round(AMOUNT_DECIMALS),
        std_error=(answers.csi.std(how="sample") / answers.csi.count().sqrt()).round(
            AMOUNT_DECIMALS
        ),
        answers_n=answers.count(),
        customers_n=answers.customer_id.nunique(),
    )
    told = summed.mutate(month=month_text(summed.month_index)).order_by("month")
    return told.select("month", "csi", "std_error", "answers_n", "customers_n")


def _by_customer(answers: ir.Table, items: list[str], as_of: Month, months: int) -> ir.Table:
    recent = answers.filter(answers.month_index > as_of.index - months)
    return (
        recent.group_by("customer_id")
        .aggregate(
            month=ibis.literal(str(as_of)),
            csi=recent.csi.mean().round(AMOUNT_DECIMALS),
            answers_n=recent.count(),
            **{f"{name}_mean": recent[name].mean().round(AMOUNT_DECIMALS) for name in items},
        )
        .order_by("customer_id")
    )
