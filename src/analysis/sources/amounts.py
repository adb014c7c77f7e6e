"""Amounts brought to the profile's currency, unit and tax basis; what cannot be is refused.

An amount takes its unit, currency and tax basis from its column, else from its source, else
from the profile. Another currency needs a rate for the month of the row's own date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from ..errors import AnalysisError, ParamsError, SourceError
from ..params import ColumnReading, Money, Source
from .conversion import FAULT, FAULTS, RULES
from .written_numbers import has_foreign_sign

RATES_SOURCE = "money.rates"
RATE_COLUMNS = ("month", "currency", "rate")
DECIMALS = 6
"""Amounts are kept to a millionth, as those with a unit are."""
WRITTEN = "_written_"
"""Prefix of columns that keep amounts as written until the currency of their row is known."""


@dataclass(frozen=True)
class Rates:
    """A monthly rate table.

    Attributes:
        by_currency: Currency → month (2026-10) → the profile's currency for one unit of it.
    """

    by_currency: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Rates:
        """From rows of month, currency and rate.

        Raises:
            SourceError: A rate stands there twice, or is no positive number.
        """
        doubled = frame[frame.duplicated(["month", "currency"], keep=False)]
        wrong = frame[~(frame["rate"] > 0) | frame["month"].isna() | frame["currency"].isna()]
        for found, what in ((doubled, "A rate is given twice"), (wrong, "A rate is not usable")):
            if len(found):
                row = found.iloc[0]
                raise SourceError(
                    what,
                    where=RATES_SOURCE,
                    got=f"{row['month']}, {row['currency']}, {row['rate']}",
                    allowed="one positive rate for each month and currency",
                    todo="Mend the rate table.",
                )
        found_rates: dict[str, dict[str, float]] = {}
        for month, currency, rate in frame[list(RATE_COLUMNS)].itertuples(index=False):
            found_rates.setdefault(str(currency).upper(), {})[str(month)] = float(rate)
        return cls(found_rates)


def rates_source(money: Money) -> Source:
    """The rate table as a source of its own."""
    suffix = money.rates.rpartition(".")[2].lower()
    kind = {"xlsx": "excel", "xls": "excel", "parquet": "parquet"}.get(suffix, "csv")
    columns = {"month": "month", "currency": "text", "rate": "number"}
    return Source.model_validate(
        {"system": "rates", "files": money.rates, "format": kind, "columns": columns}
    )


def readings_of(source: Source, money: Money) -> dict[str, ColumnReading]:
    """How each column is read, with what amounts take from their source and the profile."""
    return {c: _complete(source.reading(c), source, money) for c in source.columns}


def amount_faults(name: str, source: Source, money: Money) -> list[AnalysisError]:
    """Why a source's amounts cannot be brought to the profile's, seen from the profile alone."""
    faults: list[AnalysisError] = []
    for column, reading in readings_of(source, money).items():
        if reading.type == "amount":
            where = f"sources.{name}, column '{column}'"
            faults += _currency_faults(reading, source, money, where)
            faults += _tax_faults(reading, money, where)
    return faults


def needed_currencies(source: Source, money: Money) -> set[str]:
    """Currencies of a source that need a rate."""
    kinds = [r for r in readings_of(source, money).values() if r.type == "amount"]
    return {r.currency for r in kinds if r.currency and r.currency != money.currency}


def with_written(cells: ir.Table, source: Source, money: Money) -> ir.Table:
    """Keep the texts of amounts whose currency another column says, row by row."""
    kept = {
        f"{WRITTEN}{column}": cells[column]
        for column, reading in readings_of(source, money).items()
        if reading.type == "amount" and not reading.currency and cells[column].type().is_string()
    }
    return cells.mutate(**kept) if kept else cells


def in_profile_money(
    table: ir.Table, source: Source, money: Money, rates: Rates | None
) -> ir.Table:
    """Bring the amounts of a source to the profile's currency and tax basis.

    Args:
        table: One row a source row, converted, with ``_faults``.
        source: Its entry.
        money: The profile's.
        rates: Its rate table.

    Returns:
        The same rows; an amount without a rate for its month, of a row that says no currency, or
        with the sign of another one, is null, and a fault.
    """
    for column, reading in readings_of(source, money).items():
        if reading.type == "amount":
            if f"{WRITTEN}{column}" in table.columns:
                table = _without_foreign_signs(table, column, reading, source)
            factor = _tax_factor(reading, money)
            if reading.currency != money.currency:
                table = _exchanged(table, column, reading, source, money, rates or Rates(), factor)
            elif factor != 1:
                table = table.mutate(**{column: (table[column] * factor).round(DECIMALS)})
    return table


def _complete(reading: ColumnReading, source: Source, money: Money) -> ColumnReading:
    if reading.type != "amount":
        return reading
    own = source.money
    unit = next(u for u in (reading.unit, own.unit, money.unit) if u is not None)
    rate = next((r for r in (reading.tax_rate, own.tax_rate) if r is not None), money.tax_rate)
    filled = {
        "unit": unit,
        "currency": reading.currency or own.currency or money.currency
        if reading.currency or not own.currency_in
        else None,
        "tax": reading.tax or own.tax or money.tax,
        "tax_rate": rate,
    }
    return reading.model_copy(update=filled)


def _currency_faults(
    reading: ColumnReading, source: Source, money: Money, where: str
) -> list[AnalysisError]:
    if reading.currency == money.currency:
        return []
    if not money.rates:
        return [
            ParamsError(
                f"Amounts in {reading.currency or 'several currencies'} need a monthly rate table: "
                f"the profile's are in {money.currency}",
                where=where,
                todo="Name one: 'money: {rates: rates.csv}', with month, currency and rate.",
            )
        ]
    if not source.money.dated_by:
        return [
            ParamsError(
                "Which month's rate? The source names no column that dates its amounts",
                where=where,
                todo="Add 'money: {dated_by: COLUMN}' to the source.",
            )
        ]
    return []


def _tax_faults(reading: ColumnReading, money: Money, where: str) -> list[AnalysisError]:
    if reading.tax == money.tax:
        return []
    known = {"included", "excluded"}
    if {reading.tax, money.tax} != known:
        return [
            ParamsError(
                f"The amounts' tax basis is '{reading.tax}', the profile's is '{money.tax}'",
                where=where,
                allowed="tax: included or excluded on both sides",
                todo="State it in the profile's 'money' and in the source's.",
            )
        ]
    if reading.tax_rate is None:
        return [
            ParamsError(
                f"Amounts with tax {reading.tax} need a tax rate: the profile's are "
                f"with tax {money.tax}",
                where=where,
                todo="Add 'tax_rate: 0.06' (6 %) to the column, the source or the profile.",
            )
        ]
    return []


def _tax_factor(reading: ColumnReading, money: Money) -> float:
    if reading.tax == money.tax or reading.tax_rate is None:
        return 1.0
    with_tax = 1 + reading.tax_rate
    return 1 / with_tax if reading.tax == "included" else with_tax


def _exchanged(
    table: ir.Table,
    column: str,
    reading: ColumnReading,
    source: Source,
    money: Money,
    rates: Rates,
    factor: float,
) -> ir.Table:
    code = _currency_of(table, reading, source)
    rate = _rate_of(code, _month_of(table[source.money.dated_by]), money, rates)
    amount = (table[column] * rate * factor).round(DECIMALS)
    lacking = table[column].notnull() & rate.isnull()
    told = ibis.literal("no rate for ") + code + " in the month of this row"
    told = ibis.coalesce(told, ibis.literal("no currency in this row"))
    faults = _with_fault(table, column, reading, lacking, ("no_exchange_rate", told))
    return table.mutate(**{column: amount, FAULTS: faults})


def _without_foreign_signs(
    table: ir.Table, column: str, reading: ColumnReading, source: Source
) -> ir.Table:
    written = table[f"{WRITTEN}{column}"]
    foreign = has_foreign_sign(written, _currency_of(table, reading, source))
    foreign = foreign & table[column].notnull()
    faults = _with_fault(table, column, reading, foreign, (RULES["amount"], written))
    amount = foreign.ifelse(ibis.null("float64"), table[column])
    return table.mutate(**{column: amount, FAULTS: faults}).drop(written.get_name())


def _currency_of(table: ir.Table, reading: ColumnReading, source: Source) -> ir.StringValue:
    """The currency of each row's amount; null where nothing says it."""
    if reading.currency:
        return ibis.literal(reading.currency)
    own = table[source.money.currency_in].strip().upper().nullif("")
    return ibis.coalesce(own, ibis.literal(source.money.currency, "string"))


