"""Git against cluster: the sync status of each resource and of the Application, and its health.

Owns: pairing targets with live objects, what counts as out of sync, aggregation. Pure.
Must not know: revisions, sync operations. Behaviour follows Argo CD 3.6 `CompareAppState` and `setApplicationHealth`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from canarium.gitops.application import diff
from canarium.gitops.application.diff import Differs
from canarium.gitops.application.health import Health, health_of, is_worse
from canarium.gitops.application.resource_key import (
    COMPARE_OPTIONS,
    IGNORE_HEALTH,
    ResourceKey,
    hooks_of,
    instance_name,
    needs_confirmation,
    option,
    resource_key,
    tracked_by,
    version_of,
    wave_of,
)
from canarium.kube.objects import Obj, annotations_of

CAUSES_SHOWN = 3


class Pair(msgspec.Struct, frozen=True):
    """One resource: what git says (None: it should not be there) and what is there (None: it is missing)."""

    key: ResourceKey
    target: Obj | None
    live: Obj | None
    is_own: bool
    is_modified: bool

    @property
    def needs_prune(self) -> bool:
        """There, ours, and no longer in git."""
        return self.target is None and self.live is not None and self.is_own

    @property
    def is_out_of_sync(self) -> bool:
        """Missing, different, or to be pruned."""
        return self.is_own and (self.is_modified or self.target is None or self.live is None)


class Comparison(msgspec.Struct, frozen=True):
    """The answer. resources: as `status.resources`, sorted as upstream does."""

    pairs: tuple[Pair, ...]
    sync: str
    health: Health
    resources: tuple[dict[str, Any], ...]
    images: tuple[str, ...]
    shared: tuple[str, ...]

    @property
    def out_of_sync(self) -> tuple[str, ...]:
        """`Kind/name` of what differs."""
        return tuple(f"{pair.key.kind}/{pair.key.name}" for pair in self.pairs if pair.is_out_of_sync)


def ignored_pointers(app: Mapping[str, Any], key: ResourceKey) -> tuple[str, ...]:
    """The JSON pointers of `spec.ignoreDifferences` that apply to a resource."""
    found: list[str] = []
    for rule in (app.get("spec") or {}).get("ignoreDifferences") or ():
        if (
            rule.get("group", "") in ("*", key.group)
            and rule.get("kind") in ("*", key.kind)
            and rule.get("name", key.name) == key.name
            and rule.get("namespace", key.namespace) == key.namespace
        ):
            found += rule.get("jsonPointers") or ()
    return tuple(found)


def pair_up(
    app: Mapping[str, Any],
    targets: Iterable[Obj],
    live: Mapping[ResourceKey, Obj],
    is_modified: Differs = diff.is_modified,
) -> tuple[Pair, ...]:
    """Targets in git's order, then what is there without a target, by key."""
    name = instance_name(app)
    pairs: dict[ResourceKey, Pair] = {}
    for target in targets:
        key = resource_key(target)
        found = live.get(key)
        differs = found is not None and is_modified(target, found, ignored_pointers(app, key))
        pairs[key] = Pair(key, target, found, is_own=True, is_modified=differs)
    for key in sorted(set(live) - set(pairs)):
        own = tracked_by(live[key]) == name
        pairs[key] = Pair(key, None, live[key], is_own=own, is_modified=False)
    return tuple(pairs.values())


def compare(
    app: Mapping[str, Any],
    targets: Sequence[Obj] | None,
    live: Mapping[ResourceKey, Obj],
    is_modified: Differs = diff.is_modified,
) -> Comparison:
    """Compare. targets: None when they could not be had, which makes everything Unknown."""
    pairs = tuple(pair for pair in pair_up(app, targets or (), live, is_modified) if pair.is_own)
    options = ((app.get("spec") or {}).get("syncPolicy") or {}).get("syncOptions") or ()
    resources = []
    sync = "Synced"
    for pair in pairs:
        entry = _resource(pair, options)
        if targets is None:
            entry["status"] = "Unknown"
        elif not _is_hook(pair):
            entry["status"] = "OutOfSync" if pair.is_out_of_sync else "Synced"
            extraneous = pair.needs_prune and option(pair.live, COMPARE_OPTIONS, "IgnoreExtraneous") is not None
            if pair.is_out_of_sync and not extraneous:
                sync = "OutOfSync"
        resources.append(entry)
    if has_changed_namespace(app):
        sync = "OutOfSync"
    health = _aggregate(pairs, resources)
    resources.sort(key=lambda entry: (entry.get("group", ""), entry["kind"], entry.get("namespace", ""), entry["name"]))
    return Comparison(
        pairs=pairs,
        sync="Unknown" if targets is None else sync,
        health=health,
        resources=tuple(resources),
        images=_images(pairs),
        shared=_shared(app, pairs),
    )


