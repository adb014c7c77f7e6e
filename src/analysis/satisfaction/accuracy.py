"""The claim about how right the tiers are."""

from __future__ import annotations

from . import estimating
from .company import YEAR, Company, Found


def tier_accuracy_89(company: Company) -> Found:
    """Whether a tier is the one that the following year's value earns."""
    tiers = company.need("tiers")
    then = tiers.filter(tiers.month == str(company.as_of.shifted(-YEAR)))
    now = tiers.filter(tiers.month == str(company.as_of), tiers.tier_by_score.notnull())
    rows = then.select("customer_id", "tier").inner_join(
        now.select("customer_id", "tier_by_score"), "customer_id"
    )
    counted = rows.aggregate(
        hits=(rows.tier == rows.tier_by_score).cast("int").sum(), n=rows.customer_id.count()
    ).execute()
    hits, n = (int(counted[name].fillna(0).iloc[0]) for name in ("hits", "n"))
    return {"accuracy": estimating.wilson(hits, n)}
