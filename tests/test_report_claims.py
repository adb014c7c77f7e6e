"""How the report tells what own data say on a claim: never more than they bear."""

import pandas as pd
import pytest

from analysis.language import Language
from analysis.report.claims import FEW_CASES, part_told
from analysis.satisfaction import CLAIMS

EN, ZH = Language("en"), Language("zh")
PARTS = {(claim.id, part.key): part for claim in CLAIMS for part in claim.parts}


def row(estimate, low, high, n=900, verdict="supported"):
    found = {"estimate": estimate, "low": low, "high": high, "n": n, "verdict": verdict}
    return pd.Series(found | {"missing": None})


def test_few_cases_show_their_interval_first_and_say_so():
    quick = PARTS["response-30min", "quick"]
    weak = row(0.498, 0.234, 0.819, n=23, verdict="undecided")
    assert part_told(quick, weak, EN) == (
        "within 30 minutes against later between +23.4% and +81.9% "
        "(estimate +49.8%; weak, only 23 cases), needed +37.5% to +62.5%"
    )
    assert "仅 23 例" in part_told(quick, weak, ZH)
    assert "weak" not in part_told(quick, row(0.498, 0.4, 0.6, n=FEW_CASES), EN)


@pytest.mark.parametrize(
    ("key", "needed"),
    [
        (("notify-40", "notice"), "at least 40.0%"),
        (("response-30min", "slow"), "below 0"),
        (("damage-5", "peak"), "above 0"),
        (("delay-dose", "collapse"), "at most −15.0"),
        (("delay-15", "late"), "11.2% to 18.8%"),
    ],
)
def test_what_is_undecided_tells_what_the_claim_needs(key, needed):
    found = row(0.1, -0.1, 0.3)
    assert "needed" not in part_told(PARTS[key], found, EN)
    assert part_told(PARTS[key], found.replace("supported", "undecided"), EN).endswith(needed)


def test_a_rise_where_a_drop_is_claimed_has_its_sign():
    """Of real orders: "further drop 23.1 points" was told of a rise by 23.1 points."""
    collapse = PARTS["delay-dose", "collapse"]
    told = part_told(collapse, row(23.1, 12.4, 33.8, n=72, verdict="contradicted"), EN)
    assert "+23.1 points (+12.4 to +33.8)" in told
