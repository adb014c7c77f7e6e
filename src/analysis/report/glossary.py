"""The words of an evaluation that a reader need not know: each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..language import Language
from .experiment_view import ExperimentView

ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "Primary metric": "What the experiment is decided on, named before the start.",
        "Interval": "The range in which the true difference lies, as far as chance is concerned. "
        "A difference is shown where its whole interval lies on one side of zero.",
        "p value": "How often chance alone would make a difference at least this large. Small: "
        "chance is a poor explanation.",
        "Percentage points (pp)": "The difference of two shares: from 19% to 18% is minus one "
        "percentage point.",
        "Sample ratio": "Whether the arms are as large as planned. If not, units got lost or were "
        "let in unevenly, and the arms cannot be compared.",
        "Guardrail": "A metric that must not get worse by more than the tolerated harm, however "
        "good the others are.",
        "Covariate": "What was known of each unit before the start. It takes away chance "
        "differences and makes intervals narrower.",
        "Control": "The arm that everything is compared with: usually, what was done so far.",
    }
)
"""Word → what it means, on every page."""
SEGMENT = {
    "Segment": "A part of the units, named before the start, that is looked at by itself. Its "
    "interval for all segments together allows for having looked at several.",
}


def glossary(view: ExperimentView, language: Language) -> list[tuple[str, str]]:
    """The words that this page uses, each with its meaning."""
    spec = view.plan
    words = dict(ALWAYS)
    if spec is not None and spec.segments:
        words |= SEGMENT
    text = language.text
    return [(text(word, context="glossary"), text(told)) for word, told in words.items()]
