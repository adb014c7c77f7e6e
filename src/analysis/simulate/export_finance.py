"""Finance's sheets, in ten thousand yuan: service costs, receivables, monthly totals."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from analysis.simulate.draws import Draws, Ints
from analysis.simulate.export_customers import crm_code
from analysis.simulate.faults import (
    Cells,
    Faults,
    PlantedError,
    Rule,
    after_blank,
    after_header,
    change,
    fixed,
    full_width,
    impossible_date,
    other_date_format,
    trailing_space,
    unknown_code,
)
from analysis.simulate.ledgers import Ledgers
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
    plain_digits,
)
from analysis.simulate.month import MonthEvents
from analysis.simulate.population import ANNUAL, CASH, Population
from analysis.simulate.records import Records
from analysis.simulate.seasons import MINUTES_A_DAY, Month
from analysis.simulate.service_costs import ACTIVITIES
from analysis.simulate.shipping import NEVER

COSTS_FILE = "finance/服务成本.csv"
RECEIVABLES_FILE = "finance/应收账款.csv"
TOTALS_FILE = "finance/月度汇总.csv"
CHINESE = Layout(encoding="gb18030")
COST_HEADER = ("月份", "客户编号", "项目", "金额（万元）")
COST_RULES = (
    Rule("text_in_number", 0.001, "金额（万元）", change(3, fixed("见备注", "待核", "-"))),
    Rule("full_width_digits", 0.001, "金额（万元）", change(3, full_width)),
    Rule("missing_customer_code", 0.001, "客户编号", change(1, fixed(""))),
    Rule("unknown_customer_code", 0.0005, "客户编号", change(1, unknown_code)),
    Rule("trailing_space", 0.001, "项目", change(2, trailing_space)),
    Rule("blank_row", 0.0003, "", after_blank),
    Rule("repeated_header", 0.00005, "", after_header(COST_HEADER)),
)
RECEIVABLE_RULES = (
    Rule("mixed_date_format", 0.005, "到期日", change(2, other_date_format)),
    Rule("impossible_date", 0.001, "到期日", change(2, impossible_date)),
    Rule("text_in_number", 0.001, "金额（万元）", change(4, fixed("见合同", "待核"))),
)


def _ten_thousand_yuan(yuan: Ints) -> Column:
    """`0.0123`: ten thousand yuan with four decimals; a leading minus is never needed."""
    whole, tail = _yuan_words()
    return (Piece(whole, yuan // 10_000), Piece(tail, yuan % 10_000))


@lru_cache(maxsize=1)
def _yuan_words() -> tuple[Words, Words]:
    """Whole ten thousands, and what comes after the point."""
    tail = Words(tuple(f".{number:04d}" for number in range(10_000)))
    return Words(("0", *plain_digits().texts[1:])), tail


def _month_column(month: Month, rows: int) -> Column:
    return constant(f"{month.year}年{month.number}月", rows)


def add_costs(
    ledgers: Ledgers, folder: Path, faults: Faults, events: MonthEvents, crm: Records
) -> int:
    """Append the month's service costs to `finance/服务成本.csv`; returns its rows."""
    costs = events.costs
    columns = (
        _month_column(events.month, len(costs.owner)),
        crm_code(crm.first[events.who[costs.owner]]),
        choice(ACTIVITIES, costs.activity),
        _ten_thousand_yuan(costs.yuan),
    )
    lines = Lines(dict(zip(COST_HEADER, columns, strict=True)), CHINESE)
    ledgers.append(folder, COSTS_FILE, lines, faults, COST_RULES)
    ledgers.cost_yuan += int(costs.yuan.sum())
    return len(costs.owner)


def add_receivables(
    ledgers: Ledgers,
    folder: Path,
    faults: Faults,
    draws: Draws,
    events: MonthEvents,
    population: Population,
    crm: Records,
    end: int,
) -> int:
    """Append one invoice a month for each customer that does not pay cash; returns them."""
    month, who = events.month, events.who
    cents = np.bincount(events.shipments.owner, events.shipments.amount_cents, minlength=len(who))
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
    return len(ids)


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


def close_costs(folder: Path, faults: Faults, ledgers: Ledgers) -> None:
    """End `finance/服务成本.csv` with its totals row."""
    if "totals_row" not in faults.kinds:
        return
    with (folder / COSTS_FILE).open("ab") as target:
        target.write(f"合计,,,{ledgers.cost_yuan / 1e4:.4f}\n".encode("gb18030"))
    row = ledgers.rows[COSTS_FILE] + 1
    faults.note(PlantedError(COSTS_FILE, row, "", "totals_row", "", "合计"))
