"""PDFs of a month: printed where there is a browser, left out where there is none or it hangs."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pypdf
import pytest

from analysis.pipeline import printing
from analysis.pipeline.locks import take
from analysis.pipeline.printing import BROWSERS, browser_of, print_pages

PAGE = """<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>月报</title>
</head><p>客户分层服务月报：客户留存率提高 5.0 个百分点</p></html>"""
INSTALLED = next((found for name in BROWSERS if (found := shutil.which(name))), None)


def page(folder: Path, name: str = "report.zh.html") -> Path:
    place = folder / name
    place.write_text(PAGE, encoding="utf-8")
    return place


def script(folder: Path, text: str) -> str:
    place = folder / "browser"
    place.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    place.chmod(0o755)
    return str(place)


def test_a_browser_is_found_chosen_or_refused(tmp_path):
    own = script(tmp_path, "true")
    assert browser_of({"TIERLAB_BROWSER": own}) == own
    assert browser_of({"TIERLAB_BROWSER": "none"}) == ""
    assert browser_of({"TIERLAB_BROWSER": "/no/such/browser"}) == ""
    assert browser_of({}) == (INSTALLED or "")


@pytest.mark.parametrize("text", ["exit 1", "true", 'for a; do :; done; echo half > "$a"'])
def test_a_browser_that_fails_leaves_no_pdf(tmp_path, text):
    assert print_pages([page(tmp_path)], script(tmp_path, text)) == []
    assert not list(tmp_path.glob("*.pdf"))


def test_the_next_print_removes_what_a_killed_one_left(tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "_short_folder", lambda: str(tmp_path))
    kept, new = tmp_path / "tierlab-print-held", tmp_path / "tierlab-print-new"
    left, other = tmp_path / "tierlab-print-left", tmp_path / "tierlab-else"
    for folder in (kept, new, left, other):
        folder.mkdir()
        (folder / "report.zh.html").write_text(PAGE, encoding="utf-8")
    held = take(kept / printing.HELD)
    for folder in (kept, left, other):
        os.utime(folder, (0, 0))
    assert print_pages([page(tmp_path)], script(tmp_path, "true")) == []
    held.close()
    assert sorted(tmp_path.glob("tierlab-*")) == sorted([kept, new, other])


def test_no_browser_prints_nothing(tmp_path):
    assert print_pages([page(tmp_path)], "") == []
    assert print_pages([page(tmp_path)], str(tmp_path / "absent")) == []


def test_a_browser_that_hangs_is_ended(tmp_path):
    began = time.monotonic()
    assert print_pages([page(tmp_path)], script(tmp_path, "sleep 60"), longest_seconds=0.5) == []
    assert time.monotonic() - began < 10


@pytest.mark.skipif(INSTALLED is None, reason="this machine has no Chromium of its own to print")
def test_a_printed_page_holds_its_chinese_text(tmp_path, monkeypatch):
    deep = tmp_path / "a-run-keeps-its-scratch-files-below-its-results" / ("so-deep-" * 9)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    monkeypatch.setenv("TMPDIR", str(deep))
    pages = [page(tmp_path), page(tmp_path, "report.en.html")]
    made = print_pages(pages, INSTALLED)
    assert [path.name for path in made] == ["report.zh.pdf", "report.en.pdf"]
    text = pypdf.PdfReader(made[0]).pages[0].extract_text()
    assert "客户留存率提高" in text.replace("\n", "")
