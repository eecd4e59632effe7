"""Names of pods that follow from their owner, so that creating one twice finds it.

Owns: the sequence of pod names of a ReplicaSet. Pure. Must not know: why a pod is created.

The n-th pod that a ReplicaSet creates is called `<name>-<suffix>`, the suffix being derived from the set's uid and n.
New pods take the numbers after the highest one seen. A view that lags hides only the newest pods, so from a stale view
the same names come out again, and creating them is a repetition rather than a surplus.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The letters and digits of Kubernetes' generated names (apimachinery util/rand)."""
MAX_BASE = 58
"""Longest part of a generated name before its suffix (apiserver names.maxGeneratedNameLength)."""
_LOOK_AHEAD = 512


class PodNames:
    """The suffixes of one owner, in order and without repetition."""

    def __init__(self, uid: str) -> None:
        self._uid = uid
        self._suffixes: list[str] = []
        self._numbers: dict[str, int] = {}
        self._digests = 0

    def suffix(self, number: int) -> str:
        """The suffix of the number-th pod, counted from 0."""
        while len(self._suffixes) <= number:
            suffix = derived_suffix(f"{self._uid}/{self._digests}")
            self._digests += 1
            if suffix not in self._numbers:
                self._numbers[suffix] = len(self._suffixes)
                self._suffixes.append(suffix)
        return self._suffixes[number]

    def number(self, name: str, at_least: int) -> int | None:
        """Which number a pod's name has; None for names that are not from here. Looks somewhat past `at_least`."""
        self.suffix(at_least + _LOOK_AHEAD)
        return self._numbers.get(name.rpartition("-")[2])

    def next_number(self, names: Iterable[str], at_least: int = 0) -> int:
        """The first number after all of `names`, and not below `at_least`."""
        first = at_least
        for name in names:
            number = self.number(name, at_least)
            if number is not None and number >= first:
                first = number + 1
        return first


def name_prefix(owner_name: str) -> str:
    """What the names of an owner's pods begin with, dash included, cut so that a suffix fits."""
    return f"{owner_name}-"[:MAX_BASE]


def derived_suffix(origin: str) -> str:
    """Five characters that look like a generated name's and follow from `origin`."""
    value = int.from_bytes(hashlib.sha256(origin.encode()).digest()[:8], "big")
    letters = []
    for _ in range(5):
        value, at = divmod(value, len(ALPHABET))
        letters.append(ALPHABET[at])
    return "".join(letters)
