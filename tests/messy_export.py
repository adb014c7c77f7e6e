"""What a foreign company's systems export: the files that docs/walk-through.md speaks of.

Titles above the headers and merged over them, GB18030, amounts in 万元, Chinese dates among others,
thousands separators, rows of totals, a sheet of remarks, semicolons in one file of three.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl

CUSTOMERS = 24
MONTHS = (8, 9, 10)
WAYBILLS_A_MONTH = 60
TICKETS = 30
BRANDS = "锐泽恒禾启远盛腾博瑞凯泰丰诚信宏达通源康华晟睿卓"
CATEGORIES = ("延误", "破损", "丢失", "服务态度", "其他")


def write_export(folder: Path) -> float:
    """Write the three files; returns the revenue of all waybills in yuan."""
    folder.mkdir(parents=True)
    rows, revenue = _waybills()
    head = [
        "云达物流运单明细表,,,,,,,,",
        "制表日期：2026年11月2日,,,,,单位：万元,,,",
        "运单编号,客户编码,揽收日期,承诺送达,签收时间,运费(万元),计费重量(kg),状态,产品类型",
    ]
    total = f"合计,,,,,{revenue / 10_000:.4f},,,"
    text = "\r\n".join([*head, *rows, total])
    (folder / "运单明细.csv").write_bytes(text.encode("gb18030"))
    (folder / "投诉.csv").write_bytes("\n".join(_tickets()).encode("utf-8-sig"))
    _customers().save(folder / "客户主数据.xlsx")
    return revenue


def _waybills() -> tuple[list[str], float]:
    rows, total = [], 0
    for month in MONTHS:
        for n in range(WAYBILLS_A_MONTH):
            day = dt.date(2026, month, 1 + n % 28)
            form = "{0.year}年{0.month}月{0.day}日" if n % 3 else "{0.year}/{0.month}/{0.day}"
            promised, done = (day + dt.timedelta(days=days) for days in (3, 1 + n % 5))
            under_way = month == MONTHS[-1] and n % 28 > 24
            yuan = 50 + (n * 7919 + month * 31) % 9000
            total += yuan
            cells = (
                f"YH{month:02}{n:04}",
                f"KH-{1 + n % CUSTOMERS:03}",
                form.format(day),
                f"{promised:%Y/%m/%d}",
                "" if under_way else f"{done:%Y/%m/%d} {10 + n % 9}:15",
                ("¥" if n % 7 == 0 else "") + f"{yuan / 10_000:.4f}",
                f'"{(n * 613) % 4000 + 3.5:,.1f}"',
                "拒收" if n % 20 == 0 else "已签收",
                ("标快", "特惠")[n % 2],
            )
            rows.append(",".join(cells))
    return rows, float(total)


def _tickets() -> list[str]:
    rows = ["投诉单号;运单编号;客户编码;受理时间;首次回复;办结时间;问题类型"]
    for n in range(TICKETS):
        day = 1 + n % 26
        times = (
            f"2026-10-{day:02} 09:12",
            f"2026-10-{day:02} 1{n % 10}:40",
            f"2026-10-{day + 2:02} 18:00",
        )
        head = f"TS{n:03};YH10{n:04};KH-{1 + n % CUSTOMERS:03}"
        rows.append(";".join((head, *times, CATEGORIES[n % 5])))
    return rows


def _customers() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "客户"
    for row, title in enumerate(("云达物流 客户主数据", "导出人：王敏"), 1):
        sheet.cell(row, 1, title)
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=6)
    sheet.append(["客户编码", "客户全称", "统一社会信用代码", "联系手机", "所属大区", "开户日期"])
    for n in range(CUSTOMERS):
        name = f"苏州{BRANDS[n]}{BRANDS[-1 - n]}贸易有限公司"
        joined = dt.date(2025, 1 + n % 12, 3)
        sheet.append(
            [f"KH-{1 + n:03}", name, None, f"1540000{n:04}", ("华东", "华南")[n % 2], joined]
        )
    sheet.append([f"合计：{CUSTOMERS}家"])
    book.create_sheet("说明")["A1"] = "本表由CRM导出，仅供内部使用"
    return book
