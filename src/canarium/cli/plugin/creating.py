"""The commands that create objects of Argo Rollouts from files and templates.

Owns: which kinds, defaulting the namespace, an AnalysisRun from a template. Must not know: where files are.
Behaviour follows `pkg/kubectl-argo-rollouts/cmd/create`, Argo Rollouts 1.10; unlike there, every document of a file
counts, not the first one only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from canarium.cli.plugin.request import Output, PluginError, Session, not_built
from canarium.kube.objects import Obj
from canarium.kube.resources import Resource
from canarium.rollouts.analysis.templates import merge_args
from canarium.rollouts.kinds import (
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    EXPERIMENTS,
    GROUP,
    ROLLOUTS,
)
from canarium.rollouts.types import INSTANCE_ID
from canarium.text.yaml import load_all

_KINDS: Final[dict[str, tuple[Resource, str]]] = {
    ROLLOUTS.kind: (ROLLOUTS, ROLLOUTS.singular),
    ANALYSIS_TEMPLATES.kind: (ANALYSIS_TEMPLATES, ANALYSIS_TEMPLATES.singular),
    # Upstream prints a cluster template under the name of the other kind.
    CLUSTER_ANALYSIS_TEMPLATES.kind: (CLUSTER_ANALYSIS_TEMPLATES, ANALYSIS_TEMPLATES.singular),
    ANALYSIS_RUNS.kind: (ANALYSIS_RUNS, ANALYSIS_RUNS.singular),
}


def objects_of(text: str | bytes, file: str) -> list[Obj]:
    """The objects of a YAML or JSON file. Raises YamlError, PluginError."""
    objects: list[Obj] = []
    for document in load_all(text, file):
        if not isinstance(document.value, dict) or not document.value.get("kind"):
            raise PluginError(
                "Object 'Kind' is missing", at=document.start, next_step="Write apiVersion, kind and metadata.name."
            )
        objects.append(document.value)
    return objects


async def create(session: Session, output: Output, objects: Sequence[Obj]) -> list[Obj]:
    """Create Rollouts, templates and AnalysisRuns, in order. Raises PluginError for other kinds, and ApiError."""
    created = []
    for obj in objects:
        resource, shown = _kind_of(obj)
        metadata = dict(obj.get("metadata") or {})
        if resource.namespaced:
            metadata.setdefault("namespace", session.namespace)
        answer = await session.cluster.create(resource, {**obj, "metadata": metadata})
        output.line(f"{shown}.{GROUP}/{answer['metadata']['name']} created")
        created.append(answer)
    return created


def _kind_of(obj: Obj) -> tuple[Resource, str]:
    group, _, _ = str(obj.get("apiVersion", "")).rpartition("/")
    kind = str(obj["kind"])
    if group == GROUP and kind == EXPERIMENTS.kind:
        raise not_built("Experiments are", "Use an analysis step, or create an AnalysisRun.")
    if group != GROUP or kind not in _KINDS:
        raise PluginError(
            f"creates of {group}/{kind} unsupported", next_step="Use `kubectl create -f` for kinds of other products."
        )
    return _KINDS[kind]


def parse_arguments(texts: Sequence[str]) -> list[dict[str, Any]]:
    """`-a NAME=VALUE` as arguments of an AnalysisRun."""
    arguments = []
    for text in texts:
        name, has_value, value = text.partition("=")
        if not has_value:
            raise PluginError("arguments must be in the form NAME=VALUE")
        arguments.append({"name": name, "value": value})
    return arguments


def run_from_template(
    template: Obj,
    arguments: Sequence[dict[str, Any]],
    *,
    name: str,
    generate_name: str,
    namespace: str,
    instance_id: str,
) -> Obj:
    """An AnalysisRun with the template's spec. Raises PluginError, and InvalidTemplate for an argument left open."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    if not name and not generate_name:
        if not metadata.get("name"):
            raise PluginError("name is invalid", next_step="Give the template a name, or use --name.")
        generate_name = f"{metadata['name']}-"
    args = merge_args(arguments, spec["args"]) if spec.get("args") is not None else list(arguments)
    labels = {INSTANCE_ID: instance_id} if instance_id else metadata.get("labels")
    kept = {"labels": labels, "annotations": metadata.get("annotations")}
    return {
        "apiVersion": ANALYSIS_RUNS.api_version,
        "kind": ANALYSIS_RUNS.kind,
        "metadata": {
            **({"name": name} if name else {"generateName": generate_name}),
            "namespace": namespace,
            **{key: value for key, value in kept.items() if value},
        },
        "spec": {**spec, "args": args} if args else spec,
    }


async def create_analysis_run(
    session: Session,
    output: Output,
    template: Obj | str,
    arguments: Sequence[dict[str, Any]],
    *,
    name: str,
    generate_name: str,
    instance_id: str,
    is_global: bool,
) -> None:
    """Start an AnalysisRun. template: the object, or the name of one in the cluster (is_global: cluster-wide)."""
    if isinstance(template, str):
        resource = CLUSTER_ANALYSIS_TEMPLATES if is_global else ANALYSIS_TEMPLATES
        template = await session.cluster.get(resource, "" if is_global else session.namespace, template)
    run = run_from_template(
        template,
        arguments,
        name=name,
        generate_name=generate_name,
        namespace=session.namespace,
        instance_id=instance_id,
    )
    created = await session.cluster.create(ANALYSIS_RUNS, run)
    output.line(f"{ANALYSIS_RUNS.singular}.{GROUP}/{created['metadata']['name']} created")
