"""The scoring of the cleaning benchmark: what counts as found, repaired, missed."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from cleaning.planting import KINDS, Ground  # noqa: E402
from cleaning.scoring import (  # noqa: E402
    by_kind,
    false_alarms,
    file_label,
    outcomes,
    with_true_rows,
    wrong_cells,
)

PLANTED = pd.DataFrame(
    [
        ("a.csv", 3, "kg", "negative_weight", "-2"),
        ("a.csv", 5, "", "blank_row", ""),
        ("a.csv", 7, "", "duplicated_row", "W4"),
        ("a.csv", 9, "kg", "full_width_digits", "９"),
        ("a.csv", 11, "name", "html_text", "<b>x</b>"),
        ("a.csv", 12, "name", "mojibake", "鐢"),
        ("b.csv", 3, "kg", "full_width_digits", "１"),
    ],
    columns=["file", "row", "column", "kind", "written"],
)
LISTED = pd.DataFrame(
    [
        ("a.csv", 3, "weight_kg", "out_of_range", "emptied"),
        ("a.csv", 5, None, "empty_row", "rejected"),
        ("a.csv", 5, "no", "required", "filled"),
        ("b.csv", 9, "kg", "not_a_number", "rejected"),
        ("b.csv", 10, "kg", "looked_at", "flagged"),
    ],
    columns=["file", "row", "column", "rule", "action"],
)


def test_rows_are_found_in_the_file_without_errors():
    """Each row that was added moves those below it down by one."""
    assert with_true_rows(PLANTED)["true_row"].tolist() == [3, 4, 5, 7, 9, 10, 3]


def test_each_outcome():
    read = pd.Series([None, None, "W4|1", "9", "<b>x</b>", "鐢", "7"])
    true = pd.Series(["2", "W3|1", "W4|1", "9", "x", "甲", "1"])
    scored = outcomes(PLANTED, LISTED, read, true)
    assert scored["outcome"].tolist() == [
        "found", "found", "merged", "repaired", "kept as written", "missed", "missed",
    ]  # fmt: skip
    assert scored["action"].tolist()[:3] == ["emptied", "rejected", ""]
    counts = by_kind(scored)
    assert counts.loc["full_width_digits", ["planted", "repaired", "missed"]].tolist() == [2, 1, 1]
    assert counts.loc["full_width_digits", "right"] == 0.5


def test_a_copy_that_says_something_else_is_missed():
    twice = PLANTED[PLANTED["kind"] == "duplicated_row"].reset_index(drop=True)
    scored = outcomes(twice, LISTED, pd.Series(["W4|2"]), pd.Series(["W4|1"]))
    assert scored["outcome"].tolist() == ["missed"]


def test_alarms_without_a_planted_error():
    alarms = false_alarms(LISTED, PLANTED)
    assert alarms[["rule", "rows_n"]].to_numpy().tolist() == [["looked_at", 1], ["not_a_number", 1]]


def test_wrong_cells_are_told_from_emptied_and_lost_ones():
    true = pd.DataFrame({"id": [1, 2, 3], "kg": [1.0, 2.0, np.nan], "to": ["a", "b", None]})
    found = pd.DataFrame({"id": [1, 2, 4], "kg": [1.0, np.nan, 5.0], "to": ["x", "b", None]})
    counts = wrong_cells(found, true, ["id"])
    assert counts == {"cells": 6, "wrong": 1, "emptied": 1, "lost": 2, "invented": 2}


def test_sheets_are_named_as_the_rejects_name_them():
    assert file_label("tickets/工单.xlsx#2025") == "工单.xlsx [2025]"
    assert file_label("orders/orders_2026-10.parquet") == "orders_2026-10.parquet"


HEADER = "waybill_no,shipper_id,picked_up,delivered,weight_kg,cost,damaged,lost,notified\n"
LINE = "YD{0:04},T000{0},2026/10/{1} 9:05,2026/10/{1} 20:00,{0}.5,3{0}.25,0,0,\n"


@pytest.mark.parametrize("kind", ["grams", "utc", "half_a_file", "revised_file", "file_twice"])
def test_the_rows_that_are_said_to_be_spoiled_are_the_spoiled_ones(tmp_path, kind):
    folder = tmp_path / "transport"
    folder.mkdir()
    path = folder / "transport_2026-10.csv"
    lines = [HEADER, *(LINE.format(n, 1 + n % 27) for n in range(1, 60))]
    path.write_text("".join(lines), encoding="utf-8")
    taken = frozenset({(path.name, 3), (path.name, 40)})
    places = KINDS[kind][1](Ground(tmp_path, "2026-10", taken), np.random.default_rng(1))
    assert places
    assert not {(place.file, place.row) for place in places} & taken
    now = {
        p.name: p.read_text(encoding="utf-8").splitlines(keepends=True) for p in folder.iterdir()
    }
    for place in places:
        if place.row:
            assert now[place.file][place.row - 1].startswith(place.key)
    changed = {
        at + 1 for at, (a, b) in enumerate(zip(lines, now[path.name], strict=False)) if a != b
    }
    assert changed == {place.row for place in places if place.file == path.name and place.row}
