"""What a person wants a running pod to do wrong, as it is written on the pod or on its ReplicaSet.

Owns: the annotation `canarium.dev/chaos`, its JSON, whose counts, and what a process is told. Must not know: how an
image obeys, runtimes, command lines.
The annotation is on the object itself and never in a pod template, so that no hash changes and nothing is rolled out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj, annotations_of, controller_of, is_controlled_by
from canarium.nodes.behaviour import Behaviour
from canarium.text.quantity import canonical_quantity

ANNOTATION = "canarium.dev/chaos"
MAX_SECONDS = 3600.0
"""The longest latency; a mistyped unit should not look like a hang."""


class InvalidChaos(CanariumError):
    """A behaviour that cannot be; `field` is its field, such as `error_ratio`."""


class InForce(NamedTuple):
    """What a pod is to do. source: `pod` or `replicaset`, empty when nobody wants anything. notes: annotations that
    were ignored, and why."""

    behaviour: Behaviour
    source: str = ""
    notes: tuple[str, ...] = ()


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The annotation's JSON: what people may ask for. The rest of a Behaviour is for scenarios."""

    error_ratio: float = 0.0
    latency_seconds: tuple[float, float] = (0.0, 0.0)
    crash_after_seconds: float | None = None
    crash_exit_code: int = 1
    never_ready: bool = False
    leak_bytes_per_second: int = 0


def in_force(pod: Obj, replica_set: Obj | None) -> InForce:
    """The pod's own annotation, else that of its ReplicaSet. One that cannot be read is ignored, with a note."""
    notes: list[str] = []
    for source, obj in (("pod", pod), ("replicaset", replica_set)):
        text = annotations_of(obj).get(ANNOTATION) if obj is not None else None
        if obj is None or text is None:
            continue
        try:
            return InForce(read(text), source, tuple(notes))
        except InvalidChaos as error:
            told = ": ".join(part for part in (error.field, error.problem) if part)
            notes.append(f"annotation {ANNOTATION} of {source}/{obj['metadata']['name']} is ignored: {told}")
    return InForce(Behaviour(), notes=tuple(notes))


def behaviour_for(pod: Obj, replica_set: Obj | None) -> Behaviour:
    """How this pod behaves now. See `in_force`."""
    return in_force(pod, replica_set).behaviour


def replica_set_of(pod: Obj, find: Callable[[str, str], Obj | None]) -> Obj | None:
    """The ReplicaSet that controls the pod. find: by namespace and name, such as a lister's `get`."""
    owner = controller_of(pod)
    if owner is None or owner["kind"] != "ReplicaSet":
        return None
    found = find(pod["metadata"].get("namespace", ""), owner["name"])
    return found if found is not None and is_controlled_by(pod, found) else None


def read(text: str) -> Behaviour:
    """The annotation's value. Raises InvalidChaos."""
    try:
        written = msgspec.json.decode(text, type=_Written)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise InvalidChaos(problem, field=path.strip(".`"), next_step=_FORM) from error
    except msgspec.DecodeError as error:
        raise InvalidChaos(f"it is not JSON ({error})", next_step=_FORM) from error
    return checked(Behaviour(**msgspec.structs.asdict(written)))


def written(behaviour: Behaviour) -> str:
    """The annotation's value: JSON of what differs from a program as it is, `{}` for nothing."""
    said = msgspec.structs.asdict(_written(behaviour))
    return msgspec.json.encode({field: value for field, value in said.items() if value != _AS_IT_IS[field]}).decode()


def to_control(behaviour: Behaviour, container: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a process is told on its standard input; it replaces what it was told before.

    container: as the pod specifies it; the path of its readiness probe is what `never_ready` is about.
    """
    said = msgspec.structs.asdict(_written(behaviour))
    path = readiness_path(container or {})
    return {
        **said,
        "latency_seconds": list(behaviour.latency_seconds),
        **({"ready_path": path} if path else {}),
    }


def readiness_path(container: Mapping[str, Any]) -> str:
    """The path that the container's readiness probe asks, empty when it asks none over HTTP."""
    probe = (container.get("readinessProbe") or {}).get("httpGet")
    return str(probe.get("path") or "/").partition("?")[0] if probe is not None else ""


def checked(behaviour: Behaviour) -> Behaviour:
    """The behaviour, when it can be. Raises InvalidChaos, naming the field."""
    ratio, (least, most) = behaviour.error_ratio, behaviour.latency_seconds
    if not 0 <= ratio <= 1:
        raise InvalidChaos(
            f"{ratio:g} is no share of the requests", field="error_ratio", next_step="Use 0 to 1; 0.5 is every second."
        )
    if not 0 <= least <= most <= MAX_SECONDS:
        problem = "the least is more than the most" if most < least <= MAX_SECONDS else "it is not within 0 s and 1 h"
        raise InvalidChaos(
            problem, field="latency_seconds", next_step="Use one time such as 200ms, or least and most: 200ms-500ms."
        )
    after, code = behaviour.crash_after_seconds, behaviour.crash_exit_code
    if after is not None and not 0 <= after < float("inf"):
        raise InvalidChaos("it is in the past", field="crash_after_seconds", next_step="Use a time such as 10s.")
    if not 0 <= code <= 255:
        raise InvalidChaos(
            f"{code} is no exit code", field="crash_exit_code", next_step="Use 0 to 255; 1 is the usual failure."
        )
    if behaviour.leak_bytes_per_second < 0:
        raise InvalidChaos(
            "memory cannot be given back", field="leak_bytes_per_second", next_step="Use bytes a second, such as 10Mi."
        )
    return behaviour


def words(behaviour: Behaviour) -> str:
    """For people: `error ratio 0.5, latency 200ms-500ms`; `as it is` for nothing."""
    least, most = behaviour.latency_seconds
    told = []
    if behaviour.error_ratio:
        told.append(f"error ratio {behaviour.error_ratio:g}")
    if most:
        told.append(f"latency {_seconds(most)}" if least == most else f"latency {_seconds(least)}-{_seconds(most)}")
    if behaviour.crash_after_seconds is not None:
        code = behaviour.crash_exit_code
        told.append(f"crash after {_seconds(behaviour.crash_after_seconds)} (exit code {code})")
    if behaviour.never_ready:
        told.append("never ready")
    if leak := behaviour.leak_bytes_per_second:
        shown = canonical_quantity(f"{leak >> 10}Ki" if leak % 1024 == 0 else str(leak))
        told.append(f"leak {shown} a second")
    return ", ".join(told) or "as it is"


def _written(behaviour: Behaviour) -> _Written:
    return _Written(**{field: getattr(behaviour, field) for field in _Written.__struct_fields__})


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:g}ms" if 0 < seconds < 1 else f"{seconds:g}s"


_AS_IT_IS: Mapping[str, Any] = msgspec.structs.asdict(_Written())
_FORM = 'Write JSON such as {"error_ratio": 0.5, "latency_seconds": [0.1, 0.2]}, or use `canarium chaos`.'
