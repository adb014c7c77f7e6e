"""Who was assigned to which arm, by hashes: an edited assignment is counted, and nobody named.

The roster of an experiment is frozen with its plan. It holds no name: a unit is a keyed hash, so
that the file beside a plan is no list of customers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from .study import as_text

SEPARATOR = "\x1f"
NAME_BYTES = 6
"""Of a unit's hash: among a million units two share one with a chance of 0.2 %."""
PLACE_BYTES = 2
PLACE = ("cluster_id", "cluster_share", "arm_at_half", "stratum")
"""What else a draw decides of a unit, besides its arm and its day."""
UNKNOWN_MARK = "?"
"""Begins the id of a unit whose customer is in no system any more."""
COLUMNS = ("name", "arm", "day", "place")
OFFSET = r"(:\d\d(?:\.\d+)?)\s*(?:Z|[+-]\d\d:?\d\d)$"
"""Ends a time that names its time zone."""


@dataclass(frozen=True, eq=False)
class Roster:
    """Who was assigned to which arm.

    Attributes:
        key: Of the hashes.
        units: One row a unit: name (its hash), arm, day (of its assignment, ISO, or empty) and
            place (hash of its cluster, shares and stratum; empty where they are not known).
        before: Units assigned from this day on are newcomers, no change; empty where there are
            none to come.
    """

    key: str
    units: pd.DataFrame
    before: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-like form that `from_json` reads: a line an arm and day."""
        groups = [
            {"arm": arm, "day": day, "units": _packed(rows)}
            for (arm, day), rows in self.units.groupby(["arm", "day"], sort=True)
        ]
        return {"key": self.key, "before": self.before, "groups": groups}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Roster:
        """Read what `to_json` wrote."""
        frames = [
            _unpacked(group["units"]).assign(arm=group["arm"], day=group["day"])
            for group in stored["groups"]
        ]
        units = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)
        return cls(stored["key"], units[list(COLUMNS)], stored.get("before", ""))

    def without(self, names: Iterable[str]) -> Roster:
        """The roster without units of these names, as when customers are forgotten."""
        gone = set(_hashes(self.key, pd.Series(sorted(names), dtype=object)))
        return Roster(self.key, self.units[~self.units["name"].isin(gone)], self.before)


@dataclass(frozen=True)
class Difference:
    """Units that stand otherwise than a roster has them, counted.

    Attributes:
        moved: In another arm.
        added: Not on the roster.
        removed: On the roster alone.
        placed: On another day, or in another cluster or stratum.
    """

    moved: int = 0
    added: int = 0
    removed: int = 0
    placed: int = 0

    def __bool__(self) -> bool:
        return bool(self.moved or self.added or self.removed or self.placed)


def roster_of(
    units: pd.DataFrame,
    key: str,
    *,
    unit: str = "customer_id",
    arm: str = "arm",
    before: str = "",
) -> Roster:
    """The roster of an assignment.

    Args:
        units: One row a unit: its name, its arm and, where there are any, ``assigned_at`` and the
            columns of `PLACE`.
        key: Of the hashes.
        unit, arm: Columns of name and arm.
        before: Day from which on units are newcomers.

    Example:
        >>> drawn = pd.DataFrame({"customer_id": ["C1", "C2"], "arm": ["a", "b"]})
        >>> difference(roster_of(drawn, "k"), drawn.assign(arm="b"))
        Difference(moved=1, added=0, removed=0, placed=0)
    """
    names = as_text(units[unit]).astype(object).fillna("").str.removeprefix(UNKNOWN_MARK)
    days = units["assigned_at"] if "assigned_at" in units else pd.Series("", units.index)
    rows = {
        "name": _hashes(key, names),
        "arm": as_text(units[arm]).astype(object),
        "day": _days(days),
        "place": _places(units, names, key),
    }
    return Roster(key, pd.DataFrame(rows).drop_duplicates(ignore_index=True), before)


def difference(
    roster: Roster,
    units: pd.DataFrame,
    *,
    unit: str = "customer_id",
    arm: str = "arm",
    until: str = "",
    links: pd.DataFrame | None = None,
) -> Difference:
    """Hold an assignment against the roster that was frozen.

    Args:
        roster: The frozen one.
        units: The assignment now, see `roster_of`.
        unit, arm: Columns of name and arm.
        until: Units assigned from this day on are not looked at; empty for all.
        links: source_customer_id → customer_id, where customers may have been found to be one
            since; a unit of the roster then stands for the customer it belongs to.

    Returns:
        The counts, by unit.
    """
    then = roster.units[roster.units["day"] < until] if until else roster.units
    now = roster_of(units, roster.key, unit=unit, arm=arm).units
    then = then.assign(name=_followed(then["name"], set(now["name"]), links, roster.key))
    known = now["name"].isin(set(then["name"]))
    stays = known & _pairs(now, ["name", "arm"]).isin(set(_pairs(then, ["name", "arm"])))
    place = [*(["day"] if _holds(then, now, "day") else []),
             *(["place"] if _holds(then, now, "place") else [])]  # fmt: skip
    same = _pairs(now, ["name", *place]).isin(set(_pairs(then, ["name", *place])))
    new = ~known & ((now["day"] < roster.before) if roster.before else True)
    return Difference(
        moved=now.loc[known & ~stays, "name"].nunique(),
        added=now.loc[new, "name"].nunique(),
        removed=int((~then["name"].isin(set(now["name"]))).sum()),
        placed=now.loc[stays & ~same, "name"].nunique(),
    )


def _followed(names: pd.Series, now: set[str], links: pd.DataFrame | None, key: str) -> pd.Series:
    """The name a unit goes by now: its own, or the customer's it was found to belong to."""
    if links is None or names.isin(now).all():
        return names
    told = links[["source_customer_id", "customer_id"]].dropna().astype(str)
    to = _hashes(key, told["customer_id"])
    linked = pd.Series(to.to_numpy(), _hashes(key, told["source_customer_id"]).to_numpy())
    linked = linked[linked.isin(now)]
    linked = linked[~linked.index.duplicated()]
    return names.where(names.isin(now), names.map(linked).fillna(names))


