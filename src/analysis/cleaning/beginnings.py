"""When the rows of a source began, told from the SELECT that counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from ..params import Source
from ..params.sources import DATED
from ..tables import CONTRACTS

if TYPE_CHECKING:
    from .selects import Query

PEOPLE = ("customers", "customer_names")
"""Tables whose rows come and stay: the day of a first contract says nothing of when a row came."""

AHEAD = ("receivables",)
"""Tables whose rows are written before they begin: an invoice before it is due. A file of them was
there though most of them are not due yet."""

_PLAIN = (exp.Alias, exp.Column, exp.Coalesce, exp.Min, exp.Cast, exp.Paren, exp.DataType)
"""What takes one of several dates as it stands; anything else may make another date of it."""


def dates_of(tree: exp.Select, table: str, counted: str, source: Source) -> tuple[str, ...]:
    """Columns of the counted source of which one is when a row began.

    Args:
        tree: The SELECT, its columns with their tables.
        table: The canonical table it yields rows of.
        counted: The alias of the counted source.
        source: Its entry in the profile.

    Returns:
        Dated columns as the profile declares them; none where the SELECT does not say when a row
        began, or not plainly in columns of that source.
    """
    began = CONTRACTS[table].began
    told = next((one for one in tree.selects if one.alias_or_name == began), None)
    if told is None or table in PEOPLE or not _is_plain(told):
        return ()
    columns = list(told.find_all(exp.Column))
    declared = {name.lower(): name for name in source.columns}
    names = [declared.get(column.name.lower(), "") for column in columns]
    if any(column.table != counted for column in columns) or "" in names:
        return ()
    return tuple(names) if all(source.reading(name).type in DATED for name in names) else ()


def _is_plain(told: exp.Expr) -> bool:
    return all(isinstance(node, (*_PLAIN, exp.Identifier)) for node in told.walk())


def dated_sources(queries: Iterable[Query]) -> Mapping[str, tuple[str, ...]]:
    """Sources whose rows can be dated by themselves, with the columns that do it.

    A source that another SELECT joins is left whole, else that one's rows would lose their
    partners; so is one that also goes into a table without saying when.
    """
    listed = list(queries)
    left_whole = {name for query in listed for name in query.joined}
    found: dict[str, tuple[str, ...]] = {}
    for query in listed:
        if query.table in PEOPLE:
            continue
        if not query.dates:
            left_whole.add(query.counted)
        own = (*found.get(query.counted, ()), *query.dates)
        found[query.counted] = tuple(dict.fromkeys(own))
    return {name: columns for name, columns in found.items() if name not in left_whole}
