"""The lines of a profile's YAML that a draft consists of: sources with their columns, SELECTs.

Everything that was read from the file stands plain; what was guessed is marked ``guess``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml
from sqlglot.tokens import Tokenizer

from ...tables import CONTRACTS
from .look import Look
from .names import Meaning, lacking, meanings_of, normal
from .seen import EMPTY, Kind
from .synonyms import CATEGORY_WORDS

GUESS = "# guess"


HOME_CURRENCY = "CNY"


CURRENCY_COLUMNS = ("currency", "currencycode", "币种", "货币", "币别", "货币代码", "währung")
"""Headers, as `normal` makes them, of a column that names each row's currency."""


def source_lines(
    look: Look,
    files: Sequence[str],
    sheets: Sequence[str],
    name: str,
    system: str,
    kinds: Mapping[str, Kind],
    found: Mapping[str, Mapping[str, Meaning]],
) -> list[str]:
    """The entry of a source: how it is read, and its columns."""
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


def currency_words(kinds: Mapping[str, Kind]) -> tuple[str, tuple[str, ...]]:
    """The column that names a currency for each row, and what it names."""
    column = next((c for c in kinds if normal(c.rpartition(".")[2]) in CURRENCY_COLUMNS), "")
    return column, tuple(sorted(kinds[column].words)) if column else ()


def _stated_currency(kinds: Mapping[str, Kind]) -> tuple[str, str]:
    """The one currency of a file that names it in a column, and the column; empty where not."""
    column, words = currency_words(kinds)
    paid = any(kind.reading.type == "amount" for kind in kinds.values())
    one = len(words) == 1 and re.fullmatch("[A-Za-z]{3}", words[0]) and paid
    return (words[0].upper(), column) if one else ("", column)


def currencies(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """The currencies that a source's amounts name."""
    stated = _stated_currency(kinds)[0]
    named = [kind.reading.currency for kind in kinds.values() if kind.reading.currency]
    return (*named, *([stated] if stated else []))


def _files(files: Sequence[str]) -> str:
    return scalar(files[0]) if len(files) == 1 else f"[{', '.join(map(_quoted, files))}]"


def _column_line(
    column: str, kind: Kind, meaning: Meaning | None, found: Mapping[str, Mapping[str, Meaning]]
) -> str:
    entry, sure = _entry(kind, meaning)
    if EMPTY in kind.notes and meaning:
        entry = _contract_type(column, found)
    notes = [*([] if sure else ["guess"]), *kind.notes, *personal(column, found)]
    told = f"  # {'; '.join(notes)}" if notes else ""
    return f"      {scalar(column)}: {entry}{told}"


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


def personal(column: str, found: Mapping[str, Mapping[str, Meaning]]) -> list[str]:
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


def table_lines(table: str, name: str, found: Mapping[str, Meaning], pad: int = 0) -> list[str]:
    """The SELECT of a canonical table, as a comment where it lacks what the table must have.

    Args:
        table: The canonical table.
        name: Of the source.
        found: Header → its meaning.
        pad: The length of customer ids whose zeros ahead were lost; 0 where none were.
    """
    missing = lacking(found, table)
    shown = [_renamed(header, meaning, pad) for header, meaning in found.items()]
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


def _renamed(header: str, meaning: Meaning, pad: int) -> str:
    named = sql_name(header)
    if pad and meaning.column == "customer_id":
        padded = f"repeat('0', {pad} - length({named})) || {named}"
        return f"{padded} AS customer_id /* guess: zeros ahead were lost */"
    told = named if header == meaning.column else f"{named} AS {meaning.column}"
    return told if meaning.sure else f"{told} /* guess */"


def sql_name(header: str) -> str:
    """A header as SQL names it."""
    simple = re.fullmatch(r"[^\W\d]\w*", header)
    reserved = header.upper() in Tokenizer.KEYWORDS
    return header if simple and not reserved else '"' + header.replace('"', '""') + '"'


def _flow(given: Mapping[str, object]) -> str:
    text = yaml.safe_dump(dict(given), allow_unicode=True, default_flow_style=True, width=10**6,
                          sort_keys=False)  # fmt: skip
    return text.strip()


def scalar(text: str) -> str:
    """A text as YAML writes it within a line."""
    dumped = yaml.safe_dump({text: 0}, allow_unicode=True, width=10**6, default_flow_style=False)
    key = dumped.strip().removesuffix(": 0")
    return key if not key.startswith("?") else _quoted(text)


def _quoted(text: str) -> str:
    escapes = {"\t": "\\t", '"': '\\"', "\\": "\\\\", "\x01": "\\x01"}
    return '"' + "".join(escapes.get(sign, sign) for sign in text) + '"'
