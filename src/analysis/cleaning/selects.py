"""A profile's SELECT: parsed, checked, and given the provenance of its rows.

Only one SELECT over declared sources and their declared columns is accepted. The rows of the
counted source are carried through: ``_row`` in a row-wise SELECT, the list ``_rows`` where rows
are grouped, so that each of them ends as kept, rejected or merged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError, TokenError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope

from ..errors import AnalysisError, GroupedError, ParamsError, did_you_mean, raise_all
from ..params import Profile, Source, TableSelect
from ..sources import FAULTS, ROW, UNUSABLE
from ..tables import CONTRACTS
from .beginnings import dates_of

ROWS = "_rows"
DIALECT = "duckdb"
WHOLE, KNOWN = "source_", "known_"
"""How the engine's names of the sources begin: as they were read, and as they were by a month."""
_UNREPEATABLE = (exp.Rand, exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Uuid)
_UNREPEATABLE_NAMES = frozenset({"now", "today", "random", "uuid", "gen_random_uuid", "setseed"})


@dataclass(frozen=True)
class Query:
    """A checked SELECT.

    Attributes:
        table: The canonical table it yields rows of.
        index: Its place among the table's SELECTs; earlier ones take precedence.
        counted: The source whose rows are counted.
        system: The system whose customer ids it carries.
        columns: The canonical columns it yields.
        used: Columns of the counted source that it reads.
        personal: Source → its columns that go into personal columns, directly or through
            subqueries, of joined sources too: their values are masked in lists.
        sql: The SELECT with provenance, over the engine's tables.
        dates: Columns of the counted source of which one is when a row began; none where the
            SELECT does not say it, or not plainly.
        joined: Other sources that it reads, or the counted one once more.
        from_sql: ``_row`` of all rows that its FROM and JOINs let through, WHERE aside.
        grouped: Several source rows make one result row.
        filters: It has a WHERE or a JOIN, so that rows may be left out.
        joins: It has a JOIN (or unnests), so that rows may come twice.
        many: One source row may yield several rows.
    """

    table: str
    index: int
    counted: str
    system: str
    columns: tuple[str, ...]
    used: tuple[str, ...]
    personal: Mapping[str, frozenset[str]]
    dates: tuple[str, ...]
    joined: frozenset[str]
    sql: str
    from_sql: str
    grouped: bool
    filters: bool
    joins: bool
    many: bool


def queries_of(profile: Profile, kept_as: str = WHOLE) -> dict[str, list[Query]]:
    """All SELECTs of a profile, checked.

    Args:
        profile: The profile.
        kept_as: How the engine's names of the sources that they read begin.

    Returns:
        Canonical table → its queries in the order of their precedence.

    Raises:
        ParamsError: With every fault of every SELECT.
    """
    queries: dict[str, list[Query]] = {}
    faults: list[AnalysisError] = []
    for table, selects in profile.tables.items():
        for index, select in enumerate(selects):
            try:
                query = _query(profile, table, index, select, kept_as)
                queries.setdefault(table, []).append(query)
            except GroupedError as several:
                faults.extend(several.faults)
            except AnalysisError as fault:
                faults.append(fault)
    faults += [] if faults else _lacking_columns(queries)
    raise_all(faults)
    return queries


def _lacking_columns(queries: dict[str, list[Query]]) -> list[AnalysisError]:
    """Required columns that no SELECT of a table yields."""
    return [
        ParamsError(
            f"The table '{table}' needs the column '{name}'",
            where=f"tables.{table}",
            got=sorted({column for query in listed for column in query.columns}),
            todo=f"Add '… AS {name}' to a SELECT.",
        )
        for table, listed in queries.items()
        for name, column in CONTRACTS[table].columns.items()
        if column.required and not any(name in query.columns for query in listed)
    ]


def _query(profile: Profile, table: str, index: int, select: TableSelect, kept_as: str) -> Query:
    where = f"tables.{table}[{index}]"
    tree = _qualified(_parsed(select.select, where), profile, where)
    columns = _columns(tree, table, where)
    counted = _counted(tree, select.source, where)
    joins = bool(tree.args.get("joins")) or bool(list(tree.find_all(exp.Unnest, exp.Explode)))
    grouped = _is_grouped(tree)
    if grouped and select.many:
        raise ParamsError("'many' does not go with GROUP BY", where=where)
    return Query(
        table=table,
        index=index,
        counted=select.source,
        system=select.customer_ids or profile.sources[select.source].system,
        columns=columns,
        used=_used(tree, counted, profile.sources[select.source]),
        personal=_personal(tree, table, profile),
        dates=dates_of(tree, table, counted, profile.sources[select.source]),
        joined=_joined(tree, select.source, profile),
        sql=_over_engine(_with_provenance(tree, counted, grouped), counted, profile, kept_as),
        from_sql=_over_engine(_without_where(tree, counted), counted, profile, kept_as),
        grouped=grouped,
        filters=joins or bool(tree.args.get("where")) or bool(tree.args.get("having")),
        joins=joins,
        many=select.many,
    )


