"""What a stage makes moves into the month whole; what a kill leaves is swept."""

import pytest

from analysis.files import SESSION, read_json
from analysis.months import Month
from analysis.pipeline.job import jobs_of
from analysis.pipeline.staging import (
    drop_evidence,
    keep_evidence,
    mark_done,
    settle,
    staging,
    superseded_by,
    sweep,
)
from small_repository import write_repository


@pytest.fixture
def job(tmp_path):
    (only,) = jobs_of(write_repository(tmp_path), [Month.parse("2026-10")])
    return only


def make(job, step, **files):
    with staging(job, step, cores=1) as staged:
        for name, text in files.items():
            path = staged.saved / name.replace("__", "/").replace("_parquet", ".parquet")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return settle(staged)


def files_of(job):
    return {
        path.relative_to(job.processed).as_posix(): path.read_text()
        for path in job.processed.rglob("*")
        if path.is_file() and not path.relative_to(job.processed).parts[0].startswith(".")
    }


def test_files_move_and_the_folder_goes(job):
    made = make(job, job.steps[0], tiers_parquet="1", private__rejects_parquet="2")
    assert made == ["private/rejects.parquet", "tiers.parquet"]
    assert files_of(job) == {"private/rejects.parquet": "2", "tiers.parquet": "1"}
    assert not list(job.home.glob(".staging-*"))


def test_what_a_stage_no_longer_makes_goes(job):
    first, second = job.steps[:2]
    make(job, second, calls_parquet="kept")
    make(job, first, tickets_parquet="1", surveys_parquet="1")
    make(job, first, surveys_parquet="2")
    assert files_of(job) == {"surveys.parquet": "2", "calls.parquet": "kept"}


def test_a_stage_is_told_which_older_files_it_and_later_ones_make(job):
    first, second = job.steps[:2]
    make(job, first, tickets_parquet="1")
    make(job, second, tiers_parquet="1")
    assert superseded_by(job, first) == ["tickets.parquet", "tiers.parquet"]
    assert superseded_by(job, second) == ["tiers.parquet"]
    with staging(job, second, cores=3) as staged:
        told = read_json(staged.saved / SESSION)
    assert told == {"cores": 3, "superseded": ["tiers.parquet"]}


def test_the_marker_goes_before_files_move_and_comes_last(job, monkeypatch):
    step = job.steps[0]
    make(job, step, tiers_parquet="1")
    mark_done(job, step, [job.processed / "tiers.parquet"], inputs={}, seconds=1.0, tables={})
    marker = read_json(job.marker(step))
    assert list(marker["outputs"]) == ["data/processed/small/2026-10/tiers.parquet"]

    def killed(*_arguments):
        assert not job.marker(step).exists()
        raise KeyboardInterrupt

    from analysis.pipeline import staging as module

    monkeypatch.setattr(module, "_say_made", killed)
    with pytest.raises(KeyboardInterrupt):
        make(job, step, tiers_parquet="2")
    assert not job.marker(step).exists()


def test_a_failed_notebook_is_kept_until_its_stage_succeeds(job):
    step = job.steps[0]
    with staging(job, step, cores=1) as staged:
        assert keep_evidence(staged) is None, "the notebook was never written"
        staged.executed.parent.mkdir()
        staged.executed.write_text("failed")
        kept = keep_evidence(staged)
    assert kept == job.processed / "private" / "failed" / "01_cleaning.ipynb"
    assert kept.read_text() == "failed"
    drop_evidence(job, staged.executed)
    assert not kept.parent.exists()


def test_what_a_kill_left_of_a_month_is_swept(job):
    (job.home / ".staging-2026-10-cleaning-abc" / "saved").mkdir(parents=True)
    (job.home / ".staging-2026-09-cleaning-abc").mkdir()
    (job.processed / ".stages").mkdir(parents=True)
    (job.processed / ".stages" / ".cleaning.json.abc.part").write_text("half")
    (job.processed / "tiers.parquet").write_text("whole")
    sweep(job)
    left = sorted(path.relative_to(job.home).as_posix() for path in job.home.rglob("*"))
    assert left == [
        ".staging-2026-09-cleaning-abc",
        "2026-10",
        "2026-10/.stages",
        "2026-10/tiers.parquet",
    ]
