"""From scored pairs to customers: chains are cut, what must not meet never does.

Connected components join whatever a chain of likely pairs connects; among records of many
systems that is the great danger. Here every component that is not all of one mind is parted
anew: clusters merge in the order of their mean evidence, over all pairs between them, as long as
that mean speaks for one customer. Pairs that blocking did not bring up are scored as well, so
that silence never counts as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LARGEST_PART = 100
"""Records of a component that are weighed all against all."""

LINK_BITS = 3.0
"""Evidence that a link needs: odds of eight to one (p = 0.89). A wrong merger costs more than a
missed one: it is hard to notice, and it moves shipments from one customer to another."""

MOST_BITS = 20.0
"""Evidence of one pair, for or against, that counts at most."""

SURE = 1000.0
NEVER = -1e6
EQUAL_BITS = 1.0
"""Difference of evidence below which one customer fits as well as another."""

STEP_BITS = 2.0
"""How much more evidence a pair needs, each time a component is still too large."""

Ints = np.ndarray
Score = Callable[[Ints, Ints], np.ndarray]
"""Left and right records of pairs → their evidence in bits."""


@dataclass(frozen=True)
class Pairs:
    """Scored pairs of records.

    Attributes:
        left, right: Numbers of the records, left < right; shape (pairs,).
        bits: log2 of the odds that they are one customer, same shape.
    """

    left: Ints
    right: Ints
    bits: np.ndarray


@dataclass(frozen=True)
class Constraints:
    """What holds whatever the evidence.

    Attributes:
        code: Number of each record's valid credit code, -1 where it has none; shape (records,).
        apart: Pairs of records that are never one customer; shape (pairs, 2).
        together: Pairs that are, unless a record of theirs must stay apart; shape (pairs, 2).
    """

    code: Ints
    apart: Ints
    together: Ints


def clusters(n: int, pairs: Pairs, constraints: Constraints, score: Score) -> Ints:
    """Which customer each record belongs to.

    Args:
        n: Records.
        pairs: Those that blocking brought up.
        constraints: What must and what must not be.
        score: Evidence of pairs that blocking did not bring up.

    Returns:
        The smallest record of each record's customer; shape (n,).
    """
    likely = pairs.bits > LINK_BITS
    linked = np.concatenate(
        [np.column_stack([pairs.left[likely], pairs.right[likely]]), constraints.together]
    ).astype(np.int64)
    label = _smallest(_components(n, linked))
    doubtful = _doubtful(label, linked, constraints)
    if not len(doubtful):
        return label
    parts = _parts(n, doubtful, label, pairs, constraints)
    evidence = _evidence(parts, pairs, constraints, score)
    for members, matrix in evidence:
        for cluster in _merged(matrix):
            label[members[cluster]] = members[cluster].min()
    return label


def _components(n: int, linked: Ints) -> Ints:
    ones = np.ones(len(linked), dtype=np.int8)
    graph = coo_array((ones, (linked[:, 0], linked[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _smallest(label: Ints) -> Ints:
    """Labels that are the smallest record of their component."""
    first = np.full(label.max() + 1 if len(label) else 0, len(label))
    np.minimum.at(first, label, np.arange(len(label)))
    return first[label]


def _doubtful(label: Ints, linked: Ints, constraints: Constraints) -> Ints:
    """Components that miss a likely pair, or hold what must stay apart."""
    sizes = np.bincount(label, minlength=len(label))
    unique = np.unique(linked, axis=0) if len(linked) else linked
    links = np.bincount(label[unique[:, 0]], minlength=len(label))
    doubtful = links < sizes * (sizes - 1) // 2
    coded = constraints.code >= 0
    both = np.unique(np.column_stack([label[coded], constraints.code[coded]]), axis=0)
    doubtful |= np.bincount(both[:, 0], minlength=len(label)) > 1
    if len(constraints.apart):
        met = label[constraints.apart[:, 0]] == label[constraints.apart[:, 1]]
        doubtful[label[constraints.apart[met, 0]]] = True
    return np.flatnonzero(doubtful & (sizes > 1))


def _parts(
    n: int, doubtful: Ints, label: Ints, pairs: Pairs, constraints: Constraints
) -> list[Ints]:
    """Members of each doubtful component; one too large is cut where its pairs are weakest."""
    pending = _members(np.flatnonzero(np.isin(label, doubtful)), label)
    parts, needed = [], LINK_BITS
    while pending:
        parts += [members for members in pending if len(members) <= LARGEST_PART]
        large = [members for members in pending if len(members) > LARGEST_PART]
        if not large:
            break
        needed += STEP_BITS
        if needed > MOST_BITS:  # equal texts by the hundred: no pair is weaker than another
            parts += [
                members[at : at + LARGEST_PART]
                for members in large
                for at in range(0, len(members), LARGEST_PART)
            ]
            break
        inside = np.zeros(n, dtype=bool)
        inside[np.concatenate(large)] = True
        strong = (pairs.bits > needed) & inside[pairs.left] & inside[pairs.right]
        sure = constraints.together[inside[constraints.together].all(axis=1)]
        linked = np.concatenate([np.column_stack([pairs.left[strong], pairs.right[strong]]), sure])
        pending = _members(np.flatnonzero(inside), _smallest(_components(n, linked)))
    return [members for members in parts if len(members) > 1]


def _members(records: Ints, label: Ints) -> list[Ints]:
    order = records[np.argsort(label[records], kind="stable")]
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    return np.split(order, starts[1:])


def _evidence(
    parts: list[Ints], pairs: Pairs, constraints: Constraints, score: Score
) -> Iterator[tuple[Ints, np.ndarray]]:
    """Each part's members and the evidence between any two of them."""
    if not parts:
        return
    n = len(constraints.code)
    part = np.full(n, -1)
    place = np.zeros(n, dtype=np.int64)
    for at, members in enumerate(parts):
        part[members], place[members] = at, np.arange(len(members))
    sizes = np.array([len(members) for members in parts])
    starts = np.concatenate([[0], np.cumsum(sizes**2)])
    flat = np.full(starts[-1], np.nan)

    def put(left: Ints, right: Ints, bits: np.ndarray | float) -> None:
        at = part[left]
        flat[starts[at] + place[left] * sizes[at] + place[right]] = bits
        flat[starts[at] + place[right] * sizes[at] + place[left]] = bits

    known = (part[pairs.left] >= 0) & (part[pairs.left] == part[pairs.right])
    put(pairs.left[known], pairs.right[known], np.clip(pairs.bits[known], -MOST_BITS, MOST_BITS))
    left, right = _unknown(parts, flat, starts)
    if len(left):
        put(left, right, np.clip(score(left, right), -MOST_BITS, MOST_BITS))
    for listed, bits in ((constraints.together, SURE), (constraints.apart, NEVER)):
        inner = (part[listed[:, 0]] >= 0) & (part[listed[:, 0]] == part[listed[:, 1]])
        put(listed[inner, 0], listed[inner, 1], bits)
    for at, members in enumerate(parts):
        matrix = flat[starts[at] : starts[at + 1]].reshape(len(members), len(members))
        code = constraints.code[members]
        other = (code[:, None] >= 0) & (code >= 0) & (code[:, None] != code)
        yield members, np.where(other, NEVER, matrix)


