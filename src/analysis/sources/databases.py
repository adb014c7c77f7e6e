"""A table of a PostgreSQL database: read as text, in a stable order, its secret never shown.

The server writes every value as text in its ISO form, so that a table is read by the same rules
as a file. What the driver says about a failure may repeat the address and so the secret: none of
it is passed on, only what kind of failure it was.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..errors import SourceError
from ..params import Source

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection, Cursor

VARIABLE = "TIERLAB_CONNECTION_"
BATCH_BYTES = 4 << 20
CONNECT_SECONDS = 10

_REFUSALS = (
    (r"password|authentication|role .* does not exist|28P01|28000", "It refused the user"),
    (r"database .* does not exist|3D000", "It has no database of this name"),
    (r"permission denied|42501", "The user may not read this"),
    (r"canceling statement|57014", "It stopped the query"),
)
"""What the server's words mean; the words themselves are not passed on."""


def variable_of(connection: str) -> str:
    """The environment variable that holds a connection's address and secret.

    Example:
        >>> variable_of("data-warehouse")
        'TIERLAB_CONNECTION_DATA_WAREHOUSE'
    """
    return VARIABLE + re.sub(r"[^A-Z0-9]", "_", connection.upper())


def label_of(source: Source) -> str:
    """What ledgers, messages and manifests call a table: ``warehouse:public.orders``."""
    return f"{source.connection}:{source.table}"


def columns_of(source: Source) -> list[str]:
    """The columns of a table or view, in its order.

    Raises:
        SourceError: The secret is missing, the server cannot be reached, or has no such table.
    """
    with _opened(source) as cursor:
        return list(_types(cursor, source))


def text_batches(
    source: Source, titles: Sequence[str]
) -> Iterator[tuple[np.ndarray, list[pa.Array]]]:
    """The rows of a table as text, a batch at a time.

    Rows come in the order of the primary key, else of all columns read (in the table's order), so
    that a row keeps its number while the table stays the same.

    Args:
        source: The source.
        titles: Names of the wanted columns, as the table writes them.

    Yields:
        Row numbers from 1 (int64, shape (n,)) and, a wanted column each, n texts.

    Raises:
        SourceError: As `columns_of`.
    """
    with _opened(source) as cursor:
        types = _types(cursor, source)
        order = _primary_key(cursor, source)
        texts = [_as_text(title, types[title]) for title in titles]
        read = [_as_text(column, kind) for column, kind in types.items() if column in titles]
        by = [f"t.{_quoted(key)}" for key in order] or [f'({text}) COLLATE "C"' for text in read]
        selected = ", ".join(f"{text} AS c{at}" for at, text in enumerate(texts))
        cursor.adbc_statement.set_options(**{_BATCH_OPTION: str(BATCH_BYTES)})
        cursor.execute(f"SELECT {selected} FROM {_table(source)} AS t ORDER BY {', '.join(by)}")  # noqa: S608
        first = 1
        for batch in cursor.fetch_record_batch():
            numbers = np.arange(first, first + batch.num_rows, dtype=np.int64)
            first += batch.num_rows
            yield numbers, [column.cast(pa.string()) for column in batch.columns]


def table_digest(source: Source) -> str:
    """A digest of the columns that are read, computed by the server: no row leaves it.

    It is the same for the same rows in any order.

    Raises:
        SourceError: As `columns_of`; a declared column that is absent is left out here.
    """
    with _opened(source) as cursor:
        types = _types(cursor, source)
        read = [column for column in types if column in source.columns] or list(types)
        texts = ", ".join(_as_text(column, types[column]) for column in read)
        halves = ", ".join(
            f"coalesce(sum(('x' || substr(h, {at}, 16))::bit(64)::bigint::numeric), 0)::text"
            for at in (1, 17)
        )
        cursor.execute(
            f"SELECT count(*)::text, {halves} "  # noqa: S608
            f"FROM (SELECT md5(ROW({texts})::text) AS h FROM {_table(source)} AS t) AS hashed"
        )
        found = cursor.fetchone()
    return hashlib.sha256("|".join([*read, *map(str, found or ())]).encode()).hexdigest()[:16]


_BATCH_OPTION = "adbc.postgresql.batch_size_hint_bytes"


