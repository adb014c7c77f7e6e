"""What makes a step run again: content, never a touch; and only the steps that it concerns."""

import os
import time

import pytest

from analysis.files import read_json, write_json
from analysis.months import Month
from analysis.pipeline.digests import DigestCache, content_digest, folder_digests, joint_digest
from analysis.pipeline.inputs import PACKAGE, cache_of, code_digest, inputs_of, prepare
from analysis.pipeline.job import jobs_of
from analysis.pipeline.stages import STAGES, steps_of
from small_repository import write_repository

OLD = time.time() - 3600
"""A file changed an hour ago may be cached; one changed just now may not."""


@pytest.fixture
def profile(tmp_path):
    return write_repository(tmp_path)


@pytest.fixture
def job(profile):
    (only,) = jobs_of(profile, [Month.parse("2026-10")])
    return only


def done(job):
    """Mark all steps as done with the inputs they have now."""
    cache = cache_of(job)
    prepare(job, cache)
    for step in job.steps:
        inputs = inputs_of(job, step, cache)
        write_json(job.marker(step), {"step": step.name, "inputs": inputs, "outputs": {}})
    assert prepare(job, cache_of(job)) == {}


ALL = [step.name for step in steps_of(("zh", "en"))]


def test_at_first_everything_runs(job):
    assert list(prepare(job, cache_of(job))) == ALL


def test_a_touch_runs_nothing(job, tmp_path):
    done(job)
    digests = {p: p.stat().st_mtime_ns for p in job.processed.rglob("*.digest")}
    for path in tmp_path.rglob("*"):
        if path.is_file() and "processed" not in path.parts:
            os.utime(path)
    assert prepare(job, cache_of(job)) == {}
    assert {p: p.stat().st_mtime_ns for p in job.processed.rglob("*.digest")} == digests


@pytest.mark.parametrize(
    ("name", "old", "new", "first"),
    [
        ("data/raw/small/orders.csv", "c", "d", "cleaning"),
        ("notebooks/01_cleaning.ipynb", "orders", "others", "cleaning"),
        ("notebooks/02_segmentation.ipynb", "key", "regular", "segmentation"),
        ("params/experiments/small/trial.yaml", "0.5", "0.50", "evaluation"),
        ("notebooks/04_report.ipynb", "customers", "shippers", "report-zh"),
        ("params/small.yaml", "en: Small", "en: Tiny", "report-zh"),
        ("params/small.yaml", "currency: CNY", "currency: EUR", "cleaning"),
    ],
)
def test_a_change_runs_its_step_and_those_after(job, profile, tmp_path, name, old, new, first):
    done(job)
    path = tmp_path / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    (again,) = jobs_of(profile, [job.month])
    assert list(prepare(again, cache_of(again))) == ALL[ALL.index(first) :]


def test_the_committees_overrides_run_segmentation_and_what_follows(job, profile, tmp_path):
    done(job)
    path = tmp_path / "params/overrides/small.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("overrides: []\n")
    (again,) = jobs_of(profile, [job.month])
    assert list(prepare(again, cache_of(again))) == ALL[ALL.index("segmentation") :]


def test_a_comment_in_the_profile_runs_nothing(job, profile):
    done(job)
    profile.write_text(profile.read_text() + "\n# a remark\n")
    (again,) = jobs_of(profile, [job.month])
    assert prepare(again, cache_of(again)) == {}


def test_a_file_that_is_no_input_runs_nothing(job):
    done(job)
    (job.raw / "notes.txt").write_text("not named by any source")
    assert prepare(job, cache_of(job)) == {}


def test_a_new_raw_file_runs_everything(job):
    done(job)
    (job.raw / "more.csv").write_text("id\nz\n")
    reasons = prepare(job, cache_of(job))
    assert reasons["cleaning"] == "raw/more.csv changed"
    assert list(reasons) == ALL


def test_an_output_that_was_damaged_is_made_again(job):
    done(job)
    step = job.steps[1]
    made = job.processed / "tiers.parquet"
    made.write_text("whole")
    marker = read_json(job.marker(step))
    marker["outputs"] = {made.relative_to(job.root).as_posix(): content_digest(made)}
    write_json(job.marker(step), marker)
    assert prepare(job, cache_of(job)) == {}
    made.write_text("half")
    assert "missing or was changed" in prepare(job, cache_of(job))["segmentation"]