def _holds(then: pd.DataFrame, now: pd.DataFrame, column: str) -> bool:
    """Whether both sides know it."""
    return bool(len(then) and len(now) and then[column].any() and now[column].any())


def _pairs(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The texts of several columns as one."""
    return reduce(lambda one, other: one + SEPARATOR + other, (rows[c] for c in columns))


def _hashes(key: str, names: pd.Series, size: int = NAME_BYTES) -> pd.Series:
    """Hex digits of each name's hash (HMAC-SHA-256, RFC 2104)."""
    secret = key.encode()
    made = [hmac.digest(secret, one.encode(), hashlib.sha256)[:size].hex() for one in names]
    return pd.Series(made, index=names.index, dtype=object)


def _days(values: pd.Series) -> pd.Series:
    """The local day of each time, as its text has it; however a spreadsheet wrote some of them."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = values.astype(str).str.replace(OFFSET, r"\1", regex=True)
    days = pd.to_datetime(values, errors="coerce", format="mixed").dt.strftime("%Y-%m-%d")
    return days.astype(object).where(days.notna(), "")


def _places(units: pd.DataFrame, names: pd.Series, key: str) -> pd.Series:
    """The hash of what else the draw decided; empty where a column of it is not there."""
    if not set(PLACE) <= set(units.columns):
        return pd.Series("", units.index, dtype=object)
    share = pd.to_numeric(units["cluster_share"], errors="coerce")
    texts = units[list(PLACE)].astype(object).where(units[list(PLACE)].notna(), "").astype(str)
    texts["cluster_share"] = share.map(lambda s: "" if np.isnan(s) else f"{s:g}")
    return _hashes(key, names + SEPARATOR + _pairs(texts, PLACE), PLACE_BYTES)


def _packed(rows: pd.DataFrame) -> str:
    ordered = rows.sort_values(["name", "place"])
    blank = "0" * (2 * PLACE_BYTES)
    text = "".join(ordered["name"] + ordered["place"].replace("", blank))
    return base64.b64encode(bytes.fromhex(text)).decode()


def _unpacked(text: str) -> pd.DataFrame:
    raw = base64.b64decode(text).hex()
    long, name = 2 * (NAME_BYTES + PLACE_BYTES), 2 * NAME_BYTES
    entries = [raw[i : i + long] for i in range(0, len(raw), long)]
    place = pd.Series([e[name:] for e in entries], dtype=object)
    if not place.str.strip("0").any():  # no unit has one
        place[:] = ""
    return pd.DataFrame({"name": pd.Series([e[:name] for e in entries], dtype=object),
                         "place": place})  # fmt: skip
