"""How a page stands: a draft, a published version, or withdrawn; said on the page itself.

Pages are made as drafts. When a month is put on the shelf its standing is written between the
two marks that every page carries, so that the same page can be published without being made
again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

from .language import Language

BEGIN, END = "<!--standing-->", "<!--/standing-->"
"""Marks in a web page between which its standing is written."""
PLAIN_MARK = "[[standing]]"
"""Line of a plain text that its standing replaces."""
_BETWEEN = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)

State = Literal["draft", "published", "withdrawn"]


@dataclass(frozen=True)
class Standing:
    """How the results of a month stand.

    Attributes:
        state: draft: nobody answers for it yet; published: somebody does, by name; withdrawn:
            it was published and must not be used.
        version: The published version, or the one that a draft would become.
        by: Who published or withdrew it; empty for a draft.
        on: Day of that, such as 2026-11-03; empty for a draft.
        reason: Why it was withdrawn.
        before: The published version that holds until a draft is published; 0: none.

    Example:
        >>> Standing().in_words(Language("en"))
        'Draft: nobody has published this report yet.'
    """

    state: State = "draft"
    version: int = 1
    by: str = ""
    on: str = ""
    reason: str = ""
    before: int = 0

    def in_words(self, language: Language) -> str:
        """One sentence for the reader."""
        told = {"version": str(self.version), "by": self.by, "date": _day(self.on, language)}
        if self.state == "published":
            return language.text("Published as version {version} on {date} by {by}.", **told)
        if self.state == "withdrawn":
            return language.text(
                "Withdrawn on {date} by {by}: {reason}. Do not use version {version}.",
                reason=self.reason.rstrip(".。 "),
                **told,
            )
        if self.before:
            return language.text(
                "Draft of version {version}: it differs from the published version {before}.",
                before=str(self.before),
                **told,
            )
        if self.version > 1:
            return language.text(
                "Draft of version {version}: what was published before is withdrawn.", **told
            )
        return language.text("Draft: nobody has published this report yet.")


def standing_html(standing: Standing, language: Language, links: str = "") -> str:
    """The line that tells a page's standing, with the marks around it.

    Args:
        standing: How it stands.
        language: The reader's.
        links: Finished markup that follows the sentence.
    """
    role = ' role="alert"' if standing.state == "withdrawn" else ""
    words = escape(standing.in_words(language))
    return f'{BEGIN}<p class="standing {standing.state}"{role}><span>{words}</span>{links}</p>{END}'


def links_html(links: Mapping[str, str]) -> str:
    """Links to follow a standing: address → words."""
    return "".join(f' <a href="{escape(to)}">{escape(words)}</a>' for to, words in links.items())


def stamped(page: str, standing: Standing, language: Language, links: str = "") -> str:
    """A page, or a plain text, with its standing written in.

    Args:
        page: Carries the marks of a web page, or else the mark of a plain text (which is no
            markup and is never looked for in a web page); without any it is returned as it is.
        standing, language, links: As for `standing_html`.
    """
    if BEGIN not in page:
        return page.replace(PLAIN_MARK, standing.in_words(language))
    line = standing_html(standing, language, links)
    return _BETWEEN.sub(lambda _: line, page)


def _day(text: str, language: Language) -> str:
    return language.date(dt.date.fromisoformat(text)) if text else ""
