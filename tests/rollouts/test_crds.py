"""The API server takes what upstream's takes, fills in the same defaults, and refuses the same mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.podhash import pod_template_hash
from canarium.kube.schema import problems, pruned, with_defaults
from canarium.rollouts.crds import CRDS

SCHEMAS: dict[str, Any] = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in CRDS
}


def rollout(**spec: Any) -> dict[str, Any]:
    container = {
        "name": "echo-server",
        "image": "stefanprodan/podinfo:6.8.0",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": 9898}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 9898}, "initialDelaySeconds": 2, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/", "port": 9898}, "initialDelaySeconds": 5, "periodSeconds": 10},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}},
    }
    analysis = {
        "templates": [{"templateName": "echo-analysis"}],
        "args": [{"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "echo-server", "namespace": "echo-staging"},
        "spec": {
            "replicas": 2,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": "echo-server"}},
            "template": {"metadata": {"labels": {"app": "echo-server"}}, "spec": {"containers": [container]}},
            "strategy": {
                "canary": {
                    "steps": [
                        {"setWeight": 33},
                        {"analysis": analysis},
                        {"pause": {}},
                        {"pause": {"duration": "10m"}},
                        {"pause": {"duration": 30}},
                        {"setWeight": 100},
                    ]
                }
            },
            **spec,
        },
    }


def analysis_template(**metric: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "echo-analysis"},
        "spec": {
            "args": [{"name": "namespace"}],
            "metrics": [
                {
                    "name": "container-restarts",
                    "count": 1,
                    "failureLimit": 0,
                    "inconclusiveLimit": 0,
                    "consecutiveErrorLimit": 0,
                    "successCondition": "result[0] == 0",
                    "provider": {"prometheus": {"address": "http://prometheus", "query": "vector(0)"}},
                    **metric,
                }
            ],
        },
    }


def admitted(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as stored: pruned and defaulted."""
    schema = SCHEMAS[obj["kind"]]
    stored = with_defaults(pruned(obj, schema), schema)
    assert isinstance(stored, dict)
    return stored


def causes(obj: dict[str, Any]) -> list[str]:
    """Where something is wrong; an int-or-string is told thrice, as upstream: by its type and by its alternatives."""
    return list(dict.fromkeys(path for path, _, _ in problems(obj, SCHEMAS[obj["kind"]]) if path != "<nil>"))


@pytest.mark.parametrize("obj", [rollout(), analysis_template()], ids=lambda obj: obj["kind"])
def test_the_example_is_valid_and_keeps_every_field(obj: dict[str, Any]) -> None:
    assert causes(obj) == []
    assert pruned(obj, SCHEMAS[obj["kind"]]) == obj


def test_a_container_port_speaks_tcp_unless_it_says_otherwise() -> None:
    stored = admitted(rollout())

    assert stored["spec"]["template"]["spec"]["containers"][0]["ports"] == [
        {"name": "http", "containerPort": 9898, "protocol": "TCP"}
    ]


def test_the_stored_template_has_the_hash_seen_in_a_real_cluster() -> None:
    assert pod_template_hash(admitted(rollout())["spec"]["template"]) == "6fdd67656d"


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        pytest.param(rollout(replicas="two"), "spec.replicas", id="replicas as text"),
        pytest.param(
            rollout(strategy={"canary": {"steps": [{"setWeight": "33"}]}}),
            "spec.strategy.canary.steps[0].setWeight",
            id="weight as text",
        ),
        pytest.param(
            rollout(strategy={"blueGreen": {}}),
            "spec.strategy.blueGreen.activeService",
            id="blue-green without service",
        ),
        pytest.param(
            rollout(template={"spec": {"containers": [{"image": "podinfo"}]}}),
            "spec.template.spec.containers[0].name",
            id="container without name",
        ),
        pytest.param(rollout(template={"spec": {}}), "spec.template.spec.containers", id="pod without containers"),
        pytest.param(
            rollout(strategy={"canary": {"steps": [{"pause": {"duration": 1.5}}]}}),
            "spec.strategy.canary.steps[0].pause.duration",
            id="fraction of a second",
        ),
        pytest.param(analysis_template(provider=None), "spec.metrics[0].provider", id="metric without provider"),
        pytest.param(
            analysis_template(provider={"datadog": {"apiVersion": "v3"}}),
            "spec.metrics[0].provider.datadog.apiVersion",
            id="unknown choice",
        ),
        pytest.param(analysis_template(count=1.5), "spec.metrics[0].count", id="half a measurement"),
        pytest.param({"kind": "Rollout"}, "spec", id="no spec"),
    ],
)
def test_a_mistake_is_refused_at_its_field(obj: dict[str, Any], path: str) -> None:
    assert causes(obj) == [path]


def test_an_unknown_step_is_dropped_as_upstream_drops_it() -> None:
    stored = admitted(rollout(strategy={"canary": {"steps": [{"setWait": 5}, {"setWeight": 10}]}}))

    assert stored["spec"]["strategy"]["canary"]["steps"] == [{}, {"setWeight": 10}]


def test_what_upstream_leaves_open_survives() -> None:
    volumes = [{"name": "data", "somethingNew": {"deep": True}}]
    plugins = {"example/router": {"any": {"thing": 1}}}

    stored = admitted(
        rollout(
            template={"spec": {"containers": [{"name": "a"}], "volumes": volumes}},
            strategy={"canary": {"trafficRouting": {"plugins": plugins}}},
        )
    )

    assert stored["spec"]["template"]["spec"]["volumes"] == volumes
    assert stored["spec"]["strategy"]["canary"]["trafficRouting"]["plugins"] == plugins


def test_a_rollout_has_status_and_scale() -> None:
    subresources = {crd["spec"]["names"]["plural"]: crd["spec"]["versions"][0]["subresources"] for crd in CRDS}

    assert set(subresources["rollouts"]) == {"status", "scale"}
    assert subresources["analysisruns"] == {}


def test_containers_are_a_list_by_name() -> None:
    spec = SCHEMAS["Rollout"]["properties"]["spec"]["properties"]

    containers = spec["template"]["properties"]["spec"]["properties"]["containers"]

    assert containers["x-kubernetes-list-map-keys"] == ["name"]
