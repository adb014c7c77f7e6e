"""The check of the value to come: hide the last months, forecast them, and look."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ...months import Month, index_of_text
from ...params import LifetimePolicy
from ..words import empty
from .worth import lifetime_values

Z = 1.959963984540054
GROUPS = 10
"""Tenths of customers, by forecast."""


@dataclass(frozen=True)
class HeldOut:
    """What `held_out` returns.

    Attributes:
        calibration: One row a tenth of customers by forecast: tenth, customers, forecast (mean
            shipping days in the hidden months), actual (mean), low and high (95 % interval of that
            mean; the days of a customer are not negative).
        errors: One row a forecast (model, same_pace: as many days as in the same number of
            months before): forecast, mean_absolute_error and bias (days a customer), total_error
            (fraction of the actual total), customers, from_month, to_month.
    """

    calibration: pd.DataFrame
    errors: pd.DataFrame


def held_out(panel: ir.Table, policy: LifetimePolicy, as_of: Month) -> HeldOut:
    """Forecast the last months from those before, and hold the forecast against them.

    Args:
        panel: `customer_months`.
        policy: How many months are hidden.
        as_of: Last month.

    Returns:
        Empty tables where the months before are too few for a model.
    """
    months = policy.held_out_months
    origin = as_of.shifted(-months)
    short = policy.model_copy(update={"months": months})
    fitted = lifetime_values(panel, short, origin)
    if fitted.missing is not None:
        return HeldOut(empty(**_CALIBRATION), empty(**_ERRORS))
    both = fitted.values.merge(_days(panel, origin, months), on="customer_id", how="left")
    actual, before = (both[name].fillna(0).to_numpy(float) for name in ("actual", "before"))
    model = both.shipping_days_expected.to_numpy(float)
    rows = [_error(name, f, actual) for name, f in (("model", model), ("same_pace", before))]
    span = {"from_month": str(origin.shifted(1)), "to_month": str(as_of)}
    return HeldOut(_calibration(model, actual), pd.DataFrame(rows).assign(**span)[list(_ERRORS)])


_CALIBRATION = {
    **dict.fromkeys(("tenth", "customers"), "int64"),
    **dict.fromkeys(("forecast", "actual", "low", "high"), "float64"),
}
_ERRORS = {
    "forecast": "str",
    **dict.fromkeys(("mean_absolute_error", "bias", "total_error"), "float64"),
    "customers": "int64",
    **dict.fromkeys(("from_month", "to_month"), "str"),
}


def _days(panel: ir.Table, origin: Month, months: int) -> pd.DataFrame:
    """One row a customer: shipping days in the hidden months and in as many before."""
    age = index_of_text(panel.month) - origin.index
    return (
        panel.group_by("customer_id")
        .aggregate(
            actual=panel.shipping_days_n.sum(where=(age > 0) & (age <= months)),
            before=panel.shipping_days_n.sum(where=(age <= 0) & (age > -months)),
        )
        .execute()
    )


def _error(name: str, forecast: np.ndarray, actual: np.ndarray) -> dict[str, object]:
    return {
        "forecast": name,
        "mean_absolute_error": float(np.abs(forecast - actual).mean()),
        "bias": float((forecast - actual).mean()),
        "total_error": float(forecast.sum() / actual.sum() - 1) if actual.sum() else float("nan"),
        "customers": len(actual),
    }


def _calibration(forecast: np.ndarray, actual: np.ndarray) -> pd.DataFrame:
    place = np.argsort(np.argsort(forecast, kind="stable"), kind="stable")
    tenth = place * GROUPS // len(forecast) + 1
    frame = pd.DataFrame({"tenth": tenth, "forecast": forecast, "actual": actual})
    means = frame.groupby("tenth").agg(
        customers=("actual", "size"),
        forecast=("forecast", "mean"),
        actual=("actual", "mean"),
        error=("actual", "sem"),
    )
    half = Z * means.error.fillna(0.0)
    means = means.assign(low=(means.actual - half).clip(lower=0), high=means.actual + half)
    return means.reset_index()[list(_CALIBRATION)]
