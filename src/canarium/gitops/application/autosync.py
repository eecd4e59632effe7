"""Should an Application be synced by itself now?

Owns: the rules of `syncPolicy.automated`: one attempt per revision and source, self-heal with back-off, prune, empty.
Pure. Must not know: how a sync runs. Behaviour follows Argo CD 3.6 `ApplicationController.autoSync`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canarium.gitops.application.compare import Comparison
from canarium.kube.objects import parse_time

SELF_HEAL_FIRST = timedelta(seconds=2)
SELF_HEAL_FACTOR = 3
SELF_HEAL_CAP = timedelta(seconds=300)
RETRY_LIMIT = 5
SUCCESS = "Succeeded"


class Verdict(msgspec.Struct, frozen=True):
    """operation: to begin with, or None and why not. error: for a SyncError condition. again: look again after this."""

    operation: dict[str, Any] | None = None
    why_not: str = ""
    error: str = ""
    again: timedelta | None = None
    is_self_heal: bool = False


def judge(app: Mapping[str, Any], comparison: Comparison, revision: str, now: datetime) -> Verdict:
    """Decide whether to begin a sync to `revision`."""
    spec = app["spec"]
    policy = spec.get("syncPolicy") or {}
    automated = policy.get("automated")
    if automated is None or automated.get("enabled") is False:
        return Verdict(why_not="syncPolicy.automated is not enabled")
    if comparison.sync != "OutOfSync":
        return Verdict(why_not=f"application status is {comparison.sync}")
    prune = bool(automated.get("prune"))
    open_ends = [entry for entry in comparison.resources if entry.get("status") != "Synced"]
    if not prune and all(entry.get("requiresPruning") for entry in open_ends):
        return Verdict(why_not="need to prune extra resources only but automated prune is disabled")

    sync: dict[str, Any] = {"revision": revision, "source": spec["source"]}
    if prune:
        sync["prune"] = True
    if policy.get("syncOptions"):
        sync["syncOptions"] = policy["syncOptions"]
    last = (app.get("status") or {}).get("operationState")
    is_self_heal = False
    if last is not None and _was_attempted(last, revision, spec["source"]):
        if last.get("phase") != SUCCESS:
            message = f"Failed last sync attempt to [{revision}]: {last.get('message', '')}"
            return Verdict(why_not="the last attempt at this revision failed", error=message)
        if not automated.get("selfHeal"):
            return Verdict(why_not=f"most recent sync already to {revision}, and selfHeal is off")
        attempts = int(((last.get("operation") or {}).get("sync") or {}).get("autoHealAttemptsCount") or 0)
        left = _self_heal_wait(last, attempts, now)
        if left > timedelta(0):
            return Verdict(why_not="self-heal backs off", again=left)
        is_self_heal = True
        sync["autoHealAttemptsCount"] = attempts + 1
        sync["resources"] = [
            {key: entry[key] for key in ("group", "kind", "name") if entry.get(key)} for entry in open_ends
        ]
    everything = all(entry.get("requiresPruning") for entry in comparison.resources)
    if prune and not automated.get("allowEmpty") and everything:
        message = f"Skipping sync attempt to [{revision}]: auto-sync will wipe out all resources"
        return Verdict(why_not="it would wipe out all resources, and allowEmpty is off", error=message)
    operation = {
        "initiatedBy": {"automated": True},
        "retry": policy.get("retry") or {"limit": RETRY_LIMIT},
        "sync": sync,
    }
    return Verdict(operation=operation, is_self_heal=is_self_heal)


def _was_attempted(last: Mapping[str, Any], revision: str, source: Mapping[str, Any]) -> bool:
    result = last.get("syncResult")
    if result is None:
        return last.get("phase") in ("Succeeded", "Failed", "Error")
    return bool(result.get("revision") == revision and result.get("source") == source)


def _self_heal_wait(last: Mapping[str, Any], attempts: int, now: datetime) -> timedelta:
    """How long to wait still: nothing the first time, then 2, 6, 18, … seconds after the last sync ended."""
    wait = min(SELF_HEAL_FIRST * SELF_HEAL_FACTOR ** (attempts - 1), SELF_HEAL_CAP) if attempts else timedelta(0)
    finished = last.get("finishedAt")
    return wait - (now - parse_time(finished)) if finished else wait
