"""The claim about how right the tiers are."""

from __future__ import annotations

from .company import YEAR, Company, Found
from .estimating import FEWEST_ROWS, Estimate, TooFew


def tier_accuracy_89(company: Company) -> Found:
    """Whether a tier is the one that the following year's value earns, as the tiers' stage found.

    A window of twelve months that overlaps with the one the tier came from would agree with
    itself: only the horizon of a year is read.
    """
    table = company.need("tier_accuracy")
    rows = table.filter(table.months_ahead == YEAR, table.accuracy.notnull()).execute()
    if rows.empty or int(rows["customers_n"].iloc[0]) < FEWEST_ROWS:
        n = 0 if rows.empty else int(rows["customers_n"].iloc[0])
        return {"accuracy": TooFew(n, FEWEST_ROWS)}
    row = rows.iloc[0]
    return {
        "accuracy": Estimate(
            float(row["accuracy"]),
            float(row["ci_low"]),
            float(row["ci_high"]),
            int(row["customer_months_n"]),
            int(row["customers_n"]),
        )
    }
