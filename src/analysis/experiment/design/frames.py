"""A design's figures as data frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..estimators import power
from .rehearsal import Rehearsed
from .table import PowerRow

POWER = (
    *("months", "customers", "metric", "kind", "role", "estimand", "treatment", "n", "level"),
    *("std_dev", "explained", "response", "clusters", "cluster_correlation", "design_effect"),
    *("looks", "looks_n", "std_error", "smallest", "smallest_once", "smallest_always"),
    *("smallest_unadjusted", "wanted", "power", "customers_needed"),
)
REHEARSAL = (
    *("metric", "estimand", "treatment", "n", "draws", "false_alarms", "false_alarms_low"),
    *("false_alarms_high", "std_error_ratio", "planted", "power_promised", "power_achieved"),
    *("power_low", "power_high", "covered"),
)


def power_frame(rows: Sequence[PowerRow]) -> pd.DataFrame:
    """What a plan can see, as a table.

    Returns:
        One row a duration, size, comparison and metric, in the columns `POWER`: months followed;
        customers of the experiment; n of them with a value in the comparison; level, std_dev and
        effects in the metric's own unit; explained (R² of strata and covariates), response and
        power as fractions; `smallest*` seen with a power of 80 %; wanted: minimum effect or
        margin. Infinite figures (no number of customers does) are infinite.
    """
    records = [
        {
            "months": round(row.months, 2),
            "customers": row.customers,
            "metric": row.metric.name,
            "kind": row.metric.kind,
            "role": row.metric.role,
            "estimand": row.comparison.estimand,
            "treatment": row.comparison.treatment,
            "n": row.n,
            "level": row.precision.level,
            "std_dev": row.precision.variance**0.5,
            "explained": row.precision.explained,
            "response": row.precision.response,
            "clusters": row.precision.clusters if row.comparison.of_clusters else None,
            "cluster_correlation": row.precision.cluster_correlation,
            "design_effect": row.design_effect,
            "looks": row.looks,
            "looks_n": row.looks_planned.looks,
            "std_error": row.std_error,
            "smallest": row.smallest,
            "smallest_once": row.smallest_once,
            "smallest_always": row.smallest_always,
            "smallest_unadjusted": row.smallest_unadjusted,
            "wanted": row.wanted,
            "power": row.power,
            "customers_needed": row.needed,
        }
        for row in rows
    ]
    return pd.DataFrame(records, columns=list(POWER))


def rehearsal_frame(
    rows: Sequence[PowerRow], alarms: Sequence[Rehearsed], found: Sequence[Rehearsed]
) -> pd.DataFrame:
    """What rehearsals found, beside what the formula promised.

    Args:
        rows: What the plan can see at the rehearsed size.
        alarms: Draws without an effect.
        found: Draws with planted effects.

    Returns:
        One row a comparison and metric, in the columns `REHEARSAL`: shares of draws as fractions
        with Wilson's 95 % limits; std_error_ratio: mean standard error ÷ the planned one at this
        size; planted: effect in the metric's own unit, NaN where none was; power_promised: by the
        formula for the planted effect and the units drawn; covered: share of draws whose interval
        held the planted effect.
    """
    by_key = {(r.metric.name, r.comparison.estimand, r.comparison.treatment): r for r in rows}
    planted = {(f.metric, f.estimand, f.treatment): f for f in found}
    records = []
    for alarm in alarms:
        key = (alarm.metric, alarm.estimand, alarm.treatment)
        if key in by_key:
            records.append(_rehearsed(by_key[key], alarm, planted.get(key)))
    return pd.DataFrame(records, columns=list(REHEARSAL))


def _rehearsed(row: PowerRow, alarm: Rehearsed, found: Rehearsed | None) -> dict[str, object]:
    low, high = alarm.limits
    n = row.n * alarm.n / row.customers
    planned = row.std_error * (row.customers / alarm.n) ** 0.5
    told: dict[str, object] = {
        "metric": alarm.metric,
        "estimand": alarm.estimand,
        "treatment": alarm.treatment,
        "n": alarm.n,
        "draws": alarm.draws,
        "false_alarms": alarm.share,
        "false_alarms_low": low,
        "false_alarms_high": high,
        "std_error_ratio": alarm.std_error / planned,
        "planted": np.nan,
    }
    if found is None or not found.effect:
        return told
    design = row.precision.design(row.comparison)
    power_low, power_high = found.limits
    return told | {
        "planted": found.effect,
        "power_promised": power(
            design,
            found.effect,
            n,
            row.looks_planned,
        ),
        "power_achieved": found.share,
        "power_low": power_low,
        "power_high": power_high,
        "covered": found.covered / found.draws,
    }
