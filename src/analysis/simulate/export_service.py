"""Files about service: tickets, surveys, finance, experiments and services granted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.simulate.aftersales import CATEGORIES
from analysis.simulate.draws import Bools, Draws, Floats, Ints
from analysis.simulate.experiments import Assignment
from analysis.simulate.export_customers import append_lines, crm_code, depot_column, write_lines
from analysis.simulate.export_shipments import MonthOrders
from analysis.simulate.faults import (
    Cells,
    Faults,
    PlantedError,
    Rule,
    after_blank,
    after_header,
    change,
    change_known,
    fixed,
    formula,
    full_width,
    html,
    impossible_date,
    other_date_format,
    quoted,
    swap,
    trailing_space,
    twice,
)
from analysis.simulate.lines import (
    Column,
    Layout,
    Lines,
    Piece,
    Words,
    choice,
    code,
    constant,
    date_column,
    decimal,
    integer,
    padded_digits,
    plain_digits,
    slash_dates,
    time_column,
)
from analysis.simulate.month import MonthEvents
from analysis.simulate.operations import NEVER
from analysis.simulate.population import ANNUAL, CASH, Population
from analysis.simulate.records import Records
from analysis.simulate.seasons import CALENDAR_DAYS, MINUTES_A_DAY, Month, date_of
from analysis.simulate.service_costs import ACTIVITIES
from analysis.simulate.workbook import ROWS_A_SHEET, SHEET_LAYOUT, text_row, write_workbook

TICKETS_FILE = "tickets/工单.xlsx"
SURVEYS_FILE = "surveys/surveys.csv"
COSTS_FILE = "finance/服务成本.csv"
RECEIVABLES_FILE = "finance/应收账款.csv"
TOTALS_FILE = "finance/月度汇总.csv"
ASSIGNMENTS_FILE = "experiments/assignments.csv"
EVENTS_FILE = "service/service_events.csv"
CHINESE = Layout(encoding="gb18030")

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
    Rule("unknown_waybill", 0.004, "运单号", change(2, lambda _, g: f"YD99{g.integers(10**9):09d}")),
    Rule("unknown_customer_code", 0.001, "客户编号", change(1, lambda _, g: f"C9{g.integers(10**6):06d}")),
    Rule("full_width_digits", 0.003, "客户编号", change(1, full_width)),
    Rule("trailing_space", 0.003, "运单号", change(2, trailing_space)),
    Rule("impossible_date", 0.001, "受理时间", change(3, impossible_date)),
    Rule("mixed_date_format", 0.004, "受理时间", change(3, other_date_format)),
    Rule("answered_before_opened", 0.001, "首次响应时间", swap(3, 4)),
    Rule("blank_row", 0.001, "", after_blank),
    Rule("repeated_header", 0.0001, "", after_header(TICKET_HEADER)),
)
SURVEY_HEADER = (
    "survey_id",
    "customer_code",
    "waybill_no",
    "sent_at",
    "answered_at",
    "nps",
    "csat",
    "q_on_time",
    "q_communication",
    "q_after_sales",
    "comment",
)
SURVEY_RULES = (
    Rule("score_out_of_scale", 0.004, "nps", change_known(5, fixed("11", "99", "-1", "100"))),
    Rule("score_out_of_scale", 0.002, "csat", change_known(6, fixed("0", "6", "10"))),
    Rule("full_width_digits", 0.001, "nps", change_known(5, full_width)),
    Rule("missing_customer_code", 0.001, "customer_code", change(1, fixed(""))),
    Rule("html_text", 0.001, "comment", change_known(10, html)),
    Rule("formula_text", 0.001, "comment", change_known(10, formula)),
    Rule("csv_quotes", 0.002, "comment", change_known(10, lambda t, _: quoted(f'客服说"没办法",{t}'))),
    Rule("duplicated_row", 0.002, "", twice),
)
COST_HEADER = ("月份", "客户编号", "项目", "金额（万元）")
COST_RULES = (
    Rule("text_in_number", 0.001, "金额（万元）", change(3, fixed("见备注", "待核", "-"))),
    Rule("full_width_digits", 0.001, "金额（万元）", change(3, full_width)),
    Rule("missing_customer_code", 0.001, "客户编号", change(1, fixed(""))),
    Rule("unknown_customer_code", 0.0005, "客户编号", change(1, lambda _, g: f"C9{g.integers(10**6):06d}")),
    Rule("trailing_space", 0.001, "项目", change(2, trailing_space)),
    Rule("blank_row", 0.0003, "", after_blank),
    Rule("repeated_header", 0.00005, "", after_header(COST_HEADER)),
)
RECEIVABLE_RULES = (
    Rule("mixed_date_format", 0.005, "到期日", change(2, other_date_format)),
    Rule("impossible_date", 0.001, "到期日", change(2, impossible_date)),
    Rule("text_in_number", 0.001, "金额（万元）", change(4, fixed("见合同", "待核"))),
)
COMMENTS_GOOD = (
    "准时送达，包装完好。",
    "司机态度很好，下次还会选择。",
    "时效稳定，沟通顺畅。",
    "整体满意",
    '"价格合理，服务到位"',
    "客服响应很快，问题当天解决。",
    "Good service, thanks.",
    "发票和对账都很清楚。",
)
COMMENTS_MIDDLE = (
    "还可以，希望再快一点。",
    "基本满意，偶尔延误。",
    "希望提前通知到货时间。",
    '"价格偏高,但服务还行"',
    "系统查询不太方便。",
    "一般",
    "取件时间不太固定。",
    "希望有专人对接。",
)
COMMENTS_BAD = (
    "又晚到了，没有人通知。",
    "货物有破损，理赔太慢。",
    "打电话没人接，回复太慢。",
    "旺季根本排不上车。",
    '"说好两天到,结果等了五天"',
    "投诉后一直没有答复。",
    "不会再合作了！！！",
    "轨迹不更新，不知道货在哪里。",
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


def write_tickets(
    folder: Path, faults: Faults, book: TicketBook, months: tuple[Month, ...]
) -> int:
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
        _waybills(tickets["month"], tickets["place"]),
        time_column(tickets["opened"]),
        time_column(tickets["responded"]),
        time_column(tickets["resolved"]),
        choice(CATEGORIES, tickets["category"]),
        choice(("否", "是"), tickets["at_once"]),
    )
    lines = Lines(dict(zip(TICKET_HEADER, columns, strict=True)), SHEET_LAYOUT)
    file = f"{TICKETS_FILE}#{name}"
    yield lines.render(faults.spoil_lines(file, lines, TICKET_RULES, rows_above=2, surely=True))


def _waybills(month: Ints, place: Ints) -> Column:
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


@dataclass
class Ledgers:
    """The files that grow month by month: how many rows each holds, and running numbers."""

    rows: dict[str, int] = field(default_factory=dict)
    surveys: int = 0
    totals: list[tuple[str, int, int, int]] = field(default_factory=list)

    def append(
        self, folder: Path, file: str, lines: Lines, faults: Faults, rules: tuple[Rule, ...]
    ) -> None:
        """Append the month's rows to a file."""
        above = self.rows.get(file, 0)
        # File names must differ for errors to fall elsewhere in each month.
        self.rows[file] = append_lines(
            folder, file, lines, faults, rules, rows_above=above, surely=above == 0
        )


