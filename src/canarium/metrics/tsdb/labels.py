"""The identity of a series: its labels.

Owns: the immutable, interned label set and the operations on it that PromQL and scraping need.
Must not know: samples, storage, queries. Names follow Prometheus 3.x `model/labels`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

METRIC_NAME: Final = "__name__"
BUCKET_LABEL: Final = "le"
# Labels that describe the metric rather than the series: functions that change the meaning of a value drop them
# (upstream `schema.IsMetadataLabel`; type and unit are only there with the type-and-unit-labels feature).
METADATA_LABELS: Final = frozenset({METRIC_NAME, "__type__", "__unit__"})

Pairs: TypeAlias = tuple[tuple[str, str], ...]

_LEGACY_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_interned: WeakValueDictionary[Pairs, Labels] = WeakValueDictionary()


class Labels:
    """A label set: pairs sorted by name, without empty values (an empty value is an absent label).

    Interned: two equal label sets are the same object, so comparing and hashing cost nothing. Never iterate over a
    *set* of them: the order would depend on addresses.
    """

    __slots__ = ("__weakref__", "_map", "_nameless", "pairs")

    pairs: Pairs
    _map: dict[str, str]
    _nameless: Labels | None

    def __new__(cls, labels: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Labels:
        """From a mapping or pairs in any order; a name given twice keeps its last value."""
        return cls._of({name: value for name, value in dict(labels).items() if value})

    @classmethod
    def _of(cls, mapping: dict[str, str]) -> Labels:
        pairs = tuple(sorted(mapping.items()))
        found = _interned.get(pairs)
        if found is not None:
            return found
        made = object.__new__(cls)
        made.pairs = pairs
        made._map = mapping
        made._nameless = None
        _interned[pairs] = made
        return made

    def get(self, name: str) -> str:
        """The value of a label; "" when it has none, as upstream."""
        return self._map.get(name, "")

    def as_dict(self) -> dict[str, str]:
        """A fresh dict in order of names."""
        return dict(self.pairs)

    def without_metadata(self) -> Labels:
        """Without the metric's name (and type and unit); remembered, as every query asks for it again."""
        nameless = self._nameless
        if nameless is None:
            nameless = self.without(METADATA_LABELS)
            self._nameless = nameless
        return nameless

    def without(self, names: Collection[str]) -> Labels:
        """Without the named labels."""
        mapping = self._map
        if not any(name in mapping for name in names):
            return self
        return Labels._of({name: value for name, value in mapping.items() if name not in names})

    def only(self, names: Collection[str]) -> Labels:
        """Only the named labels."""
        mapping = self._map
        return Labels._of({name: mapping[name] for name in names if name in mapping})

    def with_label(self, name: str, value: str) -> Labels:
        """With one label set; an empty value removes it."""
        mapping = dict(self._map)
        if value:
            mapping[name] = value
        else:
            mapping.pop(name, None)
        return Labels._of(mapping)

    def __len__(self) -> int:
        return len(self.pairs)

    def __reduce__(self) -> tuple[type[Labels], tuple[Pairs]]:
        return Labels, (self.pairs,)  # copying and unpickling intern again

    def __lt__(self, other: Labels) -> bool:
        return self.pairs < other.pairs

    def __str__(self) -> str:
        """`{__name__="up", job="x"}`, as upstream prints label sets in its error texts."""
        return "{" + ", ".join(f"{_name(name)}={quote(value)}" for name, value in self.pairs) + "}"

    def __repr__(self) -> str:
        return f"Labels({self})"


def _name(name: str) -> str:
    return name if _LEGACY_NAME.match(name) else quote(name)


def quote(text: str) -> str:
    """In double quotes, escaped as Go's strconv.Quote does for printable text."""
    return json.dumps(text, ensure_ascii=False)


EMPTY: Final = Labels()
