"""What happened in a world, by its event log, told so that two worlds can be compared: without times and chance.

Owns: what counts as having happened, and what of it is chance. Pure. Must not know: clocks, clusters, who compares.

A chronicle has a story for each track of each object: the Events about it, and what its status came to. Within a track
order counts; between tracks it does not, as those who write them do not wait for one another. What is the same twice in
a row is told once. Names that chance ended (`echo-server-6fdd67656d-x2v9k`) are told without that end, and what is told
of all objects of such a name is the set of their stories, without those that were cut short.
A matter of speed, and left out: how many pods were ready on the way to all of them; whether an image had to be pulled;
how often a probe failed before a program had opened its port; what an Application's health was before it was Healthy
for the first time; that an operation or an analysis was seen running.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.objects import Obj, controller_of
from canarium.kube.patch import merge
from canarium.kube.resources import EVENTS, REPLICA_SETS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS

Chronicle = Mapping[str, tuple[str, ...]]
"""By track, such as `Rollout echo-staging/echo-server status`: what happened, in order."""

_KINDS = {
    resource.group_resource: resource.kind for resource in (EVENTS, APPLICATIONS, ROLLOUTS, ANALYSIS_RUNS, REPLICA_SETS)
}
KINDS = ("Application", "Rollout", "AnalysisRun", "ReplicaSet")
"""The kinds whose status is told."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"(?<![\w.-])(\d+h)?(\d+m(?!s))?\d+(\.\d+)?(ms|µs|us|s|m|h)(?![\w.])")
_ADDRESS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b")
_UID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_SHA = re.compile(r"\b[0-9a-f]{40}\b|(?<=\()[0-9a-f]{7}(?=\))")
_RANDOM_END = re.compile(r"(-[bcdf-hj-np-tv-xz2456789]{8,10})-[bcdfghjklmnpqrstvwxz2456789]{5}\b")
_NOT_TOLD: Mapping[str, frozenset[str]] = {
    "Pod": frozenset({"Pulling", "Pulled", "Unhealthy", "BackOff"}),
    "Application": frozenset({"ResourceUpdated"}),
}
"""Reasons of Events by what they are about: those that a faster machine has more or fewer of, and those that say what
the tracks of its status say."""
_ENDED = frozenset({"Succeeded", "Failed", "Error", "Successful", "Inconclusive"})
"""Phases of operations and analyses that stay; nobody need have seen another one before."""


def chronicle(written: Iterable[Obj]) -> Chronicle:
    """What happened, from the objects as each write left them (see `written`), in the order of the writes; those of
    other kinds than `KINDS` and Event do not matter."""
    words = _Words()
    tracks: dict[str, dict[str, list[str]]] = {}
    for obj in written:
        for track, own_name, text in _told(obj):
            story = tracks.setdefault(words.plain(track), {}).setdefault(own_name, [])
            text = words.plain(text)
            if text and (not story or story[-1] != text):
                story.append(text)
    for track, stories in tracks.items():
        if track.startswith("Application ") and track.endswith(" health"):
            stories.update({name: _from("Healthy", story) for name, story in stories.items()})
    return {track: told for track, stories in sorted(tracks.items()) if (told := _whole(stories.values()))}