def add_surveys(
    ledgers: Ledgers,
    folder: Path,
    faults: Faults,
    events: MonthEvents,
    orders: MonthOrders,
    end: int,
) -> None:
    """Append the month's invitations and answers to `surveys/surveys.csv`, in order of sending."""
    surveys = events.surveys
    order = np.argsort(surveys.sent, kind="stable")
    order = order[surveys.sent[order] < end]
    place = orders.place[surveys.shipment[order]]
    answered = surveys.answered[order]
    answered = np.where(answered < end, answered, NEVER)
    silent = answered < 0
    scores = [surveys.nps, surveys.csat, *surveys.items.T]
    columns = (
        code("SV", ledgers.surveys + np.arange(len(order)) + 1, 8),
        crm_code(orders.record[place]),
        _waybills(np.full(len(place), events.month.ordinal), place),
        time_column(surveys.sent[order], iso=True),
        time_column(answered, iso=True),
        *(_score(values[order], silent) for values in scores),
        _comments(surveys.nps[order], surveys.comment[order], silent),
    )
    lines = Lines(dict(zip(SURVEY_HEADER, columns, strict=True)))
    ledgers.append(folder, SURVEYS_FILE, lines, faults, SURVEY_RULES)
    ledgers.surveys += len(order)


def _score(values: Ints, silent: Bools) -> Column:
    return choice((*(str(score) for score in range(11)), ""), np.where(silent, 11, values))


