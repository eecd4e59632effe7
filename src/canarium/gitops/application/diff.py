"""Does a live object differ from what git says, and what patch would `kubectl apply` send?

Owns: three-way comparison and its normalisation, the last-applied annotation. Pure.
Must not know: sync policy. Behaviour follows Argo CD 3.6 `gitops-engine/pkg/diff` (client-side) and `kubectl apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec.json

from canarium.gitops.application.known_types import normalized
from canarium.gitops.application.resource_key import group_of
from canarium.kube.objects import Obj, annotations_of
from canarium.kube.patch import merge, strategic

Differs = Callable[[Obj, Obj, Sequence[str]], bool]
"""`is_modified`, or the same with a memory."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
BUILT_IN_GROUPS = frozenset(
    (
        "",
        "admissionregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    )
)
"""Groups whose kinds have merge keys: a strategic merge patch. All others are patched as plain JSON."""


def is_built_in(obj: Mapping[str, Any]) -> bool:
    """Whether strategic merge patches are known for this kind."""
    return group_of(obj) in BUILT_IN_GROUPS


def is_modified(target: Obj, live: Obj, ignore: Sequence[str] = ()) -> bool:
    """Whether applying `target` would change `live`. ignore: JSON pointers that do not count.

    What the server defaulted, and what others added, is no difference; what was applied once and is gone from
    `target` is. Status never counts.
    """
    current, predicted = prediction(target, live, ignore)
    return current is not predicted and not merge.equal(predicted, current)


def prediction(target: Obj, live: Obj, ignore: Sequence[str] = ()) -> tuple[Obj, Obj]:
    """`live` as far as it is compared, and what applying `target` would make of that: the same object if nothing."""
    last = last_applied(live)
    config, current = _comparable(target, ignore), _comparable(live, ignore)
    original = _comparable(last, ignore) if last is not None else config
    original, config = _without_namespace(original), _without_namespace(config)
    kind = (group_of(target), str(target.get("kind")))
    if is_built_in(target):
        patch = strategic.three_way(original, config, current, kind)
        return current, strategic.apply(current, patch, kind) if patch else current
    patch = merge.three_way(original, config, shared_fields(original, current))
    return current, merge.apply(current, patch) if patch else current


def apply_patch(target: Obj, live: Obj) -> tuple[dict[str, Any], Literal["merge", "strategic"]]:
    """The patch `kubectl apply` sends, and its type; an empty patch when nothing is to be done."""
    wanted = with_last_applied(target)
    original = last_applied(live)
    if is_built_in(target):
        return strategic.three_way(original, wanted, live, (group_of(target), str(target.get("kind")))), "strategic"
    return merge.three_way(original, wanted, live), "merge"


def overlay_patch(target: Obj, live: Obj) -> tuple[dict[str, Any], Literal["merge"]]:
    """The patch that gives `live` the labels and annotations of `target`, and takes none away; empty if it has them."""
    patch: dict[str, Any] = {}
    for part in ("labels", "annotations"):
        there = live["metadata"].get(part) or {}
        wanted = target["metadata"].get(part) or {}
        if missing := {name: text for name, text in wanted.items() if there.get(name) != text}:
            patch.setdefault("metadata", {})[part] = missing
    return patch, "merge"


def with_ignored_fields(target: Obj, live: Obj, ignore: Sequence[str]) -> Obj:
    """`target` with the values that `live` has at the JSON pointers `ignore`, so that applying it changes none there.

    Source: normalizeTargetResources (RespectIgnoreDifferences).
    """
    there = {key: value for key, value in live.items() if key != "status"}
    rest, wanted = without(there, ignore), without(target, ignore)
    if is_built_in(target):
        kind = (group_of(target), str(target.get("kind")))
        return strategic.apply(wanted, strategic.three_way(rest, there, rest, kind), kind)
    found: Obj = merge.apply(wanted, merge.diff(rest, there))
    return found


def with_last_applied(target: Obj) -> Obj:
    """A copy that remembers what was applied, as `kubectl apply` writes it: sorted keys and a newline."""
    metadata = target.get("metadata") or {}
    annotations = {key: text for key, text in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    plain = {**target, "metadata": {**metadata, "annotations": annotations}}
    text = msgspec.json.encode(plain, order="sorted").decode() + "\n"
    return {**plain, "metadata": {**plain["metadata"], "annotations": {**annotations, LAST_APPLIED: text}}}


def last_applied(live: Mapping[str, Any]) -> Obj | None:
    """What was applied last; None when it was never, or the annotation is not JSON."""
    text = annotations_of(live).get(LAST_APPLIED)
    if not text:
        return None
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None  # as upstream: compare two ways
    return found if isinstance(found, dict) else None


def shared_fields(config: Any, live: Any) -> Any:
    """`live` without the fields that `config` does not have, at every depth; lists by position.

    So a field that a CRD's defaults added inside a list does not make the whole list differ.
    """
    if isinstance(config, dict) and isinstance(live, dict):
        return {key: shared_fields(value, live[key]) for key, value in config.items() if key in live}
    if isinstance(config, list) and isinstance(live, list):
        return [shared_fields(config[n], item) if n < len(config) else item for n, item in enumerate(live)]
    return live


def _comparable(obj: Obj, ignore: Sequence[str]) -> Obj:
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "creationTimestamp"}
    made = {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}
    if made.get("kind") == "Secret" and "stringData" in made:
        made = _secret(made)
    return without(normalized(made), ignore)


def without(obj: Obj, pointers: Sequence[str]) -> Obj:
    """`obj` without what is at the JSON pointers; one that leads nowhere changes nothing."""
    for pointer in pointers:
        obj = _without(obj, [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]])
    return obj


def _secret(secret: Obj) -> Obj:
    from base64 import b64encode

    written = {key: b64encode(str(value).encode()).decode() for key, value in secret["stringData"].items()}
    rest = {key: value for key, value in secret.items() if key != "stringData"}
    return {**rest, "data": {**(secret.get("data") or {}), **written}}


def _without(value: Any, path: Sequence[str]) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {key: part for key, part in value.items() if key != head}
        return {**value, head: _without(value[head], rest)}
    if isinstance(value, list) and head.isdigit() and int(head) < len(value):
        at = int(head)
        return [*value[:at], *([_without(value[at], rest)] if rest else []), *value[at + 1 :]]
    return value


def _without_namespace(obj: Obj) -> Obj:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
    if not metadata.get("annotations"):
        metadata.pop("annotations", None)
    return {**obj, "metadata": metadata}
