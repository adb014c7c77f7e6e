"""From an executed notebook to one offline HTML page, with our own nbconvert template."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..language import LanguageCode

TEMPLATES = Path(__file__).parent
TEMPLATE = "template"
SECTION = re.compile(r'<section id="([\w-]+)"[^>]*>\s*<h2[^>]*>(.*?)</h2>', re.DOTALL)
SIGNED_AMOUNT = re.compile(r"[+−][A-Z]{0,3}[¥€£$]\d[\d,.]*\d|[+−][A-Z]{0,3}[¥€£$]\d")
"""An amount with its sign; browsers would part ``−`` from ``¥`` at the end of a line."""
INTERVAL = re.compile(r"[（(][^（）()<>]{1,14} (?:至|to) [^（）()<>]{1,14}[)）]")
"""A short interval in brackets; it is read as one figure."""
COUNTED = re.compile(r"\d[\d,.]*%? [一-鿿]")
"""A number with the Chinese word that counts it, such as ``45 家``."""
WHOLE = re.compile(f"{INTERVAL.pattern}|{SIGNED_AMOUNT.pattern}|{COUNTED.pattern}")
AFTER_MARK = re.compile(r"([：；，。])((?:</(?:strong|b|span)>)?)\s+")
"""Blanks after a Chinese mark, which is as wide as one with its blank."""
TEXT = re.compile(r">[^<]+<")
TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)


def to_html(executed_notebook: Path, language: LanguageCode) -> str:
    """Turn the executed report notebook into one HTML page.

    Only what the cells show is kept; code, prompts, streams and the analyst's notes are not.
    The page asks for nothing from elsewhere and needs no script.

    Args:
        executed_notebook: ``04_report.ipynb`` after papermill.
        language: Of the page; also HTML's ``lang``.

    Raises:
        RunError: The notebook shows no report, for instance because it was not executed.
    """
    import nbformat
    from nbconvert.exporters.templateexporter import TemplateExporter

    make: Any = TemplateExporter
    read: Any = nbformat.reads
    exporter = make(
        template_name=TEMPLATE,
        extra_template_basedirs=[str(TEMPLATES)],
        file_extension=".html",
        exclude_input=True,
    )
    notebook = read(executed_notebook.read_text(encoding="utf-8"), as_version=4)
    body = "\n".join(_shown(notebook))
    if not TITLE.search(body):
        raise RunError(
            "The executed notebook shows no report",
            where=str(executed_notebook),
            todo="Run the report stage again.",
        )
    resources = {"page": page_words(body, language)}
    html, _ = exporter.from_notebook_node(notebook, resources)
    return kept_together(html)


def kept_together(body: str) -> str:
    """A page whose figures are not parted at the end of a line, without gaps after Chinese marks.

    Example:
        >>> kept_together("<p>−¥18.2</p>")
        '<p><span class="whole">−¥18.2</span></p>'
    """
    closed = AFTER_MARK.sub(r"\1\2", body)
    return TEXT.sub(lambda text: WHOLE.sub(r'<span class="whole">\g<0></span>', text[0]), closed)


def page_words(body: str, language: LanguageCode) -> dict[str, Any]:
    """What the page needs beside its sections: language, title, contents, styles."""
    from ..language import Language

    words = Language(language)
    found = TITLE.search(body)
    return {
        "lang": "zh-CN" if language == "zh" else "en",
        "title": _plain(found[1]) if found else "",
        "contents": [(key, _plain(title)) for key, title in SECTION.findall(body)],
        "contents_word": words.text("Contents"),
        "skip_word": words.text("Skip to the report"),
        "style": (TEMPLATES / TEMPLATE / "report.css").read_text(encoding="utf-8"),
    }


def _shown(notebook: Any) -> list[str]:
    return [
        output["data"]["text/html"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]


def _plain(markup: str) -> str:
    """The text of a heading without its markup; the template escapes it again."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())
