"""`Why` for the page: explanations with the addresses of our pages.

Owns: reading what an explanation needs from listers, and where a fact is shown. Must not know: how things are explained
(see `canarium.lab.explain`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import quote

from canarium.clock import Clock
from canarium.gitops.application.resource_key import CONTROL_NAMESPACE, resource_key, tracked_by
from canarium.kube.controller.reconciler import Listers
from canarium.kube.objects import Obj, ObjectKey, controller_of, key_of
from canarium.kube.resources import EVENTS, PODS, REPLICA_SETS, SERVICES, Resource
from canarium.lab.explain.analysis import Surroundings, explain_analysis
from canarium.lab.explain.explanation import About, Explanation
from canarium.lab.explain.rollout import Around, explain_rollout, surroundings_of
from canarium.lab.explain.rollout import rollout_sentence as sentence_of
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES, ROLLOUTS
from canarium.rollouts.observed import Observed
from canarium.rollouts.phase import HEALTHY
from canarium.rollouts.reconciler import RolloutSight
from canarium.web.model import Evidence, Why

EXPLAINING: Final[tuple[Resource, ...]] = (
    ROLLOUTS,
    REPLICA_SETS,
    PODS,
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    SERVICES,
    EVENTS,
)
"""Whose changes may change an explanation of a Rollout or an AnalysisRun."""


def rollout_why(listers: Listers, clock: Clock, namespace: str, name: str) -> Why | None:
    """Why a Rollout is where it is; None when there is none of that name."""
    observed = RolloutSight(listers).look(ObjectKey(namespace, name))
    if observed is None:
        return None
    return _why(explain_rollout(observed, clock.now(), _around(listers, observed)), listers)


def rollout_sentence(listers: Listers, clock: Clock) -> Callable[[Obj], str]:
    """Tells of a Rollout, as it was read, why it is where it is, in one sentence; empty for one that is well."""
    sight = RolloutSight(listers)
    _lists(listers, EVENTS, SERVICES, PODS)

    def sentence(rollout: Obj) -> str:
        status = rollout.get("status") or {}
        is_seen = str(status.get("observedGeneration")) == str(rollout["metadata"].get("generation"))
        if is_seen and status.get("phase") == HEALTHY:
            return ""
        observed = sight.look(key_of(rollout))
        return "" if observed is None else sentence_of(observed, clock.now(), _around(listers, observed))

    return sentence


def analysis_why(run: Obj, listers: Listers, clock: Clock) -> Why:
    """Why an AnalysisRun is where it is."""
    return _why(explain_analysis(run, clock.now(), run_surroundings(run, listers)), listers)


def run_surroundings(run: Obj, listers: Listers) -> Surroundings:
    """What a run is seen in: its Rollout's templates and pods, or the templates of its namespace for a run alone."""
    owner = controller_of(run)
    namespace = run["metadata"].get("namespace") or ""
    if owner is not None and owner["kind"] == ROLLOUTS.kind:
        observed = RolloutSight(listers).look(ObjectKey(namespace, owner["name"]))
        if observed is not None:
            return surroundings_of(observed, run, _around(listers, observed))
    templates = (*listers(ANALYSIS_TEMPLATES).list(namespace), *listers(CLUSTER_ANALYSIS_TEMPLATES).list())
    return Surroundings(templates=templates, services=partial(listers(SERVICES).list, None))


def _around(listers: Listers, observed: Observed) -> Around:
    pods = listers(PODS)
    own = [pod for found in observed.replica_sets for pod in pods.owned_by(found["metadata"]["uid"])]
    namespace = observed.rollout["metadata"].get("namespace") or ""
    return Around(
        pods=own,
        events=partial(listers(EVENTS).list, namespace),
        services=partial(listers(SERVICES).list, None),
    )


def _lists(listers: Listers, *resources: Resource) -> None:
    """Ask for listers before they are needed, so that they are filled when they are."""
    for resource in resources:
        listers(resource)


def _why(found: Explanation, listers: Listers) -> Why:
    return Why(
        tone=found.tone,
        lines=found.lines,
        evidence=tuple(
            Evidence(kind=fact.kind, text=fact.text, href=href_of(fact.about, listers), at=fact.at)
            for fact in found.evidence
            if fact.text
        ),
        next_step=found.next_step,
        commands=found.commands,
        reasons=found.reasons,
    )


# -- addresses --------------------------------------------------------------------------------------------------------


def href_of(about: About | None, listers: Listers) -> str:
    """The path of the page that shows an object; empty for one that no page of ours shows."""
    if about is None:
        return ""
    kind, namespace, name, part = about
    match kind:
        case "Rollout":
            return _path("rollouts", namespace, name)
        case "AnalysisRun":
            run = listers(ANALYSIS_RUNS).get(namespace, name)
            owner = None if run is None else controller_of(run)
            if owner is None or owner["kind"] != ROLLOUTS.kind:
                return ""
            return _path("rollouts", namespace, owner["name"], "analysis", name) + _query("metric", part)
        case "Pod":
            rollout = _rollout_of_pod(listers, namespace, name)
            return _path("rollouts", namespace, rollout, "pods", name) if rollout else ""
        case "ReplicaSet":
            replica_set = listers(REPLICA_SETS).get(namespace, name)
            owner = None if replica_set is None else controller_of(replica_set)
            is_ours = owner is not None and owner["kind"] == ROLLOUTS.kind
            return _path("rollouts", namespace, owner["name"]) if owner is not None and is_ours else ""
        case "AnalysisTemplate":
            return _application_path(listers(ANALYSIS_TEMPLATES).get(namespace, name))
        case "ClusterAnalysisTemplate":
            return _application_path(listers(CLUSTER_ANALYSIS_TEMPLATES).get("", name))
        case _:
            return ""


def _rollout_of_pod(listers: Listers, namespace: str, name: str) -> str:
    pod = listers(PODS).get(namespace, name)
    owner = None if pod is None else controller_of(pod)
    replica_set = None if owner is None else listers(REPLICA_SETS).get(namespace, owner["name"])
    above = None if replica_set is None else controller_of(replica_set)
    return above["name"] if above is not None and above["kind"] == ROLLOUTS.kind else ""


def _application_path(obj: Obj | None) -> str:
    """Where the Application that an object belongs to shows it; one outside of Argo CD's namespace is tracked as
    `NAMESPACE_NAME`."""
    tracked = None if obj is None else tracked_by(obj)
    if obj is None or tracked is None:
        return ""
    namespace, _, name = tracked.rpartition("_")
    return _path("applications", namespace or CONTROL_NAMESPACE, name) + _query("resource", str(resource_key(obj)))


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _query(name: str, value: str) -> str:
    return f"?{name}={quote(value, safe='')}" if value else ""
