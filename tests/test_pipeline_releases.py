"""A published version is whole, in somebody's name, and never changes."""

import datetime as dt
import re
import stat

import pytest

from analysis.errors import AnalysisError, ParamsError, RunError
from analysis.files import read_json
from analysis.language import Language
from analysis.months import Month
from analysis.pipeline import answering
from analysis.pipeline.job import jobs_of
from analysis.pipeline.publication import publish
from analysis.pipeline.releases import (
    add_release,
    releases_of,
    standing_digest,
    standing_of,
    sweep_releases,
    withdraw_release,
)
from analysis.standing import BEGIN, END, PLAIN_MARK, Standing, stamped, standing_html
from small_repository import write_repository

NOW = dt.datetime(2026, 11, 3, 9, 30, tzinfo=dt.UTC)
DRAFT = standing_html(Standing(), Language("en"))


@pytest.fixture
def job(tmp_path, monkeypatch):
    (only,) = jobs_of(write_repository(tmp_path), [Month.parse("2026-10")])
    only.processed.mkdir(parents=True)
    told = {"month": "2026-10", "headline": {"revenue": {"value": 1.0}}}
    monkeypatch.setattr("analysis.report.summary.summary", lambda _workspace: told)
    write_pages(only, "first")
    return only


def write_pages(job, text):
    for language in ("zh", "en"):
        page = f"<h1>{text} {language}</h1>{DRAFT}"
        (job.processed / f"report.{language}.html").write_text(page, encoding="utf-8")


def shown(job, folder=None):
    return ((folder or job.reports) / "report.en.html").read_text(encoding="utf-8")


def test_a_month_is_a_draft_until_somebody_publishes_it(job):
    publish(job)
    assert "Draft: nobody has published" in shown(job)
    release = add_release(job, "Wang Min", NOW)
    publish(job)
    assert standing_of(job) == Standing("published", 1, "Wang Min", "2026-11-03")
    for page in (shown(job), shown(job, release.folder)):
        assert "Published as version 1 on 3 Nov 2026 by Wang Min." in page
        assert "Draft" not in page
    assert read_json(job.reports / "manifest.json")["standing"]["state"] == "published"


def test_a_published_page_leads_to_where_it_is_told_whether_it_holds(job):
    publish(job)
    release = add_release(job, "Wang Min", NOW)
    publish(job)
    for folder in (release.folder, job.reports):
        (link,) = re.findall(r'href="([^"]*index.html)"', shown(job, folder))
        assert (folder / link).resolve() == job.shelf / "index.html"


def test_an_email_leads_nowhere_on_the_shelf(job):
    (job.processed / "email.en.html").write_text(DRAFT, encoding="utf-8")
    publish(job)
    assert "href" not in (job.reports / "email.en.html").read_text(encoding="utf-8")


def test_a_version_is_read_only_and_tells_when_it_was_altered(job):
    publish(job)
    release = add_release(job, "Wang Min", NOW)
    files = list(release.folder.iterdir())
    assert len(files) == 5
    assert not any(path.stat().st_mode & stat.S_IWUSR for path in files)
    assert release.altered_files() == []
    (release.folder / "report.en.html").chmod(0o644)
    (release.folder / "report.en.html").write_text("nicer figures")
    assert release.altered_files() == ["report.en.html"]


def test_the_same_results_are_not_published_twice(job):
    publish(job)
    add_release(job, "Wang Min", NOW)
    with pytest.raises(RunError, match="already published"):
        add_release(job, "Li Lei", NOW)


def test_other_results_become_a_draft_of_the_next_version_that_tells_what_differs(job):
    publish(job)
    first = add_release(job, "Wang Min", NOW)
    before = shown(job, first.folder)
    write_pages(job, "second")
    publish(job)
    page = shown(job)
    assert "Draft of version 2: it differs from the published version 1." in page
    assert 'href="../releases/2026-10/v1/report.en.html"' in page
    assert 'href="differences.en.html"' in page
    assert "No figure differs" in (job.reports / "differences.en.html").read_text()
    assert "指标、数据、参数与程序均相同" in (job.reports / "differences.zh.html").read_text()
    add_release(job, "Wang Min", NOW)
    assert [one.version for one in releases_of(job.shelf, "2026-10")] == [1, 2]
    assert shown(job, first.folder) == before


def test_results_that_return_to_a_published_version_are_that_version(job):
    publish(job)
    add_release(job, "Wang Min", NOW)
    write_pages(job, "second")
    assert standing_of(job) == Standing("draft", 2, before=1)
    write_pages(job, "first")
    assert standing_of(job).state == "published"


def test_a_withdrawn_version_says_why_and_keeps_its_files(job):
    publish(job)
    first = add_release(job, "Wang Min", NOW)
    digest = standing_digest(job)
    withdraw_release(job, 0, "Li Lei", "freight costs were missing", NOW)
    assert standing_digest(job) != digest, "the month must be put on the shelf again"
    publish(job)
    assert "Withdrawn on 3 Nov 2026 by Li Lei: freight costs were missing." in shown(job)
    assert first.altered_files() == []
    notice = first.folder.with_name("v1.withdrawn.html").read_text(encoding="utf-8")
    index = (job.shelf / "index.html").read_text(encoding="utf-8")
    for page in (notice, index):
        assert "Withdrawn on 3 Nov 2026 by Li Lei: freight costs were missing." in page
        assert "2026年11月3日" in page
    assert 'href="releases/2026-10/v1.withdrawn.html"' in index
    assert 'href="v1/report.en.html"' in notice
    (kept,) = releases_of(job.shelf, "2026-10")
    assert kept.standing.state == "withdrawn"
    with pytest.raises(RunError, match="already withdrawn"):
        add_release(job, "Wang Min", NOW)
    with pytest.raises(RunError, match="no such published version"):
        withdraw_release(job, 1, "Li Lei", "again", NOW)


