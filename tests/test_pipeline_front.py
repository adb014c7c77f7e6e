"""What a run says while it runs, what the Snakefile is told, and how failures are put."""

import io
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from analysis.errors import ParamsError
from analysis.pipeline.events import Event, tell, told
from analysis.pipeline.front import FailedRunError
from analysis.pipeline.inputs import NOT_RUN, wants_another_round
from analysis.pipeline.locks import RUN_VARIABLE
from analysis.pipeline.planning import Plan
from analysis.pipeline.progress import Progress, line_of
from small_repository import write_repository

THREE_MONTHS = ("2026-08", "2026-09", "2026-10")
DONE = Event("finished", "2026-10", "cleaning", 12.34, {"shipments": 1_048_231, "tickets": 2})


def test_a_line_says_stage_seconds_and_rows():
    assert line_of(DONE) == "cleaning       12.3 s   2 tables, 1,048,233 rows"
    assert line_of(DONE, with_month=True).startswith("2026-10  cleaning")
    assert line_of(Event("failed", "2026-10", "report-zh", 1.0)).endswith("failed")
    assert line_of(Event("started", "2026-10", "report-zh")) == "report-zh …"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_one_line_a_finished_stage(terminal):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, color_system=None, width=80)
    progress = Progress(console, months=1)
    with progress.shown():
        progress.tell([Event("started", "2026-10", "cleaning")])
        progress.tell([DONE])
    lines = [line for line in screen.getvalue().splitlines() if "cleaning  " in line]
    assert len(lines) == 1
    assert "✓ cleaning" in lines[0]


def test_events_reach_the_run_once_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, str(tmp_path))
    first = Event("started", "2026-10", "cleaning")
    tell(first)
    seen: set[str] = set()
    assert list(told(tmp_path, seen)) == [first]
    tell(DONE)
    assert list(told(tmp_path, seen)) == [DONE]
    assert list(told(tmp_path, seen)) == []


def test_a_stage_that_nobody_started_prints(capsys, monkeypatch):
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    tell(DONE)
    assert capsys.readouterr().out.startswith("cleaning       12.3 s")


def test_a_failure_that_several_months_share_is_said_once():
    failures = [
        Event("failed", "2026-09", "cleaning", message="No file", exit_code=4),
        Event("failed", "2026-10", "cleaning", message="No file", exit_code=4),
        Event("failed", "2026-11", "report-zh", message="No font", exit_code=8),
    ]
    fault = FailedRunError(failures)
    assert str(fault) == "2026-09 cleaning, 2026-10 cleaning: No file\n2026-11 report-zh: No font"
    assert fault.exit_code == 4


def test_only_what_waits_for_another_month_goes_into_another_round():
    assert wants_another_round({"report-zh": "previous/summary changed"})
    assert wants_another_round({"report-zh": NOT_RUN, "publication": "report-zh runs"})
    assert not wants_another_round({"cleaning": "code changed", "report-zh": NOT_RUN})
    assert not wants_another_round({})


@pytest.fixture
def profile(tmp_path):
    return write_repository(tmp_path)


def test_the_snakefile_is_told_paths_and_commands(profile, tmp_path):
    plan = Plan.of({"profile": str(profile), "months": "2026-09,2026-10", "out": str(tmp_path)})
    home = tmp_path / "data" / "processed" / "small"
    assert plan.targets[1] == f"{home}/2026-10/.stages/publication.json"
    assert plan.marker("cleaning") == f"{home}/{{month}}/.stages/cleaning.json"
    assert "stage cleaning --month {wildcards.month} --cores {threads}" in plan.command("cleaning")
    assert (home / "2026-10/.inputs/cleaning.digest").exists()


@dataclass(frozen=True)
class Wildcards:
    month: str


def test_the_first_month_reads_the_raw_files_with_all_cores(profile):
    plan = replace(_plan(profile), cores=4)
    assert [plan.threads("cleaning")(Wildcards(m)) for m in THREE_MONTHS] == [4, 1, 1]
    assert [plan.threads("evaluation")(Wildcards(m)) for m in THREE_MONTHS] == [1, 1, 1]
    first = plan.jobs[0].marker(plan.jobs[0].steps[0])
    first.parent.mkdir(parents=True, exist_ok=True)
    first.touch()
    assert [plan.threads("cleaning")(Wildcards(m)) for m in THREE_MONTHS] == [1, 4, 1]


def test_a_month_made_alone_has_all_cores(profile):
    alone = replace(Plan.of({"profile": str(profile), "months": "2026-10"}), cores=4)
    assert alone.threads("evaluation")(Wildcards("2026-10")) == 4


def test_reports_go_first_and_cleaning_two_months_ahead(profile):
    plan = _plan(profile)

    def urgency(stage, month):
        return plan.priority(stage)(Wildcards(month))

    before_all = min(urgency(stage, THREE_MONTHS[2]) for stage in ("report", "publication"))
    assert before_all > urgency("cleaning", THREE_MONTHS[0])
    assert urgency("report", THREE_MONTHS[0]) > urgency("report", THREE_MONTHS[1])
    same = {
        urgency("cleaning", THREE_MONTHS[2]),
        urgency("segmentation", THREE_MONTHS[1]),
        urgency("evaluation", THREE_MONTHS[0]),
    }
    assert len(same) == 1


def _plan(profile):
    return Plan.of({"profile": str(profile), "months": ",".join(THREE_MONTHS)})


def test_a_report_waits_for_last_month_if_that_is_made_too(profile):
    plan = Plan.of({"profile": str(profile), "months": "2026-09,2026-10"})
    assert [p.split("small/")[-1] for p in plan.month_before(Wildcards("2026-10"))] == [
        "2026-09/.stages/publication.json"
    ]
    alone = Plan.of({"profile": str(profile), "months": "2026-10"})
    assert alone.month_before(Wildcards("2026-10")) == []


def test_the_snakefile_refuses_what_it_does_not_know(profile):
    with pytest.raises(ParamsError, match="--config") as fault:
        Plan.of({"profil": str(profile), "months": "2026-10"})
    assert "unknown profil, no profile" in str(fault.value)
