"""Why an Application is as it is: three lines, the evidence, and what to do.

Owns: which of its troubles comes first, the sentences. Pure. Must not know: listers, git, how it is drawn.
It follows from the Application's own status, as its controller wrote it; reasons carry the names of
`gitops/application/reasons.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

from canarium.gitops.application import report
from canarium.gitops.application.requests import is_automated
from canarium.web.model import Evidence, TreeNode, Why
from canarium.web.views.application_tree import blamed

Json = Mapping[str, Any]
Tone = Literal["good", "waiting", "attention", "bad"]

LINES: Final = 3
NAMED: Final = 3
EVIDENCE: Final = 3
_PLACE = re.compile(r"(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?: ")
_BEFORE = re.compile(
    r"^Failed to load target state: (?:failed to generate manifest for source \d+ of \d+: )?"
    r"(?:rpc error: code = \w+ desc = )?"
)
_UNREADABLE = re.compile(
    r"repository |revision '|unable to resolve |failed to (?:list refs|fetch)|\S+ has no readable commit "
)
_NEXT_STEP = re.compile(r" \((?P<step>[A-Z][^()]*(?:\([^()]*\)[^()]*)*)\)$")
_TONES: Final[tuple[Tone, ...]] = ("good", "waiting", "attention", "bad")
_OF_HEALTH: Final[Mapping[str, Tone]] = {"Progressing": "waiting", "Suspended": "attention"}
_WOULD: Final = {"create": "missing", "change": "different", "prune": "not in git any more"}


def place_of(message: str) -> str:
    """Where a rendering failed, as `path:line`; empty when a message names no place."""
    found = _PLACE.match(_BEFORE.sub("", message))
    return f"{found['file']}:{found['line']}" if found else ""


def application_why(app: Json, nodes: Sequence[TreeNode]) -> Why:
    """Why. nodes: of its tree, with the health of each."""
    found = _Findings(app, nodes)
    for finding in (
        found.deletion,
        found.condition_errors,
        found.operation,
        found.differences,
        found.health,
    ):
        finding()
    return found.why()


class _Findings:
    """What was found, worst first by the order of asking."""

    def __init__(self, app: Json, nodes: Sequence[TreeNode]) -> None:
        self._app, self._nodes = app, nodes
        self._status: Json = app.get("status") or {}
        self._name = str(app["metadata"]["name"])
        self._here = f"/applications/{app['metadata'].get('namespace', '')}/{self._name}"
        self._tone: Tone = "good"
        self._lines: list[str] = []
        self._evidence: list[Evidence] = []
        self._next_step = ""
        self._commands: list[str] = []
        self._reasons: list[str] = []

    def why(self) -> Why:
        """All of it, cut to size."""
        return Why(
            tone=self._tone,
            lines=tuple(self._lines[:LINES]),
            evidence=tuple(sorted(self._evidence, key=lambda fact: fact.at, reverse=True)[:EVIDENCE]),
            next_step=self._next_step,
            commands=tuple(dict.fromkeys(self._commands)),
            reasons=tuple(self._reasons),
        )

    def _add(self, tone: Tone, line: str, *, reason: str = "", next_step: str = "", command: str = "") -> None:
        self._tone = max(self._tone, tone, key=_TONES.index)
        self._lines.append(line)
        if reason:
            self._reasons.append(reason)
        self._next_step = self._next_step or next_step
        if command:
            self._commands.append(command)

    # -- what may be found --------------------------------------------------------------------------------------------

    def deletion(self) -> None:
        """It is on its way out."""
        if not (since := self._app["metadata"].get("deletionTimestamp")):
            return
        left = [node for node in self._nodes if node.is_managed and (node.created or node.health != "Missing")]
        what = "nothing of it is left" if not left else f"{_count(len(left), 'resource')} of it may still be there"
        self._add(
            "waiting",
            f"It is being deleted: {what}.",
            reason="DeletingResources",
            next_step="Wait; resources with finalizers go when whoever set these has finished.",
        )
        self._evidence.append(Evidence(kind="object", text="metadata.deletionTimestamp", href="", at=str(since)))

    def condition_errors(self) -> None:
        """What git says could not be had, or may not be acted on."""
        for one in self._status.get("conditions") or ():
            kind, message = str(one.get("type") or ""), str(one.get("message") or "")
            if kind == "ComparisonError":
                self._comparison_error(message)
            elif kind == "InvalidSpecError":
                self._add("bad", f"Its spec may not be acted on: {message}", reason="InvalidSpec", next_step="Mend it.")
            elif kind == "SyncError":
                told, step = _told(message)
                self._add("bad", f"It does not sync itself: {told}", reason="AutoSyncSkipped", next_step=step)
            elif kind.endswith("Error"):
                self._add("bad", f"{kind}: {message}")
            else:
                continue
            at = str(one.get("lastTransitionTime") or "")
            self._evidence.append(Evidence(kind="condition", text=kind, href="", at=at))

    def _comparison_error(self, message: str) -> None:
        told, step = _told(_BEFORE.sub("", message))
        place = place_of(message)
        is_unreadable = _UNREADABLE.match(told) is not None
        self._add(
            "bad",
            f"What git says {'cannot be read' if is_unreadable else 'does not render'}: {told}",
            reason="GitUnreachable" if is_unreadable else "RenderFailed",
            next_step=step or (f"Mend {place} and push." if place else "Look at the repository, then refresh."),
            command=f"canarium app get {self._name} --refresh",
        )
        self._add(self._tone, "Until that is mended nothing is synced; what was applied before goes on running.")

    def operation(self) -> None:
        """The last sync, unless it went well."""
        state = self._status.get("operationState") or {}
        phase, message = str(state.get("phase") or ""), str(state.get("message") or "")
        if phase in ("Failed", "Error"):
            self._add(
                "bad",
                f"The last sync failed: {message or phase}",
                reason="SyncEnded",
                next_step="Mend what was refused, push, and sync again.",
                command=f"canarium app sync {self._name}",
            )
            at = str(state.get("finishedAt") or "")
            for one in (state.get("syncResult") or {}).get("resources") or ():
                if one.get("status") == "SyncFailed" or one.get("hookPhase") in ("Failed", "Error"):
                    text = f"{one['kind']}/{one['name']}: {one.get('message', '')}"
                    self._evidence.append(Evidence(kind="object", text=text, href=self._link(one), at=at))
        elif phase in ("Running", "Terminating") or self._app.get("operation"):
            retries = int(state.get("retryCount") or 0)
            again = f" (attempt {retries + 1})" if retries else ""
            self._add(
                "waiting",
                f"A sync is under way{again}: {message or 'it has just begun.'}",
                reason="SyncRetries" if retries else "Syncing",
                command=f"canarium app wait {self._name}",
            )

    def differences(self) -> None:
        """What is not as git says."""
        if (self._status.get("sync") or {}).get("status") != "OutOfSync":
            return
        found = report.out_of_sync(self._app)
        named = [f"{one.kind}/{one.name} is {_WOULD[would]}" for would, one in found]
        what = _some(named) or "the metadata of its namespace differs"
        is_syncing = any(reason in ("Syncing", "SyncRetries") for reason in self._reasons)
        self._add("waiting" if is_syncing else "attention", f"It is not as git says: {what}.", reason="OutOfSync")
        for would, one in found:
            text = f"{one.kind}/{one.name}: a sync would {would} it"
            link = self._link({"group": one.group, "kind": one.kind, "namespace": one.namespace, "name": one.name})
            self._evidence.append(Evidence(kind="object", text=text, href=link, at=""))
        if is_syncing:
            return
        self._next_step = self._next_step or self._how_to_sync([would for would, _ in found])
        is_pruning = bool(found) and all(would == "prune" for would, _ in found)
        self._commands.append(f"canarium app sync {self._name}{' --prune' if is_pruning else ''}")

    def _how_to_sync(self, would: Sequence[str]) -> str:
        automated = self._app["spec"].get("syncPolicy", {}).get("automated") or {}
        if not is_automated(self._app):
            return "Look at the differences, then sync: it does not sync itself."
        if would and set(would) == {"prune"} and not automated.get("prune"):
            return "Sync with prune: it does not prune by itself."
        if automated.get("selfHeal"):
            return "Wait a moment: it syncs itself, and puts back what was changed by hand."
        return "Sync: it syncs itself when git changes, but without selfHeal it leaves what was changed by hand."

    def health(self) -> None:
        """How well its resources are, or that all is well."""
        health = str((self._status.get("health") or {}).get("status") or "Unknown")
        sync = str((self._status.get("sync") or {}).get("status") or "Unknown")
        if health == "Healthy":
            if not self._lines:
                self._all_well(sync)
            return
        if not self._status:
            self._add("waiting", "The controller has not looked at it yet.", next_step="Wait a moment.")
            return
        top = [node for node in self._nodes if not node.parent and node.health == health]
        shown = top or [node for node in blamed(self._nodes) if node.health == health] or list(blamed(self._nodes))
        known = {fact.href for fact in self._evidence}
        if health == "Missing" and shown and all(self._link_of(node) in known for node in shown):
            return  # what is not as git says was told, and that these are missing with it
        because = f" because {_health_of(shown)}" if shown else ""
        self._add(_OF_HEALTH.get(health, "bad"), f"It is {health}{because}.", next_step=_open_first(shown))
        for node in shown:
            if self._link_of(node) not in known:
                text = f"{node.kind}/{node.name}: {node.health_message or node.health}"
                href = node.href or self._link_of(node)
                self._evidence.append(Evidence(kind="object", text=text, href=href, at=""))

    def _all_well(self, sync: str) -> None:
        revision = str((self._status.get("sync") or {}).get("revision") or "")
        if sync == "Synced":
            self._add("good", f"It is as git says at {revision[: report.SHORT_SHA]}, and healthy.", reason="Synced")
        else:
            self._add("attention", "It has not been compared with git.", next_step="Refresh it.")

    # -- links --------------------------------------------------------------------------------------------------------

    def _link(self, one: Json) -> str:
        key = "/".join(str(one.get(part) or "") for part in ("group", "kind", "namespace", "name"))
        return f"{self._here}?resource={quote(key, safe='')}"

    def _link_of(self, node: TreeNode) -> str:
        return self._link({"group": node.group, "kind": node.kind, "namespace": node.namespace, "name": node.name})


# -- words ------------------------------------------------------------------------------------------------------------


def _told(message: str) -> tuple[str, str]:
    """A message, and the next step that it ends in, in parentheses, if it does."""
    found = _NEXT_STEP.search(message)
    return (message[: found.start()], found["step"]) if found else (message, "")


def _health_of(nodes: Sequence[TreeNode]) -> str:
    """`Rollout/web is Degraded`; all of one health are told of together."""
    healths = {node.health for node in nodes}
    if len(healths) > 1:
        return _some([f"{node.kind}/{node.name} is {node.health}" for node in nodes])
    names = _some([f"{node.kind}/{node.name}" for node in nodes])
    return f"{names} {'is' if len(nodes) == 1 else 'are'} {healths.pop()}"


def _open_first(nodes: Sequence[TreeNode]) -> str:
    first = next((node for node in nodes if node.href), None)
    return f"Open {first.kind}/{first.name}: its page tells why." if first is not None else ""


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - NAMED
    return ", ".join(texts[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