def _comments(nps: Ints, level: Ints, silent: Bools) -> Column:
    words = ("", *COMMENTS_BAD, *COMMENTS_MIDDLE, *COMMENTS_GOOD)
    mood = np.where(nps <= 6, 0, np.where(nps <= 8, 1, 2))
    return choice(words, np.where(silent | (level == 0), 0, 1 + mood * 8 + level % 8))


def _ten_thousand_yuan(yuan: Ints) -> Column:
    """`0.0123`: ten thousand yuan with four decimals; a leading minus is never needed."""
    tail = Words(tuple(f".{number:04d}" for number in range(10_000)))
    whole = Words(("0", *plain_digits().texts[1:]))
    return (Piece(whole, yuan // 10_000), Piece(tail, yuan % 10_000))


def _month_column(month: Month, rows: int) -> Column:
    return constant(f"{month.year}年{month.number}月", rows)


def add_costs(
    ledgers: Ledgers, folder: Path, faults: Faults, events: MonthEvents, crm: Records
) -> int:
    """Append the month's service costs to `finance/服务成本.csv`; returns their sum in yuan."""
    costs = events.costs
    columns = (
        _month_column(events.month, len(costs.owner)),
        crm_code(crm.first[events.who[costs.owner]]),
        choice(ACTIVITIES, costs.activity),
        _ten_thousand_yuan(costs.yuan),
    )
    lines = Lines(dict(zip(COST_HEADER, columns, strict=True)), CHINESE)
    ledgers.append(folder, COSTS_FILE, lines, faults, COST_RULES)
    return int(costs.yuan.sum())


def add_receivables(
    ledgers: Ledgers,
    folder: Path,
    faults: Faults,
    draws: Draws,
    events: MonthEvents,
    population: Population,
    crm: Records,
    end: int,
) -> None:
    """Append one invoice a month for each customer that does not pay cash."""
    month, who = events.month, events.who
    cents = np.bincount(
        events.shipments.owner, events.shipments.amount_cents, minlength=len(who)
    )
    yuan = np.rint(cents / 100).astype(np.int64)
    billed = np.flatnonzero((yuan > 0) & (population.contract[who] != CASH))
    ids, yuan = who[billed], yuan[billed]
    terms = np.where(population.contract[ids] == ANNUAL, 60, 30)
    due = month.first_day + month.days + terms
    lateness = -6 + 14 * np.exp(0.8 * draws.normal("payment", ids, month.ordinal))
    paid = due + (lateness * draws.uniform("payer", ids)).astype(np.int64)
    never_pays = draws.uniform("default", ids, month.ordinal) < 0.004
    paid = np.where(never_pays | (paid * MINUTES_A_DAY >= end), NEVER, paid)
    prefix = f"FP{month.year}{month.number:02d}-"
    columns = {
        "发票号": (*constant(prefix, len(ids)), *code("", np.arange(len(ids)) + 1, 7)),
        "客户编号": crm_code(crm.first[ids]),
        "到期日": date_column(due),
        "回款日": date_column(paid),
        "金额（万元）": _ten_thousand_yuan(yuan),
    }
    ledgers.append(folder, RECEIVABLES_FILE, Lines(columns, CHINESE), faults, RECEIVABLE_RULES)


def note_totals(ledgers: Ledgers, events: MonthEvents) -> None:
    """Remember the month's shipments, revenue and transport cost, as booked without errors."""
    shipments = events.shipments
    revenue, cost = int(shipments.amount_cents.sum()), int(shipments.cost_cents.sum())
    name = f"{events.month.year}年{events.month.number}月"
    ledgers.totals.append((name, len(shipments), revenue, cost))


def write_totals(folder: Path, faults: Faults, ledgers: Ledgers) -> None:
    """Write `finance/月度汇总.csv`, with the totals row that such sheets end with."""
    header = ("月份", "运单数", "收入（万元）", "运输成本（万元）")
    rows: list[Cells] = [
        [name, str(count), f"{revenue / 1e6:.4f}", f"{cost / 1e6:.4f}"]
        for name, count, revenue, cost in ledgers.totals
    ]
    count, revenue, cost = (sum(row[place] for row in ledgers.totals) for place in (1, 2, 3))  # type: ignore[misc]
    total = ["合计", str(count), f"{revenue / 1e6:.4f}", f"{cost / 1e6:.4f}"]
    if "totals_row" in faults.kinds:
        rows.append(total)
        faults.note(PlantedError(TOTALS_FILE, len(rows) + 1, "", "totals_row", "", "合计"))
    text = "\n".join(",".join(row) for row in [list(header), *rows]) + "\n"
    (folder / TOTALS_FILE).write_bytes(text.encode("gb18030"))


def close_costs(folder: Path, faults: Faults, ledgers: Ledgers, yuan: int) -> None:
    """End `finance/服务成本.csv` with its totals row."""
    if "totals_row" not in faults.kinds:
        return
    with (folder / COSTS_FILE).open("ab") as target:
        target.write(f"合计,,,{yuan / 1e4:.4f}\n".encode("gb18030"))
    row = ledgers.rows[COSTS_FILE] + 1
    faults.note(PlantedError(COSTS_FILE, row, "", "totals_row", "", "合计"))


def write_assignments(
    folder: Path,
    faults: Faults,
    population: Population,
    crm: Records,
    assignments: list[Assignment],
) -> int:
    """Write `experiments/assignments.csv`; returns its rows."""
    rows = 0
    for assignment in assignments:
        units, experiment = assignment.units, assignment.experiment
        arms, by_depot = ("tiered", "uniform"), experiment.by_depot
        nothing = np.zeros(len(units), dtype=np.int64)
        share = np.nan_to_num(assignment.share, nan=1.5)
        at_half = (~assignment.treated_at_half).astype(np.int64) if by_depot else nothing + 2
        columns = {
            "experiment": constant(experiment.id, len(units)),
            "customer_code": crm_code(crm.first[units]),
            "depot": depot_column(population.depot[units], population.region[units]),
            "share": choice(("0", "0.5", "1", ""), (share * 2).astype(np.int64)),
            "arm_at_half": choice((*arms, ""), at_half),
            "stratum": choice(assignment.strata, assignment.stratum),
            "arm": choice(arms, (~assignment.treated).astype(np.int64)),
            "assigned_at": constant(f"{experiment.starts.isoformat()}T00:00:00", len(units)),
        }
        rows = append_lines(
            folder, ASSIGNMENTS_FILE, Lines(columns), faults, (), rows_above=rows, surely=False
        )
    if not assignments:
        header = "experiment,customer_code,depot,share,arm_at_half,stratum,arm,assigned_at\n"
        (folder / ASSIGNMENTS_FILE).write_text(header, encoding="utf-8")
    return max(rows - 1, 0)


SERVICES = ("专属客服", "优先运力", "承诺响应")


def write_service_events(
    folder: Path,
    faults: Faults,
    draws: Draws,
    population: Population,
    crm: Records,
    assignments: list[Assignment],
) -> int:
    """Write `service/service_events.csv`: what was granted to the treated and when it was used."""
    ids = [assignment.units[assignment.treated] for assignment in assignments]
    start = [a.experiment.first_day + 0 * i for a, i in zip(assignments, ids, strict=True)]
    customer = np.repeat(np.concatenate([np.array([], dtype=np.int64), *ids]), len(SERVICES))
    granted = np.repeat(np.concatenate([np.array([], dtype=np.int64), *start]), len(SERVICES))
    kind = np.arange(len(customer)) % len(SERVICES)
    wait: Floats = draws.uniform("first use", customer, kind) ** 2 * 45
    used = (granted * MINUTES_A_DAY + 540 + wait * MINUTES_A_DAY).astype(np.int64)
    used = np.where(population.complier[customer], used, NEVER)
    columns = {
        "customer_code": crm_code(crm.first[customer]),
        "service": choice(SERVICES, kind),
        "granted_at": time_column(granted * MINUTES_A_DAY, iso=True),
        "used_at": time_column(used, iso=True),
    }
    return write_lines(folder, EVENTS_FILE, Lines(columns), faults)


__all__ = ["Ledgers", "TicketBook", "integer", "slash_dates"]