def _is_hook(pair: Pair) -> bool:
    obj = pair.live or pair.target
    return obj is not None and bool(hooks_of(obj))


def has_changed_namespace(app: Mapping[str, Any]) -> bool:
    """The metadata managed for the namespace is no longer what was synced last (HasChangedManagedNamespaceMetadata)."""
    wanted = ((app.get("spec") or {}).get("syncPolicy") or {}).get("managedNamespaceMetadata")
    synced = ((app.get("status") or {}).get("operationState") or {}).get("syncResult")
    return wanted is not None and synced is not None and synced.get("managedNamespaceMetadata") != wanted


def _resource(pair: Pair, options: Collection[str]) -> dict[str, Any]:
    obj = pair.live or pair.target or {}
    entry: dict[str, Any] = {"kind": pair.key.kind, "name": pair.key.name, "version": version_of(obj)}
    if pair.key.group:
        entry["group"] = pair.key.group
    if pair.key.namespace:
        entry["namespace"] = pair.key.namespace
    if pair.needs_prune:
        entry["requiresPruning"] = True
    if any(needs_confirmation(one, options, "Delete", "Prune") for one in (pair.target, pair.live)):
        entry["requiresDeletionConfirmation"] = True
    if pair.target is not None and (wave := wave_of(pair.target)):
        entry["syncWave"] = wave
    return entry


def _aggregate(pairs: Sequence[Pair], resources: Sequence[dict[str, Any]]) -> Health:
    """The worst health; each resource's own goes into its entry. Missing resources show as OutOfSync, not here."""
    worst, causes = "Healthy", []
    seen, seen_live = False, False
    for pair, entry in zip(pairs, resources, strict=True):
        if pair.live is not None and hooks_of(pair.live):
            continue
        seen = True
        if pair.live is None:
            entry["health"] = {"status": "Missing"}
            continue
        seen_live = True
        if annotations_of(pair.live).get(IGNORE_HEALTH) == "true":
            continue
        health = health_of(pair.live)
        if health is None:
            continue
        entry["health"] = {key: value for key, value in health._asdict().items() if value}
        if is_worse(worst, health.status):
            worst, causes = health.status, [pair.key]
        elif worst == health.status and worst != "Healthy":
            causes.append(pair.key)
    if seen and not seen_live and is_worse(worst, "Missing"):
        return Health("Missing")
    return Health(worst, _caused_by(causes))


def _caused_by(causes: Sequence[ResourceKey]) -> str:
    if not causes:
        return ""
    shown = ", ".join(
        f"{f'{key.group}/' if key.group else ''}{key.kind}:{f'{key.namespace}/' if key.namespace else ''}{key.name}"
        for key in causes[:CAUSES_SHOWN]
    )
    more = len(causes) - CAUSES_SHOWN
    return f"Caused by {shown}" + (f" and {more} more" if more > 0 else "")


def _images(pairs: Sequence[Pair]) -> tuple[str, ...]:
    return tuple(sorted({image for pair in pairs for image in images_of(pair.live or pair.target or {})}))


def images_of(obj: Mapping[str, Any]) -> list[str]:
    """The container images of a workload, sorted; empty for other kinds."""
    spec = obj.get("spec") or {}
    if obj.get("kind") != "Pod":
        template = spec.get("template") if isinstance(spec, dict) else None
        spec = (template.get("spec") if isinstance(template, dict) else None) or {}
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return sorted({str(one["image"]) for one in containers if isinstance(one, dict) and one.get("image")})


def _shared(app: Mapping[str, Any], pairs: Sequence[Pair]) -> tuple[str, ...]:
    metadata = app["metadata"]
    found = []
    for pair in pairs:
        other = tracked_by(pair.live) if pair.live is not None else None
        if other is not None and other != instance_name(app):
            me = f"{metadata.get('namespace', '')}/{metadata['name']}"
            found.append(f"{pair.key.kind}/{pair.key.name} is part of applications {me} and {other}")
    return tuple(found)
