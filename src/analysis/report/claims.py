"""The literature's claims beside the company's own estimates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import Language
from ..satisfaction import CLAIMS, Claim, Part
from ..satisfaction.testing import missing_told
from .block import Block, in_series, rendered
from .inputs import Inputs

VERDICTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "contradicted": ("✕", "Contradicted by our data"),
        "undecided": ("?", "Undecided"),
        "supported": ("✓", "Supported by our data"),
        "not_measurable": ("–", "Not measurable here"),
    }
)
"""Verdict → its sign and words, in the order in which they are shown."""
MEASURED = tuple(VERDICTS)[:3]
FEW_CASES = 50
"""Cases in the smaller group below which an estimate is called weak: of 50, a share is known to
no better than ± 14 points."""


def claims_section(inputs: Inputs, language: Language) -> Block:
    """What the literature claims, tested on own data; says so where nothing was tested."""
    frame = inputs.frame("claims")
    if frame is None:
        return rendered("claims", language, exists=False)
    return rendered(
        "claims",
        language,
        exists=True,
        lead=_lead(frame, language),
        table=_table(frame, language),
        missing=_missing(frame, language),
        readings=[(language.text(c.sentence), language.text(c.reading)) for c in CLAIMS],
    )


def claim_verdicts(frame: pd.DataFrame | None) -> dict[str, str]:
    """Claim → its verdict."""
    if frame is None:
        return {}
    firsts = frame.drop_duplicates("claim")
    return {str(c): str(v) for c, v in zip(firsts["claim"], firsts["claim_verdict"], strict=True)}


def _lead(frame: pd.DataFrame, language: Language) -> str:
    verdicts = list(claim_verdicts(frame).values())
    counts = {name: language.number(verdicts.count(name)) for name in VERDICTS}
    return language.text(
        "Of {n} claims of the practice literature, our data support {supported}, contradict "
        "{contradicted} and leave {undecided} undecided; {not_measurable} cannot be measured here.",
        n=language.number(len(verdicts)), **counts,
    )  # fmt: skip


def _table(frame: pd.DataFrame, language: Language) -> ReadingTable | None:
    found = claim_verdicts(frame)
    ordered = [c for v in MEASURED for c in CLAIMS if found.get(c.id) == v]
    if not ordered:
        return None
    rows = [_row(claim, found[claim.id], frame, language) for claim in ordered]
    headings = {
        "claim": language.text("Claim"),
        "own": language.text("Our own data, with 95% interval"),
        "n": language.text("Cases"),
    }
    return reading_table(
        pd.DataFrame(rows),
        headings,
        caption=language.text("The literature's claims, tested on our own data"),
        numeric=("n",),
        group="verdict",
        stacks=True,
        key="claims",
    )


def _row(claim: Claim, found: str, frame: pd.DataFrame, language: Language) -> dict[str, str]:
    sign, words = VERDICTS[found]
    mine = frame[frame["claim"] == claim.id]
    parts = {str(row["part"]): row for _, row in mine.iterrows()}
    told = [part_told(part, parts[part.key], language) for part in claim.parts]
    counts = mine.loc[mine["n"] > 0, "n"]
    return {
        "claim": language.text(claim.sentence),
        "own": in_series(told, language),
        "n": language.number(int(counts.min())),
        "verdict": f"{sign} {language.text(words, context='claim')}",
    }


def part_told(part: Part, row: pd.Series, language: Language) -> str:
    """What own data say on one quantity of a claim, with its interval and how far it bears.

    Few cases: the interval comes first, since the estimate alone says more than they know.
    Undecided: with the band that the claim needs.
    """
    label = language.text(part.label)
    if row["verdict"] == "not_measurable":
        why = missing_told(row["missing"], language)
        return language.text("{gate}: {note}", gate=label, note=why)
    told = _estimated(label, part, row, language)
    if row["verdict"] != "undecided":
        return told
    return language.text("{told}, needed {band}", told=told, band=_band(part, language))


def _estimated(label: str, part: Part, row: pd.Series, language: Language) -> str:
    low, high = (_bare(part, float(row[end]), language) for end in ("low", "high"))
    told = {
        "label": label,
        "value": _written(part, float(row["estimate"]), language),
        "low": low,
        "high": high,
    }
    n = int(row["n"])
    if n < FEW_CASES:
        return language.text(
            "{label} between {low} and {high} (estimate {value}; weak, only {n} cases)",
            n=language.number(n),
            **told,
        )
    return language.text("{label} {value} ({low} to {high})", **told)


def _band(part: Part, language: Language) -> str:
    """Where a quantity must lie for its claim to hold."""
    low, high = (_bare(part, end, language) for end in (part.low, part.high))
    if math.isfinite(part.low) and math.isfinite(part.high):
        return language.text("{low} to {high}", low=low, high=high)
    if 0.0 in (part.low, part.high):
        return language.text("above 0") if part.low == 0 else language.text("below 0")
    if math.isfinite(part.low):
        return language.text("at least {low}", low=low)
    return language.text("at most {high}", high=high)


def _written(part: Part, value: float, language: Language) -> str:
    """A value with its unit."""
    sources = {"points": "{n} points", "hours": "{n} h", "difference": "{n} pp"}
    number = _bare(part, value, language)
    return language.text(sources[part.unit], n=number) if part.unit in sources else number


def _bare(part: Part, value: float, language: Language) -> str:
    """A number without its unit, but for the per-cent sign."""
    if part.unit in ("points", "hours"):
        return language.number(value, 1, sign=part.unit == "points" and part.low < 0)
    if part.unit == "difference":
        return language.number(100 * value, 1, sign=True)
    return language.percent(value, 1, sign=part.unit == "relative")


def _missing(frame: pd.DataFrame, language: Language) -> list[tuple[str, str]]:
    """Claims that cannot be measured: the sentence, and what is missing."""
    found = claim_verdicts(frame)
    firsts = frame.drop_duplicates("claim").set_index("claim")["missing"]
    return [
        (language.text(claim.sentence), missing_told(firsts[claim.id], language))
        for claim in CLAIMS
        if found.get(claim.id) == "not_measurable"
    ]
