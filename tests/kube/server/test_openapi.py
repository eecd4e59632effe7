"""OpenAPI v3: what kubectl looks for is there, and every reference leads somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from canarium.kube.resources import CORE, Resource
from canarium.kube.server.openapi import document, index

ROLLOUTS = Resource("argoproj.io", "v1alpha1", "Rollout", "rollouts", subresources=("scale",))
SCHEMA = {
    "type": "object",
    "description": "A release in steps.",
    "properties": {
        "metadata": {"type": "object"},
        "spec": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
    },
}
GROUP_VERSIONS = sorted({one.api_version for one in CORE})


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_the_index_leads_to_a_document_for_every_group_and_version() -> None:
    paths = index(["apps/v1", "v1"], {"v1": "ABC"})["paths"]

    assert sorted(paths) == ["api/v1", "apis/apps/v1"]
    assert paths["api/v1"] == {"serverRelativeURL": "/openapi/v3/api/v1?hash=ABC"}
    assert paths["apis/apps/v1"]["serverRelativeURL"].startswith("/openapi/v3/apis/apps/v1?hash=")


@pytest.mark.parametrize("api_version", GROUP_VERSIONS)
def test_every_reference_of_a_document_leads_somewhere(api_version: str) -> None:
    whole = document(api_version, CORE, {})

    schemas = whole["components"]["schemas"]
    assert {one.rpartition("/")[2] for one in references(whole)} <= set(schemas)
    ids = [
        operation["operationId"]
        for path in whole["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    ]
    assert len(ids) == len(set(ids))
    assert json.loads(json.dumps(whole)) == whole


@pytest.mark.parametrize("resource", CORE, ids=str)
def test_kubectl_explain_finds_the_kind_of_every_resource_and_its_schema(resource: Resource) -> None:
    whole = document(resource.api_version, CORE, {})

    base = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    gvk = whole["paths"][f"{base}/{resource.plural}"]["get"]["x-kubernetes-group-version-kind"]
    assert gvk == {"group": resource.group, "kind": resource.kind, "version": resource.version}
    named = [
        schema
        for schema in whole["components"]["schemas"].values()
        if gvk in schema.get("x-kubernetes-group-version-kind", ())
    ]
    assert len(named) == 1
    assert "metadata" in named[0]["properties"]


def test_a_built_in_kind_takes_strategic_patches_and_says_how_its_lists_merge() -> None:
    whole = document("apps/v1", CORE, {})

    patch = whole["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
    assert {"dryRun", "fieldManager", "fieldValidation"} <= {one["name"] for one in patch["parameters"]}
    pod_spec = whole["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]
    assert pod_spec["properties"]["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert pod_spec["required"] == ["containers"]


def test_a_custom_kind_is_told_in_full_with_the_metadata_of_every_object() -> None:
    whole = document("argoproj.io/v1alpha1", [ROLLOUTS], {"Rollout": SCHEMA})

    rollout = whole["components"]["schemas"]["io.argoproj.v1alpha1.Rollout"]
    assert rollout["description"] == "A release in steps."
    assert rollout["properties"]["spec"] == SCHEMA["properties"]["spec"]  # type: ignore[index]
    assert list(references(rollout["properties"]["metadata"])) == [
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    ]
    patch = whole["paths"]["/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    scale = whole["paths"]["/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}/scale"]["get"]
    assert scale["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "kind": "Scale", "version": "v1"}


def test_a_custom_kind_without_a_schema_is_any_object() -> None:
    whole = document("argoproj.io/v1alpha1", [ROLLOUTS], {})

    assert whole["components"]["schemas"]["io.argoproj.v1alpha1.Rollout"]["x-kubernetes-preserve-unknown-fields"]
