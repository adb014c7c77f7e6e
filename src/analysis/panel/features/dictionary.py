"""The dictionary of the customer features, and what a month's data cannot tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import ibis
import ibis.expr.operations as ops
import pandas as pd

from ...language import Language, LanguageCode
from ...message import Message, Value
from ...tables import CONTRACTS
from .blocks import SPANS
from .declared import Feature, every_feature

LANGUAGES: tuple[LanguageCode, ...] = ("en", "zh")
UNITS: Mapping[str, str] = MappingProxyType(
    {
        "shipments": "单",
        "days": "天",
        "share": "占比",
        "ratio": "比值",
        "currency": "金额",
        "services": "种",
        "regions": "个",
        "kinds": "种",
        "tickets": "件",
        "minutes": "分钟",
        "answers": "份",
        "0-10": "0-10 分",
        "1-5": "1-5 分",
        "−1 to 1": "−1 至 1",
        "months": "个月",
    }
)
"""Unit → the same in Chinese."""
RECORDED: Mapping[str, str] = MappingProxyType(
    {
        "services_n": "service of shipments",
        "destinations_n": "destination of shipments",
        "cargo_types_n": "kind of cargo",
        "sensitive_n": "which shipments are time-critical or special",
        "revenue": "revenue",
        "shipment_cost": "shipment cost",
        "margin": "margin",
        "on_time_rate": "promises kept",
        "delay_days_mean": "delay of deliveries",
        "damaged_n": "damage",
        "tickets_n": "tickets",
        "responses_n": "tickets",
        "response_minutes_median": "response times",
        "answers_n": "survey answers",
        "nps_score": "likelihood to recommend",
        "csat_score": "satisfaction score",
        "cost_to_serve": "cost to serve",
        "due": "receivables",
        "overdue": "receivables",
    }
)
"""Column of the panel that a profile may lack → what it records, in words of the catalogue."""


def feature_dictionary() -> pd.DataFrame:
    """What each customer feature is.

    Returns:
        One row a feature: feature, family (behaviour, value, demand, service), meaning_en,
        meaning_zh, unit_en, unit_zh, window (months; ``3 / 3``: one quarter against the other;
        ``all``: every month).
    """
    told = [(f.name, f.family, f.en, f.zh, f.unit, UNITS[f.unit], f.window) for f in declared()]
    columns = ["feature", "family", "meaning_en", "meaning_zh", "unit_en", "unit_zh", "window"]
    return pd.DataFrame(told, columns=columns)


@cache
def declared() -> tuple[Feature, ...]:
    """Every feature over the columns of the panel; nothing is computed."""
    columns = dict(CONTRACTS["customer_months"].schema.items())
    flags = {f"in_{first}_{last}": "boolean" for first, last in SPANS}
    rows = ibis.table(columns | {"age": "int32", "last_day": "date"} | flags, name="panel")
    return tuple(every_feature(rows))


def known_features(
    dictionary: pd.DataFrame, values: pd.DataFrame, recorded: Mapping[str, int], months: int
) -> pd.DataFrame:
    """The dictionary with what is known of each feature in a month, and why not.

    Args:
        dictionary: What `feature_dictionary` returned.
        values: One row a customer, a column a feature.
        recorded: Column of the panel → rows in which it is known.
        months: Months of data up to the month.

    Returns:
        The rows with customers_n (customers whose value is known), unknown_en and unknown_zh (why
        none is; empty where one is).
    """
    known = values[list(dictionary.feature)].notna().sum().to_numpy()
    reasons = [
        None if n else _missing(feature, recorded, months)
        for feature, n in zip(declared(), known, strict=True)
    ]
    told = {
        f"unknown_{code}": ["" if r is None else r.in_(Language(code)) for r in reasons]
        for code in LANGUAGES
    }
    return dictionary.assign(customers_n=known, **told)


def _missing(feature: Feature, recorded: Mapping[str, int], months: int) -> Message:
    lacking = [RECORDED[c] for c in columns_of(feature) if c in RECORDED and not recorded[c]]
    if lacking:
        words = list(dict.fromkeys(lacking))
        return Message("not recorded by this profile: {what}", {"what": Value("terms", words)})
    if feature.reach > months:
        return Message(
            "needs {need} months of data; there are {have}",
            {"need": Value("number", feature.reach), "have": Value("number", months)},
        )
    return Message("nothing of the kind happened to any customer in these months")


def columns_of(feature: Feature) -> list[str]:
    """The columns of the panel that a feature is computed from."""
    read = {field.name for field in feature.value.op().find(ops.Field)}
    return [column for column in CONTRACTS["customer_months"].columns if column in read]
