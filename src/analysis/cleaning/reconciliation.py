"""Sources held against each other, month by month: where they disagree, and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_

import ibis.expr.types as ir
import pandas as pd

from ..params import Profile
from ..tables import CONTRACTS
from ..workspace import Month
from .candidates import LATER, OWN_ID, Candidates
from .merging import HAS, OVERRULED
from .rules import BROKEN

RECONCILIATION_COLUMNS = (
    "check", "month", "source_a", "source_b", "value_a", "value_b", "difference", "share",
    "severity",
)  # fmt: skip
NO_COUNTERPART = "no counterpart"
FINANCE = {"shipments_n": "shipments", "revenue": "revenue", "cost": "cost"}
"""Column of the table ``finance_totals`` → what the check is called after."""

Sources = Mapping[str, Sequence[str]]
"""Canonical table → the sources that yield it, those that are there."""


def reconciled(
    tables: Mapping[str, ir.Table],
    merged_shipments: ir.Table,
    strays: Iterable[pd.DataFrame],
    sources: Sources,
    profile: Profile,
    as_of: Month,
) -> pd.DataFrame:
    """Hold the sources of a month against each other.

    Args:
        tables: The canonical tables.
        merged_shipments: The shipments with the row that each source contributed.
        strays: What `strays_of` found in each table.
        sources: Of each table.
        profile: Its thresholds turn a share into a severity.
        as_of: The month; later months are not looked at.

    Returns:
        One row a check and month (months without rows on either side left out): check, month
        (empty where a row has no readable one), source_a, source_b, value_a, value_b (what
        each says; of row checks: rows held against the other, rows that agree), difference
        (a − b), share (of b; of row checks: of the rows held against it), severity (ok,
        warning, error, critical; ``no counterpart``: one side has no figure).
    """
    found = [
        _against_finance(tables, merged_shipments, sources, as_of),
        _in_both_systems(merged_shipments, sources["shipments"]),
        *_of_one_customer(merged_shipments, sources["shipments"]),
        _before_pick_up(tables["shipments"], sources["shipments"]),
        *(_about_known_shipments(tables, name, sources) for name in ("tickets", "surveys")),
        _costs_of_strangers(tables, sources),
        *strays,
    ]
    told = [frame for frame in found if frame is not None and not frame.empty]
    columns = list(RECONCILIATION_COLUMNS)
    frame = pd.concat(told, ignore_index=True) if told else pd.DataFrame(columns=columns)
    frame["month"] = frame["month"].fillna("").astype("str")
    frame["severity"] = [_severity(share, profile) for share in frame["share"]]
    kinds = dict.fromkeys(("value_a", "value_b", "difference", "share"), "float64")
    ordered = frame.astype(kinds).sort_values(["check", "source_a", "month"], kind="stable")
    return ordered[columns].reset_index(drop=True)


def strays_of(offered: Candidates) -> list[pd.DataFrame]:
    """Rows of one SELECT that contradict another source, judged before they were rejected.

    Returns:
        Frames as `reconciled` puts together: rows whose customer no system knows (not of
        tables that say who the customers are), rows delivered before they began.
    """
    contract, table = offered.contract, offered.table.filter(~offered.table[LATER])
    if contract.began not in table.columns or contract.name == "customers":
        return []
    source, name = offered.query.counted, contract.name
    found = []
    if OWN_ID in table.columns:
        unknown = table.customer_id.isnull()
        found.append(_counted(f"{name}_without_customer", name, table, unknown, source))
    early = [1 << at for at, rule in enumerate(offered.rules)
             if rule.column == "delivered_at" and rule.name.startswith("before_")]  # fmt: skip
    if early:
        broken = (table[BROKEN] & sum(early)) != 0
        found.append(_counted("delivered_before_start", name, table, broken, source))
    return found


def _counted(
    check: str, name: str, table: ir.Table, odd: ir.BooleanValue, source: str, other: str = ""
) -> pd.DataFrame:
    """One row a month of the rows of a canonical table that disagree among all rows."""
    measures = {"value_a": table.count(), "difference": odd.fill_null(False).sum()}
    frame = _by_month(name, table, **measures)
    frame["value_b"] = frame["value_a"] - frame["difference"]
    frame["share"] = frame["difference"] / frame["value_a"]
    return frame.assign(check=check, source_a=source, source_b=other)


def _by_month(name: str, table: ir.Table, **measures: ir.Value) -> pd.DataFrame:
    """Measures of a canonical table by the month in which its rows began, as text."""
    contract = CONTRACTS[name]
    began = table[contract.began]
    if contract.columns[contract.began].type == "month":
        return table.group_by(month=began).agg(**measures).execute()
    frame: pd.DataFrame = table.group_by(month=began.truncate("M")).agg(**measures).execute()
    return frame.assign(month=pd.to_datetime(frame["month"]).dt.strftime("%Y-%m"))


def _against_finance(
    tables: Mapping[str, ir.Table], merged: ir.Table, sources: Sources, as_of: Month
) -> pd.DataFrame | None:
    """Shipments, revenue and cost of each month against what finance has booked."""
    if "finance_totals" not in tables:
        return None
    booked = tables["finance_totals"].execute().set_index("month")
    sums = {"revenue": merged.revenue.sum(), "cost": merged.cost.sum()}
    own = _by_month("shipments", merged, shipments_n=merged.count(), **sums).set_index("month")
    months = sorted(m for m in {*own.index, *booked.index} if m <= str(as_of))
    both = own.reindex(months).merge(
        booked.reindex(months), left_index=True, right_index=True, suffixes=("", "_b")
    )
    a, b = "+".join(sources["shipments"]), "+".join(sources["finance_totals"])
    frames = []
    for column, name in FINANCE.items():
        if both[f"{column}_b"].isna().all():
            continue
        one, other = both[column].astype("float64"), both[f"{column}_b"].astype("float64")
        frame = pd.DataFrame({"month": months, "value_a": one.to_numpy(),
                              "value_b": other.to_numpy()})  # fmt: skip
        frame["difference"] = frame["value_a"] - frame["value_b"]
        frame["share"] = frame["difference"].abs() / frame["value_b"].where(frame["value_b"] != 0)
        frames.append(frame.assign(check=f"finance_{name}", source_a=a, source_b=b))
    return pd.concat(frames, ignore_index=True) if frames else None


def _in_both_systems(merged: ir.Table, sources: Sequence[str]) -> pd.DataFrame | None:
    """Shipments that one system knows and another does not: costs without an order, and so on."""
    if len(sources) < 2:
        return None
    pairs = [(a, b) for a in range(len(sources)) for b in range(len(sources)) if a != b]
    has = {at: merged[f"_row_{at}"].notnull() for at in range(len(sources))}
    measures: dict[str, ir.Value] = {f"n_{at}": known.sum() for at, known in has.items()}
    measures |= {f"both_{a}_{b}": (has[a] & has[b]).sum() for a, b in pairs}
    counts = _by_month("shipments", merged, **measures)
    frames = []
    for a, b in pairs:
        frame = counts[["month"]].assign(value_a=counts[f"n_{a}"], value_b=counts[f"both_{a}_{b}"])
        frame["difference"] = frame["value_a"] - frame["value_b"]
        frame["share"] = frame["difference"] / frame["value_a"].where(frame["value_a"] != 0)
        named = frame.assign(check="shipments_missing_elsewhere", source_a=sources[a],
                             source_b=sources[b])  # fmt: skip
        frames.append(named[named["value_a"] > 0])
    return pd.concat(frames, ignore_index=True)


def _of_one_customer(merged: ir.Table, sources: Sequence[str]) -> list[pd.DataFrame]:
    """Shipments that a later system books on another customer than the earlier ones do.

    A wrong code is valid by itself; only what another system says of the same shipment shows it.
    """
    bit = 1 << list(CONTRACTS["shipments"].columns).index("customer_id")
    found = []
    for at in range(1, len(sources)):
        told = merged.filter((merged[f"{HAS}{at}"].fill_null(0) & bit) != 0)
        earlier = [told[f"_row_{n}"].notnull() for n in range(at)]
        both = told.filter(reduce(or_, earlier))
        odd = (both[f"{OVERRULED}{at}"] & bit) != 0
        others = "+".join(sources[:at])
        found.append(
            _counted("shipments_of_another_customer", "shipments", both, odd, sources[at], others)
        )
    return found


def _before_pick_up(shipments: ir.Table, sources: Sequence[str]) -> pd.DataFrame:
    """Kept shipments that were delivered before they were picked up."""
    known = shipments.filter(shipments.delivered_at.notnull() & shipments.picked_up_at.notnull())
    odd = known.delivered_at < known.picked_up_at
    return _counted("delivered_before_pick_up", "shipments", known, odd, "+".join(sources))


def _about_known_shipments(
    tables: Mapping[str, ir.Table], name: str, sources: Sources
) -> pd.DataFrame | None:
    """Tickets or surveys about a shipment that no system knows."""
    if name not in tables:
        return None
    named = tables[name].filter(tables[name].shipment_id.notnull())
    known = tables["shipments"].select(_known="shipment_id")
    joined = named.left_join(known, named.shipment_id == known["_known"])
    other = "+".join(sources["shipments"])
    source = "+".join(sources[name])
    odd = joined["_known"].isnull()
    return _counted(f"{name}_about_unknown_shipment", name, joined, odd, source, other)


def _costs_of_strangers(tables: Mapping[str, ir.Table], sources: Sources) -> pd.DataFrame | None:
    """Service costs of customers who had not shipped anything by then."""
    if "service_costs" not in tables:
        return None
    costs, shipments = tables["service_costs"], tables["shipments"]
    began = shipments.group_by(_who="customer_id").agg(_first=shipments.shipped_at.min())
    began = began.mutate(_first=began["_first"].strftime("%Y-%m"))
    joined = costs.left_join(began, costs.customer_id == began["_who"])
    odd = joined["_first"].isnull() | (joined["_first"] > joined.month)
    other = "+".join(sources["shipments"])
    source = "+".join(sources["service_costs"])
    return _counted("costs_without_shipments", "service_costs", joined, odd, source, other)


def _severity(share: float, profile: Profile) -> str:
    if pd.isna(share):
        return NO_COUNTERPART
    return profile.quality.reconciliation.status(share)


def scores_of(frame: pd.DataFrame) -> dict[str, tuple[float, str, int]]:
    """How well each source agrees with the others.

    Args:
        frame: What `reconciled` returned.

    Returns:
        Source → its score (1 − the share of its worst check over all months), the name of that
        check, and how many checks there were. Sources that nothing was held against are left
        out.
    """
    known = frame[frame["share"].notna()]
    scores: dict[str, tuple[float, str, int]] = {}
    for side in ("source_a", "source_b"):
        for (sources, name), rows in known.groupby([side, "check"], sort=False):
            check = str(name)
            base = rows["value_b" if check.startswith("finance_") else "value_a"].sum()
            share = float(rows["difference"].abs().sum() / base) if base else 0.0
            for source in str(sources).split("+"):
                if source and (side == "source_a" or check.startswith("finance_")):
                    best = scores.get(source, (1.1, "", 0))
                    worst = (1 - min(share, 1.0), check)
                    kept = worst if worst[0] < best[0] else (best[0], best[1])
                    scores[source] = (*kept, best[2] + 1)
    return scores
