"""From a draft to a published version, a rerun that differs, and a withdrawal, by the commands."""

import subprocess
import sys

import pytest

from analysis.files import read_json
from commands import LONGEST_SECONDS, MONTH, clean_environment, tierlab_run
from small_repository import PROFILE, REPORT, notebook, write_repository

FRONT = """
from analysis.language import Language
from analysis.standing import Standing, standing_html
stands = standing_html(Standing(), Language(language))
"""
SHOWN = REPORT.replace('customers</h1>")', 'customers</h1>{stands}")')


def tierlab(root, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "analysis", *arguments],
        cwd=root,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )


def report_notebook(text=""):
    parameters = 'profile = ""\nmonth = ""\nraw = ""\nout = ""\nsave_to = ""\nlanguage = "zh"'
    return notebook(FRONT + SHOWN.replace("</h1>", f"{text}</h1>"), parameters=parameters)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    place = tmp_path_factory.mktemp("company")
    write_repository(place)
    (place / "notebooks" / "04_report.ipynb").write_text(report_notebook())
    ran = tierlab_run(place)
    assert ran.returncode == 0, ran.stderr
    return place


def test_the_life_of_a_published_month(root):
    shelf = root / "reports" / "small"
    index, page = shelf / "index.html", shelf / MONTH / "report.zh.html"
    of_month = ("--profile", PROFILE, "--month", MONTH)
    assert "草稿" in page.read_text()
    assert ">Draft<" in index.read_text()

    elsewhere = tierlab(root, "publish", *of_month, "--by", "王敏", "--raw", "nowhere")
    said = " ".join(elsewhere.stderr.split())
    assert elsewhere.returncode == 8
    assert f"--raw {root / 'data' / 'raw' / 'small'}" in said
    assert "files changed" not in said

    told = tierlab(root, "publish", *of_month, "--by", "王敏")
    assert told.returncode == 0, told.stderr
    assert "published as version 1 by 王敏" in told.stdout
    assert "第 1 版" in page.read_text()
    assert f"releases/{MONTH}/v1/report.en.html" in index.read_text()
    first = {p.name: p.read_bytes() for p in (shelf / "releases" / MONTH / "v1").iterdir()}

    again = tierlab_run(root)
    assert "nothing changed" in again.stdout, again.stdout + again.stderr
    twice = tierlab(root, "publish", *of_month, "--by", "王敏")
    assert twice.returncode == 8, twice.stderr
    assert "already published" in " ".join(twice.stderr.split())

    (root / "notebooks" / "04_report.ipynb").write_text(report_notebook(" and more"))
    stale = tierlab(root, "publish", *of_month, "--by", "王敏")
    assert (stale.returncode, "up to date" in stale.stderr) == (8, True)
    assert tierlab_run(root).returncode == 0
    assert "第 2 版草稿" in page.read_text()
    assert (shelf / MONTH / "differences.zh.html").exists()

    gone = tierlab(root, "withdraw", *of_month, "--by", "王敏", "--reason", "成本缺失")
    assert gone.returncode == 0, gone.stderr
    assert "成本缺失" in index.read_text()
    assert "成本缺失" in (shelf / "releases" / MONTH / "v1.withdrawn.html").read_text()
    kept = {p.name: p.read_bytes() for p in (shelf / "releases" / MONTH / "v1").iterdir()}
    assert kept == first

    both = tierlab(root, "diff", "--profile", PROFILE, "--month", f"{MONTH}@1", "--month", MONTH)
    assert both.returncode == 0, both.stderr
    assert "the program" in both.stdout
    assert "成本缺失" in both.stdout
    pages = sorted(path.name for path in (shelf / "differences").iterdir())
    assert pages == [f"{MONTH}@1..{MONTH}.{code}.html" for code in ("en", "zh")]
    assert read_json(shelf / MONTH / "manifest.json")["standing"]["version"] == 2
