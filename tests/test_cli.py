"""The command line: quick, exit codes by kind of fault, words instead of tracebacks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import cli
from analysis.cli import exit_code_of
from analysis.cli.options import months_of
from analysis.errors import ParamsError
from processes import interrupted_query
from small_repository import write_repository

ROOT = Path(__file__).parents[1]
HELP_SECONDS = 0.5
SLOWEST_AGAINST_TYPER = 2.0
"""Help may take twice what loading the library that writes it takes; it takes 1.1 to 1.4 times."""
TRIES = 3
"""The first one may have to compile."""


@pytest.fixture
def profile(tmp_path):
    return write_repository(tmp_path)


def said(capsys, *arguments):
    code = exit_code_of(list(arguments))
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def processor_seconds(*arguments: str) -> float:
    before = os.times()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = os.times()
    used = after.children_user + after.children_system
    return used - before.children_user - before.children_system


def test_help_answers_at_once():
    """In processor time, and beside the library that writes the help: a busy machine slows both."""
    help_seconds, usual = [], []
    for _ in range(TRIES):
        help_seconds.append(processor_seconds("-m", "analysis", "--help"))
        usual.append(processor_seconds("-c", "import typer.rich_utils, typer.main"))
    assert min(help_seconds) < max(HELP_SECONDS, SLOWEST_AGAINST_TYPER * min(usual))


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from analysis.cli import exit_code_of; exit_code_of(['--help']); "
        "print([n for n in ('pandas', 'ibis', 'pydantic', 'papermill') if n in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip().endswith("[]")


def test_the_commands_are_those_that_the_readmes_name():
    from typer.main import get_command

    from analysis.cli.registry import app

    shown = {name for name, command in get_command(app).commands.items() if not command.hidden}
    for readme in ("README.md", "README.zh-CN.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert set(re.findall(r"`tierlab ([a-z]+)", text)) <= shown
    first = {"report", "simulate", "check", "run", "evaluate", "dashboard", "lab"}
    later = {"publish", "withdraw", "diff", "replay", "inspect", "match", "design"}
    later |= {"forget"}
    assert shown == first | later


def test_version_and_help_succeed(capsys):
    assert said(capsys, "--version") == (0, "tierlab 0.1.0\n", "")
    assert said(capsys, "run", "--help")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--profil", "x"], "No such option: --profil"),
        (["rum"], "No such command 'rum'"),
        (["run"], "Missing option '--profile'"),
        (["run", "--profile", "x", "--month", "2026-10", "--cores", "0"], "--cores"),
    ],
)
def test_wrong_options_end_with_2(capsys, arguments, words):
    code, _, err = said(capsys, *arguments)
    assert code == 2
    assert words in " ".join(err.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--month", "2026-13"], "This is no month"),
        ([], "Which month?"),
        (["--month", "2026-10", "--from", "2026-09"], "Which month?"),
        (["--from", "2026-09"], "Which month?"),
        (["--from", "2026-10", "--to", "2026-09"], "no range of months"),
        (["--from", "1026-10", "--to", "2026-09"], "no range of months"),
        (["--month", "2026-10", "--out", "a{b}"], "cannot be used"),
    ],
)
def test_wrong_months_and_folders_are_told(capsys, profile, options, words):
    code, out, err = said(capsys, "run", "--profile", str(profile), *options)
    assert (code, out) == (ParamsError.exit_code, "")
    assert words in err
    assert "got:" in err


def test_a_range_holds_both_ends():
    assert [str(m) for m in months_of("", "2025-11", "2026-02")] == [
        "2025-11",
        "2025-12",
        "2026-01",
        "2026-02",
    ]


def test_a_missing_profile_is_told(capsys, profile):
    wrong = profile.with_name("smal.yaml")
    code, _, err = said(capsys, "run", "--profile", str(wrong), "--month", "2026-10")
    assert code == ParamsError.exit_code
    assert "Did you mean 'small.yaml'?" in err


def test_an_unknown_key_is_told(capsys, profile):
    profile.write_text(profile.read_text() + "\nmony: {currency: CNY}\n")
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code == ParamsError.exit_code
    assert "Unknown key 'mony'" in err
    assert "Did you mean 'money'?" in err


def test_an_unknown_stage_is_told(capsys, profile):
    told = said(capsys, "stage", "cleening", "--profile", str(profile), "--month", "2026-10")
    assert told[0] == ParamsError.exit_code
    assert "Did you mean 'cleaning'?" in told[2]


def test_a_fault_of_the_program_gives_a_sentence_and_a_log(capsys, monkeypatch, profile):
    from analysis.cli import checking

    def broken(*_arguments):
        secret = "a row's value"
        raise ZeroDivisionError(f"oops {len(secret)}")

    monkeypatch.setattr(checking, "check_profile", broken)
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code == 70
    log = Path(err.split("log:")[1].strip())
    text = log.read_text()
    log.unlink()
    assert "ZeroDivisionError: oops 13" in text
    assert log.parent.exists()


def test_a_full_disk_is_no_fault_of_the_program(capsys, monkeypatch, profile):
    from analysis.cli import checking

    def full(*_arguments):
        raise OSError(28, "No space left on device", "/data/x")

    monkeypatch.setattr(checking, "check_profile", full)
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code == 8
    assert "The disk is full" in err


def test_an_interrupt_ends_with_130(capsys, monkeypatch, profile):
    from analysis.cli import checking

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "check_profile", interrupted)
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code == 130
    assert "Interrupted" in err


def test_an_interrupt_inside_a_query_ends_with_130_and_no_log(capsys, monkeypatch, profile):
    from analysis.cli import checking

    monkeypatch.setattr(checking, "check_profile", interrupted_query)
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code == 130
    assert "Interrupted" in err
    assert "log:" not in err


def test_main_ends_with_the_code(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tierlab", "rum"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2


def test_check_holds_params_against_headers(capsys, profile):
    code, out, _ = said(capsys, "check", "--profile", str(profile))
    assert code == 0
    assert "1 sources, 2 tables, 1 experiments" in out
    raw = profile.parents[1] / "data/raw/small/orders.csv"
    raw.write_text("nr\n1\n")
    (profile.parent / "experiments/small/trial.yaml").write_text("id: trial\n")
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code != 0
    assert "orders.csv" in err
    assert "trial.yaml" in err, "all faults are told at once"


def test_check_reads_every_file_beside_the_profile(capsys, profile):
    profile.write_text(profile.read_text() + "\ncalendar: nowhere\n")
    beside = {
        "corrections/small.yaml": "schema_version: 1\ncorrection: []\n",
        "overrides/small.yaml": "schema_version: 1\noverride: []\n",
        "identity/small.csv": "source,sourc\n",
    }
    for name, content in beside.items():
        (profile.parent / name).parent.mkdir(exist_ok=True)
        (profile.parent / name).write_text(content)
    code, _, err = said(capsys, "check", "--profile", str(profile))
    assert code == ParamsError.exit_code
    for name in (*beside, "calendars/nowhere.yaml"):
        assert name in err


def test_check_looks_where_raw_says(capsys, profile, tmp_path):
    (tmp_path / "other").mkdir()
    code, _, err = said(
        capsys, "check", "--profile", str(profile), "--raw", str(tmp_path / "other")
    )
    assert code == 4
    assert "other" in err


def test_simulate_writes_a_company(capsys, tmp_path):
    options = ["--customers", "20", "--months", "2", "--seed", "3"]
    few = ["--out", str(tmp_path / "few"), "--shipments-per-month", "1"]
    code, quiet, _ = said(capsys, "simulate", *few, *options)
    code, out, _ = said(capsys, "simulate", "--out", str(tmp_path / "raw"), *options)
    assert code == 0
    assert "20 customers" in out
    rows = [int(text.split()[1].replace(",", "")) for text in (quiet, out)]
    assert rows[0] < rows[1]
    assert list((tmp_path / "raw").rglob("*.parquet"))
    code, _, err = said(capsys, "simulate", "--out", str(tmp_path / "raw"), "--customers", "1")
    assert code == ParamsError.exit_code
    assert "customers" in err


PLAN = """
id: game
unit: user
arm: version
control: a
allocation: {a: 0.5, b: 0.5}
looks: accrual
planned_n: 400
metrics:
  - {name: kept, kind: proportion, column: kept, role: primary, direction: increase}