def _whole(stories: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The stories of all objects that share a track; of those that are a part of another one, for they were cut short,
    only the other one."""
    different = sorted({tuple(story) for story in stories if story})
    whole = [one for one in different if not any(one != other and _is_within(one, other) for other in different)]
    return whole[0] if len(whole) == 1 else tuple(" | ".join(story) for story in whole)


def _from(first: str, story: list[str]) -> list[str]:
    """The story from its first such word on; all of it when it never comes to that."""
    return story[story.index(first) :] if first in story else story


def _is_within(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether all of one happened in the other too, in that order."""
    rest = iter(other)
    return all(text in rest for text in one)


def written(entries: Iterable[Mapping[str, Any]]) -> Iterator[Obj]:
    """Objects as each write of an event log left them, in order; only kinds that matter to a chronicle."""
    now: dict[tuple[str, str, str], Obj] = {}
    for entry in entries:
        kind = _KINDS.get(entry.get("resource", "")) if entry["what"] == "write" else None
        if kind is None:
            continue
        key = (kind, entry["namespace"], entry["name"])
        if "object" in entry:
            now[key] = {**entry["object"], "kind": kind}
        elif "change" in entry and key in now:
            now[key] = merge.apply(now[key], entry["change"])
        elif entry["verb"] == "delete":
            continue
        if key in now:
            yield now[key]


def differences(one: Chronicle, other: Chronicle) -> list[str]:
    """Where two chronicles differ, for a person to read; empty when they do not."""
    found: list[str] = []
    for track in sorted({*one, *other}):
        mine, yours = one.get(track, ()), other.get(track, ())
        if mine != yours:
            found.append("\n".join([track, *(f"  - {text}" for text in mine), *(f"  + {text}" for text in yours)]))
    return found


class _Words:
    """Texts without what is chance. Commits are numbered in the order they are first told of."""

    def __init__(self) -> None:
        self._commits: dict[str, int] = {}

    def plain(self, text: str) -> str:
        """The text with times, durations, addresses, identifiers and random ends of names taken out."""
        text = _SHA.sub(self._commit, _UID.sub("<uid>", text))
        text = _TIME.sub("<time>", text)
        text = _DURATION.sub("<duration>", text)
        text = _ADDRESS.sub("<address>", text)
        return _RANDOM_END.sub(r"\1-<random>", text)

    def _commit(self, found: re.Match[str]) -> str:
        sha = found[0][:7]
        return f"<commit {self._commits.setdefault(sha, len(self._commits) + 1)}>"


def _told(obj: Obj) -> Iterable[tuple[str, str, str]]:
    """(track, name that keeps objects apart which share a track, what happened)."""
    if obj["kind"] == "Event":
        return _event(obj)
    tell = _STATUS.get(obj["kind"])
    if tell is None:
        return ()
    metadata = obj["metadata"]
    subject = f"{obj['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
    return [(f"{subject} {track}", metadata["uid"], text) for track, text in tell(obj)]


def _event(event: Obj) -> Iterable[tuple[str, str, str]]:
    about = event["involvedObject"]
    if event.get("reason") in _NOT_TOLD.get(about["kind"], ()):
        return ()
    track = f"{about['kind']} {about.get('namespace', '')}/{about['name']} events"
    return [(track, about.get("uid", ""), f"{event.get('type')} {event.get('reason')}: {event.get('message')}")]


def _application(obj: Obj) -> Sequence[tuple[str, str]]:
    status = obj.get("status") or {}
    sync, operation = status.get("sync") or {}, status.get("operationState") or {}
    result = operation.get("syncResult") or {}
    told = []
    if sync.get("status"):
        told.append(("sync", f"{sync['status']} {sync.get('revision', '')}".rstrip()))
    if operation.get("phase") in _ENDED:
        told.append(("operation", f"{operation['phase']} {result.get('revision', '')}".rstrip()))
    health = (status.get("health") or {}).get("status", "")
    return [*told, ("health", health)]


def _rollout(obj: Obj) -> Sequence[tuple[str, str]]:
    status = obj.get("status") or {}
    if not status.get("phase") or not status.get("currentPodHash"):  # it may come before what it refers to
        return []
    steps = len((obj["spec"]["strategy"].get("canary") or {}).get("steps") or ())
    words = [f"{status['phase']}, stable {status.get('stableRS') or 'none'}, current {status.get('currentPodHash')}"]
    if "currentStepIndex" in status:
        words.append(f"step {status['currentStepIndex']} of {steps}")
    if status.get("abort"):
        words.append("aborted")
    if status["phase"] == "Degraded":
        words.append(str(status.get("message", "")))
    return [("status", ", ".join(words))]


def _analysis_run(obj: Obj) -> Sequence[tuple[str, str]]:
    status = obj.get("status") or {}
    if status.get("phase") not in _ENDED:
        return []
    results = [f"{result['name']} {result.get('phase')}" for result in status.get("metricResults") or ()]
    return [("status", "; ".join([status["phase"], *results, str(status.get("message", ""))]).rstrip("; "))]


def _replica_set(obj: Obj) -> Sequence[tuple[str, str]]:
    if controller_of(obj) is None:
        return []
    return [("size", f"{obj['spec'].get('replicas', 1)} wanted")]


_STATUS: Mapping[str, Callable[[Obj], Sequence[tuple[str, str]]]] = {
    "Application": _application,
    "Rollout": _rollout,
    "AnalysisRun": _analysis_run,
    "ReplicaSet": _replica_set,
}
