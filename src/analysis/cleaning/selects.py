"""A profile's SELECT: parsed, checked, and given the provenance of its rows.

Only one SELECT over declared sources and their declared columns is accepted. The rows of the
counted source are carried through: ``_row`` in a row-wise SELECT, the list ``_rows`` where rows
are grouped, so that each of them ends as kept, rejected or merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from ..errors import AnalysisError, GroupedError, ParamsError, raise_all
from ..params import Profile, Source, TableSelect
from ..sources import FAULTS, ROW, UNUSABLE
from ..tables import CONTRACTS
from .accepted_selects import DIALECT, columns_of, parsed, qualified
from .beginnings import dates_of
from .origins import personal_origins

ROWS = "_rows"


WHOLE, KNOWN = "source_", "known_"
"""How the engine's names of the sources begin: as they were read, and as they were by a month."""


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
    tree = qualified(parsed(select.select, where), profile, where)
    columns = columns_of(tree, table, where)
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
        personal=personal_origins(tree, table, profile),
        dates=dates_of(tree, table, counted, profile.sources[select.source]),
        joined=_joined(tree, select.source, profile),
        sql=_over_engine(_with_provenance(tree, counted, grouped), counted, profile, kept_as),
        from_sql=_over_engine(_without_where(tree, counted), counted, profile, kept_as),
        grouped=grouped,
        filters=joins or bool(tree.args.get("where")) or bool(tree.args.get("having")),
        joins=joins,
        many=select.many,
    )


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
