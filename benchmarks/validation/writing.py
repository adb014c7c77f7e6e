"""Write docs/validation.md: a table and a plot a group, and what has not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cell import Cell, Claim
from .plotting import Mark, plot
from .running import HERE, SOURCE, Stored, code_digest, stored

HOLDS = {
    "within": "is",
    "at least": "at least",
    "at most": "at most",
    "near": "± 2 points of",
    "fails": "must fail",
    "published": "none",
}

INTRODUCTION = """\
Written by `make validate` (`python benchmarks/validate.py`); do not edit. Every cell is a situation
that is simulated again and again with the truth known, through the estimators that the product
uses. Seeds are fixed. A promise is kept when the share achieved lies within the 99.9 % binomial
limits at the number of replications (power: within 2 points). Where no promise is made, the share
is published as it is.
"""


@dataclass(frozen=True)
class Row:
    """A claim and what was achieved.

    Attributes:
        cell: The situation.
        name: Of the claim.
        claim: What is promised.
        kept: What is stored of the cell; None where it has not run.
        is_current: The stored results are those of the code as it is.
    """

    cell: Cell
    name: str
    claim: Claim
    kept: Stored | None
    is_current: bool

    @property
    def counted(self) -> tuple[int, int]:
        """Hits and replications."""
        return self.kept.rate(self.name) if self.kept else (0, 0)

    @property
    def limits(self) -> tuple[float, float]:
        """At the replications done."""
        return self.claim.limits(self.counted[1])

    @property
    def passes(self) -> bool | None:
        """None where nothing is promised or nothing has run."""
        hits, n = self.counted
        return self.claim.passes(hits, n) if n else None

    @property
    def verdict(self) -> str:
        """The last column of the table."""
        if not self.counted[1]:
            return "not run"
        found = {True: "pass", False: "**fails**", None: "published limit"}[self.passes]
        return found if self.is_current else f"{found} (earlier code)"


def rows_of(cells: Sequence[Cell], folder: Path) -> list[Row]:
    """All claims of the grid with what is stored of them."""
    rows = []
    for cell in cells:
        kept = stored(folder, cell)
        is_current = bool(kept and kept.code == code_digest(cell, SOURCE, HERE))
        rows += [Row(cell, n, claim, kept, is_current) for n, claim in cell.claims.items()]
    return rows


def write(cells: Sequence[Cell], folder: Path, page: Path) -> list[str]:
    """Write the page and its plots beside the results.

    Args:
        cells: The whole grid.
        folder: Where the results are kept; plots are written into its parent.
        page: The page.

    Returns:
        One line a promise that is broken, and one a cell that is not whole or of earlier code.
    """
    rows = rows_of(cells, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join([*_opening(cells, rows), *_groups(rows, folder.parent)]), "utf-8")
    broken = [f"{r.cell.name}, {r.name}: broken" for r in rows if r.passes is False]
    return broken + [f"{cell.name}: {told}" for cell, told in _unfinished(cells, rows)]


def _opening(cells: Sequence[Cell], rows: list[Row]) -> Iterator[str]:
    promised = [r for r in rows if r.passes is not None]
    held = sum(bool(r.passes) for r in promised)
    replications = {r.cell.name: r.counted[1] for r in rows}
    seconds = sum({r.cell.name: r.kept.seconds for r in rows if r.kept}.values())
    yield "# Does the evaluation keep its promises?\n"
    yield INTRODUCTION
    ran = sum(n > 0 for n in replications.values())
    yield (
        f"**{held} of {len(promised)} promises that were tested are kept**, over "
        f"{sum(replications.values()):,} replications of {ran} of {len(cells)} cells "
        f"({seconds / 60:.0f} minutes of processor time).\n"
    )
    broken = [r for r in rows if r.passes is False]
    if broken:
        yield "Not kept:\n"
        yield from (f"- `{r.cell.name}`, {r.claim.what}: {_share(*r.counted)}" for r in broken)
        yield ""
    unfinished = _unfinished(cells, rows)
    if unfinished:
        yield "Not finished (`make validate` goes on here):\n"
        yield from (f"- `{cell.name}` {cell.title}: {told}" for cell, told in unfinished)
    else:
        yield "Every cell has run in full for the code as it is."
    yield ""


def _unfinished(cells: Sequence[Cell], rows: list[Row]) -> list[tuple[Cell, str]]:
    by_cell = {r.cell.name: r for r in rows}
    told = []
    for cell in cells:
        row = by_cell[cell.name]
        done = row.kept.replications if row.kept else 0
        if not done:
            told.append((cell, "not run"))
        elif not row.is_current:
            told.append((cell, f"{done:,} replications of earlier code"))
        elif done < cell.replications:
            told.append((cell, f"{done:,} of {cell.replications:,} replications"))
    return told


def _groups(rows: list[Row], folder: Path) -> Iterator[str]:
    for number, group in enumerate(dict.fromkeys(r.cell.group for r in rows), 1):
        inside = [r for r in rows if r.cell.group == group]
        yield f"## {group}\n"
        drawn = [_mark(r) for r in inside if r.counted[1]]
        if drawn:
            name = f"group-{number}.svg"
            (folder / name).write_text(plot(group, drawn), "utf-8")
            yield f"![{group}: share achieved and the limits of the promise](validation/{name})\n"
        yield "| situation | counted | promise | achieved | limits | replications | |"
        yield "|---|---|---|---|---|---|---|"
        yield from map(_line, inside)
        yield ""


def _mark(row: Row) -> Mark:
    hits, n = row.counted
    limits = None if row.claim.holds == "published" else row.limits
    return Mark(f"{row.cell.name}: {row.name}", hits / n, n, limits, row.passes)


def _line(row: Row) -> str:
    hits, n = row.counted
    is_published = row.claim.holds == "published"
    promise = "none" if is_published else f"{HOLDS[row.claim.holds]} {_percent(row.claim.promise)}"
    limits = "–" if is_published or not n else " to ".join(_percent(v) for v in row.limits)
    title = f"{row.cell.title} (hard)" if row.cell.hard else row.cell.title
    return (
        f"| `{row.cell.name}` {title} | {row.claim.what} | {promise} | {_share(hits, n)} "
        f"| {limits} | {n:,} | {row.verdict} |"
    )


def _share(hits: int, n: int) -> str:
    return _percent(hits / n) if n else "–"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
