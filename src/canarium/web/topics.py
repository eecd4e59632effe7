"""What can be subscribed to: the ports between views and the hub that streams them.

Owns: `Rows` (a keyed list) and `Value` (one thing). Must not know: HTTP, how changes travel.
A view reads listers only, decides nothing, and answers quickly: it is called on the event loop after changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.web.model import Model


class Rows(Protocol):
    """A topic that is a list of rows by key (`namespace/name`)."""

    @property
    def resources(self) -> Sequence[Resource]:
        """Whose changes may change a row."""
        ...

    def concerned(self, resource: Resource, obj: Obj) -> Iterable[str]:
        """Keys of the rows that a changed (or deleted) object may change."""
        ...

    def keys(self) -> Sequence[str]:
        """Keys of all rows there are."""
        ...

    def row(self, key: str) -> Model | None:
        """A row as it is now; None when it is gone."""
        ...


class Value(Protocol):
    """A topic that is one thing."""

    @property
    def resources(self) -> Sequence[Resource]:
        """Whose changes may change it."""
        ...

    def is_concerned(self, resource: Resource, obj: Obj) -> bool:
        """Whether a changed (or deleted) object may change it."""
        ...

    def value(self) -> Model | None:
        """It as it is now; None when it does not exist (any more)."""
        ...
