"""Who will be lost within the next months: forecast, backtest, and each customer's reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ...calendar import NO_CALENDAR, Calendar
from ...language import Language
from ...message import Message, Value
from ...months import YEAR, Month
from ...params import ChurnRiskPolicy
from ..words import LANGUAGES, empty
from .accuracy import area_with_interval, calibration, gain_with_interval, lift
from .models import Logit, boosted_risk, fit_logit
from .states import FEATURES, states

FEWEST_LOST = 20
"""Lost customers among the training cases below which no model is fitted."""
TRAINING_ENDS = 2
"""Month ends that a model learns from, as far apart as it looks ahead."""
REASONS = 3
"""Reasons told for a customer."""
MODELS = ("boosted", "logit", "rule")
RISKS = {
    **dict.fromkeys(("customer_id", "month"), "str"),
    **dict.fromkeys(("risk", "risk_logit", "silent_days", "window_days"), "float64"),
    **{f"reason_{n}": "str" for n in range(1, REASONS + 1)},
}
"""Columns of the forecasts → type."""
CLOCK = ("customer_id", "silent_days", "gap_days", "window_days")

REASON_WORDS: Mapping[str, str] = {
    "silence": "silent for longer than its rhythm explains",
    "gap_days": "ships at long intervals",
    "shipments_month": "few shipments this month",
    "shipments_quarter": "few shipments in the last three months",
    "shipments_year": "few shipments in the last twelve months",
    "trend": "ships less than in the quarter before",
    "season_ahead": "its slack season lies ahead",
    "active_months": "idle in several months of the year",
    "tenure_months": "still a young customer",
    "late_share": "deliveries were late",
    "tickets_rate": "many tickets for its shipments",
    "satisfaction": "its satisfaction was low",
    "satisfaction_known": "its answers to surveys",
}
"""Feature → phrase of the catalogue."""


@dataclass(frozen=True)
class ChurnRisk:
    """What `churn_risk` returns; where something is missing, all tables but the clock have no rows.

    Attributes:
        risks: One row a customer that is not lost yet: customer_id, month, risk (of being lost
            within the months ahead, by boosting), risk_logit, silent_days, window_days (silence
            from which it counts as lost), reason_1 … reason_3 (features that raise its risk most,
            see `REASON_WORDS`; null where fewer do).
        clock: One row a customer that ever shipped, whatever is missing: customer_id, silent_days
            (the clock since its last shipment), gap_days (mean days between shipping days by the
            clock), window_days. It is lost where silent_days exceed window_days.
        coefficients: The readable model: feature, odds_ratio (per standard deviation), low, high,
            standard_deviation.
        backtest: One row a model (boosted, logit, rule: no shipment this month) and origin, and
            for all origins together: model, origin, cases, lost, area, low, high (95 % interval),
            gain, gain_low, gain_high (over the rule), lift (of the riskiest tenth).
        calibration: One row a model and tenth: see `calibration`.
        missing: What is missing; None where nothing is.
    """

    risks: pd.DataFrame
    clock: pd.DataFrame
    coefficients: pd.DataFrame
    backtest: pd.DataFrame
    calibration: pd.DataFrame
    missing: Message | None


def churn_risk(
    panel: ir.Table,
    policy: ChurnRiskPolicy,
    as_of: Month,
    calendar: Calendar = NO_CALENDAR,
) -> ChurnRisk:
    """The risk of losing each customer within the months ahead.

    Models learn from the month ends whose outcome is known; the backtest does the same at earlier
    origins, each with what was known then, and forecasts the customers of that month.

    Args:
        panel: `customer_months`.
        policy: Months ahead, origins of the backtest, training rows.
        as_of: The month; later rows are not used.
        calendar: Says when the churn clock stops.
    """
    ahead = policy.months_ahead
    told = states(panel, calendar, [as_of], ahead, as_of, lost_too=True)
    clock = told[list(CLOCK)].sort_values("customer_id", ignore_index=True)
    origins = [as_of.shifted(-ahead - n) for n in range(policy.origins)]
    ends = sorted(
        {o.shifted(-ahead * k) for o in origins for k in range(TRAINING_ENDS + 1)}, key=str
    )
    begun = panel.month.min().to_pyarrow().as_py()
    if begun is None:
        return _nothing(clock, Message("No shipment is known by the end of the month."))
    if str(ends[0].shifted(1 - YEAR)) < begun:
        return _nothing(clock, _too_short(begun, ends[0].shifted(1 - YEAR), as_of))
    customers = int(panel.filter(panel.month == str(as_of)).count().execute())
    share = min(1.0, policy.training_rows / max(customers * TRAINING_ENDS, 1))
    cases = states(panel, calendar, ends, ahead, as_of, customers_share=share)
    training = _before(cases, as_of, ahead)
    missing = _too_few(training)
    if missing is not None:
        return _nothing(clock, missing)
    now = told[told.silent_days <= told.window_days].reset_index(drop=True)
    logit = fit_logit(training)
    tested = pd.concat([_tested(cases, origin, ahead) for origin in origins], ignore_index=True)
    risks = now.assign(
        risk=boosted_risk(training, now), risk_logit=logit.risk(now), **_reasons(logit, now)
    )
    untested = Message("Too few customers were lost to test a forecast.") if tested.empty else None
    listed = risks[list(RISKS)].sort_values(["risk", "customer_id"], ascending=[False, True])
    return ChurnRisk(
        listed.astype(RISKS),
        clock,
        logit.table,
        _backtest(tested),
        _calibrations(tested),
        untested,
    )


def churn_in_words(risks: pd.DataFrame) -> pd.DataFrame:
    """The reasons of `churn_risk` in both languages.

    Returns:
        One row a row of `risks`: customer_id, risk, zh, en.
    """
    names = [f"reason_{n}" for n in range(1, REASONS + 1)]
    columns: dict[str, list[str]] = {}
    for code in LANGUAGES:
        speak = Language(code)
        columns[code] = [
            speak.listed([speak.text(REASON_WORDS[r]) for r in row if isinstance(r, str)])
            for row in risks[names].itertuples(index=False)
        ]
    return risks[["customer_id", "risk"]].assign(**columns)


def _before(cases: pd.DataFrame, origin: Month, ahead: int) -> pd.DataFrame:
    """The cases that a model may learn from at an origin: their outcome was known by then."""
    ends = {str(origin.shifted(-ahead * k)) for k in range(1, TRAINING_ENDS + 1)}
    return cases[cases.month.isin(ends) & cases.is_lost.notna()]


def _tested(cases: pd.DataFrame, origin: Month, ahead: int) -> pd.DataFrame:
    """An origin's cases with each model's forecast; none where there is nothing to learn."""
    training = _before(cases, origin, ahead)
    now = cases[(cases.month == str(origin)) & cases.is_lost.notna()]
    if _too_few(training) is not None or not 0 < now.is_lost.astype(bool).sum() < len(now):
        return now.head(0).assign(**dict.fromkeys(MODELS, 0.0))
    return now.assign(
        boosted=boosted_risk(training, now),
        logit=fit_logit(training).risk(now),
        rule=(now.shipments_month == 0).astype(float),
    )


def _backtest(tested: pd.DataFrame) -> pd.DataFrame:
    parts = [(str(month), rows) for month, rows in tested.groupby("month", sort=True)]
    wholes = [("all", tested)] if len(tested) else []
    return pd.DataFrame(
        [_row(model, name, rows) for name, rows in parts + wholes for model in MODELS],
        columns=list(_BACKTEST),
    ).astype(_BACKTEST)


_BACKTEST = {
    **dict.fromkeys(("model", "origin"), "str"),
    **dict.fromkeys(("cases", "lost"), "int64"),
    **dict.fromkeys(("area", "low", "high", "gain", "gain_low", "gain_high", "lift"), "float64"),
}
_CALIBRATION = {
    "model": "str",
    **dict.fromkeys(("tenth", "cases"), "int64"),
    **dict.fromkeys(("forecast", "actual", "low", "high"), "float64"),
}
_READING = {
    "feature": "str",
    **dict.fromkeys(("odds_ratio", "low", "high", "standard_deviation"), "float64"),
}


def _row(model: str, origin: str, rows: pd.DataFrame) -> tuple[object, ...]:
    lost, customer = rows.is_lost.to_numpy(bool), rows.customer_id.to_numpy(str)
    score, rule = rows[model].to_numpy(float), rows["rule"].to_numpy(float)
    area = area_with_interval(score, lost, customer)
    gain = gain_with_interval(score, rule, lost, customer)
    return (model, origin, len(rows), int(lost.sum()), *area, *gain, lift(score, lost))


def _calibrations(tested: pd.DataFrame) -> pd.DataFrame:
    if tested.empty:
        return empty(**_CALIBRATION)
    lost = tested.is_lost.to_numpy(bool)
    parts = [
        calibration(tested[m].to_numpy(float), lost).assign(model=m) for m in ("boosted", "logit")
    ]
    whole = pd.concat(parts, ignore_index=True)
    return whole[list(_CALIBRATION)]


def _reasons(logit: Logit, now: pd.DataFrame) -> dict[str, np.ndarray]:
    """The features that add most to each customer's log odds, the largest first."""
    added = logit.contributions(now)
    order = np.argsort(-added, axis=1, kind="stable")[:, :REASONS]
    names = np.array(FEATURES, dtype=object)[order]
    adds = np.take_along_axis(added, order, axis=1) > 0
    names[~adds] = None
    return {f"reason_{n + 1}": names[:, n] for n in range(REASONS)}


def _nothing(clock: pd.DataFrame, missing: Message) -> ChurnRisk:
    reading, backtest = empty(**_READING), empty(**_BACKTEST)
    return ChurnRisk(empty(**RISKS), clock, reading, backtest, empty(**_CALIBRATION), missing)


def _too_short(begun: str, needed: Month, as_of: Month) -> Message:
    lacking = Month.parse(begun).months_since(needed)
    return Message(
        "The risk of churn needs data from {needed} on; they begin in {begun}. It can be "
        "estimated from {later} on.",
        {
            "needed": Value("month", str(needed)),
            "begun": Value("month", begun),
            "later": Value("month", str(as_of.shifted(lacking))),
        },
    )


def _too_few(training: pd.DataFrame) -> Message | None:
    lost = int(training.is_lost.astype(bool).sum())
    if FEWEST_LOST <= lost <= len(training) - FEWEST_LOST:
        return None
    return Message(
        "Of {cases} customers to learn from, {lost} were lost; a model needs at least {need} of "
        "each kind.",
        {
            "cases": Value("number", len(training)),
            "lost": Value("number", lost),
            "need": Value("number", FEWEST_LOST),
        },
    )
