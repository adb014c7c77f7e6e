"""Kinds of error that no rule was written for, planted into the last month's raw files.

They are chosen from what happens to exports elsewhere: a unit changes for a week, a file is
delivered twice, a script of another department swaps two columns. Rows that the simulator has
already spoiled are left alone.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Draw = np.random.Generator
Row = list[str]
WAYBILL, PICKED_UP, DELIVERED, WEIGHT, COST = 0, 2, 3, 4, 5  # columns of a transport file
SURVEY, ANSWERED, NPS = 0, 4, 5  # columns of surveys.csv
SHARE = 0.01
STAMP = "%Y/%m/%d %H:%M"
SECONDS_A_HOUR = 3600
UTC_BEHIND_HOURS = 8


@dataclass(frozen=True)
class Place:
    """A planted row: the canonical table and key that it is about, and where it stands.

    Attributes:
        row: Number of the row as `rejects` counts it; 0 where the row itself is gone.
    """

    table: str
    key: str
    file: str
    row: int


@dataclass(frozen=True)
class Ground:
    """Where errors are planted.

    Attributes:
        raw: The raw folder; it is changed.
        month: Such as 2026-10.
        taken: (file, row) that the simulator has spoiled.
    """

    raw: Path
    month: str
    taken: frozenset[tuple[str, int]]


Plant = Callable[[Ground, Draw], list[Place]]


def grams(ground: Ground, draw: Draw) -> list[Place]:
    """The scale of one week gives grams instead of kilograms."""
    first = int(draw.integers(1, 21))

    def in_week(row: Row) -> bool:
        return first <= int(row[PICKED_UP].split(" ")[0].split("/")[2]) < first + 7

    def spoil(row: Row) -> None:
        row[WEIGHT] = f"{float(row[WEIGHT]) * 1000:.0f}"

    return _transport(ground, spoil, lambda rows: [n for n, row in rows if in_week(row)])


def swapped(ground: Ground, draw: Draw) -> list[Place]:
    """Weight and cost stand in each other's column."""

    def spoil(row: Row) -> None:
        row[WEIGHT], row[COST] = row[COST], row[WEIGHT]

    return _transport(ground, spoil, _some(draw))


def month_and_day(ground: Ground, draw: Draw) -> list[Place]:
    """Delivered 2026/10/5 was typed 2026/5/10: day and month changed places."""

    def spoil(row: Row) -> None:
        date, clock = row[DELIVERED].split(" ")
        year, month, day = date.split("/")
        row[DELIVERED] = f"{year}/{day}/{month} {clock}"

    def could_be_a_month(row: Row) -> bool:
        month, day = row[DELIVERED].split(" ")[0].split("/")[1:]
        return int(day) <= 12 and day != month

    def choose(rows: list[tuple[int, Row]]) -> list[int]:
        fit = [(n, row) for n, row in rows if row[DELIVERED] and could_be_a_month(row)]
        return _some(draw, SHARE * len(rows) / max(len(fit), 1))(fit)

    return _transport(ground, spoil, choose)


def utc(ground: Ground, draw: Draw) -> list[Place]:
    """A tenth of the shippers is exported in UTC: their times are eight hours early."""
    digit = str(draw.integers(10))

    def spoil(row: Row) -> None:
        for at in (PICKED_UP, DELIVERED):
            if row[at]:
                moment = dt.datetime.strptime(row[at], STAMP) - dt.timedelta(hours=UTC_BEHIND_HOURS)
                row[at] = f"{moment.year}/{moment.month}/{moment.day} {moment:%H:%M}"

    return _transport(ground, spoil, lambda rows: [n for n, row in rows if row[1][-1] == digit])


def half_a_file(ground: Ground, _: Draw) -> list[Place]:
    """The transfer of the month's transport file broke off at a line's end."""
    path = _transport_file(ground)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = len(lines) // 2
    path.write_text("".join(lines[:kept]), encoding="utf-8", newline="")
    return [Place("shipments", key, path.name, 0) for key in _keys(lines[kept:])]


def file_twice(ground: Ground, _: Draw) -> list[Place]:
    """The month's transport file lies there a second time under another name."""
    path = _transport_file(ground)
    copy = path.with_stem(path.stem + "_final")
    shutil.copyfile(path, copy)
    return _copied(ground, path, copy)


def revised_file(ground: Ground, _: Draw) -> list[Place]:
    """A second version of the month's file lies beside the first: all costs 3 % higher."""
    path = _transport_file(ground)
    copy = path.with_stem(path.stem + "_v2")
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows[1:]:
        if len(row) > COST and row[COST].replace(".", "").isdigit():
            row[COST] = f"{float(row[COST]) * 1.03:.2f}"
    copy.write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    return _copied(ground, path, copy)


def transposed_digits(ground: Ground, draw: Draw) -> list[Place]:
    """Two digits of an amount changed places: 1243.50 for 1423.50."""

    def spoil(frame: pd.DataFrame, rows: np.ndarray) -> None:
        for row in rows:
            text = f"{frame.at[row, 'amount']:.2f}"
            pairs = [n for n in range(len(text) - 4) if text[n] != text[n + 1]]
            if pairs:
                n = int(draw.choice(pairs))
                frame.at[row, "amount"] = float(text[:n] + text[n + 1] + text[n] + text[n + 2 :])

    return _orders(ground, draw, spoil, lambda f: f["amount"].map(lambda v: len(f"{v:.0f}")) > 1)


def shifted_point(ground: Ground, draw: Draw) -> list[Place]:
    """The decimal point of an amount slipped: ten times too much."""

    def spoil(frame: pd.DataFrame, rows: np.ndarray) -> None:
        frame.loc[rows, "amount"] *= 10

    return _orders(ground, draw, spoil)


