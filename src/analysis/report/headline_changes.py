"""How a headline figure moved: on last month, and on the month of last year it compares with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..language import MISSING, Language
from ..months import Month
from .headline import HeadlineFigure
from .inputs import Inputs


@dataclass(frozen=True)
class Change:
    """A change in words.

    Attributes:
        since: The month compared with, such as "on last month".
        arrow: ▲, ▼, or ● where nothing moved.
        words: Such as "up 3.2%".
        tone: better, worse or plain; also told by `verdict`.
        verdict: "better", "worse", "within chance", or empty.
    """

    since: str
    arrow: str
    words: str
    tone: str
    verdict: str


def change(
    figure: HeadlineFigure, before: float, since: str, language: Language, noise: float = math.nan
) -> Change | None:
    """How a figure moved since an earlier month; None where one of them is missing.

    Args:
        figure: The figure.
        before: Its earlier value.
        since: The earlier month, in words.
        language: The reader's.
        noise: Largest difference that chance alone explains (95 %); NaN where that is unknown.
    """
    if math.isnan(before) or math.isnan(figure.value):
        return None
    size = _size(figure, before, language)
    moved = figure.value - before
    if not any(digit in size for digit in "123456789"):
        return Change(since, "●", language.text("unchanged", context="change"), "plain", "")
    arrow = "▲" if moved > 0 else "▼"
    words = language.text("up {size}" if moved > 0 else "down {size}", size=size)
    if abs(moved) <= noise:
        return Change(since, arrow, words, "plain", language.text("within chance"))
    better = figure.spec.better * moved
    tone = "plain" if not better else "better" if better > 0 else "worse"
    verdict = "" if tone == "plain" else language.text(tone, context="change")
    return Change(since, arrow, words, tone, verdict)


def _size(figure: HeadlineFigure, before: float, language: Language) -> str:
    """The size of a change without its sign, in the unit that suits the figure."""
    moved = abs(figure.value - before)
    if figure.spec.form == "share":
        return language.points(moved, 1, sign=False)
    if figure.spec.form in ("points", "score"):
        digits = 1 if figure.spec.form == "points" else 2
        return language.text("{n} points", n=language.number(moved, digits))
    return language.percent(moved / abs(before), 1) if before else MISSING


def since_last_year(month: Month, compared: Month, language: Language) -> str:
    """The month of last year compared with, short; by its name where it is another month."""
    if compared == month.shifted(-12):
        return language.text("on last year")
    return language.text("on {month}", month=language.month(str(compared)))


def compared_told(inputs: Inputs, language: Language) -> str:
    """Which months the figures are compared with, why, and how long the company was open in each.

    A month of Spring Festival is short: without its open days a reader would take the holiday
    for a fall of business.
    """
    same = inputs.month.shifted(-12)
    months = (inputs.month, inputs.month.shifted(-1), inputs.last_year)
    if not _is_known(months[1], inputs):
        return language.text(
            "The data begin in this month: there is no earlier one to compare with."
        )
    if not _is_known(months[2], inputs):
        last = language.month(str(months[1]))
        return language.text("Compared with {last}; the data do not reach back a year.", last=last)
    now, last, year = (language.month(str(month)) for month in months)
    source = (
        "Compared with {last} and {year}."
        if inputs.last_year == same
        else "Compared with {last} and, because Spring Festival moved, with {year} instead of "
        "{same}."
    )
    told = language.text(source, last=last, year=year, same=language.month(str(same)))
    if not inputs.open_days:
        return told
    days = dict(zip(("a", "b", "c"), map(language.number, inputs.open_days), strict=True))
    opened = language.text(
        "Open days: {a} in {now}, {b} in {last}, {c} in {year}.",
        now=now, last=last, year=year, **days,
    )  # fmt: skip
    return language.text("{one} {two}", one=told, two=opened)


def _is_known(month: Month, inputs: Inputs) -> bool:
    return inputs.figures is not None and str(month) in inputs.figures.index
