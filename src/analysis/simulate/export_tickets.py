"""The ticket system's export: a spreadsheet with a sheet a year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.simulate.aftersales import CATEGORIES
from analysis.simulate.draws import Ints
from analysis.simulate.export_customers import crm_code
from analysis.simulate.export_shipments import MonthOrders, waybills
from analysis.simulate.faults import (
    Faults,
    Rule,
    after_blank,
    after_header,
    change,
    change_known,
    full_width,
    impossible_date,
    other_date_format,
    swap,
    trailing_space,
    unknown_code,
)
from analysis.simulate.lines import Lines, choice, code, time_column
from analysis.simulate.month import MonthEvents
from analysis.simulate.seasons import CALENDAR_DAYS, MINUTES_A_DAY, Month, date_of
from analysis.simulate.shipping import NEVER
from analysis.simulate.workbook import ROWS_A_SHEET, SHEET_LAYOUT, text_row, write_workbook

TICKETS_FILE = "tickets/工单.xlsx"
TICKET_HEADER = (
    "工单号",
    "客户编号",
    "运单号",
    "受理时间",
    "首次响应时间",
    "办结时间",
    "类别",
    "一次解决",
)
TICKET_RULES = (
    Rule("unknown_waybill", 0.004, "运单号", change_known(2, unknown_code)),
    Rule("unknown_customer_code", 0.001, "客户编号", change(1, unknown_code)),
    Rule("full_width_digits", 0.003, "客户编号", change(1, full_width)),
    Rule("trailing_space", 0.003, "运单号", change_known(2, trailing_space)),
    Rule("impossible_date", 0.001, "受理时间", change(3, impossible_date)),
    Rule("mixed_date_format", 0.004, "受理时间", change(3, other_date_format)),
    Rule("answered_before_opened", 0.001, "首次响应时间", swap(3, 4)),
    Rule("blank_row", 0.001, "", after_blank),
    Rule("repeated_header", 0.0001, "", after_header(TICKET_HEADER)),
)


@dataclass
class TicketBook:
    """Tickets gathered over the months, to be written in order of time, one sheet a year."""

    columns: dict[str, list[Ints]] = field(default_factory=dict)

    def add(self, events: MonthEvents, orders: MonthOrders, end: int) -> None:
        """Add the month's tickets that were opened before minute `end`."""
        tickets = events.tickets
        known = tickets.opened < end
        place = orders.place[tickets.shipment]
        rows = {
            "opened": tickets.opened,
            "responded": np.where(tickets.responded < end, tickets.responded, NEVER),
            "resolved": np.where(tickets.resolved < end, tickets.resolved, NEVER),
            "category": tickets.category,
            "at_once": tickets.solved_at_once.astype(np.int64),
            "record": orders.record[place],
            "month": np.full(len(place), events.month.ordinal),
            "place": np.where(tickets.names_waybill, place, NEVER),
        }
        for name, values in rows.items():
            self.columns.setdefault(name, []).append(values[known].astype(np.int32))

    def in_order(self) -> dict[str, Ints]:
        """All tickets by time of opening."""
        joined = {name: np.concatenate(parts) for name, parts in self.columns.items()}
        order = np.argsort(joined["opened"], kind="stable")
        return {name: values[order].astype(np.int64) for name, values in joined.items()}


def write_tickets(folder: Path, faults: Faults, book: TicketBook, months: tuple[Month, ...]) -> int:
    """Write `tickets/工单.xlsx`: a sheet a year, a title, a header, then tickets as text."""
    tickets = book.in_order()
    years = np.array([date_of(day).year for day in range(CALENDAR_DAYS)])
    year = years[tickets["opened"] // MINUTES_A_DAY]
    sheets = [
        (f"{number}" + (f" ({part + 1})" if part else ""), rows)
        for number in sorted({month.year for month in months} | set(year.tolist()))
        for part, rows in enumerate(_parts(np.flatnonzero(year == number)))
    ]
    write_workbook(
        folder / TICKETS_FILE,
        (
            (name, _sheet_rows(faults, name, {k: v[rows] for k, v in tickets.items()}, rows))
            for name, rows in sheets
        ),
    )
    return len(year)


def _parts(rows: Ints) -> list[Ints]:
    most = ROWS_A_SHEET - 20_000  # leaves room for what planted errors add
    return [rows[start : start + most] for start in range(0, max(len(rows), 1), most)]


def _sheet_rows(
    faults: Faults, name: str, tickets: dict[str, Ints], number: Ints
) -> Iterator[bytes]:
    yield text_row([f"{name[:4]}年客户服务工单（系统导出）"])
    yield text_row(TICKET_HEADER)
    if not len(number):
        return
    columns = (
        code("GD", number + 1, 8),
        crm_code(tickets["record"]),
        waybills(tickets["month"], tickets["place"]),
        time_column(tickets["opened"]),
        time_column(tickets["responded"]),
        time_column(tickets["resolved"]),
        choice(CATEGORIES, tickets["category"]),
        choice(("否", "是"), tickets["at_once"]),
    )
    lines = Lines(dict(zip(TICKET_HEADER, columns, strict=True)), SHEET_LAYOUT)
    file = f"{TICKETS_FILE}#{name}"
    yield lines.render(faults.spoil_lines(file, lines, TICKET_RULES, rows_above=2, surely=True))
