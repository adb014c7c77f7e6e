"""What a page says in a language that is not its reader's."""

import re
from html import unescape

NAMES = re.compile(
    r"tierlab run --profile params/small.yaml --month"
    r"|NPS|CSAT|Lee|CNY|English version|tierlab|Python|Asia/Shanghai|duckdb|ibis-framework|pandas"
    r"|statsmodels|seaborn|crm|orders|small|(?:quality|report)\.zh\.html|p 值|[pn] =|C\d{5}"
    r"|[0-9a-f]{16}"
)
"""Ids and product names, which stay as they are in a Chinese page."""
OTHER_LANGUAGE = {"中文版"}
"""The link of an English page to its Chinese sister."""


def text_of(html: str) -> str:
    """Everything that is read or read out, as text."""
    spoken = " ".join(re.findall(r'(?:alt|aria-label|data-label)="([^"]*)"', html))
    bare = re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", bare) + spoken)


def english_in(html: str, names: str = "") -> set[str]:
    """English words of a Chinese page that are neither ids nor names.

    Args:
        html: The page.
        names: Further names that stay as they are, as a regular expression.
    """
    shown = NAMES.sub(" ", text_of(html))
    shown = re.sub(names, " ", shown) if names else shown
    left = re.findall(r"[A-Za-z][A-Za-z' ]+", shown)
    return {word.strip() for word in left if len(word.strip()) > 1}


def chinese_in(html: str) -> set[str]:
    """Chinese words of an English page."""
    return set(re.findall("[一-鿿]+", text_of(html))) - OTHER_LANGUAGE
