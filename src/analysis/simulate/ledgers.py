"""CSV files: written whole, or growing month by month, each with its planted errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from analysis.simulate.faults import Faults, Rule
from analysis.simulate.lines import Lines


def write_lines(
    folder: Path,
    file: str,
    lines: Lines,
    faults: Faults,
    rules: tuple[Rule, ...] = (),
    *,
    surely: bool = True,
    mark: str = "",
) -> int:
    """Write a whole CSV file with its header and its planted errors; returns its good rows."""
    edits = faults.spoil_lines(file, lines, rules, rows_above=1, surely=surely)
    header = mark + lines.line(list(lines.columns))
    with (folder / file).open("wb") as target:
        target.write(header.encode(lines.layout.encoding))
        if len(lines):
            target.write(lines.render(edits))
    return len(lines)


def append_lines(
    folder: Path,
    file: str,
    lines: Lines,
    faults: Faults,
    rules: tuple[Rule, ...],
    *,
    rows_above: int,
    surely: bool,
) -> int:
    """Append rows to a CSV file that grows by month; returns the rows now above the next ones."""
    above = max(rows_above, 1)
    edits = faults.spoil_lines(file, lines, rules, rows_above=above, surely=surely)
    with (folder / file).open("ab") as target:
        if rows_above == 0:
            target.write(lines.line(list(lines.columns)).encode(lines.layout.encoding))
        if len(lines):
            target.write(lines.render(edits))
    extra = sum(len(written) - 1 for written in edits.values())
    return above + len(lines) + extra


@dataclass
class Ledgers:
    """The files that grow month by month: how many rows each holds, and running numbers."""

    rows: dict[str, int] = field(default_factory=dict)
    surveys: int = 0
    cost_yuan: int = 0
    totals: list[tuple[str, int, int, int]] = field(default_factory=list)

    def append(
        self, folder: Path, file: str, lines: Lines, faults: Faults, rules: tuple[Rule, ...]
    ) -> None:
        """Append the month's rows to a file."""
        above = self.rows.get(file, 0)
        # File names must differ for errors to fall elsewhere in each month.
        self.rows[file] = append_lines(
            folder, file, lines, faults, rules, rows_above=above, surely=above == 0
        )