def _parsed(select: str, where: str) -> exp.Select:
    try:
        trees = [tree for tree in sqlglot.parse(select, dialect=DIALECT) if tree is not None]
    except (ParseError, TokenError) as fault:
        raise ParamsError(
            "The SELECT cannot be read", where=where, got=_plainly(fault), todo="Mend the SQL."
        ) from fault
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        raise ParamsError(
            "This is not one SELECT",
            where=where,
            got="; ".join(tree.sql(DIALECT)[:80] for tree in trees) or "nothing",
            todo="Write one SELECT for each entry; several entries are put together.",
        )
    _refuse_unrepeatable(trees[0], where)
    return trees[0]


def _refuse_unrepeatable(tree: exp.Select, where: str) -> None:
    for node in tree.walk():
        named = isinstance(node, exp.Anonymous) and node.name.lower() in _UNREPEATABLE_NAMES
        if named or isinstance(node, _UNREPEATABLE):
            raise ParamsError(
                "The SELECT depends on the clock or on chance",
                where=where,
                got=node.sql(DIALECT),
                todo="A run must give the same result whenever it is made; leave it out.",
            )
    for key, name in (("distinct", "DISTINCT"), ("limit", "LIMIT"), ("offset", "OFFSET")):
        if tree.args.get(key):
            raise ParamsError(
                f"{name} would lose rows in silence",
                where=where,
                todo="Leave it out; duplicates are merged by key and kept in the ledger.",
            )


def _qualified(tree: exp.Select, profile: Profile, where: str) -> exp.Select:
    _refuse_unknown_tables(tree, profile, where)
    schema: dict[str, object] = {
        name: dict.fromkeys(source.columns, "unknown") for name, source in profile.sources.items()
    }
    try:
        done = qualify(tree.copy(), schema=schema, dialect=DIALECT, quote_identifiers=True)
    except (OptimizeError, SqlglotError) as fault:
        raise _unknown_column(tree, profile, fault, where) from fault
    return done


def _refuse_unknown_tables(tree: exp.Select, profile: Profile, where: str) -> None:
    own = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        name = table.name
        plain = isinstance(table.this, exp.Identifier) and not table.db
        if not plain or (name not in profile.sources and name not in own):
            raise ParamsError(
                "The SELECT reads what is no source of this profile",
                where=where,
                got=table.sql(DIALECT),
                allowed=sorted(profile.sources),
                todo=did_you_mean(name, profile.sources),
            )


def _unknown_column(
    tree: exp.Select, profile: Profile, fault: Exception, where: str
) -> ParamsError:
    named = {table.name for table in tree.find_all(exp.Table)} & set(profile.sources)
    known = [column for name in sorted(named) for column in profile.sources[name].columns]
    lower = {column.lower() for column in known}
    odd = [c.name for c in tree.find_all(exp.Column) if c.name.lower() not in lower]
    return ParamsError(
        "The SELECT names a column that its sources do not declare",
        where=where,
        got=odd[0] if odd else _plainly(fault),
        allowed=known,
        todo=did_you_mean(odd[0], known) if odd else "Give each column its source: orders.id.",
    )


