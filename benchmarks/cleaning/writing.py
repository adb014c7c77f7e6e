"""The page of docs that tells what was measured."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from .planting import KINDS, SHARE
from .reading import MONTHS_BEFORE
from .scoring import OUTCOMES, by_kind

if TYPE_CHECKING:
    from .finding import Found

PAGE = """# How well cleaning does where every error is known

`python benchmarks/cleaning_accuracy.py --seeds {seeds} --unknown-seeds {unknown_seeds} --write`
measures and writes this page. The seeds were not used while the rules were made. Companies of
{customers:,} customers and {months} months, {rows:,} rows in all, are simulated with their planted
errors and once more without any; the list of rejects and the values that were read are joined
to what was planted, row by row.

## Errors that rules were written for
*Found*: the row is in the list of rejects (rejected, emptied, or filled by another source).
*Repaired*: read as what it was before. *Merged*: a copy that counts once. *As written*: a text
that would run in a spreadsheet or a page arrives as it is, and is defused where it is shown.
*Missed*: a wrong value that no list names.

{known}

{alarms}

Level 4 sees in total what differs between two sources and does not without the errors (summed
over months; rows, of finance checks yuan): {checks}.

### What is wrong in the cleaned tables
Each cell held against the company without errors. *Emptied* and *lost* are named in the list of
rejects; *wrong* are the values that a reader would take for true.

{tables}

## Errors that no rule was written for
Planted, each kind alone, into the last month of companies of {unknown_customers:,} customers
(seeds: {unknown_seeds}), on top of the simulator's own errors. *Listed*: the row is in the list
of rejects. *Without effect*: the cleaned table is as without the error. *Seen in total*: checks
of level 4 or measures of level 5 (against the {before} months before) that warn and did not
without the error, with the number of companies in which they did.

{unknown}

{verdict}
"""


def page(found: Found, options: argparse.Namespace) -> str:
    """The page, in Markdown."""
    counts = by_kind(pd.concat(found.scored))
    return PAGE.format(
        seeds=" ".join(str(seed) for seed in options.seeds),
        customers=options.customers,
        months=options.months,
        rows=found.rows,
        known=_known(counts),
        alarms=_alarms(found, int(counts["planted"].sum())),
        checks=_checks(found.checks),
        tables=_tables(found),
        unknown_seeds=" ".join(str(seed) for seed in options.unknown_seeds),
        unknown_customers=options.unknown_customers,
        before=MONTHS_BEFORE,
        unknown=_unknown(found),
        verdict=_verdict(found),
    )


def _known(counts: pd.DataFrame) -> str:
    rows = [
        (f"`{kind}`", *(int(row[name]) for name in ("planted", *OUTCOMES)), f"{row['right']:.1%}")
        for kind, row in counts.iterrows()
    ]
    total = counts[["planted", *OUTCOMES]].sum()
    share = 1 - total["missed"] / total["planted"]
    rows.append(("**all**", *(int(n) for n in total), f"{share:.2%}"))
    titles = ("Kind", "Planted", "Found", "Repaired", "Merged", "As written", "Missed", "Right")
    return _table(titles, rows)


def _alarms(found: Found, planted: int) -> str:
    frame = pd.concat(found.alarms)
    if frame.empty:
        return f"False alarms: none. No row was listed besides the {planted:,} planted errors."
    sums = frame.groupby(["column", "rule", "action"])["rows_n"].sum().reset_index()
    rows = [(r.column, f"`{r.rule}`", r.action, r.rows_n) for r in sums.itertuples()]
    told = f"False alarms: {int(sums['rows_n'].sum()):,} rows listed in which nothing was planted."
    return f"{told}\n\n{_table(('Column', 'Rule', 'What follows', 'Rows'), rows)}"


def _checks(checks: Counter[str]) -> str:
    told = (f"`{name}` ({value:,.0f})" for name, value in sorted(checks.items()))
    return ", ".join(told) or "none"


def _tables(found: Found) -> str:
    names = ("cells", "wrong", "emptied", "lost", "invented")
    rows: list[tuple[object, ...]] = []
    every: Counter[str] = Counter()
    for table, counts in found.tables.items():
        every.update(counts)
        rows.append((f"`{table}`", *(counts[n] for n in names), _right(counts)))
    rows.append(("**all**", *(every[n] for n in names), _right(every)))
    return _table(("Table", *(name.capitalize() for name in names), "Right"), rows)


def _right(counts: Counter[str]) -> str:
    bad = counts["wrong"] + counts["emptied"] + counts["lost"] + counts["invented"]
    return f"{1 - bad / counts['cells']:.3%}"


def _unknown(found: Found) -> str:
    rows = []
    for kind, (title, _) in KINDS.items():
        counts, seeds = found.unknown[kind], found.seen[kind]
        seen = Counter(check for one in seeds for check in one)
        told = ", ".join(f"{check} ({n})" for check, n in sorted(seen.items())) or "nothing"
        caught = sum(bool(one) for one in seeds)
        rows.append((title, *(counts[n] for n in ("planted", "listed", "harmless", "missed")),
                     f"{caught} of {len(seeds)}", told))  # fmt: skip
    titles = ("Kind", "Planted", "Listed", "Without effect", "Missed", "Seen in total", "By")
    return _table(titles, rows)


def _verdict(found: Found) -> str:
    """Kinds of which rows were missed and that nothing saw in any company."""
    blind = [
        KINDS[kind][0]
        for kind, seeds in found.seen.items()
        if found.unknown[kind]["missed"] and not any(seeds)
    ]
    share = f"{SHARE:.0%}"
    if not blind:
        return "No kind went wholly unseen."
    told = "; ".join(blind)
    return f"Wholly unseen, row by row and in total: {told} (planted in {share} of the rows)."


def _table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    for row in rows:
        cells = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
