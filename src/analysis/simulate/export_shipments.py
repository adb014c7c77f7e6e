"""Files about shipments: orders by month (Parquet) and transport by month (CSV)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.simulate.draws import LEVELS, Bools, Floats, Ints, mixed, quarters
from analysis.simulate.export_customers import crm_code, shipper_code
from analysis.simulate.faults import (
    Faults,
    PlantedError,
    Rule,
    after_blank,
    after_header,
    change,
    far_future,
    fixed,
    full_width,
    impossible_date,
    other_date_format,
    swap,
    trailing_space,
    twice,
    unknown_code,
)
from analysis.simulate.ledgers import write_lines
from analysis.simulate.lines import (
    Column,
    Lines,
    Words,
    choice,
    decimal,
    padded_digits,
    time_column,
)
from analysis.simulate.month import MonthEvents
from analysis.simulate.population import REGIONS, Population
from analysis.simulate.records import (
    SECOND_RECORD_USE,
    SECOND_SHIPPER_USE,
    Records,
    ship_to_record,
)
from analysis.simulate.seasons import EPOCH, MINUTES_A_DAY, Month
from analysis.simulate.shipping import CARGO_TYPES, NEVER, SERVICE_TYPES

Note = Callable[[str, str, int, object, object], None]
EPOCH_DAY = int((np.datetime64(EPOCH) - np.datetime64("1970-01-01")).astype(int))
MICROSECONDS_A_MINUTE = 60_000_000
TRANSPORT_HEADER = (
    "waybill_no",
    "shipper_id",
    "picked_up",
    "delivered",
    "weight_kg",
    "cost",
    "damaged",
    "lost",
    "notified",
)
ORDER_FAULTS = (
    ("missing_customer_code", 0.0015),
    ("unknown_customer_code", 0.0010),
    ("zero_amount", 0.0005),
    ("negative_amount", 0.0005),
    ("amount_times_100", 0.00005),
    ("far_future_date", 0.0002),
    ("trailing_space", 0.0010),
    ("full_width_digits", 0.0010),
)
WRONG_CODES = {
    "unknown_customer_code": unknown_code,
    "trailing_space": trailing_space,
    "full_width_digits": full_width,
}
WRONG_AMOUNTS = {"zero_amount": 0.0, "negative_amount": -1.0, "amount_times_100": 100.0}
YEARS_MISTYPED = 36  # 2026 becomes 2062
DUPLICATED = (("duplicated_row", 0.004),)
TRANSPORT_RULES = (
    Rule("negative_weight", 0.0010, "weight_kg", change(4, lambda text, _: "-" + text)),
    Rule("text_in_number", 0.0010, "cost", change(5, fixed("见备注", "待定", "N/A"))),
    Rule("delivered_before_pickup", 0.0010, "delivered", swap(2, 3)),
    Rule("far_future_date", 0.0003, "delivered", change(3, far_future)),
    Rule("impossible_date", 0.0005, "picked_up", change(2, impossible_date)),
    Rule("mixed_date_format", 0.0020, "delivered", change(3, other_date_format)),
    Rule("full_width_digits", 0.0005, "weight_kg", change(4, full_width)),
    Rule("trailing_space", 0.0010, "waybill_no", change(0, trailing_space)),
    Rule("swapped_columns", 0.0003, "shipper_id", swap(0, 1)),
    Rule("repeated_header", 0.00002, "", after_header(TRANSPORT_HEADER)),
    Rule("blank_row", 0.0002, "", after_blank),
    Rule("duplicated_row", 0.0030, "", twice),
)


@dataclass(frozen=True)
class MonthOrders:
    """The month's shipments in order of time, with the codes they run under.

    Attributes:
        order: rows of `MonthEvents.shipments`, in order of time; the waybill number is the place.
        customer: true customer of each row of `order`.
        record: CRM record of each, by which it was ordered.
        shipper: transport record of each.
        place: for each row of `MonthEvents.shipments` its place in `order`.
    """

    order: Ints
    customer: Ints
    record: Ints
    shipper: Ints
    place: Ints


def put_in_order(
    events: MonthEvents, population: Population, crm: Records, shippers: Records
) -> MonthOrders:
    """Sort the month's shipments by time and decide the records they run under."""
    shipments, first = events.shipments, events.month.first_day * MINUTES_A_DAY
    order = np.argsort((shipments.ordered - first).astype(np.uint16), kind="stable")
    customer = events.who[shipments.owner[order]]
    by_record, by_shipper, _, _ = quarters(mixed(shipments.key[order] + np.uint64(21)))
    uses_second = by_record < SECOND_RECORD_USE * LEVELS
    day = shipments.ordered[order] // MINUTES_A_DAY
    uses_second &= day > population.second_record_day[customer]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return MonthOrders(
        order=order,
        customer=customer,
        record=ship_to_record(crm, customer, uses_second),
        shipper=ship_to_record(shippers, customer, by_shipper < SECOND_SHIPPER_USE * LEVELS),
        place=place,
    )


