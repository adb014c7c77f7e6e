"""The report of one evaluated experiment on any table: one offline page a language."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from ..experiment import Evaluation
from ..experiment.record import record
from ..language import Language, LanguageCode
from ..params.experiment import plan_digest
from .block import Block, joined, rendered
from .effect_tables import answers_table, checks_table, effects_table
from .effects import curve_chart, effect_chart, money_metrics, money_told, reading_guide
from .evaluation_parts import caveats, ladder, planned, readings_table, segments_table
from .experiment_view import ExperimentView, told
from .glossary import glossary
from .guardrails import guarded
from .page import page_words
from .provenance import version_of
from .verdicts import verdict_box

OTHER: Mapping[LanguageCode, LanguageCode] = {"zh": "en", "en": "zh"}


@dataclass(frozen=True)
class Provenance:
    """What an evaluation was made from.

    Attributes:
        command: Makes it again.
        digests: File name → digest of its bytes.
    """

    command: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)


def evaluation_page(
    found: Evaluation,
    language: LanguageCode,
    *,
    provenance: Provenance | None = None,
    currency: str = "",
) -> str:
    """One experiment as a page for readers: verdict first, then why, then where it comes from.

    Args:
        found: The evaluated experiment.
        language: Of the page.
        provenance: Files and command.
        currency: ISO code of amounts; without it they are shown as plain numbers.

    Returns:
        One HTML page that asks for nothing from elsewhere; it links to ``report.<other>.html``.

    Example:
        >>> page = evaluation_page(found, "zh")  # doctest: +SKIP
    """
    words, view = Language(language), evaluation_view(found, currency)
    sections = joined(
        _front(found, view, words),
        rendered("verdicts", words, boxes=[verdict_box(view, words)], todo=[], waiting=[]),
        _how(found, view, words),
        _effects(found, view, words),
        _guardrails(view, words),
        rendered("glossary", words, words=glossary(view, words)),
        _provenance(found, provenance or Provenance(), words),
    )
    page = page_words(sections.html, language)
    return rendered(
        "evaluation_page",
        words,
        page={**page, "style": Markup(page["style"])},  # noqa: S704
        body=Markup(sections.html),  # noqa: S704
    ).html


def evaluation_view(
    found: Evaluation, currency: str, *, is_monthly: bool = False
) -> ExperimentView:
    """An evaluation as the report's sections see an experiment.

    Args:
        found: The evaluated experiment.
        currency: ISO code of amounts; empty where they are plain numbers.
        is_monthly: Its units are the company's customers.
    """
    estimates = found.estimates
    is_bound = estimates["bound"].ne("")
    return ExperimentView(
        content={**record(found, currency), "assigned_on": is_monthly or None},
        plan=found.experiment,
        estimates=estimates[~is_bound],
        bounds=estimates[is_bound],
        checks=found.checks,
        curves=found.curves,
        currency=currency,
    )


def _front(found: Evaluation, view: ExperimentView, language: Language) -> Block:
    other = OTHER[language.code]
    return rendered(
        "evaluation_front",
        language,
        title=view.title(language),
        owner=view.owner(language),
        n=language.number(sum(arm.n for arm in found.arms)),
        other=other,
    )


def _how(found: Evaluation, view: ExperimentView, language: Language) -> Block:
    """Plan, ladder of rules and checks."""
    return rendered(
        "evaluation_how",
        language,
        steps=ladder(view, language),
        plan=planned(found.experiment, view, language),
        checks=checks_table(view, language),
    )


def _effects(found: Evaluation, view: ExperimentView, language: Language) -> Block:
    metrics = [*view.names_of("primary"), *view.names_of("secondary"), *money_metrics(view)]
    charts = [effect_chart(view, metric, language) for metric in metrics]
    return rendered(
        "evaluation_effects",
        language,
        is_trusted=view.is_trusted,
        charts=[*(c for c in charts if c), curve_chart(view, language)] if view.is_trusted else [],
        reading=reading_guide(view, language) if view.is_trusted else "",
        looks=[told(line, language) for line in view.content["looks"]],
        table=effects_table(view, language),
        answers=answers_table(view, language),
        segments=segments_table(view, language),
        readings=readings_table(view, language),
        money=money_told(view, language),
        notes=[told(note, language) for note in view.content["notes"]],
        caveats=caveats(found, view, language),
    )


def _guardrails(view: ExperimentView, language: Language) -> Block:
    if not view.is_trusted or not view.names_of("guardrail"):
        return Block("")
    parts = [guarded(view, language, ordinary=ordinary) for ordinary in (False, True)]
    shown = [part for part in parts if part["table"]]
    return rendered("guardrails", language, experiments=shown) if shown else Block("")


def _provenance(found: Evaluation, made: Provenance, language: Language) -> Block:
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("numpy", "pandas", "scipy"))
    facts: list[tuple[str, str]] = [
        (language.text("Digest of the plan"), plan_digest(found.experiment)),
        (
            language.text("Program"),
            f"tierlab {version_of('tierlab')}, Python {platform.python_version()}",
        ),
        (language.text("Libraries"), versions),
    ]
    files = [
        (language.text("{file}, digest", file=name), digest)
        for name, digest in made.digests.items()
    ]
    return rendered("evaluation_provenance", language, command=made.command, facts=[*files, *facts])
