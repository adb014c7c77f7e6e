"""The walk-through of the documentation, run as it stands on the files it speaks of."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.engine import open_engine
from analysis.sources.inspecting import inspect
from commands import MONTH, clean_environment
from messy_export import write_export

ROOT = Path(__file__).parents[1]
PROMISED_SECONDS = 15 * 60
"""A quarter of an hour is what the page promises, of which the commands take a minute or two."""
PAGE = (ROOT / "docs" / "walk-through.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.S) for line in block.splitlines()
]
EDITS = [
    (old, new)
    for block in re.findall(r"```diff\n(.*?)```", PAGE, re.S)
    for old, new in re.findall(r"^-(.*)\n\+(.*)$", block, re.M)
]


def test_the_page_has_commands_and_edits():
    assert [command.split()[1] for command in COMMANDS] == ["inspect", "check", "run"]
    assert len(EDITS) == 2


def test_the_draft_is_what_the_page_says(tmp_path):
    """The lines to edit are there, and every column that a report needs has found its place."""
    write_export(tmp_path / "yunda")
    engine = open_engine(cores=1)
    draft = inspect(tmp_path / "yunda", engine)
    engine.close()
    for old, _ in EDITS:
        assert draft.count(f"{old}\n") == 1
    for told in (
        "客户全称 AS name", "联系手机 AS phone", "所属大区 AS region", "开户日期 AS onboarded_on",
        "揽收日期 AS shipped_at", "承诺送达 AS promised_at", "签收时间 AS delivered_at",
        '"运费(万元)" AS revenue', '"计费重量(kg)" AS weight_kg', "首次回复 AS first_response_at",
        "encoding: gb18030", "header_row: 3", "unit: 10000", "sheets: 客户", 'delimiter: ";"',
    ):  # fmt: skip
        assert told in draft, told


@pytest.mark.full
def test_its_commands_bring_the_files_in(tmp_path):
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    revenue = write_export(tmp_path / "data" / "raw" / "yunda")
    told = {}
    for command in COMMANDS:
        verb, *rest = command.removeprefix("tierlab ").split()
        told[verb] = subprocess.run(
            [sys.executable, "-m", "analysis", verb, *rest],
            cwd=tmp_path, env=clean_environment(), timeout=PROMISED_SECONDS, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert told[verb].returncode == 0, told[verb].stdout + told[verb].stderr
        if verb == "inspect":
            _edit(tmp_path / "params" / "yunda.yaml")
    for language in ("zh", "en"):
        page = f"reports/yunda/{MONTH}/report.{language}.html"
        assert page in told["run"].stdout.replace("\n", "")
        assert page.rsplit("/", 1)[0] in PAGE
        assert "云达物流" in (tmp_path / page).read_text(encoding="utf-8") or language == "en"
    processed = tmp_path / "data" / "processed" / "yunda" / MONTH
    _believe(processed, revenue)


def _edit(path: Path) -> None:
    draft = path.read_text(encoding="utf-8")
    for old, new in EDITS:
        draft = draft.replace(old, new)
    path.write_text(draft, encoding="utf-8")


def _believe(processed: Path, revenue: float) -> None:
    """What the last step of the page says."""
    ledger = pd.read_parquet(processed / "ledger.parquet").drop_duplicates("source")
    assert f"{ledger['rows_read'].sum()} rows were read" in PAGE
    rejects = pd.read_parquet(processed / "private" / "rejects.parquet")
    places = rejects.drop_duplicates(["file", "row"])
    assert places["rule"].tolist() == ["totals_row"] * 2
    assert (processed / "private" / "rejects.csv").exists()
    assert (processed / "private" / "01_cleaning.ipynb").exists()
    shipments = pd.read_parquet(processed / "shipments.parquet")
    assert shipments["revenue"].sum() == pytest.approx(revenue, abs=0.005)
    assert f"{revenue:,.2f} yuan" in PAGE
    assert f"{revenue / 10_000:.4f} 万元" in PAGE
