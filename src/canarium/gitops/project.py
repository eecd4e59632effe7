"""AppProjects and destinations: may this Application exist, and does its cluster?

Owns: the built-in project `default`, the checks on a spec, and their messages. Pure.
Must not know: git, rendering. Behaviour follows Argo CD 3.6 `util/argo` (ValidatePermissions, GetDestinationCluster).
Known difference: of a project's rules only its existence is checked (docs/reference/compatibility.md#appproject).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

DEFAULT_PROJECT = "default"
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
IN_CLUSTER_NAME = "in-cluster"


def project_exists(name: str, projects: Collection[str]) -> bool:
    """Whether there is such a project. `default` always exists and allows everything: Argo CD creates it at start."""
    return name in ("", DEFAULT_PROJECT) or name in projects


def destination_problem(destination: Mapping[str, Any]) -> str | None:
    """What is wrong with a `spec.destination`, or None. There is one cluster: the one canarium runs in."""
    server, name = str(destination.get("server") or ""), str(destination.get("name") or "")
    if server and name:
        return f"application destination can't have both name and server defined: {name} {server}"
    if server:
        if server.rstrip("/") != IN_CLUSTER_SERVER:
            return (
                f'error getting cluster by server "{server}": rpc error: code = NotFound desc = '
                f'cluster "{server.rstrip("/")}" not found'
            )
        return None
    if name:
        return None if name == IN_CLUSTER_NAME else f"there are no clusters with this name: {name}"
    return "Destination server missing from app spec"


def spec_problems(app: Mapping[str, Any], projects: Collection[str]) -> list[str]:
    """Messages for InvalidSpecError conditions; empty when the spec may be acted on."""
    spec = app.get("spec") or {}
    project = str(spec.get("project") or DEFAULT_PROJECT)
    if not project_exists(project, projects):
        return [f"Application referencing project {project} which does not exist"]
    if spec.get("sources"):
        return ["spec.sources: several sources are not built; use spec.source"]
    source = spec.get("source") or {}
    if not source.get("repoURL") or (not source.get("path") and not source.get("chart")):
        return ["spec.source.repoURL and either spec.source.path or spec.source.chart are required"]
    if source.get("chart"):
        return ["spec.source.chart: Helm charts are not built; render the chart and use spec.source.path"]
    problem = destination_problem(spec.get("destination") or {})
    return [problem] if problem else []
