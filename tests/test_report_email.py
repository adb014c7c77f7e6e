"""The month's e-mail: small, without anything from elsewhere, the same figures as the report."""

import re

import pytest

from analysis.report import monthly_report
from analysis.standing import BEGIN, END, PLAIN_MARK
from mixed_language import NAMES
from report_month import write_month
from test_report_language import CHINESE

HOSTILE = "<script>alert(1)</script>&\"'=1+1\u202e📦"
ACTIONS = """
schema_version: 1
actions:
  - {{id: late, measure: {{zh: '{0}', en: '{0}'}}, owner: 运营部, decided_on: 2026-03-10,
     due_on: 2026-06-30, status: running, metric: nps}}
"""


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    return write_month(tmp_path_factory.mktemp("email"))


@pytest.fixture(scope="module", params=["zh", "en"])
def sent(month, request):
    return request.param, monthly_report(month, request.param).email()


def test_it_is_small_and_asks_for_nothing(sent):
    _, mail = sent
    assert len(mail.html.encode()) <= 100_000
    assert not re.search(r"https?:|data:|<img|<script|<link|url\(|@import|<style", mail.html)


def test_both_parts_wait_for_their_standing(sent):
    _, mail = sent
    assert mail.html.count(BEGIN) == mail.html.count(END) == 1
    assert mail.text.splitlines().count(PLAIN_MARK) == 1


def test_it_tells_verdicts_and_figures_of_the_report(month, sent):
    language, mail = sent
    report = monthly_report(month, language)
    page = report.verdicts().html + report.overview().html
    numbers = re.findall(r'<p class="big">([^<]+)</p>', report.overview().html)
    decisions = re.findall(r"</span>([^<]+)\n", page)
    assert len(numbers) >= 5
    for part in (mail.html, mail.text):
        assert all(number in part for number in numbers)
    assert any(word.strip() in mail.text for word in decisions if word.strip())


def test_each_speaks_one_language(sent):
    language, mail = sent
    if language == "zh":
        left = re.findall(r"[A-Za-z][A-Za-z' ]+", NAMES.sub("", mail.text))
        left = {word.strip() for word in left} - {"standing", "report", "html", "zh"}
        assert not {word for word in left if len(word) > 1}
    else:
        shown = mail.text.replace("客户服务部 王敏", "").replace("运营部 李强", "")
        assert not CHINESE.search(shown)


def test_what_people_wrote_stays_text(tmp_path):
    workspace = write_month(tmp_path)
    workspace.actions.parent.mkdir(parents=True, exist_ok=True)
    written = HOSTILE.replace("'", "''").replace("\u202e", "")
    workspace.actions.write_text(ACTIONS.format(written), encoding="utf-8")
    mail = monthly_report(workspace, "zh").email()
    assert "<script" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "=1+1" in mail.text
