"""The page beside a withdrawn version: that it must not be used, who says so, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from ..language import Language, LanguageCode
from ..params.loading import Bilingual
from ..standing import Standing
from .block import rendered
from .page import TEMPLATE, TEMPLATES


def withdrawal_page(
    title: Bilingual,
    month: str,
    standing: Standing,
    languages: Sequence[LanguageCode],
) -> str:
    """One offline page in the profile's languages.

    Args:
        title: The company's name.
        month: Such as 2026-10.
        standing: Of the withdrawn version.
        languages: In their order on the page.
    """
    return rendered(
        "withdrawal",
        Language(languages[0]),
        style=Markup((TEMPLATES / TEMPLATE / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        month=month,
        version=standing.version,
        parts=[_part(title, month, standing, code) for code in languages],
    ).html


def _part(
    title: Bilingual, month: str, standing: Standing, code: LanguageCode
) -> Mapping[str, object]:
    language = Language(code)
    version, told = str(standing.version), language.month(month)
    return {
        "code": code,
        "lang": "zh-CN" if code == "zh" else code,
        "company": title.in_(code),
        "name": language.text("{month}, version {version}", month=told, version=version),
        "heading": language.text("Withdrawn", context="standing"),
        "words": standing.in_words(language),
        "kept": language.text(
            "Its pages stay as they were published and do not say that they are withdrawn."
        ),
        "read": language.text("Read version {version}", version=version),
        "now": language.text("The month's report as it stands"),
        "index": language.text("All months"),
    }
