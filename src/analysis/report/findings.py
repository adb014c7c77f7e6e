"""One sentence for each estimate: what it says, with its interval."""

from __future__ import annotations

import math

import pandas as pd

from ..language import Language
from .experiment_view import ExperimentView, arm_name, interval_of, tone_of

STILL_OPEN = "{metric}: needs more data"


def effect_finding(view: ExperimentView, row: pd.Series, language: Language) -> str:
    """The finding of one estimate as a sentence for a title.

    Args:
        view: The experiment.
        row: One row of `estimates`.
        language: The reader's.
    """
    metric = str(row["metric"])
    label, write = view.label_of(metric, language), view.text_of(metric, language)
    if not has_estimate(row):
        return language.text(STILL_OPEN, metric=label)
    low, high = interval_of(row)
    tone = tone_of(row, view.sign(metric))
    if tone == "unsure":
        least = view.minimum_effect(metric)
        best = high if view.sign(metric) > 0 else -low
        is_small = least is not None and best < abs(least)
        return language.text(
            "{metric}: any gain is below the worthwhile {least}, {effect} ({between})"
            if is_small
            else "{metric}: no clear effect yet, {effect} ({between})",
            metric=label, effect=write.effect(row["effect"]),
            between=write.span(low, high), least=write.size(least or 0.0),
        )  # fmt: skip
    rises = float(row["effect"]) > 0
    source = (
        "{arm} raises {metric} by {size} ({between})"
        if rises
        else "{arm} lowers {metric} by {size} ({between})"
    )
    text = language.text(
        source,
        arm=arm_name(str(row["treatment"]), language),
        metric=inside(label, language),
        size=write.size(float(row["effect"])),
        between=write.sizes(low, high),
    )
    return begun(text)


def has_estimate(row: pd.Series) -> bool:
    """Whether a row holds an estimate at all."""
    return not pd.isna(row["effect"]) and all(math.isfinite(end) for end in interval_of(row))


def begun(text: str) -> str:
    """A text as a sentence begins: its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def inside(label: str, language: Language) -> str:
    """A label within an English sentence: its first letter small, unless it is an abbreviation."""
    if language.code != "en" or label[1:2].isupper():
        return label
    return label[:1].lower() + label[1:]
