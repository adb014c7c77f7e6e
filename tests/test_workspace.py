"""A month of a profile: months, folders, private tables, and saving only when told to."""

import datetime as dt

import pandas as pd
import pytest

from analysis.errors import CoverageError, ParamsError
from analysis.files import SESSION, write_json
from analysis.workspace import Month, open_month
from small_profile import MINIMAL


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "repo" / "params" / "small.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(MINIMAL, encoding="utf-8")
    return path


def test_a_month_knows_its_limits():
    month = Month.parse("2024-02")
    assert month.start == dt.datetime(2024, 2, 1)
    assert month.last_day == dt.date(2024, 2, 29)
    assert str(month.shifted(-14)) == "2022-12"
    assert str(month.shifted(11)) == "2025-01"


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-10", "", "2026-10-01"])
def test_what_is_no_month_is_told(text):
    with pytest.raises(ParamsError, match="no month"):
        Month.parse(text)


def test_folders_follow_the_repository_or_the_options(profile, tmp_path):
    inside = open_month(profile, "2026-10")
    assert inside.processed == tmp_path / "repo/data/processed/small/2026-10"
    assert inside.reports == tmp_path / "repo/reports/small/2026-10"
    assert inside.raw == tmp_path / "repo/data/raw/small"
    outside = open_month(profile, "2026-10", raw=tmp_path / "in", out=tmp_path / "out")
    assert outside.processed == tmp_path / "out/data/processed/small/2026-10"
    assert outside.raw == tmp_path / "in"


def test_nothing_is_saved_without_a_folder(profile):
    workspace = open_month(profile, "2026-10")
    saved = workspace.save(tiers=pd.DataFrame({"customer_id": ["a"]}))
    assert saved["rows"].tolist() == [-1]
    assert workspace.read("tiers") is None
    with pytest.raises(CoverageError, match="'tiers' does not exist"):
        workspace.need("tiers")


def test_personal_tables_land_in_the_private_folder(profile, tmp_path):
    workspace = open_month(profile, "2026-10", save_to=tmp_path / "stage")
    frame = pd.DataFrame({"customer_id": ["a"]})
    workspace.save(tiers=frame, customer_names=frame, rejects=frame, surveys=None)
    files = sorted(str(p.relative_to(tmp_path / "stage")) for p in tmp_path.rglob("*.parquet"))
    assert files == [
        "private/customer_names.parquet",
        "private/rejects.parquet",
        "tiers.parquet",
    ]
    assert workspace.frame("tiers")["customer_id"].tolist() == ["a"]


def test_documents_are_kept_as_json(profile, tmp_path):
    workspace = open_month(profile, "2026-10", save_to=tmp_path / "stage")
    assert workspace.document("evaluations") is None
    workspace.save_document("evaluations", {"experiments": ["甲"]})
    assert workspace.document("evaluations") == {"experiments": ["甲"]}


def test_an_older_file_that_this_stage_makes_anew_is_never_read(profile, tmp_path):
    before = open_month(profile, "2026-10")
    open_month(profile, "2026-10", save_to=before.processed).save(
        tickets=pd.DataFrame({"ticket_id": ["old"]}), tiers=pd.DataFrame({"customer_id": ["a"]})
    )
    stage = tmp_path / "stage"
    write_json(stage / SESSION, {"cores": 1, "superseded": ["tickets.parquet", "moves.json"]})
    during = open_month(profile, "2026-10", save_to=stage)
    assert before.read("tickets") is not None
    assert during.read("tickets") is None
    assert during.frame("tiers")["customer_id"].tolist() == ["a"]
    during.save(tickets=pd.DataFrame({"ticket_id": ["new"]}))
    assert during.frame("tickets")["ticket_id"].tolist() == ["new"]
