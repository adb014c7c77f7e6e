"""A small page of a replay, in both languages, that works offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..language import Language, LanguageCode
from .replay_words import Reading


def page(title: Mapping[str, str], told: Mapping[LanguageCode, Sequence[Reading]]) -> str:
    """The HTML of the page; everything in it is escaped.

    Args:
        title: Language → the profile's name.
        told: Language → the tables, in the order in which they are shown.
    """
    environment = Environment(
        loader=PackageLoader("analysis.cli", "."), autoescape=True, undefined=StrictUndefined
    )
    parts = [
        {
            "lang": code,
            "company": title[code],
            "heading": Language(code).text("What other tier policies would have done"),
            "notes": [Language(code).text(note) for note in NOTES],
            "readings": readings,
        }
        for code, readings in told.items()
    ]
    return environment.get_template("replay.html.j2").render(parts=parts)


NOTES = (
    "Every policy was run over the same months, from the first of the data.",
    (
        "Off-seasons and bursts are told by the standard rules for all policies, so that they are "
        "held against the same customers."
    ),
    (
        "A policy earns its own tiers: that a tier equals the one earned later says that it is "
        "steady, not that it is good."
    ),
)
