"""The draw: who gets which arm, by a keyed hash, in turn within blocks.

The hash of a unit depends on the key, the experiment and the unit's name alone, so that the
order of the rows changes nothing and anybody with the key can draw again. Within a block the
units are ranked by their hash and the arms dealt along the ranks by systematic sampling with a
start of its own: every unit gets each arm with the planned chance, and a block's sizes differ
from the plan by less than one unit for two arms.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DesignError
from ...params.experiment import ExperimentSpec
from ..estimators.results import FloatArray

HALF = 0.5
SEPARATOR = "\x1f"
"""Between the parts of a hashed text: no name holds it, so that no two texts run together."""
BITS = 2.0**-53
DIGITS = 53
EQUAL_SHARES: Mapping[float, float] = {0.0: 1 / 3, 0.5: 1 / 3, 1.0: 1 / 3}
"""Shares of a saturation design whose plan names none."""


def keyed(key: str, *parts: str) -> float:
    """A number in [0, 1) that a key and some words decide.

    Example:
        >>> keyed("k", "trial", "C1") == keyed("k", "trial", "C1") != keyed("k", "trial", "C2")
        True

    Source:
        HMAC-SHA-256 (RFC 2104), its first 53 bits.
    """
    text = SEPARATOR.join(parts).encode()
    whole = hmac.digest(key.encode(), text, hashlib.sha256)
    return float((int.from_bytes(whole[:8], "big") >> (64 - DIGITS)) * BITS)


def tickets(key: str, names: pd.Series, *parts: str) -> pd.Series:
    """(n,) the number that `keyed` gives each name after some words.

    Example:
        >>> tickets("k", pd.Series(["C1"]), "a").iloc[0] == keyed("k", "a", "C1")
        True
    """
    before = SEPARATOR.join((*parts, ""))
    secret = key.encode()
    found = [
        int.from_bytes(hmac.digest(secret, f"{before}{name}".encode(), hashlib.sha256)[:8], "big")
        for name in names
    ]
    whole = np.array(found, dtype=np.uint64) >> np.uint64(64 - DIGITS)
    return pd.Series(whole.astype(np.float64) * BITS, index=names.index)


def draw(
    units: pd.DataFrame,
    spec: ExperimentSpec,
    *,
    key: str,
    blocks: Sequence[str] = (),
    before: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Deal the arms of an experiment.

    Args:
        units: One row a unit: the plan's unit column, the columns of `blocks`, and `cluster_id`
            where clusters are drawn.
        spec: Design, arms and shares.
        key: Secret of the draw; the same one draws the same arms.
        blocks: Columns within which arms are dealt; a missing value is a block of its own.
        before: An earlier draw of the same experiment, in the returned columns. Its units keep
            their arms whatever is added, its clusters their shares; units that are in it alone
            stay in it.

    Returns:
        One row a unit, ordered by unit: unit, cluster_id, cluster_share, arm_at_half (saturation
        only, else null), stratum, arm.

    Raises:
        DesignError: A unit has no cluster though clusters are drawn, or appears twice.
    """
    names = units[spec.unit].astype(str)
    if names.duplicated().any():
        raise DesignError("A unit appears twice among those to be drawn", where=spec.id)
    clusters = units.get("cluster_id")
    told = pd.DataFrame(
        {
            spec.unit: names.to_numpy(),
            "cluster_id": None if clusters is None else clusters.to_numpy(),
            "stratum": _stratum(units, blocks).to_numpy(),
        }
    ).astype({"cluster_id": "object"})
    kept = None if before is None else before.astype({spec.unit: str})
    new = told if kept is None else told[~told[spec.unit].isin(kept[spec.unit])]
    if spec.design != "customer" and new["cluster_id"].isna().any():
        n = int(new["cluster_id"].isna().sum())
        raise DesignError(f"{n} units have no cluster", where=f"experiment {spec.id}: cluster")
    dealt = _dealers[spec.design](new.sort_values(spec.unit), spec, key, kept)
    every = dealt if kept is None else pd.concat([kept[dealt.columns], dealt])
    return every.sort_values(spec.unit, ignore_index=True)


def systematic(
    groups: pd.Series, ticket: pd.Series, shares: Mapping[str, float], starts: pd.DataFrame
) -> pd.Series:
    """Deal names along ranks so that every beginning of a group holds its shares.

    Args:
        groups: (n,) group of each row.
        ticket: (n,) number that ranks the rows of a group.
        shares: Name → share; they add up to 1.
        starts: (n, names) start in [0, 1) of each group and name, one column a name.

    Returns:
        (n,) a name for each row. Each of the first r rows of a group: |count − r·share| < 1 for
        the first name, and < 2 for any.

    Source:
        Systematic sampling with a random start (Madow and Madow 1944, Ann. Math. Stat. 15(1)),
        one name after the other among those that are left.
    """
    names = list(shares)
    order = pd.DataFrame({"group": groups, "ticket": ticket}).sort_values(["group", "ticket"])
    dealt = pd.Series(names[-1], index=order.index, dtype=object)
    left, open_rows = 1.0, order.index
    for name in names[:-1]:
        rank = order.loc[open_rows].groupby("group", sort=False).cumcount().to_numpy()
        share = shares[name] / left
        start = starts.loc[open_rows, name].to_numpy()
        chosen = np.floor((rank + 1) * share + start) > np.floor(rank * share + start)
        dealt.loc[open_rows[chosen]] = name
        open_rows, left = open_rows[~chosen], left - shares[name]
    return dealt.loc[groups.index]


