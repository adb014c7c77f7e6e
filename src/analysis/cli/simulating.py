"""``tierlab simulate``: the demo company, with progress."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import ParamsError
from .options import console


def write_company(
    out: Path, customers: int, months: int, seed: int, shipments_per_month: float
) -> None:
    """Simulate a company into a folder and say what it holds.

    Args:
        out: Folder of the raw files; the truth goes to ``<out>-truth``.
        customers: True customers.
        months: Months, up to October 2026.
        seed: Same seed, same company.
        shipments_per_month: Mean of a customer in an ordinary month while it trades.

    Raises:
        ParamsError: A number is out of range, or the folder holds other files.
    """
    from ..simulate import company

    screen, began = console(), time.monotonic()
    with screen.status("simulating a company …") as status:
        try:
            told = company(
                out,
                customers,
                months,
                seed,
                shipments_per_month=shipments_per_month,
                progress=lambda stage, rows: status.update(f"simulating: {stage}, {rows:,} rows"),
            )
        except ValueError as fault:
            raise ParamsError(str(fault), where="tierlab simulate") from fault
    amount = f"{sum(told.rows.values()):,} rows of {told.customers:,} customers"
    seconds = time.monotonic() - began
    screen.print(f"simulated {amount} in {seconds:.1f} s: {told.out}", highlight=False)
