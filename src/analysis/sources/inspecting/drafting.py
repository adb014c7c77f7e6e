"""The draft of a profile's entry, as YAML to be checked, completed and kept.

Everything that was read from the file stands plain; what was guessed is marked ``guess``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import escape

import yaml
from sqlglot.tokens import Tokenizer

from ...engine import Engine
from ...params.sources import DATED
from ...tables import CONTRACTS
from ..headers import plain
from .kinds import kinds_of
from .look import Look
from .names import Meaning, lacking, meanings_of, normal, tables_of
from .seen import EMPTY, Kind
from .synonyms import CATEGORY_WORDS

GUESS = "# guess"
HOME_CURRENCY = "CNY"
CURRENCY_COLUMNS = ("currency", "currencycode", "币种", "货币", "币别", "货币代码")
"""Headers, as `normal` makes them, of a column that names each row's currency."""


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
        currencies=_currencies(kinds),
        source=tuple(
            _source_lines(
                look,
                files,
                sheets or tuple(map(escape, look.sheets)),
                name,
                system or name,
                kinds,
                found,
            )
        ),
        tables={t: tuple(_table_lines(t, name, found[t])) for t in tables},
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


def as_yaml(drafts: Sequence[Draft], told: str) -> str:
    """Drafts as one YAML text with ``sources`` and ``tables``.

    Args:
        drafts: At least one.
        told: What was looked at, for the first line.
    """
    lines = [
        f"# Draft by 'tierlab inspect': {told}.",
        f"# Lines marked '{GUESS[2:]}' are to be checked.",
    ]
    for draft in drafts:
        lines += [f"# {draft.name}: {note}" for note in draft.notes]
    lines.append("sources:")
    for draft in drafts:
        lines += draft.source
    by_table: dict[str, list[str]] = {}
    for draft in drafts:
        for table, entry in draft.tables.items():
            by_table.setdefault(table, []).extend(entry)
    complete = {t: ls for t, ls in by_table.items() if any(not li.startswith("#") for li in ls)}
    lines.append("tables:" if complete else "tables: {}")
    for table in (t for t in CONTRACTS if t in complete):
        lines += [f"  {table}:", *complete[table]]
    for table in (t for t in by_table if t not in complete):
        lines += [f"#  {table}:", *by_table[table]]
    return "\n".join(lines) + "\n"


def _customers_of(draft: Draft) -> list[str]:
    """Customers made of the ids of another file, where no file of customers was found."""
    column = _sql_name(draft.customer_column)
    return [
        f"    - source: {draft.name}  {GUESS}: no file of customers was found",
        "      select: |",
        f"        SELECT {column} AS customer_id FROM {draft.name} GROUP BY {column}",  # noqa: S608
    ]


def _with_customers(drafts: Sequence[Draft]) -> list[Draft]:
    """Drafts of a whole company: one with customers among them, where any file has their ids."""
    if any("customers" in draft.tables for draft in drafts):
        return list(drafts)
    named = [d for d in drafts if "customer_names" in d.tables and d.customer_column]
    chosen = named or [d for d in drafts if "shipments" in d.tables and d.customer_column]
    return [
        replace(d, tables={"customers": tuple(_customers_of(d)), **d.tables}) if d in chosen else d
        for d in drafts
    ]


def _currency(drafts: Sequence[Draft]) -> tuple[str, str]:
    """The currency of a company's amounts, and why it is taken for that."""
    named = Counter(currency for draft in drafts for currency in draft.currencies)
    if not named or HOME_CURRENCY in named:
        return HOME_CURRENCY, "state excluded or included"
    currency = named.most_common(1)[0][0]
    return currency, f"the files name {currency}; state tax: excluded or included"