def _columns(tree: exp.Select, table: str, where: str) -> tuple[str, ...]:
    contract = CONTRACTS[table]
    names = [select.alias_or_name for select in tree.selects]
    faults: list[AnalysisError] = [
        ParamsError(
            f"'{name}' is no column of the table '{table}'",
            where=where,
            allowed=contract.columns,
            todo=did_you_mean(name, contract.columns) or "Give the column a name with AS.",
        )
        for name in names
        if name not in contract.columns
    ]
    faults += [
        ParamsError(f"'{name}' is given twice", where=where)
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    faults += [
        ParamsError(
            f"The key '{key}' of the table '{table}' is missing",
            where=where,
            allowed=contract.columns,
            todo=f"Add '… AS {key}'.",
        )
        for key in contract.key
        if key not in names
    ]
    raise_all(faults)
    return tuple(names)


def _counted(tree: exp.Select, source: str, where: str) -> str:
    """The alias of the counted source, which stands in the outermost FROM or JOIN once."""
    found = [one.alias_or_name for one in _outer_tables(tree) if one.name == source]
    if len(found) != 1:
        raise ParamsError(
            f"The source '{source}' must stand in the SELECT's own FROM or JOIN, once",
            where=where,
            got=f"{len(found)} times",
            todo="Its rows are counted against the result; name it there, or count another.",
        )
    return found[0]


def _outer_tables(tree: exp.Select) -> list[exp.Table]:
    """What stands in the SELECT's own FROM and JOINs, without subqueries."""
    outer = [tree.args["from_"].this] if tree.args.get("from_") else []
    outer += [join.this for join in tree.args.get("joins") or ()]
    return [one for one in outer if isinstance(one, exp.Table)]


def _is_grouped(tree: exp.Select) -> bool:
    if tree.args.get("group"):
        return True
    return any(
        not agg.find_ancestor(exp.Window, exp.Subquery)
        for s in tree.selects
        for agg in s.find_all(exp.AggFunc)
    )


def _used(tree: exp.Select, counted: str, source: Source) -> tuple[str, ...]:
    """Declared columns that the SELECT reads (SQL does not tell capitals apart)."""
    declared = {column.lower(): column for column in source.columns}
    used = {
        declared[column.name.lower()]: None
        for scope in traverse_scope(tree)
        if scope.expression is tree
        for column in scope.columns
        if column.table == counted and column.name.lower() in declared
    }
    return tuple(used)


def _joined(tree: exp.Select, counted: str, profile: Profile) -> frozenset[str]:
    names = [one.name for one in tree.find_all(exp.Table) if one.name in profile.sources]
    names.remove(counted)
    return frozenset(names)


def _personal(tree: exp.Select, table: str, profile: Profile) -> dict[str, frozenset[str]]:
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


Origins = set[tuple[str, str]]
"""(table, column in small letters)."""


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


def _with_provenance(tree: exp.Select, counted: str, grouped: bool) -> exp.Select:
    tree = tree.copy()
    row = exp.column(ROW, table=counted, quoted=True)
    faults = exp.column(FAULTS, table=counted, quoted=True)
    if grouped:
        rows = f"list({row.sql(DIALECT)} ORDER BY {row.sql(DIALECT)})"
        all_faults = f"list({faults.sql(DIALECT)}) FILTER (WHERE {faults.sql(DIALECT)} IS NOT NULL)"
        tree.select(f"{rows} AS {ROWS}", copy=False, dialect=DIALECT)
        tree.select(f"flatten({all_faults}) AS {FAULTS}", copy=False, dialect=DIALECT)
    else:
        tree.select(exp.alias_(row, ROW), exp.alias_(faults, FAULTS), copy=False)
    return tree


def _without_where(tree: exp.Select, counted: str) -> exp.Select:
    tree = tree.copy()
    for part in ("where", "group", "having", "order", "qualify", "windows"):
        tree.set(part, None)
    row = exp.column(ROW, table=counted, quoted=True)
    tree.set("expressions", [exp.alias_(row, ROW)])
    return tree


def _over_engine(tree: exp.Select, counted: str, profile: Profile, kept_as: str) -> str:
    """The SELECT over the engine's tables; of joined sources only the readable rows."""
    for table in list(tree.find_all(exp.Table)):
        if table.name not in profile.sources:
            continue
        alias = table.alias_or_name
        is_counted = alias == counted and table.find_ancestor(exp.Select) is tree
        stored = exp.table_(engine_table(table.name, kept_as), quoted=True)
        if is_counted:
            table.replace(exp.alias_(stored, alias, table=True, quoted=True))
        else:
            readable = exp.select("*").from_(stored).where(f'NOT "{UNUSABLE}"', dialect=DIALECT)
            table.replace(readable.subquery(exp.to_identifier(alias, quoted=True)))
    return tree.sql(DIALECT)


def engine_table(source: str, kept_as: str = WHOLE) -> str:
    """Where the engine keeps a source's readable table."""
    return f"{kept_as}{source}"


def _plainly(fault: Exception) -> str:
    return " ".join(str(fault).replace("\033[4m", "").replace("\033[0m", "").split())[:300]
