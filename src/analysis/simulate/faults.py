"""Planted errors: what real exports do to good rows, and a list of every one.

Errors are planted while a file is written. They never change a draw, so a company simulated
without errors holds the same customers, shipments and effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.simulate.draws import Draws, Ints
from analysis.simulate.lines import Lines

# Every kind that can be planted, in the words of `errors.csv`.
KINDS = (
    "duplicated_row",
    "repeated_header",
    "totals_row",
    "blank_row",
    "negative_weight",
    "zero_amount",
    "negative_amount",
    "amount_times_100",
    "delivered_before_pickup",
    "answered_before_opened",
    "far_future_date",
    "impossible_date",
    "mixed_date_format",
    "text_in_number",
    "missing_customer_code",
    "unknown_customer_code",
    "unknown_waybill",
    "full_width_digits",
    "score_out_of_scale",
    "mojibake",
    "swapped_columns",
    "trailing_space",
    "csv_quotes",
    "formula_text",
    "html_text",
)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
HTML_FORMS = (
    "<b>{0}</b>",
    "<script>alert(1)</script>{0}",
    "{0}<br/>",
    "<img src=x onerror=alert(1)>{0}",
)
FEWEST_ROWS = 20  # shorter files get no random errors

Cells = list[str]
Rewrite = Callable[[str, np.random.Generator], str]
Spoil = Callable[[Cells, np.random.Generator], list[Cells]]


@dataclass(frozen=True)
class Rule:
    """One kind of error in one file.

    Attributes:
        kind: one of KINDS.
        share: of rows.
        column: the column it hits; empty when it concerns the whole row.
        spoil: from the row's cells to the rows written in its place (an empty row is blank).
    """

    kind: str
    share: float
    column: str
    spoil: Spoil


@dataclass(frozen=True)
class PlantedError:
    """A row of `errors.csv`."""

    file: str
    row: int
    column: str
    kind: str
    original: str
    written: str


@dataclass(frozen=True)
class Faults:
    """Which errors are planted, and the list of those that were.

    Attributes:
        draws: the company's randomness.
        kinds: kinds to plant.
        planted: filled as files are written.
    """

    draws: Draws
    kinds: frozenset[str]
    planted: list[PlantedError] = field(default_factory=list)

    def places(
        self, part: str, rows: int, rules: Sequence[tuple[str, float]], *, surely: bool
    ) -> tuple[list[Ints], np.random.Generator]:
        """Draw distinct rows for each (kind, share); `surely` plants each kind at least once."""
        generator = self.draws.generator(f"faults {part}")
        if rows < FEWEST_ROWS:
            return [np.zeros(0, dtype=np.int64) for _ in rules], generator
        chances = [share * rows + generator.random() for _, share in rules]
        counts = [
            max(int(chance), int(surely)) if kind in self.kinds else 0
            for chance, (kind, _) in zip(chances, rules, strict=True)
        ]
        chosen: Ints = generator.choice(rows, min(sum(counts), rows), replace=False)
        edges = np.cumsum(counts)[:-1]
        return [np.asarray(part, dtype=np.int64) for part in np.split(chosen, edges)], generator

    def note(self, error: PlantedError) -> None:
        """Remember a planted error."""
        self.planted.append(error)

    def spoil_lines(
        self, file: str, lines: Lines, rules: Sequence[Rule], *, rows_above: int, surely: bool
    ) -> dict[int, list[str]]:
        """Choose rows, spoil them and note what was done.

        Args:
            file: path of the file, as `errors.csv` names it.
            lines: its good rows.
            rules: kinds of error for this file.
            rows_above: rows of the file above the first of `lines` (the header, for one).
            surely: plant each kind at least once.

        Returns:
            Row → lines to write in its place, for `Lines.render`.
        """
        kinds = [(rule.kind, rule.share) for rule in rules]
        part = f"{file} from {rows_above}"
        places, generator = self.places(part, len(lines), kinds, surely=surely)
        todo = sorted((int(row), number) for number, rows in enumerate(places) for row in rows)
        edits: dict[int, list[str]] = {}
        line_number = rows_above + 1
        for row, number in todo:
            good = lines.cells(row)
            written = rules[number].spoil(list(good), generator)
            if written == [good]:
                continue
            self._note_row(file, line_number + row, rules[number], good, written, lines)
            edits[row] = [lines.line(cells) for cells in written]
            line_number += len(written) - 1
        return edits

    def _note_row(
        self, file: str, line: int, rule: Rule, good: Cells, written: list[Cells], lines: Lines
    ) -> None:
        bad_at = next((n for n, cells in enumerate(written) if cells != good), len(written) - 1)
        place = list(lines.columns).index(rule.column) if rule.column else -1
        original = good[place] if rule.column else good[0]
        bad = written[bad_at]
        changed = bad[place] if rule.column else (bad[0] if bad else "")
        texts = (_unquoted(original), _unquoted(changed))
        self.note(PlantedError(file, line + bad_at, rule.column, rule.kind, *texts))


def faults_of(draws: Draws, kinds: Collection[str] | None) -> Faults:
    """All kinds for None, none for an empty collection.

    Raises:
        ValueError: a kind is unknown.
    """
    wanted = frozenset(KINDS if kinds is None else kinds)
    if unknown := sorted(wanted - set(KINDS)):
        raise ValueError(f"faults == {unknown}, unknown kinds; known are: {', '.join(KINDS)}.")
    return Faults(draws, wanted)


def change(place: int, text: Rewrite) -> Spoil:
    """Rewrite one cell."""

    def spoil(cells: Cells, generator: np.random.Generator) -> list[Cells]:
        cells[place] = text(cells[place], generator)
        return [cells]

    return spoil


def change_known(place: int, text: Rewrite) -> Spoil:
    """Rewrite one cell unless it is empty."""
    rewrite = change(place, text)
    return lambda cells, generator: rewrite(cells, generator) if cells[place] else [cells]


def swap(one: int, other: int) -> Spoil:
    """Exchange two cells."""

    def spoil(cells: Cells, _: np.random.Generator) -> list[Cells]:
        if cells[one] and cells[other]:
            cells[one], cells[other] = cells[other], cells[one]
        return [cells]

    return spoil


def twice(cells: Cells, _: np.random.Generator) -> list[Cells]:
    """Write the row twice."""
    return [cells, list(cells)]


def after_blank(cells: Cells, _: np.random.Generator) -> list[Cells]:
    """Put a blank row before it."""
    return [[], cells]


def after_header(header: Sequence[str]) -> Spoil:
    """Put the header before it once more."""
    return lambda cells, _: [list(header), cells]


def fixed(*texts: str) -> Rewrite:
    """One of some texts, whatever was there."""
    return lambda _, generator: texts[int(generator.integers(len(texts)))]


def full_width(text: str, _: np.random.Generator) -> str:
    """Digits as typed with a Chinese input method left on."""
    return text.translate(FULL_WIDTH)


def trailing_space(text: str, generator: np.random.Generator) -> str:
    """One or more spaces behind, sometimes an ideographic one."""
    return text + (" ", "  ", "\u3000")[int(generator.integers(3))]


def mojibake(text: str, _: np.random.Generator) -> str:
    """UTF-8 bytes read as GB18030."""
    return text.encode("utf-8").decode("gb18030", errors="ignore").replace(",", "").strip()


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def quoted(text: str) -> str:
    """A CSV field in quotes."""
    return '"' + text.replace('"', '""') + '"'


def quoted_name(text: str, _: np.random.Generator) -> str:
    """A name with quotes and a comma inside."""
    return quoted(f'{text[:2]}"{text[2:4]}",{text[4:]}')


def formula(text: str, generator: np.random.Generator) -> str:
    """A cell that a spreadsheet would run."""
    return quoted(f'=HYPERLINK("http://tracking.example/{generator.integers(1000)}","{text}")')


def html(text: str, generator: np.random.Generator) -> str:
    """A cell that a web page would run."""
    return HTML_FORMS[int(generator.integers(len(HTML_FORMS)))].format(text.strip('"'))


def unknown_code(text: str, generator: np.random.Generator) -> str:
    """A CRM code or waybill number, by its first letter, that nobody has."""
    letters = text.rstrip("0123456789")
    width = len(text) - len(letters) - 1
    return f"{letters}9{generator.integers(10**width):0{width}d}"


def complaint_in_quotes(text: str, _: np.random.Generator) -> str:
    """A comment with quotes and a comma inside."""
    return quoted(f'客服说"没办法",{text.strip(chr(34))}')


def far_future(text: str, _: np.random.Generator) -> str:
    """The year mistyped: `2026/3/5` becomes `2062/3/5`."""
    return text.replace("202", "206", 1)


def impossible_date(text: str, _: np.random.Generator) -> str:
    """30 February, keeping the time of day."""
    return "2026/2/30" + (" " + text.split(" ")[1] if " " in text else "")


def other_date_format(text: str, generator: np.random.Generator) -> str:
    """The same moment as other systems write it."""
    date, _, clock = text.partition(" ")
    if not date:
        return text
    year, month, day = (int(part) for part in date.replace("-", "/").split("/"))
    forms = (f"{year}-{month:02d}-{day:02d}", f"{year}.{month}.{day}", f"{year}年{month}月{day}日")
    text = forms[int(generator.integers(3))]
    return f"{text} {clock}" if clock else text
