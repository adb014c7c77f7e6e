"""Files about customers: the CRM's export and the transport system's list of shippers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.simulate.draws import Draws, Ints
from analysis.simulate.faults import (
    Faults,
    Rule,
    after_blank,
    change,
    formula,
    full_width,
    html,
    impossible_date,
    mojibake,
    quoted_name,
    swap,
    trailing_space,
    twice,
)
from analysis.simulate.identities import (
    Identity,
    address_column,
    mail_column,
    name_column,
    person_column,
    phone_column,
    tax_column,
)
from analysis.simulate.ledgers import write_lines
from analysis.simulate.lines import (
    Column,
    Layout,
    Lines,
    Piece,
    Words,
    choice,
    code,
    iso_dates,
    padded_digits,
)
from analysis.simulate.population import CONTRACTS, INDUSTRIES, REGIONS, Population
from analysis.simulate.records import CUSTOMERS_PER_MANAGER, NONE, Records
from analysis.simulate.seasons import CALENDAR_DAYS, date_of

CRM_FILE = "crm/客户档案.csv"
SHIPPERS_FILE = "transport/shippers.csv"


def crm_code(record: Ints) -> Column:
    """`C0000123`; empty for NONE."""
    known = code("C", np.maximum(record, 0) + 1, 7)
    return known if (record >= 0).all() else _blanked(known, record < 0)


def shipper_code(record: Ints) -> Column:
    """`T0004567`."""
    return code("T", record + 1, 7)


def _blanked(column: Column, blank: np.ndarray) -> Column:
    """The column with empty cells where `blank`."""
    return tuple(
        Piece(Words((*words.texts, "")), np.where(blank, len(words.texts), piece.number))
        for piece in column
        for words in (piece.words,)
    )


def depot_column(depot: Ints, region: Ints) -> Column:
    """`华东网点07`."""
    names = [f"{name}网点" for name in REGIONS]
    return (*choice(names, region), *choice(padded_digits(3), depot + 1))


def _chinese_dates() -> Words:
    dates = [date_of(day) for day in range(CALENDAR_DAYS)]
    chinese = (f"{date.year}年{date.month}月{date.day}日" for date in dates)
    return Words((*iso_dates().texts, *chinese))


def write_crm(
    folder: Path,
    faults: Faults,
    draws: Draws,
    population: Population,
    identity: Identity,
    records: Records,
    parent: Ints,
) -> int:
    """Write `crm/客户档案.csv` (GB18030, CRLF); returns its rows."""
    owner = records.owner
    who = identity.take(owner)
    record = np.arange(len(records))
    made = np.where(
        records.is_second, population.second_record_day[owner], population.onboard_day[owner]
    )
    chinese = draws.uniform("chinese date", record) < 0.35
    # A second record often has another contact: someone else in the firm made it.
    shift = np.where(records.is_second & (draws.uniform("contact", record) < 0.5), 7, 0)
    manager = 1 + owner % max(1, len(population) // CUSTOMERS_PER_MANAGER)
    up = np.where(records.is_second, NONE, parent[owner])
    never = np.zeros(len(record), dtype=bool)
    lines = Lines(
        {
            "客户编号": crm_code(record),
            "客户名称": name_column(who, records.variant),
            "统一社会信用代码": tax_column(who, records.no_tax_code),
            "联系人": person_column((who.surname + shift) % 40, who.given, who.given_two),
            "联系电话": phone_column(who, never),
            "邮箱": mail_column(who),
            "地址": address_column(who, never),
            "区域": choice(REGIONS, population.region[owner]),
            "行业": choice([line.name for line in INDUSTRIES], population.industry[owner]),
            "合同类型": choice(CONTRACTS, population.contract[owner]),
            "建档日期": choice(_chinese_dates(), made + CALENDAR_DAYS * chinese),
            "上级客户编号": crm_code(np.where(up >= 0, records.first[up], NONE)),
            "客户经理": person_column(manager * 13 % 40, manager * 7 % 40, manager * 11 % 41),
            "网点": depot_column(population.depot[owner], population.region[owner]),
        },
        Layout(end="\r\n", encoding="gb18030", blank="\r\n"),
    )
    rules = (
        Rule("trailing_space", 0.004, "客户名称", change(1, trailing_space)),
        Rule("mojibake", 0.002, "客户名称", change(1, mojibake)),
        Rule("html_text", 0.001, "客户名称", change(1, html)),
        Rule("formula_text", 0.001, "客户名称", change(1, formula)),
        Rule("csv_quotes", 0.002, "客户名称", change(1, quoted_name)),
        Rule("swapped_columns", 0.002, "联系电话", swap(3, 4)),
        Rule("full_width_digits", 0.010, "建档日期", change(10, full_width)),
        Rule("impossible_date", 0.001, "建档日期", change(10, impossible_date)),
        Rule("blank_row", 0.001, "", after_blank),
        Rule("duplicated_row", 0.002, "", twice),
    )
    return write_lines(folder, CRM_FILE, lines, faults, rules)


def write_shippers(
    folder: Path, faults: Faults, draws: Draws, identity: Identity, records: Records
) -> int:
    """Write `transport/shippers.csv` (UTF-8 with a byte order mark); returns its rows."""
    who, record = identity.take(records.owner), np.arange(len(records))
    short = draws.uniform("short address", record) < 0.4
    lines = Lines(
        {
            "shipper_id": shipper_code(record),
            "shipper_name": name_column(who, records.variant),
            "tax_no": tax_column(who, records.no_tax_code),
            "phone": phone_column(who, draws.uniform("dashed", record) < 0.3),
            "address": address_column(who, short),
        }
    )
    rules = (
        Rule("trailing_space", 0.004, "shipper_name", change(1, trailing_space)),
        Rule("mojibake", 0.002, "shipper_name", change(1, mojibake)),
        Rule("csv_quotes", 0.002, "shipper_name", change(1, quoted_name)),
        Rule("full_width_digits", 0.003, "phone", change(3, full_width)),
        Rule("duplicated_row", 0.001, "", twice),
    )
    return write_lines(folder, SHIPPERS_FILE, lines, faults, rules, mark="\ufeff")
