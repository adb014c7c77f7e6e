"""From text to numbers, as people write them: separators, signs of currencies, 万 and 亿."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..params import ColumnReading
from .plain_texts import LARGEST_INTEGER, plain_marks, plain_text

_ANY_SIGN = "人民币|rmb|cny|usd|eur|gbp|jpy|hkd|[¥￥$€£]|美元|欧元|元"

MONEY_SIGNS = {
    "CNY": "人民币|rmb|cny|[¥￥]|元整|元",
    "USD": r"usd|us\$|\$|美元",
    "EUR": "eur|€|欧元",
    "GBP": "gbp|£|英镑",
    "JPY": "jpy|[¥￥]|日元|円",
    "HKD": r"hkd|hk\$|\$|港元|港币",
    "TWD": r"twd|nt\$|\$|新台币|台币|元",
    "BRL": r"brl|r\$",
    "KRW": "krw|₩|韩元",
    "INR": "inr|₹",
}
"""What an amount of a currency may carry; the sign of another one makes it unreadable."""


def money_signs(reading: ColumnReading) -> str:
    """A pattern of what an amount may carry beside its digits."""
    if reading.type != "amount" or not reading.currency:
        return rf"(?i)({_ANY_SIGN}|\s)"
    code = reading.currency
    return rf"(?i)({MONEY_SIGNS.get(code, code)}|\s)"


def has_foreign_sign(text: ir.StringValue, currency: ir.StringValue) -> ir.BooleanValue:
    """Whether an amount carries a sign that its currency (an ISO code) has not."""
    plain = plain_marks(plain_text(text))
    bare = [(code, plain.re_replace(f"(?i)({own})", "")) for code, own in MONEY_SIGNS.items()]
    return currency.cases(*bare, else_=plain).re_search(f"(?i)({_ANY_SIGN})").fill_null(False)


def written_number(bare: ir.StringValue, reading: ColumnReading) -> ir.FloatingValue:
    """Numbers as people write them: ``¥1,234.50``, ``(12.5)``, ``1.2万``, ``45%``.

    A unit in the cell takes the place of the column's: ``3.5万`` is 35000 under 万元 too.
    """
    unit, decimal = reading.unit or 1.0, reading.decimal
    body = bare.re_replace("[万亿%]$", "")
    group, mark = (",", ".") if decimal == "." else (r"\.", ",")
    grouped = rf"[+-]?\d{{1,3}}(?:{group}\d{{3}})*(?:[{mark}]\d+)?"
    single = rf"[+-]?(?:\d+[{mark}]?\d*|[{mark}]\d+)(?:[eE][+-]?\d{{1,3}})?"
    written = body.re_search(f"^(?:{grouped}|{single})$")
    digits = body.re_replace(group, "").replace(",", ".")
    number = written.ifelse(digits, ibis.null("string")).try_cast("float64")
    return ibis.cases(
        (bare.endswith("亿"), (number * (1e8 / unit)).round(12)),
        (bare.endswith("万"), (number * (1e4 / unit)).round(12)),
        (bare.endswith("%"), (number / 100).round(12)),
        else_=number,
    )


def within_numbers(number: ir.FloatingValue, reading: ColumnReading) -> ir.Value:
    """A number in its column's type and unit; null where it is none of that type."""
    usable = ~(number.isnan() | number.isinf())
    if reading.type == "integer":
        usable = usable & (number % 1 == 0) & (number.abs() <= LARGEST_INTEGER)
    number = usable.ifelse(number, ibis.null("float64"))
    number = number if reading.unit in (None, 1) else (number * reading.unit).round(6)
    return number.cast("int64") if reading.type == "integer" else number
