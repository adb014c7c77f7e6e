"""NPS and CSAT over the months, with their uncertainty and how many answered."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from ..figures import Chart, ReadingTable, monthly_line, reading_table
from ..language import Language
from ..months import Month
from .block import Block, rendered
from .field_names import no_source
from .inputs import Inputs
from .monthly_figures import SURVEY_FIGURES

MONTHS = 25
"""Months of the line: this one and two years before it."""

FEWEST_MONTHS = 3
"""Months of a line; fewer are told in words."""
ENOUGH = 30
"""Answers from which a month's interval is narrow enough to be read beside the others: at 30 the
NPS is known to some ± 28 points, satisfaction to ± 0.4."""


@dataclass(frozen=True)
class Score:
    """A score of the surveys that is followed over the months.

    Attributes:
        key: Column of the figures; ``<key>_low`` and ``<key>_high`` hold its interval.
        name: English source of its name within a sentence.
        measure: What is drawn, in words.
        digits: Decimals shown.
        is_signed: Whether it is shown with its sign.
    """

    key: str
    name: str
    measure: str
    digits: int
    is_signed: bool

    def shown(self, value: float, language: Language, digits: int | None = None) -> str:
        """A value in the reader's language."""
        digits = self.digits if digits is None else digits
        return language.number(value, digits, sign=self.is_signed)


SCORES = (
    Score("nps", "NPS", "NPS by month of the answer; the band is the 95% interval", 1, True),
    Score(
        "csat",
        "Satisfaction",
        "Satisfaction (1-5) by month of the answer; the band is the 95% interval",
        2,
        False,
    ),
)


def satisfaction(inputs: Inputs, language: Language) -> Block:
    """NPS and CSAT over the months; says so where there is no survey source."""
    drawn = [score_chart(score, inputs, language) for score in SCORES]
    charts = [chart for chart in drawn if chart]
    why = (
        no_source("surveys", language)
        if "surveys" not in inputs.sources
        else language.text("nothing recorded in this month")
    )
    return rendered(
        "satisfaction",
        language,
        charts=charts,
        why=why,
        lead=_lead(inputs, language),
        findings=[] if charts else _findings(inputs, language),
        table=answers_table(inputs, language),
    )


def answers_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    """This month's NPS taken apart, with how far the silent could move it."""
    read = {name: _at(inputs, inputs.month, name) for name in SURVEY_FIGURES}
    if math.isnan(read["nps"]):
        return None
    signed = {k: language.number(v, 1, sign=True) for k, v in read.items()}
    share = {k: language.percent(read[k]) for k in ("promoters", "detractors", "response_rate")}
    passives = language.percent(1 - read["promoters"] - read["detractors"])
    between = "{low} to {high}"
    rows = [
        ("Answers", language.number(read["answers_n"])),
        ("Promoters (9-10)", share["promoters"]),
        ("Passives (7-8)", passives),
        ("Detractors (0-6)", share["detractors"]),
        ("NPS", signed["nps"]),
        ("95% interval", language.text(between, low=signed["nps_low"], high=signed["nps_high"])),
        ("Response rate", share["response_rate"]),
        ("If the silent were all detractors, or all promoters",
         language.text(between, low=signed["nps_worst"], high=signed["nps_best"])),
    ]  # fmt: skip
    if math.isnan(read["response_rate"]):
        rows = rows[:-2]
    frame = pd.DataFrame([(language.text(name), text) for name, text in rows], columns=["a", "b"])
    headings = {"a": language.text("Figure"), "b": language.month(str(inputs.month))}
    caption = language.text("NPS and who answered")
    return reading_table(frame, headings, caption=caption, numeric=("b",), key="nps")