def _unknown(parts: list[Ints], flat: np.ndarray, starts: Ints) -> tuple[Ints, Ints]:
    """Pairs within the parts that nobody scored yet."""
    left, right = [], []
    for at, members in enumerate(parts):
        matrix = flat[starts[at] : starts[at + 1]].reshape(len(members), len(members))
        rows, columns = np.nonzero(np.triu(np.isnan(matrix), 1))
        left.append(members[rows])
        right.append(members[columns])
    return np.concatenate(left), np.concatenate(right)


def _rivals(mean: np.ndarray, total: np.ndarray, one: int, other: int) -> list[tuple[int, int]]:
    """Clusters that one of two could as well belong to, and that must stay apart from the other.

    A record that fits two customers equally well belongs to neither by any evidence.
    """
    found = []
    for side, opposite in ((one, other), (other, one)):
        fits = mean[side] > mean[one, other] - EQUAL_BITS
        forbidden = total[opposite] < NEVER / 2
        forbidden[[one, other]] = False
        found += [(side, int(rival)) for rival in np.flatnonzero(fits & forbidden)]
    return found


def _merged(evidence: np.ndarray) -> list[Ints]:
    """Merge clusters by mean evidence, while a pair between them is a link and the mean is for it.

    Args:
        evidence: Bits between any two members; shape (members, members).
    """
    total = evidence.copy()
    np.fill_diagonal(total, -np.inf)
    best = total.copy()
    size = np.ones(len(total))
    groups = [[at] for at in range(len(total))]
    while True:
        mean = np.where(best > LINK_BITS, total / (size[:, None] * size), -np.inf)
        one, other = np.unravel_index(np.argmax(mean), mean.shape)
        if not mean[one, other] > 0:
            break
        keep, gone = sorted((int(one), int(other)))
        rivals = _rivals(mean, total, keep, gone)
        if rivals:
            for side, rival in rivals:
                best[side, rival] = best[rival, side] = -np.inf
            best[keep, gone] = best[gone, keep] = -np.inf
            continue
        total[keep] += total[gone]
        total[:, keep] = total[keep]
        best[keep] = np.maximum(best[keep], best[gone])
        best[:, keep] = best[keep]
        for matrix in (total, best):
            matrix[keep, keep] = -np.inf
            matrix[gone], matrix[:, gone] = -np.inf, -np.inf
        size[keep] += size[gone]
        groups[keep] += groups[gone]
        groups[gone] = []
    return [np.array(group) for group in groups if group]