def draft_profile(drafts: Sequence[Draft], name: str, raw: str, told: str) -> str:
    """A whole profile around the drafts of a folder's files."""
    currency, why = _currency(drafts)
    head = [
        f"# A profile drafted by 'tierlab inspect': {told}.",
        "schema_version: 1",
        f"profile: {_scalar(name)}  {GUESS}",
        f"title: {{zh: {_scalar(name)}, en: {_scalar(name)}}}  {GUESS}",
        f"raw: {_scalar(raw)}",
        f"timezone: Asia/Shanghai  {GUESS}: of times that name no offset",
        f"money: {{currency: {currency}, tax: unknown}}  {GUESS}: {why}",
        "",
    ]
    return "\n".join(head) + as_yaml(_with_customers(drafts), told)


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


def _source_lines(
    look: Look,
    files: Sequence[str],
    sheets: Sequence[str],
    name: str,
    system: str,
    kinds: Mapping[str, Kind],
    found: Mapping[str, Mapping[str, Meaning]],
) -> list[str]:
    main = next(iter(found.values()), {})
    lines = [f"  {name}:", f"    system: {system}  {GUESS}: whose customer ids these are",
             f"    files: {_files(files)}"]  # fmt: skip
    if look.format != "csv":
        lines.append(f"    format: {look.format}")
    if look.encoding:
        told = f"  {GUESS}: the file does not tell it" if look.encoding_guessed else ""
        lines.append(f"    encoding: {look.encoding}{told}")
    if look.delimiter:
        lines.append(f"    delimiter: {_quoted(look.delimiter)}")
    if look.header_row != 1:
        told = "" if look.header_row else f"  {GUESS}: no row looks like headers"
        lines.append(f"    header_row: {look.header_row}{told}")
    if sheets:
        lines.append(f"    sheets: {_files(sheets)}  {GUESS}")
    currency, column = _stated_currency(kinds)
    if currency not in ("", HOME_CURRENCY):
        lines.append(f"    money: {{currency: {currency}}}  {GUESS}: the column {column} says so")
    lines.append("    columns:")
    for column, kind in kinds.items():
        if column:
            lines.append(_column_line(column, kind, main.get(column), found))
    return lines


def _currency_words(kinds: Mapping[str, Kind]) -> tuple[str, tuple[str, ...]]:
    """The column that names a currency for each row, and what it names."""
    column = next((c for c in kinds if normal(c.rpartition(".")[2]) in CURRENCY_COLUMNS), "")
    return column, tuple(sorted(kinds[column].words)) if column else ()


def _stated_currency(kinds: Mapping[str, Kind]) -> tuple[str, str]:
    """The one currency of a file that names it in a column, and the column; empty where not."""
    column, words = _currency_words(kinds)
    paid = any(kind.reading.type == "amount" for kind in kinds.values())
    one = len(words) == 1 and re.fullmatch("[A-Za-z]{3}", words[0]) and paid
    return (words[0].upper(), column) if one else ("", column)


