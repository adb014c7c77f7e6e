"""Business rules of tiering as small tables: month by month scores in, tiers and reasons out.

Each file of tests/rules is a page of the documentation: a heading, a sentence, the policy as
YAML, and a table with one row a month (and customer). `python tests/ascii_rules.py` renders them
into docs/tiers.md; a test holds that the page is up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import yaml

from analysis.months import Month
from analysis.params import Override, TierPolicy
from analysis.tiers import Groups, Tiering, assign

RULES = Path(__file__).parent / "rules"
PAGE = Path(__file__).parent.parent / "docs" / "tiers.md"
MARK = "<!-- Below: made from tests/rules by `python tests/ascii_rules.py`; edit there. -->\n"
BARS = {"strategic": 80, "key": 60, "potential": 40}
PLAIN = {"at_least": BARS, "demote_margin": 0, "seasonal_protection": None, "burst_promotion": None}
"""The policy of a rule that states nothing else: one rule at a time."""
MIDDLE = {"strategic": 90.0, "key": 70.0, "potential": 50.0, "regular": 20.0}
"""A score well inside each tier."""


@dataclass(frozen=True)
class Rule:
    """One file.

    Attributes:
        name: The file's stem.
        text: The whole page.
        settings: The YAML: ``policy`` (what differs from PLAIN), ``data_from`` (first month of
            data, when it is not the table's), ``others`` (monthly revenue of a customer that
            stays in each tier), ``overrides``, ``members`` (customer → the group it belongs to,
            whose own row holds the group's score).
        table: customer, month, the inputs (score, shipments, revenue, class), the expected results
            (tier, reason, held_back_by).
    """

    name: str
    text: str
    settings: dict[str, Any]
    table: pd.DataFrame

    @property
    def policy(self) -> TierPolicy:
        return TierPolicy.model_validate({**PLAIN, **self.settings.get("policy", {})})

    def tiering(self) -> Tiering:
        overrides = [Override.model_validate(o) for o in self.settings.get("overrides", [])]
        scores, last = self.scores(), Month.parse(self.table.month.max())
        return assign(scores, self.policy, last, overrides, self.groups(scores))

    def groups(self, scores: ir.Table) -> Groups | None:
        """The groups, where the policy gives tiers to parents; a group's row is its own score."""
        members = self.settings.get("members")
        if members is None:
            return None
        links = {**members, **{group: group for group in members.values()}}
        frame = pd.DataFrame(links.items(), columns=["customer_id", "group_id"])
        alone = ~scores.customer_id.isin(list(members))
        return Groups(ibis.memtable(frame), scores.filter(alone))

    def scores(self) -> ir.Table:
        """The inputs as `score` would give them, with the others of the company."""
        first = self.settings.get("data_from", self.table.month.min())
        months = pd.period_range(first, self.table.month.max(), freq="M").strftime("%Y-%m")
        others = {"regular": 100.0, **self.settings.get("others", {})}
        rows = [
            {"customer": f"other {tier}", "month": month, "score": MIDDLE[tier]}
            | {"shipments": 10, "revenue": revenue}
            for tier, revenue in others.items()
            for month in months
        ]
        return scores_of(pd.concat([self.table, pd.DataFrame(rows)], ignore_index=True))


def scores_of(rows: pd.DataFrame) -> ir.Table:
    """A table as `score` returns it, from customer, month, score, shipments, revenue."""
    rows = rows.sort_values(["customer", "month"]).reset_index(drop=True)
    history = rows.groupby("customer")
    ever = history["shipments"].cumsum() > 0
    frame = pd.DataFrame(
        {
            "customer_id": rows.customer,
            "month": rows.month,
            "months_n": history.cumcount() + 1,
            "shipments_n": rows.shipments,
            "revenue": rows.revenue.astype(float),
            "recency_days": pd.Series(15.0, rows.index).where(ever),
            "frequency": (rows.score.notna() & ever).astype(int) * 10,
            "revenue_window": rows.revenue.astype(float) * 12,
            "margin_window": rows.revenue.astype(float) * 3,
            "score": rows.score.astype(float),
            "abc_class": rows.get("class", pd.Series(None, rows.index, dtype=object)),
            "rfm_group": rows.get("class", pd.Series(None, rows.index, dtype=object)),
        }
    ).replace({"abc_class": {"": None}, "rfm_group": {"": None}})
    kinds = {"customer_id": "string", "month": "string", "months_n": "int32"}
    kinds |= {"abc_class": "string", "rfm_group": "string"}
    kinds |= {"shipments_n": "int32", "frequency": "int32"}
    return ibis.memtable(frame, schema={c: kinds.get(c, "float64") for c in frame})


def read_rules() -> list[Rule]:
    return [_read(path) for path in sorted(RULES.glob("*.md"))]


def _read(path: Path) -> Rule:
    text = path.read_text(encoding="utf-8")
    settings = yaml.safe_load(text.split("```yaml")[1].split("```")[0]) if "```yaml" in text else {}
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = pd.DataFrame(cells[2:], columns=cells[0])
    table = table.rename(columns={"held back by": "held_back_by"})
    if "customer" not in table:
        table.insert(0, "customer", "A")
    table = table.assign(shipments=table.get("shipments", "10")).astype({"shipments": int})
    table["score"] = pd.to_numeric(table["score"].replace({"": None}))
    revenue = table["revenue"].astype(float) if "revenue" in table else table["shipments"] * 10.0
    return Rule(path.stem, text, settings or {}, table.assign(revenue=revenue))


def rendered_page() -> str:
    """docs/tiers.md as it should be: its own text, then every rule."""
    own = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    return own + MARK + "\n" + "\n".join(rule.text for rule in read_rules())


if __name__ == "__main__":
    PAGE.write_text(rendered_page(), encoding="utf-8")
