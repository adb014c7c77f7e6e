"""Where the values of a SELECT's columns come from, through subqueries and WITH."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from ..params import Profile
from ..tables import CONTRACTS

Origins = set[tuple[str, str]]
"""(table, column in small letters)."""


def personal_origins(tree: exp.Select, table: str, profile: Profile) -> dict[str, frozenset[str]]:
    """Of each source that is read, what the table's personal columns are made from."""
    columns = CONTRACTS[table].columns
    made = {
        one.alias_or_name.lower() for one in tree.selects if columns[one.alias_or_name].personal
    }
    scope = build_scope(tree)
    read = _origins(scope, made, set()) if scope else set()
    return {
        name: frozenset(c for c in source.columns if (name, c.lower()) in read)
        for name, source in profile.sources.items()
        if any(one.name == name for one in tree.find_all(exp.Table))
    }


def _origins(scope: Scope, names: Collection[str], seen: set[int]) -> Origins:
    """The stored columns that some columns of a (sub)query are made from.

    Args:
        scope: The query.
        names: Its columns, in small letters.
        seen: Queries on the way here: a recursive one reads itself.
    """
    if id(scope) in seen:
        return set()
    seen = seen | {id(scope)}
    query = scope.expression
    found: Origins = set()
    if not isinstance(query, exp.Query):
        return found
    places = [i for i, n in enumerate(query.named_selects) if n.lower() in names]
    for part in scope.set_operation_scopes:
        one = part.expression
        own = one.named_selects if isinstance(one, exp.Query) else []
        found |= _origins(part, {own[i].lower() for i in places if i < len(own)}, seen)
    made = [query.selects[i] for i in places] if isinstance(query, exp.Select) else []
    for column in (c for one in made for c in one.find_all(exp.Column)):
        inside = column.find_ancestor(exp.Select, exp.Where, exp.Having, exp.Group)
        if isinstance(inside, exp.Select):  # what a subquery filters by is not what it yields
            found |= _origins_of(column, scope, seen)
    return found


def _origins_of(column: exp.Column, scope: Scope, seen: set[int]) -> Origins:
    """Where a column comes from; a name that several subqueries use is looked up in all."""
    name = column.name.lower()
    found: Origins = set()
    for inner in scope.traverse():
        origin = inner.sources.get(column.table)
        if isinstance(origin, Scope) and origin.is_udtf:
            for one in origin.expression.find_all(exp.Column):  # such as what is unnested
                found |= _origins_of(one, scope, seen) if one.table != column.table else set()
        elif isinstance(origin, Scope):
            found |= _origins(origin, {name}, seen)
        elif isinstance(origin, exp.Table):
            found.add((origin.name, name))
    return found