def score_chart(score: Score, inputs: Inputs, language: Language) -> Chart | None:
    """A score by month with its 95 % interval; None where nobody ever gave one."""
    figures = inputs.figures
    if figures is None or score.key not in figures or figures[score.key].dropna().empty:
        return None
    columns = {score.key: "value", f"{score.key}_low": "low", f"{score.key}_high": "high"}
    shown = figures.loc[: str(inputs.month)].tail(MONTHS).rename(columns=columns)
    shown = shown.loc[shown["value"].first_valid_index() :]
    drawn = from_enough_answers(shown).reset_index()
    if len(drawn) < FEWEST_MONTHS:
        return None
    finding = _finding(score, inputs, language)
    first, last = (language.month(str(drawn["month"].iloc[i])) for i in (0, -1))
    only = "Only those who answered are counted; the silent may think otherwise."
    within = _axis(drawn)
    told = [language.text(only)] if score == SCORES[0] else []
    if len(drawn) < len(shown):
        told.append(
            language.text(
                "Months before {first} have fewer than {n} answers each and are not drawn.",
                first=first,
                n=language.number(ENOUGH),
            )
        )
    if within and (drawn["low"].min() < within[0] or drawn["high"].max() > within[1]):
        told.append(
            language.text(
                "Where the band runs out of the chart, the month has fewer than {n} answers.",
                n=language.number(ENOUGH),
            )
        )
    return monthly_line(
        drawn,
        tick=lambda value: score.shown(value, language, 0 if value == round(value) else 1),
        month=str,
        last=score.shown(float(drawn["value"].iloc[-1]), language),
        finding=finding,
        measure=language.text(score.measure),
        alternative=language.text(
            "{finding}. Line by month from {first} to {last}; lowest {low} in {low_month}, highest "
            "{high} in {high_month}.",
            finding=finding, first=first, last=last, **_extremes(score, drawn, language),
        ),
        notes=tuple(told),
        within=within,
    )  # fmt: skip


def _extremes(score: Score, drawn: pd.DataFrame, language: Language) -> dict[str, str]:
    """The lowest and the highest value of a line and their months, in words."""
    known = drawn.dropna(subset=["value"]).set_index("month")["value"]
    ends = {"low": str(known.idxmin()), "high": str(known.idxmax())}
    values = {name: score.shown(float(known[month]), language) for name, month in ends.items()}
    return values | {f"{name}_month": language.month(month) for name, month in ends.items()}


def from_enough_answers(shown: pd.DataFrame) -> pd.DataFrame:
    """The months from the first that has enough answers; all where none has.

    The first months of a survey have a handful of answers: their intervals span the whole scale,
    and next to them the others cannot be read.
    """
    enough = shown["answers_n"] >= ENOUGH
    return shown.loc[enough.idxmax() :] if enough.any() else shown


def _axis(drawn: pd.DataFrame) -> tuple[float, float] | None:
    """What the axis must hold: every value, and the intervals of months with enough answers."""
    firm = drawn[drawn["answers_n"] >= ENOUGH]
    if firm.empty:
        return None
    return (
        float(min(firm["low"].min(), drawn["value"].min())),
        float(max(firm["high"].max(), drawn["value"].max())),
    )


def _finding(score: Score, inputs: Inputs, language: Language) -> str:
    month = inputs.month
    now, before = _at(inputs, month, score.key), _at(inputs, month.shifted(-1), score.key)
    name = language.text(score.name)
    if math.isnan(now):
        return language.text("{score}: no answers this month", score=name)
    if math.isnan(before):
        source = "{score} stands at {now}"
    elif not _differs(score, inputs):
        source = "{score} stands at {now}; the change on last month is within chance"
    else:
        source = "{score} rose to {now}" if now > before else "{score} fell to {now}"
    return language.text(source, score=name, now=score.shown(now, language))


def _findings(inputs: Inputs, language: Language) -> list[str]:
    """What stands for the charts where there are too few months to draw."""
    known = [s for s in SCORES if not math.isnan(_at(inputs, inputs.month, s.key))]
    stop = language.text(".", context="list")
    return [_finding(score, inputs, language) + stop for score in known]


def _differs(score: Score, inputs: Inputs) -> bool:
    """Whether this month's score differs from last month's by more than chance (95 %)."""
    months = (inputs.month, inputs.month.shifted(-1))
    halves = [
        (_at(inputs, m, f"{score.key}_high") - _at(inputs, m, f"{score.key}_low")) / 2
        for m in months
    ]
    now, before = (_at(inputs, m, score.key) for m in months)
    return abs(now - before) > math.hypot(*halves)


def _lead(inputs: Inputs, language: Language) -> str:
    answers = _at(inputs, inputs.month, "answers_n")
    rate = _at(inputs, inputs.month, "response_rate")
    if math.isnan(answers):
        return ""
    if math.isnan(rate):
        return language.plural(
            "{n} answer came in this month.", "{n} answers came in this month.", int(answers)
        )
    if rate == 1:
        source = "{n} answers came in this month; the source holds no invitation without an answer."
        return language.text(source, n=language.number(answers))
    source = (
        "{n} answers came in this month; of the invitations sent the month before, {rate} were "
        "answered by its end."
    )
    return language.text(source, n=language.number(answers), rate=language.percent(rate))


def _at(inputs: Inputs, month: Month, column: str) -> float:
    figures = inputs.figures
    if figures is None or str(month) not in figures.index:
        return math.nan
    return float(figures[column].loc[str(month)])
