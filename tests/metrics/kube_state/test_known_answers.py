"""kube-state-metrics' own answers: objects of its store tests (v2.20), and the lines they give."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.metrics.kube_state import pods, workloads
from canarium.metrics.kube_state.families import exposition, header

ME = 'namespace="ns1",pod="pod1",uid="uid1"'


def told(obj: Obj, name: str) -> list[str]:
    """The sample lines of one family, without its name and without the labels that every pod metric has."""
    family = next(family for family in pods.FAMILIES if family.name == name)
    lines = exposition(family, pods.identity(obj), obj).splitlines()
    return [line.removeprefix(name).replace(ME + ",", "").replace(ME, "") for line in lines]


def pod(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> Obj:
    return {
        "metadata": {"name": "pod1", "namespace": "ns1", "uid": "uid1", **metadata},
        "spec": {"containers": [], **(spec or {})},
        "status": status or {},
    }


def condition(kind: str, status: str, reason: str = "", at: str | None = "2017-08-02T09:26:58Z") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": reason, "lastTransitionTime": at}]}


def ended(reason: str) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "c", "state": {"terminated": {"reason": reason}}}]}


INIT = {
    "initContainers": [
        {
            "name": "i",
            "image": "spec",
            "restartPolicy": "Always",
            "resources": {
                "limits": {
                    "cpu": "200m",
                    "memory": "100M",
                    "ephemeral-storage": "300M",
                    "nvidia.com/gpu": "1",
                    "hugepages-2Mi": "4Mi",
                    "pods": "3",
                    "requests.x.com/a": "1",
                    "kubernetes.io/native": "1",
                },
                "requests": {"cpu": "0.5m", "memory": "1500m"},
            },
        }
    ]
}
INIT_STATUS = {
    "initContainerStatuses": [
        {
            "name": "i",
            "image": "image",
            "imageID": "docker://sha256:wxyz",
            "containerID": "docker://ef123",
            "ready": True,
            "restartCount": 2,
            "state": {"running": {"startedAt": "2017-08-02T09:26:58Z"}},
            "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2017-08-02T09:26:58Z"}},
        }
    ]
}
CLAIMS = {
    "volumes": [
        {"name": "v1", "persistentVolumeClaim": {"claimName": "claim1"}},
        {"name": "v2", "persistentVolumeClaim": {"claimName": "claim2", "readOnly": True}},
        {"name": "v3", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "v4", "emptyDir": {}},
    ]
}
TOLERATION = {"key": "key1", "operator": "Equal", "value": "value1", "effect": "NoSchedule", "tolerationSeconds": 3600}

CASES: list[tuple[str, Obj, str, list[str]]] = [
    (
        "the phase stays Running on a lost node",
        pod(status={"phase": "Running", "reason": "NodeLost"}, deletionTimestamp="2017-08-02T09:26:58Z"),
        "status_phase",
        [f'{{phase="{phase}"}} {int(phase == "Running")}' for phase in pods.PHASES],
    ),
    ("no phase yet", pod(), "status_phase", []),
    ("a pod's reason", pod(status={"reason": "Evicted"}), "status_reason", ['{reason="Evicted"} 1']),
    ("a pod without a reason", pod(status={"phase": "Running"}), "status_reason", []),
    (
        "a container's reason",
        pod(status=ended("UnexpectedAdmissionError")),
        "status_reason",
        ['{reason="UnexpectedAdmissionError"} 1'],
    ),
    ("a container's unknown reason", pod(status=ended("OOMKilled")), "status_reason", []),
    ("a pod's unknown reason", pod(status={"reason": "Pined"}), "status_reason", ['{reason="Other"} 1']),
    (
        "a condition's reason",
        pod(status=condition("PodScheduled", "False", "SchedulingGated")),
        "status_reason",
        ['{reason="SchedulingGated"} 1'],
    ),
    (
        "a disruption",
        pod(status=condition("DisruptionTarget", "", "EvictionByEvictionAPI")),
        "status_disruption_reason",
        ['{reason="EvictionByEvictionAPI"} 1'],
    ),
    (
        "a disruption of another kind",
        pod(status=condition("DisruptionTarget", "", "Whim")),
        "status_disruption_reason",
        ['{reason="Other"} 1'],
    ),
    (
        "unscheduled is unschedulable, whatever the reason",
        pod(status=condition("PodScheduled", "False", "SchedulingGated")),
        "status_unschedulable",
        ["{} 1"],
    ),
    (
        "unscheduled since",
        pod(status=condition("PodScheduled", "False")),
        "status_unscheduled_time",
        ["{} 1.501666018e+09"],
    ),
    ("scheduled since", pod(status=condition("PodScheduled", "True")), "status_scheduled_time", ["{} 1.501666018e+09"]),
    (
        "ready since nobody knows when",
        pod(status=condition("Ready", "True", at=None)),
        "status_ready_time",
        ["{} -6.21355968e+10"],
    ),
    (
        "addresses, and what is none",
        pod(status={"podIPs": [{"ip": "1.2.3.4"}, {"ip": "fc00::1"}, {"ip": "::ffff:1.2.3.4"}, {"ip": "nonsense"}]}),
        "ips",
        ['{ip="1.2.3.4",ip_family="4"} 1', '{ip="fc00::1",ip_family="6"} 1', '{ip="::ffff:1.2.3.4",ip_family="4"} 1'],
    ),
    (
        "what an init container is",
        pod(INIT, INIT_STATUS),
        "init_container_info",
        [
            '{container="i",image_spec="spec",image="image",image_id="docker://sha256:wxyz",'
            'container_id="docker://ef123",restart_policy="Always"} 1'
        ],
    ),
    (
        "limits in their units, native names left out",
        pod(INIT),
        "init_container_resource_limits",
        [
            '{container="i",node="",resource="cpu",unit="core"} 0.2',
            '{container="i",node="",resource="ephemeral_storage",unit="byte"} 3e+08',
            '{container="i",node="",resource="hugepages_2Mi",unit="byte"} 4.194304e+06',
            '{container="i",node="",resource="memory",unit="byte"} 1e+08',
            '{container="i",node="",resource="nvidia_com_gpu",unit="integer"} 1',
        ],
    ),
    (
        "requests round up, as a Quantity does",
        pod(INIT),
        "init_container_resource_requests",
        [
            '{container="i",node="",resource="cpu",unit="core"} 0.001',
            '{container="i",node="",resource="memory",unit="byte"} 2',
        ],
    ),
    (
        "an init container's restarts",
        pod(INIT, INIT_STATUS),
        "init_container_status_restarts_total",
        ['{container="i"} 2'],
    ),
    (
        "an init container's start",
        pod(INIT, INIT_STATUS),
        "init_container_state_started",
        ['{container="i"} 1.501666018e+09'],
    ),
    (
        "how an init container ended before",
        pod(INIT, INIT_STATUS),
        "init_container_status_last_terminated_reason",
        ['{container="i",reason="OOMKilled"} 1'],
    ),
    (
        "with which code",
        pod(INIT, INIT_STATUS),
        "init_container_status_last_terminated_exitcode",
        ['{container="i"} 137'],
    ),
    (
        "volume claims",
        pod(CLAIMS),
        "spec_volumes_persistentvolumeclaims_info",
        [
            '{volume="v1",persistentvolumeclaim="claim1",ephemeral="false"} 1',
            '{volume="v2",persistentvolumeclaim="claim2",ephemeral="false"} 1',
            '{volume="v3",persistentvolumeclaim="pod1-v3",ephemeral="true"} 1',
        ],
    ),
    (
        "volume claims mounted to read only",
        pod(CLAIMS),
        "spec_volumes_persistentvolumeclaims_readonly",
        [
            '{volume="v1",persistentvolumeclaim="claim1",ephemeral="false"} 0',
            '{volume="v2",persistentvolumeclaim="claim2",ephemeral="false"} 1',
            '{volume="v3",persistentvolumeclaim="pod1-v3",ephemeral="true"} 0',
        ],
    ),
    ("CPU overhead", pod({"overhead": {"cpu": "250m", "memory": "120Mi"}}), "overhead_cpu_cores", ["{} 0.25"]),
    (
        "memory overhead",
        pod({"overhead": {"cpu": "250m", "memory": "120Mi"}}),
        "overhead_memory_bytes",
        ["{} 1.2582912e+08"],
    ),
    ("runtime class", pod({"runtimeClassName": "foo"}), "runtimeclass_name_info", ['{runtimeclass_name="foo"} 1']),
    (
        "tolerations, each once",
        pod({"tolerations": [TOLERATION, TOLERATION, {"key": "key3"}]}),
        "tolerations",
        [
            '{key="key1",operator="Equal",value="value1",effect="NoSchedule",toleration_seconds="3600"} 1',
            '{key="key3",operator="",value="",effect="",toleration_seconds=""} 1',
        ],
    ),
    (
        "resource claims, named or made from a template",
        pod(
            {
                "resourceClaims": [
                    {"name": "gpu", "resourceClaimName": "shared"},
                    {"name": "tmpl", "resourceClaimTemplateName": "template"},
                    {"name": "neither"},
                ]
            },
            {"resourceClaimStatuses": [{"name": "tmpl", "resourceClaimName": "pod1-tmpl-abcde"}]},
        ),
        "resourceclaim_info",
        [
            '{claim_name="gpu",resourceclaim_name="shared",resourceclaim_template_name=""} 1',
            '{claim_name="tmpl",resourceclaim_name="pod1-tmpl-abcde",resourceclaim_template_name="template"} 1',
        ],
    ),
]


@pytest.mark.parametrize(("obj", "family", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_pods(obj: Obj, family: str, wanted: list[str]) -> None:
    assert told(obj, f"kube_pod_{family}") == wanted


def deployment(**rolling: Any) -> Obj:
    return {
        "metadata": {
            "name": "d",
            "namespace": "ns",
            "ownerReferences": [{"kind": "Cluster", "name": "c", "controller": True}],
        },
        "spec": {"replicas": 5, "strategy": {"rollingUpdate": rolling}},
        "status": {"conditions": [{"type": "Progressing", "status": "True", "reason": "ThisReasonIsUnknown"}]},
    }


def told_of_deployment(obj: Obj, name: str) -> list[str]:
    family = next(item for item in workloads.DEPLOYMENT_FAMILIES if item.name == f"kube_deployment_{name}")
    return exposition(family, workloads.deployment_identity(obj), obj).splitlines()


@pytest.mark.parametrize("amount", [None, "not-a-percentage", "abc%"])
def test_an_amount_that_means_nothing_is_not_told(amount: str | None) -> None:
    rolling = {} if amount is None else {"maxSurge": amount}

    assert told_of_deployment(deployment(**rolling), "spec_strategy_rollingupdate_max_surge") == []


def test_a_deployments_owner_and_conditions_have_the_labels_of_the_original() -> None:
    assert told_of_deployment(deployment(), "owner") == [
        'kube_deployment_owner{namespace="ns",deployment="d",owner_kind="Cluster",owner_name="c"} 1'
    ]
    assert told_of_deployment(deployment(), "status_condition")[0] == (
        'kube_deployment_status_condition{namespace="ns",deployment="d",reason="unknown",condition="Progressing",'
        'status="true"} 1'
    )


def test_help_texts_say_which_families_are_stable() -> None:
    headers = {family.name: header(family) for family in pods.FAMILIES}

    assert headers["kube_pod_container_status_restarts_total"] == (
        "# HELP kube_pod_container_status_restarts_total [STABLE] The number of container restarts per container.\n"
        "# TYPE kube_pod_container_status_restarts_total counter\n"
    )
    assert headers["kube_pod_tolerations"].startswith("# HELP kube_pod_tolerations Information about")
    assert len(headers) == len(pods.FAMILIES) == 59
