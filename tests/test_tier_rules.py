"""The business rules of tests/rules hold, and docs/tiers.md shows them as they are."""

import pytest

from ascii_rules import PAGE, Rule, read_rules, rendered_page


@pytest.mark.parametrize("rule", read_rules(), ids=lambda rule: rule.name)
def test_rule(rule: Rule):
    tiers = rule.tiering().tiers.execute().rename(columns={"customer_id": "customer"})
    wanted = rule.table[["customer", "month", "score", "tier", "reason", "held_back_by"]]
    keys = wanted[["customer", "month"]]
    got = keys.merge(tiers, on=["customer", "month"], how="left")
    got = got.assign(score=rule.table.score, held_back_by=got.held_back_by.fillna(""))
    columns = ["customer", "month", "score", "tier", "reason", "held_back_by"]
    assert got[columns].to_string() == wanted.to_string()


def test_the_page_shows_every_rule_as_it_is():
    message = "run: python tests/ascii_rules.py"
    assert PAGE.read_text(encoding="utf-8") == rendered_page(), message
