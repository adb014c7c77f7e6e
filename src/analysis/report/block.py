"""A piece of the report: finished, escaped HTML that a notebook cell shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ..language import MISSING, Language, LanguageCode

BLOCKS = Path(__file__).with_name("blocks")


@dataclass(frozen=True)
class Block:
    """One section of the report.

    Attributes:
        html: Its markup; every value in it has been escaped.
    """

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __html__(self) -> str:
        return self.html


def rendered(template: str, language: Language, **content: Any) -> Block:
    """Fill a template; everything that is not itself a shown object is escaped.

    Args:
        template: File name in ``blocks/``, without its suffixes.
        language: The reader's; ``t`` in the template translates.
        **content: Values of the template. Charts, tables and blocks go in through ``show``.
    """
    environment = _environment(language.code)
    return Block(environment.get_template(f"{template}.html.j2").render(**content))


def shown(item: Any) -> Markup:
    """An object that renders itself (and has escaped its content), as markup."""
    return Markup(item._repr_html_() if item is not None else "")  # noqa: S704


def joined(*blocks: Block | None) -> Block:
    """Several blocks as one."""
    return Block("\n".join(block.html for block in blocks if block is not None))


def in_series(items: Iterable[str], language: Language) -> str:
    """Phrases one after the other in one sentence, parted by the language's semicolon."""
    return language.text("; ", context="list").join(items) or MISSING


def as_heading(phrase: str) -> str:
    """A phrase that stands alone begins with a capital.

    Example:
        >>> as_heading("new customer")
        'New customer'
    """
    return phrase[:1].upper() + phrase[1:]


@cache
def _environment(code: LanguageCode) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(BLOCKS),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    language = Language(code)
    environment.globals.update(t=language.text, plural=language.plural, show=shown, lang=code)
    return environment