def _currencies(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    stated = _stated_currency(kinds)[0]
    named = [kind.reading.currency for kind in kinds.values() if kind.reading.currency]
    return (*named, *([stated] if stated else []))


def _files(files: Sequence[str]) -> str:
    return _scalar(files[0]) if len(files) == 1 else f"[{', '.join(map(_quoted, files))}]"


def _column_line(
    column: str, kind: Kind, meaning: Meaning | None, found: Mapping[str, Mapping[str, Meaning]]
) -> str:
    entry, sure = _entry(kind, meaning)
    if EMPTY in kind.notes and meaning:
        entry = _contract_type(column, found)
    notes = [*([] if sure else ["guess"]), *kind.notes, *_personal(column, found)]
    told = f"  # {'; '.join(notes)}" if notes else ""
    return f"      {_scalar(column)}: {entry}{told}"


def _contract_type(column: str, found: Mapping[str, Mapping[str, Meaning]]) -> str:
    """The type that the contract gives a column that is empty here."""
    table, meanings = next(iter(found.items()))
    wanted = CONTRACTS[table].columns[meanings[column].column]
    return "amount" if wanted.unit == "currency" else wanted.type


def _entry(kind: Kind, meaning: Meaning | None) -> tuple[str, bool]:
    """The column's reading in YAML's short form, and whether nothing in it is guessed."""
    reading, sure = kind.reading, kind.sure
    given: dict[str, object] = {"type": reading.type}
    if meaning and meaning.column == "promised_at" and kind.days:
        given, sure = {"type": "time", "end_of_day": True}, meaning.sure and sure
    if reading.also:
        given["also"] = list(reading.also)
    if reading.forms:
        given["forms"] = list(reading.forms)
    if reading.unit is not None:
        given["unit"] = int(reading.unit) if reading.unit == int(reading.unit) else reading.unit
    if reading.currency not in (None, HOME_CURRENCY):
        given["currency"] = reading.currency
    if reading.decimal != ".":
        given["decimal"] = reading.decimal
    if reading.nulls:
        given["nulls"] = list(reading.nulls)
    if meaning and meaning.column == "category":
        known = {w: c for c, words in CATEGORY_WORDS.items() for w in words.split()}
        values = {w: known[w] for w in kind.words if w in known and w != known[w]}
        given.update({"values": values} if values else {})
    if len(given) == 1:
        return str(given["type"]), sure
    return _flow(given), sure


def _personal(column: str, found: Mapping[str, Mapping[str, Meaning]]) -> list[str]:
    """That a column holds personal data, which stays in the private folder."""
    if "comment" in normal(column) or normal(column) in ("评论", "意见", "留言", "身份证号"):
        return ["personal: what customers wrote"]
    taken = meanings_of([column], "customer_names").get(column)
    if taken is None or not CONTRACTS["customer_names"].columns[taken.column].personal:
        return []
    elsewhere = any(
        column in meanings and table != "customer_names" for table, meanings in found.items()
    )
    return ["personal"] if taken.sure or (taken.column != "name" and not elsewhere) else []


def _table_lines(table: str, name: str, found: Mapping[str, Meaning]) -> list[str]:
    missing = lacking(found, table)
    shown = [_renamed(header, meaning) for header, meaning in found.items()]
    body = ",\n               ".join(shown)
    lines = [
        f"    - source: {name}  {GUESS}",
        "      select: |",
        *f"        SELECT {body}".splitlines(),
        f"        FROM {name}",
    ]
    if missing:
        told = f"#    missing for a {table} table: {', '.join(missing)}"
        return [told, *(f"#{line}" for line in lines)]
    return lines


def _renamed(header: str, meaning: Meaning) -> str:
    named = _sql_name(header)
    told = named if header == meaning.column else f"{named} AS {meaning.column}"
    return told if meaning.sure else f"{told} /* guess */"


def _sql_name(header: str) -> str:
    simple = re.fullmatch(r"[^\W\d]\w*", header)
    reserved = header.upper() in Tokenizer.KEYWORDS
    return header if simple and not reserved else '"' + header.replace('"', '""') + '"'


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
    column, words = _currency_words(kinds)
    if len(words) > 1:
        notes.append(f"several currencies in {column}: {', '.join(words)}; make a source of each")
    unnamed = sum(1 for column in columns if not column)
    notes += [f"columns without a header, not read: {unnamed}"] if unnamed else []
    personal = [c for c in kinds if c and _personal(c, found)]
    notes += [f"personal columns: {', '.join(personal)}"] if personal else []
    if not found:
        notes.append("no canonical table was recognised by the headers")
    return notes


def _flow(given: Mapping[str, object]) -> str:
    text = yaml.safe_dump(dict(given), allow_unicode=True, default_flow_style=True, width=10**6,
                          sort_keys=False)  # fmt: skip
    return text.strip()


def _scalar(text: str) -> str:
    dumped = yaml.safe_dump({text: 0}, allow_unicode=True, width=10**6, default_flow_style=False)
    key = dumped.strip().removesuffix(": 0")
    return key if not key.startswith("?") else _quoted(text)


def _quoted(text: str) -> str:
    escapes = {"\t": "\\t", '"': '\\"', "\\": "\\\\", "\x01": "\\x01"}
    return '"' + "".join(escapes.get(sign, sign) for sign in text) + '"'
