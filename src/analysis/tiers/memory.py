"""What the rules remember of the months before."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


def lengthened(values: NDArray[T], n: int, fill: float) -> NDArray[T]:
    """The values of the customers so far, and a fill for the new ones at the end; shape (n,)."""
    longer = np.full(n, fill, dtype=values.dtype)
    longer[: len(values)] = values
    return longer


class Recent(Generic[T]):
    """The last few months of one quantity; each month an array over its customers.

    Args:
        months: How many months are kept.
        fill: Stands for a customer that did not exist yet, and for months before the first.
    """

    def __init__(self, months: int, fill: float) -> None:
        self._months: deque[NDArray[T]] = deque(maxlen=months)
        self._fill = fill

    def add(self, values: NDArray[T]) -> None:
        """The values of the next month; the oldest month is forgotten."""
        self._months.append(values)

    def months(self, newest: int, oldest: int) -> list[NDArray[T]]:
        """The months from `newest` to `oldest` months ago (0 = the last one added), that exist."""
        listed = list(self._months)[::-1]
        return listed[newest : oldest + 1]

    def stacked(self, newest: int, oldest: int, n: int) -> NDArray[T]:
        """The same, shape (oldest − newest + 1, n), with the fill where nothing is known."""
        kept = [lengthened(values, n, self._fill) for values in self.months(newest, oldest)]
        lacking = oldest - newest + 1 - len(kept)
        kind = kept[0].dtype if kept else np.dtype(np.float64)
        return np.array([*kept, *[np.full(n, self._fill, dtype=kind)] * lacking])
