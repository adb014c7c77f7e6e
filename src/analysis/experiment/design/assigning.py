"""The assignment: the customers that ship now with the arms that the draw gives them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from ...calendar import Calendar
from ...errors import CoverageError, DesignError
from ...months import Month
from ...params.experiment import ExperimentSpec
from ...tables import CONTRACTS
from .balance import balance
from .drawing import draw
from .history import as_if_assigned, facts_of
from .precision import strata_columns

COLUMNS = tuple(CONTRACTS["assignments"].columns)
"""Of the assignment file: those of the canonical table ``assignments``."""
COMPARED = ("tier", "region", "prior_shipments", "prior_revenue", "prior_margin", "prior_on_time",
            "prior_nps", "prior_cost_to_serve")  # fmt: skip
"""What the arms are held against each other in, besides the plan's strata and covariates."""
DIGITS = 16
"""Hex digits of a digest."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """A draw.

    Attributes:
        spec: The plan.
        as_of: Month of whose end the customers are.
        units: One row a customer, in the columns of the table ``assignments``; all text.
        balance: See `balance`.
        added: Customers that this draw has dealt an arm.
        elsewhere: Other experiment → how many of the customers it has too.
    """

    spec: ExperimentSpec
    as_of: Month
    units: pd.DataFrame
    balance: pd.DataFrame
    added: int
    elsewhere: Mapping[str, int]

    @property
    def digest(self) -> str:
        """Digest of who got what."""
        return units_digest(self.units)


def draw_arms(
    spec: ExperimentSpec,
    tables: Mapping[str, ir.Table | None],
    *,
    as_of: Month,
    key: str,
    calendar: Calendar | None = None,
    before: pd.DataFrame | None = None,
) -> Assignment:
    """Deal the arms of an experiment to the customers that ship now.

    Args:
        spec: The plan.
        tables: The canonical tables by name.
        as_of: Customers that shipped in the quarter before this month's end take part.
        key: Secret of the draw, see `draw`.
        calendar: Says when the company is shut.
        before: An earlier draw of the same plan, in the columns of `Assignment.units`; its
            customers keep their arms whoever comes.

    Returns:
        The draw. Arms are dealt within blocks of the plan's strata.

    Raises:
        CoverageError: Nobody ships.
        DesignError: The experiment starts before the month ends, or customers have no cluster.
    """
    starts = spec.starts_on or as_of.end.date()
    if starts < as_of.end.date():
        raise DesignError(
            "The experiment starts before the month of its draw ends",
            where=f"experiment {spec.id}: starts_on",
            got=starts.isoformat(),
            allowed=f"{as_of.end:%Y-%m-%d} or later",
            todo="Draw as of an earlier month, or let the experiment start later.",
        )
    units = as_if_assigned(spec, facts_of(tables), as_of.end, as_of, calendar)
    if units.empty:
        raise CoverageError("No customer shipped in the last quarter", where=f"month {as_of}")
    kept = None if before is None else _read_again(before)
    drawn = draw(units, spec, key=key, blocks=strata_columns(spec), before=kept)
    columns = [c for c in dict.fromkeys((*strata_columns(spec), *COMPARED, *spec.covariates))
               if c in units]  # fmt: skip
    told = _told(drawn, spec, starts, before)
    return Assignment(
        spec=spec,
        as_of=as_of,
        units=told,
        balance=balance(units, drawn, spec, columns),
        added=len(told) - (0 if before is None else len(before)),
        elsewhere=_elsewhere(tables.get("assignments"), told["customer_id"], spec),
    )


def units_digest(units: pd.DataFrame) -> str:
    """Digest of an assignment file's content; order, line ends and quotes do not matter.

    Args:
        units: In the columns of `Assignment.units`, all text, nothing where there is none.
    """
    rows = units[list(COLUMNS)].fillna("").astype(str).sort_values(list(COLUMNS))
    text = "\n".join("\x1f".join(row) for row in rows.itertuples(index=False))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _told(
    drawn: pd.DataFrame, spec: ExperimentSpec, starts: dt.date, before: pd.DataFrame | None
) -> pd.DataFrame:
    """The draw as text; customers of an earlier draw keep their day."""
    share = drawn["cluster_share"].astype(float)
    told = drawn.assign(
        experiment_id=spec.id,
        customer_id=drawn[spec.unit],
        assigned_at=f"{starts.isoformat()}T00:00:00",
        cluster_share=share.map(lambda s: "" if pd.isna(s) else f"{s:g}"),
    )[list(COLUMNS)]
    told = told.astype("object").where(told.notna(), "").astype(str)
    if before is not None:
        days = before.set_index("customer_id")["assigned_at"]
        told["assigned_at"] = told["customer_id"].map(days).fillna(told["assigned_at"])
    return told.reset_index(drop=True)


def _read_again(before: pd.DataFrame) -> pd.DataFrame:
    """An assignment file's text as `draw` gives it."""
    share = pd.to_numeric(before["cluster_share"], errors="coerce")
    return before.replace("", None).assign(cluster_share=share, stratum=before["stratum"])


def _elsewhere(
    assignments: ir.Table | None, customers: pd.Series, spec: ExperimentSpec
) -> dict[str, int]:
    if assignments is None:
        return {}
    others = assignments.filter(assignments.experiment_id != spec.id)
    held = others.select("experiment_id", "customer_id").distinct().execute()
    counts = held.loc[held["customer_id"].isin(list(customers)), "experiment_id"].value_counts()
    return {str(name): int(n) for name, n in counts.sort_index().items()}