def test_last_months_summary_makes_the_report_again(job):
    done(job)
    write_json(job.previous.reports / "summary.json", {"headline": {}})
    assert list(prepare(job, cache_of(job))) == ["report-zh", "report-en", "publication"]


def test_a_digest_file_is_written_only_when_it_changes(job, profile, tmp_path):
    done(job)
    before = {p.name: p.stat().st_mtime_ns for p in job.processed.rglob("*.digest")}
    (tmp_path / "params/experiments/small/trial.yaml").write_text("# gone\n")
    prepare(job, cache_of(job))
    after = {p.name: p.stat().st_mtime_ns for p in job.processed.rglob("*.digest")}
    assert {name for name in after if after[name] != before[name]} == {"evaluation.digest"}


def test_every_section_of_a_profile_belongs_to_a_stage(job):
    cache = cache_of(job)
    parts = {n for step in job.steps for n in inputs_of(job, step, cache)}
    told = {n.removeprefix("params.") for n in parts if n.startswith("params.")}
    assert told == set(type(job.profile).model_fields) - {"raw"}
    claimed = [name for stage in STAGES for name in stage.sections]
    assert len(claimed) == len(set(claimed))


def test_code_counts_but_not_what_no_stage_imports(tmp_path, monkeypatch):
    from analysis.pipeline import inputs

    for name in ("value/rfm.py", "dashboard/view.py", "cli/commands.py", "locale/zh/a.po"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(inputs, "PACKAGE", tmp_path)
    before = code_digest(DigestCache(tmp_path / "cache"))
    for name in ("dashboard/view.py", "cli/commands.py", "locale/zh/a.po"):
        (tmp_path / name).write_text("2")
    assert code_digest(DigestCache(tmp_path / "cache")) == before
    (tmp_path / "value/rfm.py").write_text("2")
    assert code_digest(DigestCache(tmp_path / "cache")) != before
    assert (PACKAGE / "errors.py").exists()


def test_the_cache_reads_an_unchanged_file_once(tmp_path, monkeypatch):
    from analysis.pipeline import digests

    path = tmp_path / "big.csv"
    path.write_text("1")
    monkeypatch.setattr(digests, "FRESH_SECONDS", -1.0)
    cache = DigestCache.load(tmp_path / "cache.json")
    first = cache.of(path)
    cache.save()
    monkeypatch.setattr(digests, "content_digest", lambda _path: "read again")
    assert DigestCache.load(tmp_path / "cache.json").of(path) == first


def test_the_cache_sees_a_change_that_hides_its_time(tmp_path, monkeypatch):
    from analysis.pipeline import digests

    monkeypatch.setattr(digests, "FRESH_SECONDS", -1.0)
    path = tmp_path / "big.csv"
    path.write_text("1")
    os.utime(path, (OLD, OLD))
    cache = DigestCache(tmp_path / "cache.json")
    before = cache.of(path)
    path.write_text("2")
    os.utime(path, (OLD, OLD))
    assert cache.of(path) != before


def test_a_file_changed_just_now_is_not_cached(tmp_path):
    path = tmp_path / "big.csv"
    path.write_text("1")
    cache = DigestCache(tmp_path / "cache.json")
    cache.of(path)
    cache.save()
    assert not (tmp_path / "cache.json").exists()


def test_a_broken_cache_is_begun_anew(tmp_path):
    (tmp_path / "cache.json").write_text('{"half": ')
    path = tmp_path / "a"
    path.write_text("1")
    assert DigestCache.load(tmp_path / "cache.json").of(path) == content_digest(path)
    assert DigestCache.load(tmp_path / "cache.json").of(tmp_path / "none") == "missing"


def test_joint_digests_depend_on_names_and_not_on_order(tmp_path):
    assert joint_digest({"a": "1", "b": "2"}) == joint_digest({"b": "2", "a": "1"})
    assert joint_digest({"a": "1", "b": "2"}) != joint_digest({"a": "2", "b": "1"})
    (tmp_path / "one.csv").write_text("1")
    found = folder_digests(tmp_path, ["*.csv", "one.*"], DigestCache(tmp_path / "c"))
    assert list(found) == ["one.csv"]