def foreign_ids(ground: Ground, draw: Draw) -> list[Place]:
    """Orders that carry the transport system's customer id in place of the CRM's."""
    shippers = pd.read_csv(ground.raw / "transport" / "shippers.csv", dtype=str)["shipper_id"]

    def spoil(frame: pd.DataFrame, rows: np.ndarray) -> None:
        frame.loc[rows, "customer_code"] = draw.choice(shippers.to_numpy(), len(rows))

    return _orders(ground, draw, spoil)


def another_customer(ground: Ground, draw: Draw) -> list[Place]:
    """Orders booked on another customer's valid code."""

    def spoil(frame: pd.DataFrame, rows: np.ndarray) -> None:
        codes = frame["customer_code"].dropna().to_numpy()
        frame.loc[rows, "customer_code"] = draw.choice(codes, len(rows))

    return _orders(ground, draw, spoil)


def reversed_scale(ground: Ground, _: Draw) -> list[Place]:
    """The month's questionnaire asks the other way round: 0 is best, 10 is worst."""
    path = ground.raw / "surveys" / "surveys.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    places = []
    for at, line in enumerate(lines):
        row = line.split(",")
        fits = line.count('"') == 0 and len(row) > NPS and row[NPS].isdigit()
        if fits and row[ANSWERED].startswith(ground.month) and int(row[NPS]) != 5:
            if (path.name, at + 1) in ground.taken or int(row[NPS]) > 10:
                continue
            row[NPS] = str(10 - int(row[NPS]))
            lines[at] = ",".join(row)
            places.append(Place("surveys", row[SURVEY], path.name, at + 1))
    path.write_text("".join(lines), encoding="utf-8", newline="")
    return places


KINDS: dict[str, tuple[str, Plant]] = {
    "grams": ("weights of one week in grams", grams),
    "swapped": ("weight and cost swapped, 1 % of rows", swapped),
    "month_and_day": ("day and month of a delivery swapped, 1 %", month_and_day),
    "utc": ("times of a tenth of the shippers in UTC", utc),
    "half_a_file": ("second half of the month's file missing", half_a_file),
    "file_twice": ("the month's file again under another name", file_twice),
    "revised_file": ("a second version of the month's file, costs + 3 %", revised_file),
    "transposed_digits": ("two digits of an amount swapped, 1 %", transposed_digits),
    "shifted_point": ("amounts ten times too high, 1 %", shifted_point),
    "foreign_ids": ("customer id of another system, 1 %", foreign_ids),
    "another_customer": ("another customer's valid code, 1 %", another_customer),
    "reversed_scale": ("NPS asked the other way round for a month", reversed_scale),
}


def _transport_file(ground: Ground) -> Path:
    return ground.raw / "transport" / f"transport_{ground.month}.csv"


def _transport(
    ground: Ground,
    spoil: Callable[[Row], None],
    choose: Callable[[list[tuple[int, Row]]], list[int]],
) -> list[Place]:
    """Spoil chosen rows of the month's transport file, picked up and sound so far."""
    path = _transport_file(ground)
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines]
    sound = [
        (at, row)
        for at, row in enumerate(rows)
        if at and (path.name, at + 1) not in ground.taken
        if len(row) == len(rows[0]) and row[PICKED_UP]
    ]
    places = []
    for at in choose(sound):
        before = list(rows[at])
        spoil(rows[at])
        if rows[at] != before:
            places.append(Place("shipments", rows[at][WAYBILL], path.name, at + 1))
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    return places


def _some(draw: Draw, share: float = SHARE) -> Callable[[list[tuple[int, Row]]], list[int]]:
    """A share of the rows, drawn."""
    return lambda rows: [at for at, _ in rows if draw.random() < share]


def _orders(
    ground: Ground,
    draw: Draw,
    spoil: Callable[[pd.DataFrame, np.ndarray], None],
    fits: Callable[[pd.DataFrame], pd.Series] = lambda frame: frame["amount"] > 0,
) -> list[Place]:
    """Spoil a share of the month's orders that are sound so far."""
    path = ground.raw / "orders" / f"orders_{ground.month}.parquet"
    table = pq.read_table(path)
    frame = table.to_pandas()
    before = frame.copy()
    sound = np.array([(path.name, at + 1) not in ground.taken for at in range(len(frame))])
    chosen = np.flatnonzero(sound & fits(frame).to_numpy() & (draw.random(len(frame)) < SHARE))
    spoil(frame, chosen)
    for name in ("customer_code", "amount"):
        at = table.schema.get_field_index(name)
        kind = table.schema.field(at).type
        table = table.set_column(at, name, pa.array(frame[name], kind, from_pandas=True))
    pq.write_table(table, path)
    changed = (before.loc[chosen] != frame.loc[chosen]).any(axis=1).to_numpy()
    return [
        Place("shipments", str(frame.at[at, "waybill_no"]), path.name, int(at) + 1)
        for at in chosen[changed]
    ]


def _copied(ground: Ground, path: Path, copy: Path) -> list[Place]:
    """The rows of a copy that the simulator had not spoiled in the original."""
    lines = copy.read_text(encoding="utf-8").splitlines()
    return [
        Place("shipments", line.split(",")[WAYBILL], copy.name, at + 1)
        for at, line in enumerate(lines)
        if at and (path.name, at + 1) not in ground.taken
    ]


def _keys(lines: Iterable[str]) -> list[str]:
    found = (line.split(",")[WAYBILL].strip() for line in lines)
    return [key for key in found if key.startswith("YD")]
