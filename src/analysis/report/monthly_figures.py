"""The company's figures, month by month, from the customer-month panel and the surveys."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..months import Month
from ..params.actions import Action

QUARTER = 3
"""Months of the retention window: shipped in one quarter, shipped again in the next."""
MONTHS_BEFORE = 3
"""Whole months before a decision whose mean stands for the time before it."""
PROMOTER, DETRACTOR = 9, 6
"""Promoters answer 9 or 10, detractors 0 to 6."""
CSAT_SCALE = (1.0, 5.0)
Z_95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""
SURVEY_FIGURES = (
    "answers_n",
    "promoters",
    "detractors",
    "nps",
    "nps_low",
    "nps_high",
    "csat",
    "csat_low",
    "csat_high",
    "response_rate",
    "nps_worst",
    "nps_best",
)
IQR_TO_ERROR = 1.25 / 1.35
"""Standard error of a median as a multiple of the interquartile range over √n; McGill, Tukey and
Larsen (1978), Variations of box plots, The American Statistician."""
PSEUDO_EXTREME, PSEUDO_PASSIVE = 0.75, 1.5
"""Pseudo-counts of the adjusted-Wald interval of NPS (promoters and detractors; passives)."""


def monthly_figures(panel: ir.Table, surveys: ir.Table | None) -> pd.DataFrame:
    """The headline figures of every month of the panel.

    Args:
        panel: `customer_months` up to the as-of month.
        surveys: Canonical `surveys`; None where the profile has none.

    Returns:
        One row a month, in order, indexed by month (text):
        active_customers, shipments_n (counts); retention (fraction: of the customers that
        shipped in the quarter before, those that shipped in the quarter up to the month);
        revenue, margin, cost_to_serve (currency); revenue_known, margin_known (fraction of the
        active customers whose amount is known); on_time_rate (fraction of deliveries with a
        promise); complaints (tickets a shipment); response_minutes (the median over
        customers of their median); nps, nps_low, nps_high (points, adjusted-Wald 95 %);
        answers_n; promoters, detractors (fractions of the answers); response_rate (fraction
        of the invitations of the month before, answered by the month's end); nps_worst, nps_best
        (points: the NPS of those invitations if all the silent were detractors, or promoters);
        retention_noise, on_time_rate_noise, complaints_noise, response_minutes_noise (half-width
        of a 95 % interval in the figure's unit, customers being the units that vary).
        NaN where a figure does not exist.
    """
    figures = _panel_figures(panel)
    if surveys is None:
        return figures.assign(**dict.fromkeys(SURVEY_FIGURES, math.nan))
    return figures.join(_answers(surveys)).join(_response_rate(surveys))


def before_and_since(
    figures: pd.DataFrame | None, action: Action, month: Month
) -> tuple[float, float]:
    """A measure's metric in the three months before the decision's month, and in those after it.

    Args:
        figures: As `monthly_figures` returns.
        action: The measure.
        month: The as-of month, the last that counts.

    Returns:
        The plain means of the monthly figures, in the metric's unit: every month counts the same
        whatever its number of customers, shipments or answers, so that the mean of a ratio is
        not the ratio over the months together. Months without the figure do not count; NaN
        where there is no whole month yet or no figure.
    """
    if figures is None or action.metric not in figures:
        return math.nan, math.nan
    decided = Month(action.decided_on.year, action.decided_on.month)
    series = figures[action.metric]
    first = str(decided.shifted(-MONTHS_BEFORE))
    before = series[(series.index >= first) & (series.index < str(decided))]
    since = series[(series.index > str(decided)) & (series.index <= str(month))]
    return float(before.mean()), float(since.mean())


def nps_interval(
    promoters: float, passives: float, detractors: float
) -> tuple[float, float, float]:
    """NPS with its adjusted-Wald 95 % interval.

    Returns:
        The plain NPS and the interval's ends, in points (−100…100); NaN without answers.

    Source:
        Rocks (2016), Interval estimation for the Net Promoter Score, The American Statistician.

    Example:
        >>> [round(x, 2) for x in nps_interval(162, 108, 54)]
        [33.33, 24.95, 41.11]
    """
    answers = promoters + passives + detractors
    if not answers:
        return math.nan, math.nan, math.nan
    total = answers + 2 * PSEUDO_EXTREME + PSEUDO_PASSIVE
    for_it, against = (promoters + PSEUDO_EXTREME) / total, (detractors + PSEUDO_EXTREME) / total
    centre = for_it - against
    half = Z_95 * math.sqrt((for_it + against - centre**2) / total)
    low, high = max(centre - half, -1), min(centre + half, 1)
    return 100 * (promoters - detractors) / answers, 100 * low, 100 * high


def _panel_figures(panel: ir.Table) -> pd.DataFrame:
    quarter = ibis.window(
        group_by="customer_id", order_by="month", preceding=QUARTER - 1, following=0
    )
    by_month = ibis.window(group_by="customer_id", order_by="month")
    seen = panel.mutate(is_kept=panel.shipments_n.sum().over(quarter) > 0)
    seen = seen.mutate(was_there=seen.is_kept.lag(QUARTER).over(by_month))
    months = seen.group_by("month").aggregate(
        active_customers=seen.is_active.sum(),
        shipments_n=seen.shipments_n.sum(),
        retention=seen.is_kept.cast("int").mean(where=seen.was_there),
        **_amounts(seen),
        on_time_rate=seen.on_time_n.sum() / seen.promised_n.sum().nullif(0),
        complaints=seen.tickets_n.sum() / seen.shipments_n.sum().nullif(0),
        cost_to_serve=seen.cost_to_serve.sum(),
        response_minutes=seen.response_minutes_median.median(),
        **_spreads(seen),
    )
    frame = months.order_by("month").execute().set_index("month").astype(float)
    return _without_first_quarters(_with_noise(frame))


def _amounts(seen: ir.Table) -> dict[str, ir.Value]:
    """Revenue and margin with the share of active customers whose amount is known.

    Of a month in which it is known of no active customer the amount is unknown: the zeros of
    customers that shipped nothing are no revenue.
    """
    is_active = seen.shipments_n > 0
    amounts: dict[str, ir.Value] = {}
    for name in ("revenue", "margin"):
        known = seen[name].count(where=is_active)
        share = known / is_active.cast("int").sum().nullif(0)
        amounts |= {name: ibis.ifelse(share == 0, None, seen[name].sum()), f"{name}_known": share}
    return amounts


def _spreads(seen: ir.Table) -> dict[str, ir.Scalar]:
    """Sums over customers from which the noise of a month's ratios and of its median follows."""
    kept, there = seen.is_kept.cast("int"), seen.was_there.fill_null(False).cast("int")
    ratios = {
        "retention": (kept * there, there),
        "on_time_rate": (seen.on_time_n, seen.promised_n),
        "complaints": (seen.tickets_n, seen.shipments_n),
    }
    wait = seen.response_minutes_median
    spreads = {"wait_n": wait.count(), "wait_iqr": wait.quantile(0.75) - wait.quantile(0.25)}
    for name, (part, whole) in ratios.items():
        part, whole = part.cast("float64"), whole.cast("float64")
        spreads |= {
            f"{name}_n": (whole > 0).sum(),
            f"{name}_whole": whole.sum(),
            f"{name}_pp": (part * part).sum(),
            f"{name}_pw": (part * whole).sum(),
            f"{name}_ww": (whole * whole).sum(),
        }
    return spreads


def _with_noise(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn the sums into half-widths of 95 % intervals.

    A month's rate is a ratio of sums over customers, who vary as wholes: one customer's shipments
    are late together. Its variance is that of the ratio estimator. Where all customers are alike,
    such as all on time, that is zero although a few customers tell little: Wilson's distance
    from such a share to its further limit stands for it.

    Source:
        Cochran (1977), Sampling Techniques, 3rd edition, section 6.3; Wilson (1927), Probable
        inference, the law of succession, and statistical inference, JASA 22.
    """
    noise = {}
    for name in ("retention", "on_time_rate", "complaints"):
        n, whole, pp, pw, ww = (frame.pop(f"{name}_{k}") for k in ("n", "whole", "pp", "pw", "ww"))
        rate = frame[name]
        squares = (pp - 2 * rate * pw + rate**2 * ww).clip(lower=0)
        corrected = (n / (n - 1)).where(n > 1)
        half = Z_95 * (corrected * squares) ** 0.5 / whole.where(whole > 0)
        noise[f"{name}_noise"] = half.where(squares != 0, Z_95**2 / (n + Z_95**2))
    n, spread = frame.pop("wait_n"), frame.pop("wait_iqr")
    noise["response_minutes_noise"] = Z_95 * IQR_TO_ERROR * spread / n.where(n > 1) ** 0.5
    return frame.assign(**noise)


def _without_first_quarters(frame: pd.DataFrame) -> pd.DataFrame:
    """Retention needs two whole quarters; before that nobody knows who was there."""
    if frame.empty:
        return frame
    first_known = str(Month.parse(str(frame.index[0])).shifted(2 * QUARTER - 1))
    return frame.assign(retention=frame["retention"].where(frame.index >= first_known))


def _answers(surveys: ir.Table) -> pd.DataFrame:
    """NPS and CSAT of the answers of each month, with their intervals."""
    known = surveys.filter(surveys.answered_at.notnull())
    known = known.mutate(month=known.answered_at.strftime("%Y-%m"))
    counts = known.group_by("month").aggregate(
        answers_n=known.count(),
        nps_n=known.nps_score.count(),
        promoters=(known.nps_score >= PROMOTER).sum(),
        detractors=(known.nps_score <= DETRACTOR).sum(),
        csat=known.csat_score.mean(),
        csat_n=known.csat_score.count(),
        csat_sd=known.csat_score.std(),
    )
    rows = counts.execute().set_index("month").astype(float)
    rows = rows.fillna({"promoters": 0.0, "detractors": 0.0})
    half = Z_95 * rows["csat_sd"] / rows["csat_n"] ** 0.5
    shares = rows[["promoters", "detractors"]].div(rows["nps_n"].where(rows["nps_n"] > 0), axis=0)
    low, high = (rows["csat"] - half).clip(*CSAT_SCALE), (rows["csat"] + half).clip(*CSAT_SCALE)
    csat = {"csat": rows["csat"], "csat_low": low, "csat_high": high}
    return rows[["answers_n"]].join(shares).join(_nps(rows)).assign(**csat)


def _nps(rows: pd.DataFrame) -> pd.DataFrame:
    passives = rows["nps_n"] - rows["promoters"] - rows["detractors"]
    read = [
        nps_interval(*r) for r in zip(rows["promoters"], passives, rows["detractors"], strict=True)
    ]
    return pd.DataFrame(read, rows.index, ["nps", "nps_low", "nps_high"], dtype=float)


def _response_rate(surveys: ir.Table) -> pd.DataFrame:
    """Of the invitations sent in the month before, those answered by the month's end."""
    sent = surveys.sent_at.truncate("month")
    ends = sent + ibis.interval(months=2)
    cohort = surveys.mutate(
        month=(sent + ibis.interval(months=1)).strftime("%Y-%m"),
        in_time=(surveys.answered_at < ends).fill_null(False),
    )
    liked = cohort.in_time & (cohort.nps_score >= PROMOTER)
    disliked = cohort.in_time & (cohort.nps_score <= DETRACTOR)
    rows = cohort.group_by("month").aggregate(
        response_rate=cohort.in_time.cast("int").mean(),
        net=(liked.fill_null(False).cast("int") - disliked.fill_null(False).cast("int")).mean(),
        scores_n=cohort.nps_score.count(),
    )
    read = rows.execute().set_index("month").astype(float)
    read["net"] = read["net"].where(read["scores_n"] > 0)
    silent = 1 - read["response_rate"]
    bounds = {"nps_worst": 100 * (read["net"] - silent), "nps_best": 100 * (read["net"] + silent)}
    return read[["response_rate"]].assign(**bounds)