@contextmanager
def _opened(source: Source) -> Iterator[Cursor]:
    """A cursor on the source's database; failures are told without the driver's words."""
    address = _address(source)
    with _told(source, "The database cannot be reached"):
        connection = _connect(address)
    try:
        with (
            _told(source, "The database did not answer the query"),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET datestyle = 'ISO, YMD'")
            cursor.execute("SET intervalstyle = 'iso_8601'")
            yield cursor
    finally:
        connection.close()


def _connect(address: str) -> Connection:
    from adbc_driver_postgresql import dbapi

    return dbapi.connect(address)


def _address(source: Source) -> str:
    """The address with its secret, and a limit to how long a silent server is waited for."""
    variable = variable_of(source.connection)
    address = os.environ.get(variable, "").strip()
    if not address:
        raise SourceError(
            f"The environment variable {variable} is not set",
            where=f"connection '{source.connection}'",
            allowed="postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
            todo="Set it where tierlab runs; the secret belongs in no file of the project.",
        )
    if "connect_timeout" in address:
        return address
    if "://" in address:
        return f"{address}{'&' if '?' in address else '?'}connect_timeout={CONNECT_SECONDS}"
    return f"{address} connect_timeout={CONNECT_SECONDS}"


@contextmanager
def _told(source: Source, what: str) -> Iterator[None]:
    """Turn the driver's failures into a sentence of our own."""
    from adbc_driver_postgresql.dbapi import Error

    told: SourceError | None = None
    try:
        yield
    except (Error, pa.ArrowException, OSError) as fault:
        told = SourceError(
            what,
            where=f"{label_of(source)} ({variable_of(source.connection)})",
            got=_kind_of(fault),
            todo="Check the address, the user and the rights, and that the server runs.",
        )
    if told:
        raise told


def _kind_of(fault: Exception) -> str:
    """What kind of failure it was, without a word that could repeat the secret."""
    text = f"{fault} {getattr(fault, 'sqlstate', '') or ''}"
    for pattern, told in _REFUSALS:
        if re.search(pattern, text):
            return told
    code = str(getattr(fault, "sqlstate", "") or "")
    return f"SQLSTATE {code}" if re.fullmatch("[0-9A-Z]{5}", code) else "No connection"


def _types(cursor: Cursor, source: Source) -> Mapping[str, str]:
    """Column → type, in the table's order."""
    cursor.execute(
        "SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute AS a "  # noqa: S608
        f"WHERE a.attrelid = to_regclass({_literal(_table(source))}) AND a.attnum > 0 "
        "AND NOT a.attisdropped ORDER BY a.attnum"
    )
    types = dict(_rows(cursor))
    if not types:
        raise SourceError(
            "The database has no such table",
            where=f"connection '{source.connection}'",
            got=source.table,
            allowed=_present(cursor),
            todo="Correct 'table' in the profile; names are told apart by capitals.",
        )
    return types


def _present(cursor: Cursor) -> list[str]:
    cursor.execute(
        "SELECT n.nspname::text, c.relname::text FROM pg_class AS c "
        "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname NOT LIKE 'pg\\_%' "
        "AND n.nspname <> 'information_schema' ORDER BY 1, 2 LIMIT 20"
    )
    return [f"{schema}.{table}" for schema, table in _rows(cursor)]


def _primary_key(cursor: Cursor, source: Source) -> list[str]:
    cursor.execute(
        "SELECT a.attname::text, ''::text FROM pg_index AS i "  # noqa: S608
        "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        f"WHERE i.indrelid = to_regclass({_literal(_table(source))}) AND i.indisprimary "
        "ORDER BY array_position(i.indkey::int2[], a.attnum)"
    )
    return [name for name, _ in _rows(cursor)]


def _rows(cursor: Cursor) -> list[Any]:
    return [tuple(row) for row in cursor.fetchall()]


def _as_text(column: str, kind: str) -> str:
    """A value as text; moments as UTC with their offset, money without its sign."""
    name = f"t.{_quoted(column)}"
    if kind == "timestamp with time zone":
        return f"(({name} AT TIME ZONE 'UTC')::text || '+00')"
    return f"({name}::numeric::text)" if kind == "money" else f"({name}::text)"


def _table(source: Source) -> str:
    return ".".join(_quoted(part) for part in source.table.split("."))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
