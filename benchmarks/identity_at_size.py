"""How long matching takes, and how much memory it needs, at a million messy records.

Usage: python benchmarks/identity_at_size.py RECORDS [SEED]

Companies with names of words, trades and towns as frequent as Zipf's law makes them, half of them
a second time in another system with typos, another legal form, a moved house or no telephone.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd
from identity_sets import LEGAL, SYLLABLES, TRADES, TYPES

from analysis.identity.matching import match_records

RARE_WORDS, COMMON_WORDS = 300_000, 4_000
NAMESAKES = 0.03
"""Share of the firms that bear the name of another one."""


def companies(n: int, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Records and their truth; shape (n,)."""
    draw = np.random.default_rng(seed)
    firms = n * 2 // 3
    syllables = np.array(SYLLABLES)
    brand = _brands(draw, firms)
    trade = np.array(TRADES)[_ranks(draw, len(TRADES), firms)]
    roads = [
        syllables[a] + syllables[b] + syllables[c]
        for a, b, c in draw.integers(0, len(SYLLABLES), (20_000, 3))
    ]
    road = np.array(roads)[draw.integers(0, len(roads), firms)]
    house, phone = draw.integers(1, 400, firms), draw.integers(10**8, 10**9, firms)
    towns = np.array([f"{a}{b}town" for a in SYLLABLES for b in SYLLABLES])
    town = towns[_ranks(draw, len(towns), firms)]
    entity = np.concatenate([np.arange(firms), draw.choice(firms, n - firms, replace=False)])
    second = np.arange(n) >= firms
    names = [
        f"{_typo(b, u) if s else b} {t if v > 0.1 else ''} {legal}"
        for b, t, u, v, s, legal in zip(
            brand[entity], trade[entity], draw.random(n), draw.random(n), second,
            np.array(LEGAL)[draw.integers(0, len(LEGAL), n)], strict=True,
        )
    ]  # fmt: skip
    kinds = np.array([kind for pair in TYPES for kind in pair])[draw.integers(0, 8, n)]
    moved = second & (draw.random(n) < 0.1)
    number = np.where(moved, draw.integers(1, 400, n), house[entity])
    frame = pd.DataFrame(
        {
            "id": [f"R{at:07d}" for at in draw.permutation(n)],
            "source": np.where(second, "b", "a"),
            "name": names,
            "address": [
                f"{h} {r} {k}" for h, r, k in zip(number, road[entity], kinds, strict=True)
            ],
            "city": town[entity],
            "phone": np.where(draw.random(n) < 0.6, phone[entity].astype(str), None),
        }
    )
    return frame, entity


def _brands(draw: np.random.Generator, firms: int) -> np.ndarray:
    """Names of one or two words, some words far more frequent than others; shape (firms,).

    Some firms bear another's name: branches, franchises and chance.
    """
    rare, common = _words(draw, RARE_WORDS), _words(draw, COMMON_WORDS)
    first = np.where(
        draw.random(firms) < 0.3,
        common[_ranks(draw, COMMON_WORDS, firms)],
        rare[_ranks(draw, RARE_WORDS, firms)],
    )
    second = np.char.add(" ", common[_ranks(draw, COMMON_WORDS, firms)])
    brand = np.where(draw.random(firms) < 0.7, np.char.add(first, second), first)
    same = draw.random(firms) < NAMESAKES
    return np.where(same, brand[draw.permutation(firms)], brand)


def _words(draw: np.random.Generator, count: int) -> np.ndarray:
    """Words of three to five syllables, some of them alike; shape (count,)."""
    syllables = np.array(SYLLABLES)
    parts = [syllables[draw.integers(0, len(syllables), count)] for _ in range(5)]
    short = draw.integers(3, 6, count)
    words = parts[0]
    for at, part in enumerate(parts[1:], 2):
        words = np.where(at <= short, np.char.add(words, part), words)
    return words


def _ranks(draw: np.random.Generator, count: int, n: int) -> np.ndarray:
    """Ranks from 0 whose frequencies fall as Zipf's law says; shape (n,)."""
    weights = 1 / np.arange(1, count + 1)
    return np.searchsorted(np.cumsum(weights) / weights.sum(), draw.random(n)).clip(0, count - 1)


def _typo(text: str, chance: float) -> str:
    at = 1 + int(chance * 1e6) % (len(text) - 1)
    return text[:at] + text[at + 1 :] if chance < 0.2 else text


def main(n: int, seed: int) -> None:
    """Match n records and print what it took."""
    frame, truth = companies(n, seed)
    wall, cpu = time.perf_counter(), time.process_time()
    links = match_records(frame, [])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = pd.DataFrame({"entity": links["entity_id"], "truth": truth})
    pairs = {c: _pairs(found, [c]) for c in ("entity", "truth")}
    both = _pairs(found, ["entity", "truth"])
    print(f"{n} records: {wall:.0f} s, {cpu:.0f} processor seconds, {gigabytes:.1f} GB at most")
    print(f"precision {both / pairs['entity']:.4f}, recall {both / pairs['truth']:.4f}")


def _pairs(frame: pd.DataFrame, by: list[str]) -> int:
    sizes = frame.groupby(by).size()
    return int((sizes * (sizes - 1) // 2).sum())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
