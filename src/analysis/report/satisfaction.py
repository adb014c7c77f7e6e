"""NPS over the months, with its uncertainty and how many answered."""

from __future__ import annotations

import math

import pandas as pd

from ..figures import Chart, ReadingTable, monthly_line, reading_table
from ..language import Language
from ..months import Month
from .block import Block, rendered
from .headline import no_source
from .inputs import Inputs
from .monthly_figures import SURVEY_FIGURES

MONTHS = 25
"""Months of the line: this one and two years before it."""


def satisfaction(inputs: Inputs, language: Language) -> Block:
    """NPS over the months; says so where there is no survey source."""
    chart = nps_chart(inputs, language)
    why = (
        no_source("surveys", language)
        if "surveys" not in inputs.sources
        else language.text("nothing recorded in this month")
    )
    return rendered(
        "satisfaction",
        language,
        chart=chart,
        why=why,
        lead=_lead(inputs, language),
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
        ("95 % interval", language.text(between, low=signed["nps_low"], high=signed["nps_high"])),
        ("Response rate", share["response_rate"]),
        ("If the silent were all detractors, or all promoters",
         language.text(between, low=signed["nps_worst"], high=signed["nps_best"])),
    ]  # fmt: skip
    frame = pd.DataFrame([(language.text(name), text) for name, text in rows], columns=["a", "b"])
    headings = {"a": language.text("Figure"), "b": language.month(str(inputs.month))}
    caption = language.text("NPS and who answered")
    return reading_table(frame, headings, caption=caption, numeric=("b",), key="nps")


def nps_chart(inputs: Inputs, language: Language) -> Chart | None:
    """NPS by month with its 95 % interval; None without answers."""
    if inputs.figures is None or inputs.figures["nps"].dropna().empty:
        return None
    shown = inputs.figures.loc[: str(inputs.month)].tail(MONTHS)
    shown = shown.loc[shown["nps"].first_valid_index() :].reset_index()
    drawn = shown.rename(columns={"nps": "value", "nps_low": "low", "nps_high": "high"})
    now = drawn.iloc[-1]
    finding = _finding(inputs, language)
    last = language.number(float(now["value"]), 1, sign=True)
    return monthly_line(
        drawn[["month", "value", "low", "high"]],
        tick=lambda value: language.number(value, 0, sign=True),
        month=lambda m: f"{m[:4]}-{m[5:]}",
        last=last,
        finding=finding,
        measure=language.text("NPS by month of the answer; the band is the 95 % interval"),
        alternative=language.text(
            "{finding}. Line by month from {first} to {last}.", finding=finding,
            first=language.month(str(drawn["month"].iloc[0])),
            last=language.month(str(now["month"])),
        ),
        notes=(
            language.text(
                "Only those who answered are counted; the silent may think otherwise."
            ),
        ),
    )  # fmt: skip


def _finding(inputs: Inputs, language: Language) -> str:
    assert inputs.figures is not None
    month = inputs.month
    now, before = _at(inputs, month, "nps"), _at(inputs, month.shifted(-1), "nps")
    if math.isnan(now):
        return language.text("No NPS answers this month")
    text = language.number(now, 1, sign=True)
    if math.isnan(before):
        return language.text("NPS stands at {now}", now=text)
    if not _differs(inputs):
        source = "NPS stands at {now}; the change on last month is within chance"
        return language.text(source, now=text)
    source = "NPS rose to {now}" if now > before else "NPS fell to {now}"
    return language.text(source, now=text)


def _differs(inputs: Inputs) -> bool:
    """Whether this month's NPS differs from last month's by more than chance (95 %)."""
    month = inputs.month
    ends = [
        (_at(inputs, m, "nps_low"), _at(inputs, m, "nps_high"), _at(inputs, m, "nps"))
        for m in (month, month.shifted(-1))
    ]
    half = math.hypot(*((high - low) / 2 for low, high, _ in ends))
    return abs(ends[0][2] - ends[1][2]) > half


def _lead(inputs: Inputs, language: Language) -> str:
    answers = _at(inputs, inputs.month, "answers_n")
    rate = _at(inputs, inputs.month, "response_rate")
    if math.isnan(answers):
        return ""
    source = (
        "{n} customers answered this month; of the invitations sent the month before, {rate} were "
        "answered by its end."
    )
    return language.text(source, n=language.number(answers), rate=language.percent(rate))


def _at(inputs: Inputs, month: Month, column: str) -> float:
    figures = inputs.figures
    if figures is None or str(month) not in figures.index:
        return math.nan
    return float(figures[column].loc[str(month)])