def _customers(
    units: pd.DataFrame, spec: ExperimentSpec, key: str, before: pd.DataFrame | None
) -> pd.DataFrame:
    arm = _dealt(units, "stratum", spec, key, _round(before))
    return units.assign(cluster_share=np.nan, arm_at_half=None, arm=arm)


def _whole_clusters(
    units: pd.DataFrame, spec: ExperimentSpec, key: str, before: pd.DataFrame | None
) -> pd.DataFrame:
    drawn = _clusters(units, spec.id, key, spec.allocation, before, "arm")
    arm = units["cluster_id"].map(drawn)
    return units.assign(cluster_share=np.nan, arm_at_half=None, arm=arm)


def _saturation(
    units: pd.DataFrame, spec: ExperimentSpec, key: str, before: pd.DataFrame | None
) -> pd.DataFrame:
    """Clusters draw shares; within each, customers draw the arm that they have at one half."""
    shares = spec.share_allocation or EQUAL_SHARES
    total = sum(shares.values())
    named = {str(share): part / total for share, part in shares.items()}
    drawn = _clusters(units, spec.id, key, named, before, "cluster_share")
    share = units["cluster_id"].map(drawn).astype(float)
    at_half = _dealt(units, "cluster_id", spec, key, _round(before))
    (treatment,) = spec.treatments
    arm = at_half.where(share == HALF, np.where(share == 1.0, treatment, spec.control))
    return units.assign(cluster_share=share, arm_at_half=at_half, arm=arm)


_dealers = {"customer": _customers, "cluster": _whole_clusters, "saturation": _saturation}


def _dealt(
    units: pd.DataFrame, within: str, spec: ExperimentSpec, key: str, number: str
) -> pd.Series:
    """Arms dealt to units within blocks."""
    ticket = tickets(key, units[spec.unit], spec.id, "unit")
    total = sum(spec.allocation.values())
    shares = {arm: share / total for arm, share in spec.allocation.items()}
    groups = units[within].astype(str)
    return systematic(groups, ticket, shares, _starts(groups, shares, key, spec.id, number))


def _clusters(
    units: pd.DataFrame,
    experiment: str,
    key: str,
    shares: Mapping[str, float],
    before: pd.DataFrame | None,
    column: str,
) -> dict[Any, Any]:
    """Cluster → what it drew: dealt from the largest to the smallest, so that sizes are alike.

    Neighbours in size, as many as there are shares, are one block and are ranked by their hash.
    """
    old = {} if before is None else before.groupby("cluster_id")[column].first().to_dict()
    sizes = units.groupby("cluster_id").size().rename("units").reset_index()
    new = sizes[~sizes["cluster_id"].isin(old)]
    by_size = new.sort_values(["units", "cluster_id"], ascending=[False, True], ignore_index=True)
    place = by_size.index.to_numpy() // len(shares)
    hashed = tickets(key, by_size["cluster_id"].astype(str), experiment, "cluster")
    ticket = pd.Series(place + hashed.to_numpy(), index=by_size.index)
    whole = pd.Series("", index=by_size.index)
    starts = _starts(whole, shares, key, f"{experiment} clusters", _round(before))
    drawn = systematic(whole, ticket, shares, starts)
    return {**old, **dict(zip(by_size["cluster_id"], drawn, strict=True))}


def _round(before: pd.DataFrame | None) -> str:
    """Which round of dealing this is: an added round has starts of its own."""
    return str(0 if before is None else len(before))


def _starts(
    groups: pd.Series, names: Iterable[str], key: str, experiment: str, number: str
) -> pd.DataFrame:
    """(n, names) the start of each row's group for each name."""
    distinct = groups.unique()
    columns: dict[str, FloatArray] = {}
    for name in names:
        start = {g: keyed(key, experiment, "start", number, str(g), name) for g in distinct}
        columns[name] = groups.map(start).to_numpy(dtype=np.float64)
    return pd.DataFrame(columns, index=groups.index)


def _stratum(units: pd.DataFrame, blocks: Sequence[str]) -> pd.Series:
    """One name a combination of the blocks' values; a missing value is told as ``-``."""
    if not blocks:
        return pd.Series("", index=units.index)
    parts = [units[name].astype("object").fillna("-").astype(str) for name in blocks]
    told = parts[0]
    for part in parts[1:]:
        told = told + "|" + part
    return told
