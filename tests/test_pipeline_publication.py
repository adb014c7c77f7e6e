"""A month is published whole or not at all, and says how it stands."""

import errno

import pytest

from analysis.errors import RunError
from analysis.files import read_json
from analysis.months import Month
from analysis.pipeline import exchange as exchanging
from analysis.pipeline import publication
from analysis.pipeline.exchange import exchange, put_in_place, restore_retired
from analysis.pipeline.job import jobs_of
from analysis.pipeline.publication import forget_state, is_intact, mark, publish, recover
from small_repository import write_repository


@pytest.fixture
def job(tmp_path, monkeypatch):
    (only,) = jobs_of(write_repository(tmp_path), [Month.parse("2026-10")])
    only.processed.mkdir(parents=True)
    monkeypatch.setattr("analysis.report.summary.summary", lambda _workspace: {"headline": {}})
    monkeypatch.setattr("analysis.report.index_page", lambda shelf, _entries: _index(shelf))
    return only


def _index(shelf):
    return ",".join(sorted(path.name for path in shelf.glob("*-*")))


def write_pages(job, text):
    for language in ("zh", "en"):
        (job.processed / f"report.{language}.html").write_text(f"{text} {language}")


def published(job):
    return {path.name: path.read_text() for path in job.reports.iterdir()}


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(exchanging, "_exchange", cannot)
    return request.param


def cannot(_one, _other):
    import ctypes

    ctypes.set_errno(errno.EINVAL)
    return -1


def test_a_month_is_published_and_replaced_as_a_whole(job, way):
    write_pages(job, "first")
    publish(job)
    assert sorted(published(job)) == [
        "manifest.json",
        "report.en.html",
        "report.zh.html",
        "summary.json",
    ]
    assert is_intact(job)
    write_pages(job, "second")
    publish(job)
    assert published(job)["report.en.html"] == "second en"
    assert [path.name for path in job.shelf.iterdir() if path.is_dir()] == ["2026-10"]
    assert (job.shelf / "index.html").read_text() == "2026-10"


def test_a_failure_leaves_the_last_good_report(job, monkeypatch):
    write_pages(job, "good")
    publish(job)
    before = published(job)
    write_pages(job, "bad")

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publication, "write_json", full)
    with pytest.raises(RunError, match="disk is full"):
        publish(job)
    assert published(job) == before
    assert not list(job.shelf.glob(".publishing-*"))


def test_a_missing_page_is_told(job):
    (job.processed / "report.zh.html").write_text("only one")
    with pytest.raises(RunError, match="report is missing"):
        publish(job)
    assert not job.reports.exists()


def test_a_manifest_names_what_the_report_was_made_of(job):
    write_pages(job, "good")
    publish(job)
    manifest = read_json(job.reports / "manifest.json")
    assert manifest["raw"].keys() == {"orders.csv"}
    assert manifest["params"]["files"].keys() == {"experiments/small/trial.yaml"}
    assert manifest["files"].keys() == {"report.zh.html", "report.en.html", "summary.json"}
    assert manifest["again"] == "tierlab run --profile params/small.yaml --month 2026-10"
    assert {"code", "packages", "version", "made_at"} <= manifest.keys()


def test_a_report_that_lost_a_page_is_not_intact(job):
    write_pages(job, "good")
    publish(job)
    (job.reports / "report.zh.html").unlink()
    assert not is_intact(job)


def test_a_month_says_how_it_stands_until_it_is_published_again(job):
    state = job.shelf / ".states" / "2026-10.json"
    mark(job, "stale", "raw changed")
    assert not state.exists(), "there is no report yet that could be stale"
    write_pages(job, "good")
    publish(job)
    mark(job, "stale", "raw changed")
    assert read_json(state)["state"] == "stale"
    mark(job, "failed", "no file")
    assert read_json(state)["message"] == "no file"
    publish(job)
    assert not state.exists()
    forget_state(job)


def test_a_kill_between_two_renames_is_mended(job):
    write_pages(job, "good")
    publish(job)
    before = published(job)
    job.reports.rename(job.shelf / ".retired-2026-10-abc")
    (job.shelf / ".publishing-2026-10-def").mkdir()
    (job.shelf / ".publishing-2026-09-def").mkdir()
    recover(job)
    assert published(job) == before
    left = sorted(path.name for path in job.shelf.iterdir() if path.is_dir())
    assert left == [".publishing-2026-09-def", "2026-10"], "another month may be in work"


def test_a_retired_folder_that_was_replaced_goes(tmp_path):
    (tmp_path / "2026-10").mkdir()
    (tmp_path / ".retired-2026-10-abc").mkdir()
    restore_retired(tmp_path / "2026-10")
    assert [path.name for path in tmp_path.iterdir()] == ["2026-10"]


def test_folders_are_exchanged_in_one_step(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which").write_text(name)
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot exchange folders")
    assert (tmp_path / "a" / "which").read_text() == "b"


def test_a_real_fault_of_an_exchange_is_not_hidden(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")


def test_the_first_folder_is_only_renamed(tmp_path):
    (tmp_path / "new").mkdir()
    assert put_in_place(tmp_path / "new", tmp_path / "place") is None
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
