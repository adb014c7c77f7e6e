"""Test the literature's claims on a company's own tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from ..language import Language, LanguageCode
from ..message import Message, Value
from ..months import Month
from ..params.experiment import ExperimentSpec
from . import accuracy, complaints, custom, deliveries, treated, value_shares
from .catalogue import CLAIMS, Claim, Part
from .company import Company, Found, NotMeasurableError
from .estimating import Estimate, TooFew

SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNDECIDED, NOT_MEASURABLE = "undecided", "not_measurable"
TESTS: Mapping[str, Callable[[Company], Found]] = {
    "delay-dose": deliveries.delay_dose,
    "response-30min": complaints.response_30min,
    "response-average": complaints.response_average,
    "notify-40": deliveries.notify_40,
    "complaint-mix": complaints.complaint_mix,
    "delay-15": deliveries.delay_15,
    "damage-5": deliveries.damage_5,
    "repurchase-35": custom.repurchase_35,
    "low-sat-churn-25": custom.low_sat_churn_25,
    "tiered-repurchase": treated.tiered_repurchase,
    "core-churn": treated.core_churn,
    "csat-benchmark": custom.csat_benchmark,
    "value-cost": value_shares.value_cost,
    "rfm-shares": value_shares.rfm_shares,
    "abc-shares": value_shares.abc_shares,
    "tier-accuracy-89": accuracy.tier_accuracy_89,
}
"""Claim → how it is estimated. The others cannot be measured from these tables."""
TEXT_COLUMNS = ("claim", "part", "unit", "verdict", "claim_verdict", "missing")
NUMBER_COLUMNS = ("claim_low", "claim_high", "estimate", "low", "high")
COUNT_COLUMNS = ("n", "customers")
NOTHING = Estimate(math.nan, math.nan, math.nan, 0, 0)
"""Stands for an estimate that there is not."""


def claims(
    tables: Mapping[str, ir.Table | None],
    as_of: Month,
    experiments: Sequence[ExperimentSpec] = (),
    currency: str = "",
) -> pd.DataFrame:
    """Test every claim of the literature on the company's own data.

    Args:
        tables: Canonical tables, `customer_months` and `tiers` by name; None where there is none.
        as_of: Nothing after its last instant is read.
        experiments: The profile's plans.
        currency: ISO code of every amount.

    Returns:
        One row a claim and part, in the catalogue's order: claim, part, unit; claim_low,
        claim_high (the band for which the claim holds; null where open); estimate, low, high
        (95 %); n, customers; verdict (of the part) and claim_verdict: supported where the
        interval lies within the band, contradicted where wholly outside, undecided between,
        not_measurable; missing (a message in JSON: what would be needed; null where measured).
    """
    company = Company(tables, as_of, experiments, currency)
    rows = [row for claim in CLAIMS for row in _tested(claim, company)]
    frame = pd.DataFrame(rows)
    kinds = dict.fromkeys(TEXT_COLUMNS, "string") | dict.fromkeys(NUMBER_COLUMNS, "float64")
    return frame.astype(kinds | dict.fromkeys(COUNT_COLUMNS, "int64"))


def _tested(claim: Claim, company: Company) -> list[dict[str, Any]]:
    found = _found(claim, company)
    parts = claim.parts or (Part("all", "", "share", -math.inf, math.inf),)
    rows = [_row(claim, part, found[part.key]) for part in parts]
    whole = together([str(row["verdict"]) for row in rows])
    return [row | {"claim_verdict": whole} for row in rows]


def _found(claim: Claim, company: Company) -> Found:
    keys = [part.key for part in claim.parts] or ["all"]
    if claim.id not in TESTS:
        return dict.fromkeys(keys, Message(claim.missing))
    try:
        return TESTS[claim.id](company)
    except NotMeasurableError as why:
        return dict.fromkeys(keys, why.message)


def _row(claim: Claim, part: Part, found: Estimate | TooFew | Message) -> dict[str, Any]:
    known = found if isinstance(found, Estimate) else NOTHING
    band = [end if math.isfinite(end) else math.nan for end in (part.low, part.high)]
    is_known = isinstance(found, Estimate)
    return {
        "claim": claim.id,
        "part": part.key,
        "unit": part.unit,
        "claim_low": band[0],
        "claim_high": band[1],
        "estimate": known.value,
        "low": known.low,
        "high": known.high,
        "n": known.n,
        "customers": known.customers,
        "verdict": verdict(part, known) if is_known else NOT_MEASURABLE,
        "missing": None if isinstance(found, Estimate) else _as_json(_why(found)),
    }


def _as_json(message: Message) -> str:
    return json.dumps(message.to_json(), ensure_ascii=False)


def _why(found: TooFew | Message) -> Message:
    if isinstance(found, Message):
        return found
    return Message(
        "too few cases: {n} of the {needed} needed",
        {"n": Value("number", found.n), "needed": Value("number", found.needed)},
    )


def verdict(part: Part, found: Estimate) -> str:
    """What an interval says about the band in which a claim holds.

    Example:
        >>> late = Part("late", "delivered late", "share", 0.1125, 0.1875, 0.15)
        >>> [verdict(late, Estimate(v, v - 0.01, v + 0.01, 900, 80)) for v in (0.15, 0.19, 0.3)]
        ['supported', 'undecided', 'contradicted']
    """
    if found.low >= part.low and found.high <= part.high:
        return SUPPORTED
    return CONTRADICTED if found.high < part.low or found.low > part.high else UNDECIDED


def together(verdicts: Sequence[str]) -> str:
    """The verdict on a claim from its parts: one contradicted part contradicts it."""
    measured = [one for one in verdicts if one != NOT_MEASURABLE]
    if not measured or verdicts[0] == NOT_MEASURABLE:
        return NOT_MEASURABLE
    if CONTRADICTED in measured:
        return CONTRADICTED
    is_whole = len(measured) == len(verdicts) and set(measured) == {SUPPORTED}
    return SUPPORTED if is_whole else UNDECIDED


def claims_in_words(frame: pd.DataFrame, language: LanguageCode = "en") -> pd.DataFrame:
    """The claims with their sentences, for an analyst.

    Args:
        frame: As `claims` returns.
        language: Of the words.
    """
    words = Language(language)
    sentences = {claim.id: words.text(claim.sentence) for claim in CLAIMS}
    labels = {(c.id, p.key): words.text(p.label) for c in CLAIMS for p in c.parts}
    keys = list(zip(frame["claim"], frame["part"], strict=True))
    return frame.assign(
        sentence=[sentences[str(claim)] for claim, _ in keys],
        measured=[labels.get((str(c), str(p)), "") for c, p in keys],
        missing=[missing_told(why, words) for why in frame["missing"]],
    )[["claim", "sentence", "measured", "estimate", "low", "high", "n", "verdict", "missing"]]


def missing_told(why: Any, language: Language) -> str:
    """What a claim lacks, in the reader's language; nothing where it is measured."""
    return "" if pd.isna(why) else Message.from_json(json.loads(str(why))).in_(language)
