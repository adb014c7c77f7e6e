"""Figures of the literature stand in one place, as they are printed."""

import re

import pytest

from analysis.literature import QUOTES, printed
from analysis.satisfaction import CLAIMS


@pytest.mark.parametrize("claim", QUOTES)
def test_every_figure_is_in_its_quote(claim):
    quote = QUOTES[claim]
    assert quote.figures
    for figure in quote.figures.values():
        assert re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", quote.text), figure


def test_every_claim_that_is_told_has_its_quote_and_the_other_way_round():
    assert [claim.id for claim in CLAIMS] == list(QUOTES)


def test_figures_are_read_as_numbers():
    assert printed("abc-shares", "a_customers") == 0.05
    assert printed("response-average", "hours") == 24
    assert printed("value-cost", "yuan_a_year") == 1_000_000
