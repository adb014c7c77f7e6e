"""Every sentence that readers see exists in both languages, with the same placeholders."""

import ast
import re
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import analysis

PACKAGE = Path(analysis.__file__).parent
SPEAKERS = {"text", "plural", "Message", "_", "require"}
"""Calls whose first constant arguments are sentences of the catalogue."""


def sentences() -> list[tuple[str, str]]:
    """(place, English sentence) of every call that speaks."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in SPEAKERS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                    found.append((place, first.value))
    return found


def _name(call: ast.expr) -> str:
    return call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")


def translations() -> dict[str, str]:
    read: dict[str, str] = {}
    for path in sorted((PACKAGE / "locale" / "zh").glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream, locale="zh"):
                if message.id:
                    source = message.id if isinstance(message.id, str) else message.id[0]
                    text = message.string
                    read[source] = text if isinstance(text, str) else text[-1]
    return read


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_sentences_are_found_at_all():
    assert len(sentences()) > 50


def test_every_sentence_has_a_chinese_translation():
    known = translations()
    missing = [f"{place}: {text}" for place, text in sentences() if not known.get(text)]
    assert not missing, "\n".join(missing)


def test_translations_keep_the_placeholders():
    wrong = [
        (source, text)
        for source, text in translations().items()
        if placeholders(source) - {"n"} != placeholders(text) - {"n"}
    ]
    assert not wrong


def test_no_sentence_is_translated_twice_differently():
    seen: dict[tuple[str | None, str], str] = {}
    for path in sorted((PACKAGE / "locale" / "zh").glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream, locale="zh"):
                source = message.id if isinstance(message.id, str) else message.id[0]
                if source:
                    key, text = (message.context, source), str(message.string)
                    assert seen.setdefault(key, text) == text, f"{path.name}: {source}"


def test_chinese_sentences_hold_no_english_punctuation():
    mark = re.compile("[,:;?!](?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])[,:;?!]")
    assert not [text for text in translations().values() if mark.search(text)]


@pytest.mark.parametrize("mark", ["，", "。", "“"])
def test_english_sources_hold_no_chinese_punctuation(mark):
    assert not [text for _, text in sentences() if mark in text]
