"""The month in an e-mail: verdicts, figures, what is overdue; HTML with inline styles, and text.

It asks for nothing from elsewhere and holds no picture, so that every mail program shows it.
Sending is not our business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..language import Language
from ..standing import PLAIN_MARK, Standing, standing_html
from .actions import SPECS
from .block import rendered
from .calls import calls_told
from .changes import verdict_changes
from .experiment_view import experiment_views
from .headline import headline_figures
from .inputs import Inputs
from .overview import figure_card
from .verdicts import verdict_box

TONES = {
    "good": "#00694c", "bad": "#a8410a", "open": "#0b5c8f", "alarm": "#7a1f5c", "grey": "#4b5762",
    "better": "#00694c", "worse": "#a8410a", "plain": "#4b5762",
}  # fmt: skip
"""Tone → its colour; a word or a sign says the same."""


@dataclass(frozen=True)
class Email:
    """A month's e-mail in one language.

    Attributes:
        html: A whole page with inline styles only.
        text: The same as plain text, for mail programs that show no HTML.
    """

    html: str
    text: str


def email(inputs: Inputs, language: Language) -> Email:
    """The month in an e-mail.

    Args:
        inputs: What the report is made from.
        language: The reader's.
    """
    content = _content(inputs, language)
    html = rendered("email", language, tones=TONES, **content).html
    return Email(html, _text(content, language))


def _content(inputs: Inputs, language: Language) -> dict[str, Any]:
    boxes = [verdict_box(view, language) for view in experiment_views(inputs)]
    found = headline_figures(inputs.figures, inputs.month, inputs.last_year)
    cards = [figure_card(figure, inputs, language) for figure in found]
    before = inputs.previous_summary
    return {
        "company": inputs.profile.title.in_(language.code),
        "month": language.month(str(inputs.month)),
        "as_of": language.date(inputs.month.last_day),
        "standing": standing_html(Standing(), language),
        "boxes": boxes,
        "cards": [card for card in cards if card["exists"]],
        "news": [] if before is None else verdict_changes(inputs, before, language),
        "overdue": _overdue(inputs, language),
        "calls": calls_told(inputs, language),
        "attached": f"report.{language.code}.html",
    }


def _overdue(inputs: Inputs, language: Language) -> list[str]:
    day = inputs.month.last_day
    return [
        language.text(
            "{measure}: {owner}, due {day}; {metric}",
            measure=one.measure.in_(language.code),
            owner=one.owner_in(language.code),
            day=language.date(one.due_on),
            metric=language.text(SPECS[one.metric].label),
        )
        for one in inputs.actions
        if one.is_overdue(day)
    ]


def _text(content: dict[str, Any], language: Language) -> str:
    say = language.text
    lines = [content["company"], f"{say('Tiered service: monthly report')} {content['month']}",
             say("Data to {date}; nothing later is counted.", date=content["as_of"]),
             PLAIN_MARK, ""]  # fmt: skip
    for box in content["boxes"]:
        lines += [box["title"], f"[{box['sign']}] {box['words']}", box["headline"]]
        lines += [f"- {name}{_colon(language)}{text}" for name, text in box["facts"][:2]] + [""]
    if not content["boxes"]:
        lines += [say("No experiment this month"), ""]
    lines += [say("The month at a glance")]
    lines += [f"- {_figure(card, language)}" for card in content["cards"]] + [""]
    for title, items in _lists(content, language):
        lines += [title, *(f"- {item}" for item in items), ""]
    lines += [content["calls"]] if content["calls"] else []
    lines += [say("The whole report: {file}", file=content["attached"])]
    return "\n".join(lines) + "\n"


def _lists(content: dict[str, Any], language: Language) -> list[tuple[str, list[str]]]:
    titled = [
        (language.text("What changed since last month"), content["news"]),
        (language.text("Overdue measures"), content["overdue"]),
    ]
    return [(title, items) for title, items in titled if items]


def _colon(language: Language) -> str:
    return language.text(": ", context="list")


def _figure(card: dict[str, Any], language: Language) -> str:
    moved = [change for change in card["changes"] if change]
    changes = [" ".join([c.since, c.arrow, c.words, c.verdict]).rstrip() for c in moved]
    told = language.text("; ", context="list").join(changes)
    value = card["value"]
    if told:
        value = language.text("{effect} ({between})", effect=value, between=told)
    return f"{card['label']}{_colon(language)}{value}"
