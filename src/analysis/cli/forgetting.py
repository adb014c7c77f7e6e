"""``tierlab forget``: a customer that asks for it leaves what was processed, and stays out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import OutOption, ProfileOption, RawOption, app

if TYPE_CHECKING:
    from ..pipeline.forgetting import Forgetting

MOST_ROWS = 8
"""Row numbers told of one file; the others are counted."""


@app.command()
def forget(
    customer: Annotated[
        str, typer.Argument(help="A customer_id, or a source record such as crm:C0000123.")
    ],
    profile: ProfileOption,
    raw: RawOption = "",
    out: OutOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; change nothing.")
    ] = False,
) -> None:
    """Remove a customer from all processed months, keep it out, and say what still holds it."""
    from ..pipeline.forgetting import forget_customer
    from .options import console

    today = dt.datetime.now(dt.UTC).date()
    found = forget_customer(profile, customer, today, raw=raw, out=out, dry_run=dry_run)
    screen = console()
    for line in told(found):
        screen.print(line, highlight=False, soft_wrap=True, markup=False)


def told(found: Forgetting) -> Iterator[str]:
    """What was done and what is left to do, line by line."""
    ids = frozenset().union(*found.traces.ids.values()) - {found.traces.customer_id}
    yield f"Customer {found.traces.customer_id}: " + ("forgotten" if found.done else "dry run")
    yield f"  source records: {_listed(sorted(':'.join(r) for r in found.traces.records))}"
    if ids:
        yield f"  known in some months as: {_listed(sorted(ids))}; removed there too"
    yield "Removed:" if found.done else "Would be removed:"
    yield from _removed(found)
    if found.done:
        yield f"Kept out from now on by {found.list_path}: keep this file."
    yield from _still_held(found)


def _removed(found: Forgetting) -> Iterator[str]:
    for month, one in found.removed.items():
        yield f"  {month}: {sum(one.rows.values()):,} rows of {len(one.rows)} tables"
        if one.emptied:
            yield f"    its id emptied in: {_listed(sorted(one.emptied))}"
        if one.pages:
            yield f"    pages that named it: {_listed(one.pages)}"
    if not found.removed:
        yield "  nothing: no processed table holds it"


def _still_held(found: Forgetting) -> Iterator[str]:
    yield "Still held, not touched:"
    for (source, file), rows in found.raw.by_file.items():
        yield f"  raw file {file} (source '{source}'): {_numbers(rows)}"
    if found.raw.unread:
        yield f"  {found.raw.unread:,} raw rows could not be read: nobody can tell whose they are"
    for path in found.published:
        yield f"  published report {path.as_posix()}"
    for path in found.drafts:
        yield f"  draft {path.as_posix()}: run its month again"
    for path in found.params:
        yield f"  parameter file {path.as_posix()}"
    if not (found.raw.by_file or found.published or found.drafts or found.params):
        yield "  nothing"


def _numbers(rows: Sequence[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:MOST_ROWS])
    more = len(rows) - MOST_ROWS
    told = f"{shown} and {more:,} more" if more > 0 else shown
    return f"rows {told}" if len(rows) > 1 else f"row {told}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
