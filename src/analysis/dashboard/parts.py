"""The parts of the page: each a function of what is shown, giving finished HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from ..language import Language
from ..params import Profile
from ..report.experiment_view import ExperimentView
from .call_parts import call_list
from .experiment_parts import effects_table, guardrail_list, no_experiment, verdict_card
from .headline import big_numbers
from .results import MonthResults
from .tier_parts import Selection, explorer, held_back, migration, tier_sizes

STANDS_SINCE = {
    "stale": "What this month was computed from has changed since; a new run is to come.",
    "failed": "The last run of this month failed; these are the results of the run before.",
}
"""State of a month → what the reader is told."""


@dataclass(frozen=True)
class Shown:
    """What the reader has chosen to see.

    Attributes:
        profile, month: Whose results, and the results.
        experiment, metric: The chosen ones; None where the month has no experiment.
        selection: The chosen customers.
        why: The chosen reason to call; None: all.
        language: The reader's.
    """

    profile: Profile
    month: MonthResults
    experiment: ExperimentView | None
    metric: str | None
    selection: Selection
    why: str | None
    language: Language

    @property
    def currency(self) -> str:
        """ISO code of the amounts."""
        return self.profile.money.currency


def top(shown: Shown) -> str:
    """Whose page it is, and up to when the data go; the page's language and title follow it."""
    words = shown.language
    company = escape(shown.profile.title.in_(words.code))
    name = words.text("Tiers and their effect")
    told = words.text("Data to the end of {month}", month=words.month(shown.month.month))
    since = STANDS_SINCE.get(shown.month.state, "")
    note = f'<p class="tl-since">{words.text(since)}</p>' if since else ""
    return (
        f'<header class="tl-top" lang="{words.code}" data-title="{company} · {name}">'
        f'<p class="tl-over">{company}</p><h1>{name}</h1><p role="status">{told}</p>{note}</header>'
    )


def verdict(shown: Shown) -> str:
    """The verdict on the chosen experiment."""
    if shown.experiment is None:
        return no_experiment(shown.language)
    return verdict_card(shown.experiment, shown.language)


def headline(shown: Shown) -> str:
    """The month's big numbers."""
    return big_numbers(shown.month.summary, shown.currency, shown.language)


def effects_title(shown: Shown) -> str:
    """Stands above the choice of the metric."""
    return f"<h2>{shown.language.text('Effects')}</h2>"


def effects(shown: Shown) -> str:
    """Effects on the chosen metric."""
    if shown.experiment is None:
        return ""
    return effects_table(shown.experiment, shown.metric, shown.language)


def guardrails(shown: Shown) -> str:
    """Guardrails of the chosen experiment."""
    if shown.experiment is None:
        return ""
    title = shown.language.text("Guardrails")
    return f"<h2>{title}</h2>{guardrail_list(shown.experiment, shown.language)}"


def tiers(shown: Shown) -> str:
    """Sizes of the tiers, and moves between them."""
    month, words = shown.month, shown.language
    return (
        f'<div class="tl-two"><section class="tl-card"><h2>{words.text("Tiers")}</h2>'
        f"{tier_sizes(month.sizes, month.month, words)}</section>"
        f'<section class="tl-card"><h2>{words.text("Tier moves")}</h2>'
        f"{migration(month.flows, words)}{held_back(month.held_back, words)}</section></div>"
    )


def groups_title(shown: Shown) -> str:
    """Stands above the choices of tier, region and industry."""
    return f"<h2>{shown.language.text('Look at a group of customers')}</h2>"


def groups(shown: Shown) -> str:
    """The chosen customers."""
    return explorer(shown.month.groups, shown.selection, shown.currency, shown.language)


def calls_title(shown: Shown) -> str:
    """Stands above the choice of the reason."""
    return f"<h2>{shown.language.text('Customers to call this month')}</h2>"


def calls(shown: Shown) -> str:
    """Whom to call."""
    return call_list(shown.month.calls, shown.why, shown.currency, shown.language)


def foot(shown: Shown) -> str:
    """Where the figures come from."""
    told = shown.language.text(
        "Figures are those of the published monthly report; nothing is computed anew here."
    )
    return f'<footer class="tl-foot">{told}</footer>'


PARTS: Mapping[str, Callable[[Shown], str]] = {
    part.__name__: part
    for part in (
        top,
        verdict,
        headline,
        effects_title,
        effects,
        guardrails,
        tiers,
        groups_title,
        groups,
        calls_title,
        calls,
        foot,
    )
}
"""Name → part, in the order of the page."""