def waybill_column(month: Month, place: Ints) -> Column:
    """`YD26100000123`: year, month, place in the month's order of time."""
    prefix = (f"YD{month.year % 100:02d}{month.number:02d}",)
    return (
        *choice(prefix, place * 0),
        *choice(padded_digits(3), (place + 1) // 10_000),
        *choice(padded_digits(4), (place + 1) % 10_000),
    )


def waybills(month: Ints, place: Ints) -> Column:
    """Waybill numbers of several months; empty where the place is negative."""
    prefixes = [f"YD{(2019 + n // 12) % 100:02d}{n % 12 + 1:02d}" for n in range(108)]
    named, place = place >= 0, np.maximum(place, 0) + 1
    digits = Words((*padded_digits(4).texts, ""))
    high = Words((*padded_digits(3).texts, ""))
    return (
        *choice((*prefixes, ""), np.where(named, month, len(prefixes))),
        *choice(high, np.where(named, place // 10_000, 1000)),
        *choice(digits, np.where(named, place % 10_000, 10_000)),
    )


def codes_array(count: int) -> pa.Array:
    """All CRM codes, in order of record."""
    texts = Lines({"code": crm_code(np.arange(count))}).render()
    return _even_strings(texts, count)


def write_orders(
    folder: Path,
    faults: Faults,
    events: MonthEvents,
    orders: MonthOrders,
    population: Population,
    codes: pa.Array,
    carried: pa.Table | None,
    *,
    surely: bool,
) -> pa.Table:
    """Write `orders/orders_YYYY-MM.parquet`.

    Args:
        codes: `codes_array` of the CRM.
        carried: rows of last month's file that this file repeats.

    Returns:
        Rows that next month's file shall repeat.
    """
    file = f"orders/orders_{events.month.name}.parquet"
    columns = _order_columns(events, orders, population)
    code_numbers, all_codes = _spoil_orders(file, faults, columns, orders, codes, surely)
    columns["customer_code"] = pa.DictionaryArray.from_arrays(code_numbers, all_codes)
    columns["customer_code"] = columns["customer_code"].dictionary_decode()
    columns["amount"] = _array(columns["amount"], pa.float64())
    table = pa.table({name: columns[name] for name in ORDER_COLUMNS})
    places, _ = faults.places(f"{file} repeats", len(table), DUPLICATED, surely=surely)
    whole = table if carried is None else pa.concat_tables([table, carried])
    _note_repeats(faults, file, len(table), carried)
    pq.write_table(
        whole,
        folder / file,
        compression="zstd",
        compression_level=1,
        use_dictionary=["origin", "destination", "service_type", "cargo_type", "promised_date"],
        write_statistics=True,
        store_schema=False,
    )
    return table.take(_array(np.sort(places[0]), pa.int64()))


ORDER_COLUMNS = (
    "waybill_no",
    "customer_code",
    "ordered_at",
    "promised_date",
    "origin",
    "destination",
    "service_type",
    "cargo_type",
    "amount",
)


def _order_columns(
    events: MonthEvents, orders: MonthOrders, population: Population
) -> dict[str, Any]:
    shipments, order = events.shipments, orders.order
    seconds = (shipments.key[order] % np.uint64(60)).astype(np.int64) * 1_000_000
    minutes = shipments.ordered[order] + EPOCH_DAY * MINUTES_A_DAY
    return {
        "waybill_no": _waybills(events.month, len(order)),
        "ordered_at": minutes * MICROSECONDS_A_MINUTE + seconds,
        "promised_date": _dates(shipments.promised_day[order]),
        "origin": _words(REGIONS, population.region[orders.customer]),
        "destination": _words(REGIONS, shipments.destination[order]),
        "service_type": _words(SERVICE_TYPES, shipments.service[order]),
        "cargo_type": _words(CARGO_TYPES, shipments.cargo[order]),
        "amount": shipments.amount_cents[order] / 100.0,
    }


def _waybills(month: Month, count: int) -> pa.Array:
    return _even_strings(Lines({"no": waybill_column(month, np.arange(count))}).render(), count)


def _even_strings(texts: bytes, count: int) -> pa.Array:
    """Lines of equal width as an array of strings, without a loop."""
    width = len(texts) // max(count, 1)
    starts = np.arange(count + 1, dtype=np.int32) * (width - 1)
    body = np.frombuffer(texts, dtype=np.uint8).reshape(count, width)[:, : width - 1].tobytes()
    return pa.StringArray.from_buffers(count, pa.py_buffer(starts.tobytes()), pa.py_buffer(body))


def _dates(day: Ints) -> pa.Array:
    return _array((day + EPOCH_DAY).astype(np.int32), pa.date32())


def _words(words: Sequence[str], number: Ints) -> pa.Array:
    numbers = _array(number.astype(np.int32), pa.int32())
    return pa.DictionaryArray.from_arrays(numbers, _strings(words))


def _strings(texts: Sequence[str]) -> pa.Array:
    """Strings of any width. (`pa.array` would import pandas to ask whether it knows them.)"""
    coded = [text.encode() for text in texts]
    edges = np.cumsum([0, *(len(text) for text in coded)]).astype(np.int32)
    body = pa.py_buffer(b"".join(coded))
    return pa.StringArray.from_buffers(len(coded), pa.py_buffer(edges), body)


def _array(values: np.ndarray, kind: pa.DataType, known: Bools | None = None) -> pa.Array:
    """Numbers as Arrow sees them, of a type with the same bytes; null where not known."""
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])


def _spoil_orders(
    file: str,
    faults: Faults,
    columns: dict[str, Any],
    orders: MonthOrders,
    codes: pa.Array,
    surely: bool,
) -> tuple[pa.Array, pa.Array]:
    """Plant errors in the columns; returns code numbers (null: missing) and their words."""
    places, generator = faults.places(file, len(orders.order), ORDER_FAULTS, surely=surely)
    rows = {kind: place for (kind, _), place in zip(ORDER_FAULTS, places, strict=True)}

    def note(kind: str, column: str, row: int, original: object, written: object) -> None:
        faults.note(PlantedError(file, row + 1, column, kind, str(original), str(written)))

    _spoil_amounts(columns["amount"], rows, note)
    columns["ordered_at"] = _spoil_times(columns["ordered_at"], rows, note)
    number, words = orders.record.astype(np.int32), []
    for row in rows["missing_customer_code"]:
        note("missing_customer_code", "customer_code", row, codes[number[row]], "")
    for kind, spoil in WRONG_CODES.items():
        for row in rows[kind]:
            original = str(codes[number[row]])
            words.append(spoil(original, generator))
            note(kind, "customer_code", row, original, words[-1])
            number[row] = len(codes) + len(words) - 1
    known = np.ones(len(number), dtype=bool)
    known[rows["missing_customer_code"]] = False
    return _array(number, pa.int32(), known), pa.concat_arrays([codes, _strings(words)])


def _spoil_amounts(amount: Floats, rows: Mapping[str, Ints], note: Note) -> None:
    for kind, factor in WRONG_AMOUNTS.items():
        for row in rows[kind]:
            written = round(amount[row] * factor, 2)
            note(kind, "amount", row, amount[row], written)
            amount[row] = written


def _spoil_times(ordered: Ints, rows: Mapping[str, Ints], note: Note) -> pa.Array:
    for row in rows["far_future_date"]:
        moved = ordered[row] + YEARS_MISTYPED * 365 * MINUTES_A_DAY * MICROSECONDS_A_MINUTE
        note("far_future_date", "ordered_at", row, _moment(ordered[row]), _moment(moved))
        ordered[row] = moved
    return _array(ordered, pa.timestamp("us"))


def _moment(microseconds: int) -> str:
    return str(np.datetime64(int(microseconds), "us").astype("datetime64[s]")).replace("T", " ")


def _note_repeats(faults: Faults, file: str, above: int, carried: pa.Table | None) -> None:
    for row in range(0 if carried is None else len(carried)):
        waybill = str(carried["waybill_no"][row])  # type: ignore[index]
        faults.note(PlantedError(file, above + row + 1, "", "duplicated_row", waybill, waybill))


def write_transport(
    folder: Path,
    faults: Faults,
    events: MonthEvents,
    orders: MonthOrders,
    end: int,
    *,
    surely: bool,
) -> int:
    """Write `transport/transport_YYYY-MM.csv`; what happens after minute `end` is not yet known."""
    shipments, order = events.shipments, orders.order
    flags = ("0", "1")
    delivered, notified = shipments.delivered[order], shipments.notified[order]
    picked_up = shipments.picked_up[order]
    known_lost = shipments.lost[order] & (shipments.promised_day[order] * 1440 + 4320 < end)
    columns = (
        waybill_column(events.month, np.arange(len(order))),
        shipper_code(orders.shipper),
        time_column(_known(picked_up, end)),
        time_column(_known(delivered, end)),
        decimal(shipments.weight_dg[order], 1),
        decimal(shipments.cost_cents[order], 2),
        choice(flags, _flag(shipments.damaged[order] & (delivered < end))),
        choice(flags, _flag(known_lost)),
        time_column(_known(notified, end)),
    )
    lines = Lines(dict(zip(TRANSPORT_HEADER, columns, strict=True)))
    file = f"transport/transport_{events.month.name}.csv"
    return write_lines(folder, file, lines, faults, TRANSPORT_RULES, surely=surely)


def _known(minute: Ints, end: int) -> Ints:
    return np.where(minute < end, minute, NEVER)


def _flag(is_so: Bools) -> Ints:
    return is_so.astype(np.int64)
