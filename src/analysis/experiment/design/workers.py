"""Draws of a rehearsal over several processes, in their order."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar, cast

T = TypeVar("T")
CHUNK = 10
"""Draws that a process makes at a time: few enough that the progress moves."""


def each_draw(make: Callable[[int], T], draws: int, workers: int = 1) -> Iterator[T]:
    """What each draw finds, in the order of the draws.

    Args:
        make: Makes the draw of a number; it and what it holds can be pickled.
        draws: How many.
        workers: Processes; with one, the draws are made here.
    """
    if workers <= 1 or draws <= CHUNK:
        yield from map(make, range(draws))
        return
    edges = [*range(0, draws, CHUNK), draws]
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _keep, (make,))
    try:
        waiting = [pool.submit(_made, first, last) for first, last in pairwise(edges)]
        for chunk in waiting:
            yield from cast(list[T], chunk.result())
    finally:
        pool.shutdown(cancel_futures=True)


_KEPT: list[Callable[[int], object]] = []
"""In a process of the pool: what makes its draws, sent once."""


def _keep(make: Callable[[int], object]) -> None:
    _KEPT[:] = [make]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool whose parent was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _made(first: int, last: int) -> list[object]:
    return [_KEPT[0](number) for number in range(first, last)]
