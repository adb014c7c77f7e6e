"""The books of cleaning: no row of any source may be missing from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from ..errors import RunError

LEDGER_COLUMNS = (
    "source",
    "system",
    "table",
    "rows_in_files",
    "rows_later",
    "rows_left_out",
    "rows_read",
    "rows_kept",
    "rows_rejected",
    "rows_merged",
)


@dataclass(frozen=True)
class Entry:
    """The books of one source and one canonical table (``lookup`` where it is only joined).

    Attributes:
        rows_in_files: Rows in the raw files, headers and blank lines at the end aside.
        rows_later: Rows that began after the as-of month.
        rows_left_out: Rows that the SELECT's WHERE leaves out on purpose.
        rows_kept: Rows that stand in the table (the first of those that were merged).
        rows_rejected: Rows in the list of rejects.
        rows_merged: Rows whose content went into a kept row.
    """

    source: str
    system: str
    table: str
    rows_in_files: int
    rows_later: int
    rows_left_out: int
    rows_kept: int
    rows_rejected: int
    rows_merged: int

    @property
    def rows_read(self) -> int:
        """Rows that had to end as kept, rejected or merged."""
        return self.rows_in_files - self.rows_later - self.rows_left_out


def refuse_unlisted(ledger: pd.DataFrame, listed: Mapping[tuple[str, str], int]) -> None:
    """Hold the rejected rows of the books against the list of rejects.

    Args:
        ledger: As `ledger_of` returns it.
        listed: Source and table → rows that the list of rejects says are rejected, each once.

    Raises:
        RunError: A row was rejected that the list does not name: a fault of the program.
    """
    for row in ledger.to_dict("records"):
        named, rejected = listed.get((row["source"], row["table"]), 0), int(row["rows_rejected"])
        if named < rejected:
            raise RunError(
                "Rejected rows are not listed",
                where=f"source '{row['source']}', table '{row['table']}'",
                got=f"rejected {rejected:,}, listed {named:,}",
                todo="Report this with the profile; nothing was written.",
            )


def ledger_of(entries: list[Entry]) -> pd.DataFrame:
    """The ledger, its sums checked.

    Returns:
        One row a source and table, with `LEDGER_COLUMNS`;
        rows_in_files = rows_later + rows_left_out + rows_read and
        rows_read = rows_kept + rows_rejected + rows_merged.

    Raises:
        RunError: A row is missing or counted twice: a fault of the program, never hidden.
    """
    for entry in entries:
        ends = entry.rows_kept + entry.rows_rejected + entry.rows_merged
        if ends != entry.rows_read:
            raise RunError(
                "Rows do not add up",
                where=f"source '{entry.source}', table '{entry.table}'",
                got=f"read {entry.rows_read:,}; kept {entry.rows_kept:,} + rejected "
                f"{entry.rows_rejected:,} + merged {entry.rows_merged:,} = {ends:,}",
                todo="Report this with the profile; nothing was written.",
            )
    rows = [{**asdict(entry), "rows_read": entry.rows_read} for entry in entries]
    return pd.DataFrame(rows, columns=list(LEDGER_COLUMNS))
