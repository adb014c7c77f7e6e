"""Sentences that are decided in one place and read in another, in either language.

A message keeps the English source sentence and its typed values, so that a verdict's reason
or a tier move's explanation can be stored as JSON and rendered later for each reader.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .language import Language

ValueKind = Literal[
    "plain",
    "term",
    "terms",
    "message",
    "messages",
    "number",
    "percent",
    "points",
    "money",
    "date",
    "month",
]


@dataclass(frozen=True)
class Value:
    """One value of a message.

    Attributes:
        kind: How it is shown; ``term`` is a word of the catalogue, ``terms`` a list of them,
            ``plain`` is shown as it is, ``message`` is a message in JSON within this one and
            ``messages`` a list of them.
        value: A number, text, ISO day or month.
        digits: Decimals of a number.
        sign: Show + as well.
        currency: ISO code of an amount.
    """

    kind: ValueKind
    value: Any
    digits: int = 0
    sign: bool = False
    currency: str = ""

    def shown(self, language: Language) -> str:
        """The value in the reader's language."""
        if self.kind == "term":
            return language.text(str(self.value))
        if self.kind == "terms":
            return language.listed([language.text(str(word)) for word in self.value])
        if self.kind == "message":
            return Message.from_json(self.value).in_(language)
        if self.kind == "messages":
            return language.listed([Message.from_json(one).in_(language) for one in self.value])
        if self.kind == "number":
            return language.number(self.value, self.digits, sign=self.sign)
        if self.kind == "percent":
            return language.percent(self.value, self.digits, sign=self.sign)
        if self.kind == "points":
            return language.points(self.value, self.digits, sign=self.sign)
        if self.kind == "money":
            return language.money(self.value, self.currency, sign=self.sign)
        if self.kind == "date":
            return language.date(dt.date.fromisoformat(self.value))
        return language.month(self.value) if self.kind == "month" else str(self.value)


@dataclass(frozen=True)
class Message:
    """A sentence with typed values.

    Example:
        >>> told = Message("{metric} rose by {x}", {"metric": Value("plain", "NPS"),
        ...                                         "x": Value("number", 4.1, 1, sign=True)})
        >>> told.in_(Language("en"))
        'NPS rose by +4.1'
    """

    source: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def in_(self, language: Language) -> str:
        """The sentence in the reader's language."""
        shown = {name: value.shown(language) for name, value in self.values.items()}
        return language.text(self.source, **shown)

    def to_json(self) -> dict[str, Any]:
        """A JSON-like form that `from_json` reads."""
        return {"text": self.source, "values": {k: vars(v) for k, v in self.values.items()}}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Message:
        """Read what `to_json` wrote."""
        return cls(content["text"], {k: Value(**v) for k, v in content["values"].items()})