def _rate_of(
    code: ir.StringValue, month: ir.StringValue, money: Money, rates: Rates
) -> ir.FloatingValue:
    """What one unit is worth in the profile's currency; null where the table does not say."""
    by_month = [
        (f"{currency} {at}", rate)
        for currency, listed in rates.by_currency.items()
        for at, rate in listed.items()
    ]
    foreign = (code + " " + month).cases(*by_month, else_=ibis.null("float64"))
    return (code == money.currency).ifelse(1.0, foreign.cast("float64"))


def _with_fault(
    table: ir.Table,
    column: str,
    reading: ColumnReading,
    wrong: ir.BooleanValue,
    fault: tuple[str, ir.StringValue],
) -> ir.ArrayValue:
    """The faults of each row, with one more (rule, value) where the amount is wrong."""
    rule, told = fault
    known = table[FAULTS]
    further = ibis.struct(
        {
            "column": ibis.literal(column),
            "rule": ibis.literal(rule),
            "value": told,
            "rejects": ibis.literal(reading.on_error == "reject"),
        }
    ).cast(FAULT)
    several = known.isnull().ifelse(ibis.array([further]), known.concat(ibis.array([further])))
    return wrong.ifelse(several.cast(dt.Array(FAULT)), known)


def _month_of(value: ir.Value) -> ir.StringValue:
    kind = value.type()
    return value if kind.is_string() else value.strftime("%Y-%m")
