"""What of a profile's SQL is accepted: one SELECT over declared sources and columns."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError, TokenError
from sqlglot.optimizer.qualify import qualify

from ..errors import AnalysisError, ParamsError, did_you_mean, raise_all
from ..params import Profile
from ..tables import CONTRACTS

DIALECT = "duckdb"


_UNREPEATABLE = (exp.Rand, exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Uuid)


_UNREPEATABLE_NAMES = frozenset({"now", "today", "random", "uuid", "gen_random_uuid", "setseed"})


def parsed(select: str, where: str) -> exp.Select:
    """The one SELECT of a text, or an error that says what else it is."""
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


def qualified(tree: exp.Select, profile: Profile, where: str) -> exp.Select:
    """A SELECT with each column's table named; it reads declared sources and columns only."""
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


def columns_of(tree: exp.Select, table: str, where: str) -> tuple[str, ...]:
    """The canonical columns that a SELECT yields, each of them one of the contract's."""
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


def _plainly(fault: Exception) -> str:
    return " ".join(str(fault).replace("\033[4m", "").replace("\033[0m", "").split())[:300]
