"""What a controller decides: actions as data, the complete status, when to look again, and because of what.

Owns: Decision, the Action types and Reason. Must not know: clocks, clusters, how an action is applied.
Type-only: deciding modules import it without any I/O.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec

from canarium.kube.objects import Obj, format_time
from canarium.kube.resources import Resource


class Reason(msgspec.Struct, frozen=True):
    """Why: a typed reason whose fields are its evidence. Subclasses define `__str__`: the sentence users read.

    Structs rather than dataclasses: there are many, and a dataclass takes a third of a millisecond to define.
    """

    @property
    def kind(self) -> str:
        """The reason's name, as the event log and the page use it."""
        return type(self).__name__

    def evidence(self) -> dict[str, Any]:
        """The fields as JSON-compatible values."""
        return {name: _plain(getattr(self, name)) for name in self.__struct_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


class Create(msgspec.Struct, frozen=True, kw_only=True):
    """Create `obj`, whose name was derived from its owner. If it exists already under the same controller, that is
    success: an earlier attempt took effect. If somebody else's object has the name, the shell raises Conflict."""

    resource: Resource
    obj: Obj


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """Merge-patch (RFC 7396 unless `type` says otherwise) what we own on one object.

    resource_version: of the observation it was computed from; a stale one conflicts and we look again. None only where
    any version will do.
    """

    resource: Resource
    namespace: str
    name: str
    patch: Any
    resource_version: str | None
    subresource: Literal["", "status", "scale"] = ""
    type: Literal["merge", "json", "strategic"] = "merge"


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    """Delete one object, only if it is still the one we saw (`uid`). Already gone is success."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background"
    grace_period_seconds: int | None = None


Action: TypeAlias = Create | Patch | Delete


class EventNote(msgspec.Struct, frozen=True, kw_only=True):
    """An Event to record about the object being reconciled."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a controller wants done after one look. Frozen; `because` is never empty.

    actions: applied in this order, each conflict ends the pass and we look again.
    status: the complete status as it will be once the actions took effect; None leaves it alone.
    requeue: look again after this long even if nothing changes; None waits for a watch event.
    """

    because: tuple[Reason, ...]
    actions: tuple[Action, ...] = ()
    status: dict[str, Any] | None = None
    requeue: timedelta | None = None
    events: tuple[EventNote, ...] = ()

    def __post_init__(self) -> None:
        assert self.because, "a Decision must say why"