"""


def test_evaluate_writes_estimates_and_verdict(capsys, tmp_path):
    rows = [f"{n},{'ab'[n % 2]},{int(n % 5 < 2 + n % 2)}" for n in range(400)]
    (tmp_path / "units.csv").write_text("user,version,kept\n" + "\n".join(rows))
    (tmp_path / "plan.yaml").write_text(PLAN)
    options = ["--units", str(tmp_path / "units.csv"), "--out", str(tmp_path / "out")]
    code, out, _ = said(capsys, "evaluate", "--experiment", str(tmp_path / "plan.yaml"), *options)
    assert code == 0
    verdict = json.loads((tmp_path / "out/verdict.json").read_text())
    assert verdict
    assert str(tmp_path / "out/estimates.csv") in out


@pytest.mark.parametrize(("printed", "choice", "told"), [(0, "", 1), (1, "", 0), (0, "none", 0)])
def test_a_run_says_when_it_made_no_pdf(tmp_path, monkeypatch, printed, choice, told):
    from rich.console import Console

    from analysis.cli.commands import _say_outcome
    from analysis.pipeline.front import Outcome

    monkeypatch.setenv("TIERLAB_BROWSER", choice)
    for name in ["report.en.html", "report.en.pdf"][: 1 + printed]:
        (tmp_path / name).touch()
    screen = Console(record=True, width=200)
    _say_outcome(Outcome((tmp_path,), ran=True, seconds=1), screen)
    assert screen.export_text().count("No PDF was made") == told
