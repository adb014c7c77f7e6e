"""The draft of a profile's entry, as YAML to be checked, completed and kept.

Everything that was read from the file stands plain; what was guessed is marked ``guess``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import escape

from sqlglot.tokens import Tokenizer

from ...engine import Engine
from ...params.sources import DATED
from ...tables import CONTRACTS
from ..headers import plain
from .entries import currencies, currency_words, personal, source_lines, table_lines
from .kinds import kinds_of
from .look import Look
from .names import Meaning, meanings_of, tables_of
from .seen import Kind


@dataclass(frozen=True)
class Draft:
    """A draft of one source.

    Attributes:
        name: The source's name.
        customer_column: The header of its customer ids; empty where it has none.
        currencies: Those that its amounts name.
        source: Lines of its entry, indented as below ``sources:``.
        tables: Canonical table → lines of its entry, as below ``tables:``.
        notes: What a reader should know, in sentences.
    """

    name: str
    customer_column: str
    currencies: tuple[str, ...]
    source: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def draft_of(
    look: Look,
    engine: Engine,
    *,
    files: Sequence[str] = (),
    sheets: Sequence[str] = (),
    name: str = "",
    system: str = "",
    also: Mapping[int, tuple[str, ...]] | None = None,
    pad: int = 0,
) -> Draft:
    """Draft the entry of one file.

    Args:
        look: What `look_at` returned.
        engine: Tries the conversions.
        files: Paths or globs below the raw folder; the file's name by default.
        sheets: Names or globs of its sheets; those looked at by default.
        name: The source's name; made from the file's by default.
        system: Whose customer ids it carries; its own by default.
        also: Place of a column → its other headers, where files of the source differ.
        pad: The length of its customer ids, where some lost the zeros ahead.
    """
    columns = _named(look.headers)
    seen = [_with_names(kind, (also or {}).get(at, ())) for at, kind in
            enumerate(kinds_of(look, engine))]  # fmt: skip
    kinds = dict(zip(columns, seen, strict=True))
    known = [column for column in columns if column]
    tables = tables_of(known, look.called)
    found = {table: _fitting(meanings_of(known, table), table, kinds) for table in tables}
    name = name or source_name(look.called, tables)
    files = files or (escape(look.path.name),)
    main = found[tables[0]] if tables else {}
    return Draft(
        name=name,
        customer_column=customer_column(main),
        currencies=currencies(kinds),
        source=tuple(
            source_lines(
                look,
                files,
                sheets or tuple(map(escape, look.sheets)),
                name,
                system or name,
                kinds,
                found,
            )
        ),
        tables={t: tuple(table_lines(t, name, found[t], pad)) for t in tables},
        notes=tuple(_notes(look, columns, kinds, found)),
    )


def _fitting(
    found: Mapping[str, Meaning], table: str, kinds: Mapping[str, Kind]
) -> dict[str, Meaning]:
    """Meanings without the guesses that what a column holds contradicts: a date is no id."""
    columns = CONTRACTS[table].columns
    return {
        header: meaning
        for header, meaning in found.items()
        if meaning.sure
        or kinds[header].reading.type not in DATED
        or columns[meaning.column].type in DATED
    }


def _with_names(kind: Kind, also: tuple[str, ...]) -> Kind:
    """A column that some files call otherwise."""
    if not also:
        return kind
    reading = kind.reading.model_copy(update={"also": also})
    return replace(kind, reading=reading, sure=False, notes=(*kind.notes, "renamed in some files"))


def customer_column(found: Mapping[str, Meaning]) -> str:
    """The header that is taken for the customer's id; empty where there is none."""
    return next((h for h, meaning in found.items() if meaning.column == "customer_id"), "")


def source_name(called: str, tables: Sequence[str] = ()) -> str:
    """A name for SELECTs: the file's (or sheet's) own without digits, else the table's."""
    stem = unicodedata.normalize("NFKC", called).lower()
    plainly = re.sub(r"_+", "_", re.sub(r"[^a-z_]+", "_", stem)).strip("_")
    if len(plainly) > 2 and not re.search(r"[^\x00-\x7f]", stem):
        return plainly if plainly.upper() not in Tokenizer.KEYWORDS else f"{plainly}_file"
    return f"{tables[0]}_file" if tables else "source_file"


def _named(headers: Sequence[str]) -> list[str]:
    """Headers as a profile can name them: numbered where they come twice, empty where blank."""
    shown = [" ".join(header.replace("\ufeff", "").split()) for header in headers]
    flat = [plain(header) for header in shown]
    named: list[str] = []
    for at, header in enumerate(shown):
        twice = flat.count(flat[at]) > 1
        named.append(f"{header} ({flat[: at + 1].count(flat[at])})" if header and twice else header)
    lower = [header.lower() for header in named]
    return ["" if header.startswith("_") or lower.index(header.lower()) != at else header
            for at, header in enumerate(named)]  # fmt: skip


def _notes(
    look: Look,
    columns: Sequence[str],
    kinds: Mapping[str, Kind],
    found: Mapping[str, Mapping[str, Meaning]],
) -> list[str]:
    rows = look.cells.num_rows
    read = "all" if look.whole else "the first"
    some, files = look.files
    where = look.path.name if files == 1 else f"{some} of {files} files"
    notes = [f"{read} {rows:,} rows of {where} looked at", *look.oddities]
    flat = [plain(header) for header in look.headers]
    twice = sorted({header for header in flat if header and flat.count(header) > 1})
    notes += [f"headers that come twice: {', '.join(twice)}"] if twice else []
    column, words = currency_words(kinds)
    if len(words) > 1:
        told = f"several currencies in {column}: {', '.join(words)}"
        notes.append(f"{told}; 'money: {{currency_in: {column}, dated_by: …}}' and a rate table")
    unnamed = sum(1 for column in columns if not column)
    notes += [f"columns without a header, not read: {unnamed}"] if unnamed else []
    private = [c for c in kinds if c and personal(c, found)]
    notes += [f"personal columns: {', '.join(private)}"] if private else []
    if not found:
        notes.append("no canonical table was recognised by the headers")
    return notes