def test_a_draft_after_a_withdrawal_leads_to_no_withdrawn_version(job):
    publish(job)
    add_release(job, "Wang Min", NOW)
    withdraw_release(job, 0, "Li Lei", "freight costs were missing", NOW)
    write_pages(job, "second")
    publish(job)
    assert standing_of(job) == Standing("draft", 2)
    assert "Draft of version 2: what was published before is withdrawn." in shown(job)
    assert "releases/" not in shown(job)
    assert not (job.reports / "differences.en.html").exists()
    add_release(job, "Wang Min", NOW)
    write_pages(job, "third")
    assert standing_of(job) == Standing("draft", 3, before=2)


def test_a_version_whose_record_is_gone_keeps_its_number(job):
    publish(job)
    release = add_release(job, "Wang Min", NOW)
    (release.folder / "release.json").unlink()
    assert add_release(job, "Wang Min", NOW).version == 2


def test_withdrawing_never_puts_half_of_a_failed_run_on_the_shelf(job, monkeypatch):
    publish(job)
    add_release(job, "Wang Min", NOW)
    publish(job)
    before = shown(job)
    monkeypatch.setattr(answering, "run_stage", _cannot)
    monkeypatch.setattr(answering, "reasons_of", lambda *_: {"report-zh": "has not run"})
    withdrawn = answering.withdraw_month(job, 0, "Li Lei", "costs")
    assert withdrawn.withdrawal["reason"] == "costs"
    assert shown(job) == before
    assert "Withdrawn on" in (job.shelf / "index.html").read_text()


def test_an_altered_version_that_was_withdrawn_blocks_nothing(job, monkeypatch):
    publish(job)
    release = add_release(job, "Wang Min", NOW)
    (release.folder / "report.en.html").chmod(0o644)
    (release.folder / "report.en.html").write_text("nicer figures")
    with pytest.raises(RunError, match="altered"):
        answering._refuse_altered(job)
    withdraw_release(job, 0, "Li Lei", "somebody wrote in it", NOW)
    answering._refuse_altered(job)


def test_a_killed_publication_leaves_no_version(job):
    half = job.shelf / "releases" / "2026-10" / ".releasing-abc"
    half.mkdir(parents=True)
    assert releases_of(job.shelf, "2026-10") == ()
    sweep_releases(job)
    assert not half.exists()


def test_a_failure_while_publishing_leaves_no_version(job, monkeypatch):
    publish(job)
    monkeypatch.setattr("analysis.pipeline.publication.manifest_of", _cannot)
    with pytest.raises(OSError, match="broken"):
        add_release(job, "Wang Min", NOW)
    assert not list((job.shelf / "releases" / "2026-10").iterdir())


def _cannot(*_arguments):
    raise OSError(12345, "broken")


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_somebody_must_answer_for_it(job, name):
    with pytest.raises(ParamsError, match="who and why"):
        answering.publish_month(job, name)


def test_a_name_or_reason_that_would_turn_the_page_around_is_refused(job):
    with pytest.raises(ParamsError, match="nobody sees") as told:
        answering.withdraw_month(job, 0, "Wang Min", "costs \u202e)1 noisrev esU(")
    assert "U+202E" in str(told.value)


def test_a_month_without_a_report_or_behind_its_inputs_is_not_published(job):
    with pytest.raises(RunError, match="up to date") as told:
        answering.publish_month(job, "Wang Min")
    assert "tierlab run" in told.value.todo
    publish(job)
    with pytest.raises(RunError, match="up to date"):
        answering.publish_month(job, "Wang Min")


@pytest.mark.parametrize("months", [["2026-10"], ["2026-08", "2026-09", "2026-10"]])
def test_two_months_are_compared(job, months):
    with pytest.raises(ParamsError, match="Two months"):
        answering.compare(job.profile_path, months)


@pytest.mark.parametrize("month", ["2026-10@one", "2026-13", "@1"])
def test_a_wrong_month_or_version_is_told(job, month):
    with pytest.raises(AnalysisError):
        answering.compare(job.profile_path, [month, "2026-10"])


def test_results_that_are_not_there_are_told(job):
    with pytest.raises(AnalysisError, match="no results to compare"):
        answering.compare(job.profile_path, ["2026-09", "2026-10@3"])


def test_names_and_reasons_are_escaped_where_they_are_shown():
    hostile = Standing("withdrawn", 1, "<b>Li</b>", "2026-11-03", '"><script>alert(1)</script>')
    html = standing_html(hostile, Language("en"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_mark_of_a_plain_text_is_no_way_into_a_web_page():
    hostile = Standing("published", 1, f"{PLAIN_MARK}<img src=x>", "2026-11-03")
    told = stamped(f"{DRAFT}<p>{PLAIN_MARK}</p>", hostile, Language("en"))
    assert "<img" not in told


def test_only_what_lies_between_the_marks_is_replaced():
    page = f"<p>a</p>{DRAFT}<p>b</p>"
    told = stamped(page, Standing("published", 1, "W", "2026-11-03"), Language("zh"))
    assert told.startswith("<p>a</p>" + BEGIN)
    assert told.endswith(END + "<p>b</p>")
    text = stamped(PLAIN_MARK, Standing("published", 1, "W", "2026-11-03"), Language("zh"))
    assert text.startswith("2026年11月3日由W发布")
    assert stamped("no marks", Standing(), Language("en")) == "no marks"
