"""From scored pairs to customers: no chains, no forbidden meetings, no order of rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.identity.clustering import LARGEST_PART, Constraints, Pairs, clusters

NONE = np.zeros((0, 2), dtype=np.int64)


def found(n, scored, codes=None, apart=NONE, together=NONE, unscored=0.0):
    """Labels, where pairs not listed weigh `unscored` bits."""
    left, right, bits = (np.array(part) for part in zip(*scored, strict=True)) if scored else (
        np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0),
    )  # fmt: skip
    code = np.full(n, -1) if codes is None else np.array(codes)
    constraints = Constraints(code, np.array(apart), np.array(together))
    score = lambda one, _: np.full(len(one), unscored)  # noqa: E731
    return clusters(n, Pairs(left, right, bits), constraints, score).tolist()


def test_a_likely_pair_is_one_customer_and_an_unlikely_one_is_not():
    assert found(4, [(0, 1, 8.0), (2, 3, -4.0)]) == [0, 0, 2, 3]


def test_a_chain_is_cut_where_its_ends_speak_against_it():
    chain = [(0, 1, 9.0), (1, 2, 4.0)]
    assert found(3, chain, unscored=-12.0) == [0, 0, 2]
    assert found(3, chain, unscored=2.0) == [0, 0, 0]  # silence speaks for nobody


def test_two_dense_groups_joined_by_one_pair_stay_two():
    group = [(a, b, 10.0) for a in range(4) for b in range(a + 1, 4)]
    other = [(a + 4, b + 4, bits) for a, b, bits in group]
    labels = found(8, [*group, *other, (3, 4, 6.0)], unscored=-8.0)
    assert labels == [0] * 4 + [4] * 4


def test_different_codes_never_meet_not_even_through_a_chain():
    chain = [(0, 1, 20.0), (1, 2, 18.0), (2, 3, 20.0)]
    assert found(4, chain, codes=[7, -1, -1, 8], unscored=20.0) in ([0, 0, 2, 2], [0, 1, 1, 3])


def test_a_record_that_fits_two_customers_equally_belongs_to_neither():
    pairs = [(0, 2, 9.0), (1, 2, 9.0), (0, 1, 9.0)]
    assert found(3, pairs, codes=[7, 8, -1]) == [0, 1, 2]


def test_decisions_join_and_part_against_the_evidence():
    assert found(3, [(0, 1, -9.0)], together=[(0, 1)], unscored=-9.0) == [0, 0, 2]
    assert found(3, [(0, 1, 20.0)], apart=[(0, 1)]) == [0, 1, 2]
    both = found(3, [], apart=[(0, 2)], together=[(0, 1), (1, 2)], unscored=-9.0)
    assert both[0] != both[2]


def test_a_component_too_large_to_weigh_is_cut_at_its_weakest_pairs():
    n = 3 * LARGEST_PART
    rings = [
        (a, a + 1, 15.0 if a % LARGEST_PART != LARGEST_PART - 1 else 3.5) for a in range(n - 1)
    ]
    labels = found(n, rings, unscored=15.0)
    assert sorted(set(labels)) == [0, LARGEST_PART, 2 * LARGEST_PART]


@st.composite
def problems(draw):
    n = draw(st.integers(2, 9))
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    bits = st.floats(-15, 20, allow_nan=False)
    scored = [(a, b, draw(bits)) for a, b in pairs if draw(st.booleans())]
    codes = draw(st.lists(st.sampled_from([-1, -1, 0, 1]), min_size=n, max_size=n))
    apart = [pair for pair in pairs if draw(st.integers(0, 9)) == 0]
    return n, scored, codes, apart, draw(st.randoms(use_true_random=False))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_what_must_stay_apart_does_and_order_changes_nothing(problem):
    n, scored, codes, apart, chance = problem
    parted = np.array(apart, dtype=np.int64).reshape(-1, 2)
    labels = found(n, scored, codes, parted, unscored=-1.0)
    for a, b in apart:
        assert labels[a] != labels[b]
    for label in set(labels):
        held = {code for code, own in zip(codes, labels, strict=True) if own == label and code >= 0}
        assert len(held) <= 1
        assert labels[label] == label  # named after its first record
        assert label == labels.index(label)
    shuffled = list(scored)
    chance.shuffle(shuffled)
    assert found(n, shuffled, codes, parted, unscored=-1.0) == labels
