"""What a profile's amounts are in: currency, unit, tax basis, and how others are brought to it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .loading import Section

CURRENCY = "^[A-Z]{3}$"
Tax = Literal["excluded", "included", "unknown"]


class Money(Section):
    """The profile's amounts.

    Attributes:
        currency: ISO code; every canonical amount is in it.
        tax: Whether tax is in the amounts.
        unit: What one unit of a source's ``amount`` is worth in the currency where neither the
            source nor the column says: 10000 where all files are in 万元.
        tax_rate: Brings amounts with tax to amounts without, and back: 0.06 for 6 %.
        rates: Monthly rate table below the raw folder, with the columns ``month``, ``currency``
            and ``rate`` (the profile's currency for one unit of the other).
    """

    currency: str = Field(pattern=CURRENCY)
    tax: Tax = "unknown"
    unit: float = Field(1.0, gt=0)
    tax_rate: float | None = Field(None, ge=0, lt=1)
    rates: str = ""


class SourceMoney(Section):
    """What the ``amount`` columns of one source are in, where it differs from the profile.

    Attributes:
        currency: Of all amounts; where ``currency_in`` is given, of rows that say none.
        currency_in: The column that says each row's currency (ISO codes).
        dated_by: The column (date, time or month) whose month chooses the rate.
    """

    currency: str | None = Field(None, pattern=CURRENCY)
    tax: Tax | None = None
    unit: float | None = Field(None, gt=0)
    tax_rate: float | None = Field(None, ge=0, lt=1)
    currency_in: str = ""
    dated_by: str = ""
