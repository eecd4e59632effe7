"""The API server takes what upstream's takes for the kinds of Argo CD."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.gitops.crds import CRDS
from canarium.kube.schema import problems, pruned

SCHEMAS: dict[str, Any] = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in CRDS
}


def application_set(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "echo-server", "namespace": "argocd"},
        "spec": {
            "generators": [
                {
                    "git": {
                        "repoURL": "https://example.com/repo.git",
                        "revision": "HEAD",
                        "directories": [{"path": "manifests/overlays/*"}],
                    }
                }
            ],
            "template": {
                "metadata": {
                    "name": "echo-server-{{path.basename}}",
                    "labels": {"app.kubernetes.io/managed-by": "argocd"},
                },
                "spec": {
                    "project": "default",
                    "source": {"repoURL": "https://example.com/repo.git", "targetRevision": "HEAD", "path": "{{path}}"},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": "echo-{{path.basename}}"},
                    "syncPolicy": {
                        "automated": {"enabled": True, "prune": True, "selfHeal": True},
                        "syncOptions": ["CreateNamespace=true"],
                    },
                },
            },
            **spec,
        },
    }


def application() -> dict[str, Any]:
    template = application_set()["spec"]["template"]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "a"},
        "spec": template["spec"],
    }


@pytest.mark.parametrize("obj", [application_set(), application()], ids=lambda obj: obj["kind"])
def test_the_example_is_valid_and_keeps_every_field(obj: dict[str, Any]) -> None:
    assert problems(obj, SCHEMAS[obj["kind"]]) == []
    assert pruned(obj, SCHEMAS[obj["kind"]]) == obj


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        pytest.param(application_set(generators=None), "spec.generators", id="no generators"),
        pytest.param(
            application_set(generators=[{"git": {"revision": "HEAD"}}]), "spec.generators[0].git.repoURL", id="no repo"
        ),
        pytest.param(application_set(goTemplate="yes"), "spec.goTemplate", id="text for a truth"),
        pytest.param(
            application_set(syncPolicy={"applicationsSync": "never"}), "spec.syncPolicy.applicationsSync", id="choice"
        ),
    ],
)
def test_a_mistake_is_refused_at_its_field(obj: dict[str, Any], path: str) -> None:
    assert [found for found, _, _ in problems(obj, SCHEMAS[obj["kind"]])] == [path]


def test_values_of_helm_and_elements_of_a_list_are_open() -> None:
    elements = [{"cluster": "a", "values": {"deep": [1]}}]

    kept = pruned(application_set(generators=[{"list": {"elements": elements}}]), SCHEMAS["ApplicationSet"])

    assert kept["spec"]["generators"] == [{"list": {"elements": elements}}]


def test_only_application_sets_have_a_status_subresource() -> None:
    subresources = {crd["spec"]["names"]["plural"]: crd["spec"]["versions"][0]["subresources"] for crd in CRDS}

    assert subresources == {"applications": {}, "applicationsets": {"status": {}}, "appprojects": {}}
