"""The randomisation test against all draws, many draws, and its promise far out in the tail."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from analysis.experiment.estimators import compare, make_units
from analysis.experiment.estimators.randomisation import differences_before, randomisation_p


def shared_by_draws(values, arm, strata, draws, rng):
    """Share of random draws whose difference, standardised over strata, is at least as large."""
    found, seen = np.zeros(draws), 0.0
    for code in np.unique(strata):
        rows = np.flatnonzero(strata == code)
        treated = int(arm[rows].sum())
        part = values[rows] - values[rows].mean()
        part = part * len(rows) / len(values) * (1 / treated + 1 / (len(rows) - treated))
        picked = np.argpartition(rng.random((draws, len(rows))), treated, axis=1)[:, :treated]
        found += part[picked].sum(axis=1)
        seen += part[arm[rows]].sum()
    return np.mean(np.abs(found) >= abs(seen) - 1e-12)


def test_it_is_near_the_share_of_all_draws():
    values = np.random.default_rng(1).lognormal(0, 1, 14)
    checked = 0
    for chosen in list(combinations(range(14), 4))[::40]:
        arm = np.isin(np.arange(14), chosen)
        every = [values[list(c)].sum() for c in combinations(range(14), 4)]
        off = np.abs(np.array(every) - 4 * values.mean())
        exact = np.mean(off >= abs(values[arm].sum() - 4 * values.mean()) - 1e-12)
        if 0.02 < exact < 0.3:
            checked += 1
            assert randomisation_p(values, make_units(arm)) == pytest.approx(exact, rel=0.35)
    assert checked >= 5


@pytest.mark.parametrize(("strata", "lean"), [(1, 0.15), (1, -0.3), (3, 0.15), (3, -0.25)])
def test_skewed_values_few_treated_and_strata(strata, lean):
    """Drawn with a lean towards large or small customers; 30 of 300 treated."""
    rng = np.random.default_rng(7)
    values, code = rng.lognormal(0, 1.5, 300), np.arange(300) % strata
    arm = np.zeros(300, dtype=bool)
    for s in range(strata):
        rows = np.flatnonzero(code == s)
        order = np.argsort(-lean * np.log(values[rows]) + 0.5 * rng.normal(size=len(rows)))
        arm[rows[order[: 30 // strata]]] = True
    units = make_units(arm, strata=code if strata > 1 else None)
    by_draws = shared_by_draws(values, arm, code, 40_000, rng)
    noise = 4 * np.sqrt(max(by_draws, 1e-4) / 40_000)
    assert randomisation_p(values, units) == pytest.approx(by_draws, rel=0.15, abs=noise)


def test_far_out_it_alarms_as_often_as_promised_where_the_t_test_does_ten_times_as_often():
    """p < 0.001, a tenth of 1,000 customers treated, revenue with a heavy tail."""
    rng = np.random.default_rng(8)
    values = rng.lognormal(0, 1.5, (1000, 6000))
    units = make_units(np.arange(1000) < 100)
    found = np.array(differences_before(values, units))
    assert 0 <= (found < 0.001).sum() <= 14, "6 are promised"
    plain = [compare(values[:, j], units).p_value for j in range(1000)]
    assert np.sum(np.array(plain) < 0.001) >= 8, "1 was promised"


def test_values_of_two_kinds_are_near_hypergeometric():
    values = (np.arange(400) < 120).astype(float)
    for hits in (2, 24, 30):
        arm = np.zeros(400, dtype=bool)
        arm[:hits] = True
        arm[120 : 120 + 60 - hits] = True
        count = np.arange(61)
        chance = stats.hypergeom.pmf(count, 400, 120, 60)
        exact = chance[np.abs(count - 18) >= abs(hits - 18)].sum()
        middle = exact - 0.5 * chance[np.abs(count - 18) == abs(hits - 18)].sum()
        found = randomisation_p(values, make_units(arm))
        assert found == pytest.approx(middle, rel=0.2)


def test_what_cannot_be_told_is_no_number_and_gaps_are_left_out():
    arm = np.arange(40) < 10
    assert np.isnan(randomisation_p(np.ones(40), make_units(arm)))
    values = np.random.default_rng(9).normal(size=40)
    gappy = np.where(np.arange(40) % 7 == 3, np.nan, values)
    kept = np.isfinite(gappy)
    assert randomisation_p(gappy, make_units(arm)) == pytest.approx(
        randomisation_p(values[kept], make_units(arm[kept]))
    )


def test_the_largest_customers_all_in_one_arm_are_found():
    """Where the tilt has no end: the difference lies at the edge of what a draw can be."""
    values = np.r_[np.full(20, 1000.0), np.ones(980)]
    assert randomisation_p(values, make_units(np.arange(1000) < 500)) < 1e-5


def test_of_few_units_no_p_is_smaller_than_their_draws_allow():
    """Three of twelve: 220 draws, so none is rarer than one in 220."""
    values = np.random.default_rng(3).normal(size=12)
    arm = np.isin(np.arange(12), np.argsort(values)[-3:])
    every = np.array([values[list(c)].sum() for c in combinations(range(12), 3)])
    off = np.abs(every - 3 * values.mean())
    exact = np.mean(off >= abs(values[arm].sum() - 3 * values.mean()) - 1e-12)
    assert randomisation_p(values, make_units(arm)) == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize("strata", [1, 2])
def test_a_handful_of_giants_in_one_arm_is_no_fault(strata):
    """All four in one arm comes in an eighth of draws, whichever way the others lean."""
    rng = np.random.default_rng(4)
    values = rng.lognormal(0, 1, 200)
    values[:4] = 1e5 * (1 + rng.random(4))
    arm, code = np.arange(200) % 4 < 2, np.arange(200) % strata
    arm[:4] = True
    arm[[100, 101]] = False
    others = np.arange(200) >= 4
    assert values[arm & others].mean() > values[~arm & others].mean()
    by_draws = shared_by_draws(values, arm, code, 40_000, rng)
    found = randomisation_p(values, make_units(arm, strata=code if strata > 1 else None))
    assert found == pytest.approx(by_draws, rel=0.15)
    assert found > 0.01


def test_clusters_keep_the_estimators_own_p():
    rng = np.random.default_rng(10)
    cluster = np.repeat(np.arange(20), 10)
    units = make_units(cluster % 2 == 0, clusters=cluster)
    values = rng.normal(size=(200, 2)) + rng.normal(size=20)[cluster][:, None]
    assert differences_before(values, units) == pytest.approx(
        [compare(values[:, j], units).p_value for j in range(2)]
    )


def test_what_no_draw_reached_is_rare_and_not_impossible():
    """The ten largest of a hundred are treated: the draw that was made is one of those counted."""
    values = np.arange(100.0)
    assert 0 < randomisation_p(values, make_units(values >= 90)) < 1e-4
