"""The best k of a list, in the order and with the ties that Go's container/heap gives.

Owns: which of several equal values `topk` keeps, and how its answer is ordered; both show in `result[0]`.
Must not know: labels, steps. Source: Prometheus 3.x `aggregationK` and Go's container/heap and sort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

Less: TypeAlias = Callable[[float, float], bool]

_INSERTION_SORT: int = 12  # up to this size Go sorts by insertion


def _ascending(one: float, other: float) -> bool:
    return one != one or one < other


def _descending(one: float, other: float) -> bool:
    return one != one or one > other


def best(values: Sequence[float], k: int, *, largest: bool) -> list[int]:
    """Positions of the k largest (or smallest) values, best first; NaN only if nothing else is left."""
    less = _ascending if largest else _descending
    heap: list[int] = []
    for position, value in enumerate(values):
        if len(heap) < k:
            _push(heap, position, values, less)
            continue
        worst = values[heap[0]]
        if (worst < value if largest else worst > value) or (worst != worst and value == value):
            heap[0] = position
            _sift_down(heap, values, less)
    return _sorted(heap, values, less)


def pushed(values: Sequence[float]) -> list[int]:
    """Positions in the order a heap holds them after pushing all: how `limitk` answers."""
    heap: list[int] = []
    for position in range(len(values)):
        _push(heap, position, values, _ascending)
    return heap


def _push(heap: list[int], position: int, values: Sequence[float], less: Less) -> None:
    heap.append(position)
    child = len(heap) - 1
    while child > 0:
        parent = (child - 1) // 2
        if not less(values[heap[child]], values[heap[parent]]):
            return
        heap[child], heap[parent] = heap[parent], heap[child]
        child = parent


def _sift_down(heap: list[int], values: Sequence[float], less: Less) -> None:
    parent = 0
    while (child := 2 * parent + 1) < len(heap):
        if child + 1 < len(heap) and less(values[heap[child + 1]], values[heap[child]]):
            child += 1
        if not less(values[heap[child]], values[heap[parent]]):
            return
        heap[child], heap[parent] = heap[parent], heap[child]
        parent = child


def _sorted(heap: list[int], values: Sequence[float], less: Less) -> list[int]:
    if len(heap) > _INSERTION_SORT:
        # Beyond that Go's order of equal values is that of its pattern-defeating quicksort; ours is by position.
        numbers = [position for position in sorted(heap) if values[position] == values[position]]
        sign = -1.0 if less is _ascending else 1.0
        numbers.sort(key=lambda position: sign * values[position])
        return numbers + [position for position in sorted(heap) if values[position] != values[position]]
    order = list(heap)
    for end in range(1, len(order)):
        at = end
        while at > 0 and less(values[order[at - 1]], values[order[at]]):
            order[at], order[at - 1] = order[at - 1], order[at]
            at -= 1
    return order
