"""The Silent Canary to the letter: each name, number and text that a real cluster shows, at the moment it shows it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.objects import Obj, condition, controller_of
from canarium.kube.resources import EVENTS, NAMESPACES, REPLICA_SETS, SERVICES
from canarium.rollouts.kinds import ANALYSIS_TEMPLATES
from tests.acceptance.lab import NAME, NEW, OLD, PROD, STAGING, without_times
from tests.acceptance.story import READY, Chapter, Story

NO_SUCH_HOST = (
    'Post "http://prom-server.prometheus.svc.cluster.local/api/v1/query": dial tcp: lookup'
    " prom-server.prometheus.svc.cluster.local on 10.96.0.10:53: no such host"
)
NO_EXPRESSION = 'bad_data: invalid parameter "query": 1:1: parse error: no expression found in input'
HUNG = (
    'Rollout aborted update to revision 2: Metric "container-restarts" assessed Error due to'
    f' consecutiveErrors (1) > consecutiveErrorLimit (0): "Error Message: {NO_SUCH_HOST}"'
)
FAILED = (
    'Rollout aborted update to revision 2: Metric "container-restarts" assessed Failed due to'
    " failed (1) > failureLimit (0)"
)
UNWRITTEN = (
    'Rollout aborted update to revision 2: Metric "ready-containers" assessed Error due to'
    f' consecutiveErrors (1) > consecutiveErrorLimit (0): "Error Message: {NO_EXPRESSION}"'
)
RUN_1, RUN_2, RUN_3 = (f"{NAME}-{NEW}-2-1{attempt}" for attempt in ("", ".1", ".2"))
LAST_RUNS = (f"{NAME}-{NEW}-2-1.3", f"{NAME}-{NEW}-2-3")

in_both = pytest.mark.parametrize("namespace", [STAGING, PROD])


def image(chapter: Chapter, namespace: str, pod_hash: str) -> str:
    """The image of a ReplicaSet."""
    replica_set = chapter.one(REPLICA_SETS, namespace, f"{NAME}-{pod_hash}")
    return str(replica_set["spec"]["template"]["spec"]["containers"][0]["image"])


def phases(run: Obj) -> dict[str, str]:
    """The phase of each metric."""
    return {result["name"]: result["phase"] for result in run["status"]["metricResults"]}


def result(run: Obj, metric: str) -> dict[str, Any]:
    """The result of one metric."""
    [found] = [one for one in run["status"]["metricResults"] if one["name"] == metric]
    return dict(found)


# 1. podinfo 6.8.0 is deployed to both environments


def test_an_application_per_overlay(story: Story) -> None:
    """The git directory generator makes an Application of each folder, as the template says."""
    apps = {app["metadata"]["name"]: app for app in story.deployed.objects[APPLICATIONS]}

    assert sorted(apps) == ["echo-server-prod", "echo-server-staging"]
    for environment in ("staging", "prod"):
        app = apps[f"echo-server-{environment}"]
        owner = controller_of(app)
        assert owner is not None
        assert (owner["kind"], owner["name"]) == ("ApplicationSet", NAME)
        assert app["metadata"]["namespace"] == "argocd"
        assert app["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "argocd"}
        spec = app["spec"]
        assert spec["project"] == "default"
        assert spec["source"]["targetRevision"] == "HEAD"
        assert spec["source"]["path"].endswith(f"/manifests/overlays/{environment}")
        assert spec["destination"] == {
            "server": "https://kubernetes.default.svc",
            "namespace": f"echo-{environment}",
        }
        assert spec["syncPolicy"] == {
            "automated": {"enabled": True, "prune": True, "selfHeal": True},
            "syncOptions": ["CreateNamespace=true"],
        }
        assert app["status"]["sync"]["status"] == "Synced"
        assert app["status"]["sourceType"] == "Kustomize"


def test_the_application_set_says_that_all_is_generated(story: Story) -> None:
    """Its conditions tell so in Argo CD's words."""
    appset = story.deployed.one(APPLICATION_SETS, "argocd", NAME)

    assert without_times(condition(appset, "ResourcesUpToDate") or {}) == {
        "type": "ResourcesUpToDate",
        "status": "True",
        "reason": "ApplicationSetUpToDate",
        "message": "All applications have been generated successfully",
    }


@in_both
def test_the_first_revision_is_healthy_and_ran_no_analysis(story: Story, namespace: str) -> None:
    """A first revision skips the steps."""
    status = story.deployed.rollout(namespace)["status"]

    assert namespace in [obj["metadata"]["name"] for obj in story.deployed.objects[NAMESPACES]]
    assert status["phase"] == "Healthy"
    assert status["stableRS"] == status["currentPodHash"] == OLD
    assert status["currentStepIndex"] == 5
    assert story.deployed.runs(namespace) == {}
    assert image(story.deployed, namespace, OLD) == "stefanprodan/podinfo:6.8.0"
    assert [one["metadata"]["name"] for one in story.deployed.all(REPLICA_SETS, namespace)] == [
        "echo-server-6fdd67656d"
    ]
    assert story.deployed.versions[namespace] == "6.8.0"


@pytest.mark.parametrize(("namespace", "replicas"), [(STAGING, 1), (PROD, 4)])
def test_each_overlay_sets_its_replicas(story: Story, namespace: str, replicas: int) -> None:
    """Base has two; the JSON6902 patches of the overlays say one and four."""
    rollout = story.deployed.rollout(namespace)

    assert rollout["spec"]["replicas"] == replicas
    assert rollout["status"]["availableReplicas"] == replicas


# 2. 6.9.3 is pushed, and the canary hangs


@in_both
def test_the_canary_aborts_because_prometheus_is_not_found(story: Story, namespace: str) -> None:
    """The condition tells why, in the words of Argo Rollouts, Go's HTTP client and its resolver."""
    rollout = story.hung.rollout(namespace)

    assert without_times(condition(rollout, "Progressing") or {}) == {
        "type": "Progressing",
        "status": "False",
        "reason": "RolloutAborted",
        "message": HUNG,
    }
    status = rollout["status"]
    assert (status["phase"], status["message"]) == ("Degraded", f"RolloutAborted: {HUNG}")
    assert status["stableRS"] == "6fdd67656d"
    assert status["currentPodHash"] == "5478f49d8b"
    assert status["abort"] is True


@in_both
def test_the_stable_replica_set_still_runs_the_old_version(story: Story, namespace: str) -> None:
    """The new ReplicaSet has the name that a real cluster gives it."""
    names = [one["metadata"]["name"] for one in story.hung.all(REPLICA_SETS, namespace)]

    assert sorted(names) == ["echo-server-5478f49d8b", "echo-server-6fdd67656d"]
    assert image(story.hung, namespace, OLD) == "stefanprodan/podinfo:6.8.0"
    assert image(story.hung, namespace, NEW) == "stefanprodan/podinfo:6.9.3"
    for one in story.hung.all(REPLICA_SETS, namespace):
        owner = controller_of(one)
        assert owner is not None
        assert (owner["kind"], owner["name"]) == ("Rollout", NAME)
        assert one["metadata"]["labels"]["rollouts-pod-template-hash"] == one["metadata"]["name"][-10:]


def test_the_only_service_of_prometheus_has_another_name(story: Story) -> None:
    """What the engineer finds in namespace prometheus."""
    assert [one["metadata"]["name"] for one in story.hung.all(SERVICES, "prometheus")] == ["prometheus-server"]


@in_both
def test_the_first_analysis_run_tells_both_errors(story: Story, namespace: str) -> None:
    """Neither metric could be measured."""
    runs = story.hung.runs(namespace)

    assert list(runs) == [RUN_1]
    assert runs[RUN_1]["status"]["phase"] == "Error"
    assert phases(runs[RUN_1]) == {"container-restarts": "Error", "ready-containers": "Error"}
    assert result(runs[RUN_1], "container-restarts")["message"] == NO_SUCH_HOST


@in_both
def test_the_abort_is_an_event_too(story: Story, namespace: str) -> None:
    """`kubectl describe rollout` shows it as a warning."""
    events = [one for one in story.hung.all(EVENTS, namespace) if one["reason"] == "RolloutAborted"]

    assert [(one["type"], one["message"]) for one in events] == [("Warning", HUNG)]


def test_argo_cd_calls_it_synced_and_degraded(story: Story) -> None:
    """The cluster is as git says, and that is not healthy."""
    app = story.hung.one(APPLICATIONS, "argocd", "echo-server-staging")

    assert app["status"]["sync"]["status"] == "Synced"
    assert app["status"]["health"]["status"] == "Degraded"


# 3. The address is mended


@in_both
def test_with_the_address_mended_the_condition_fails(story: Story, namespace: str) -> None:
    """Prometheus answers now, and its answer is taken for a failure."""
    rollout = story.readdressed.rollout(namespace)

    assert rollout["status"]["phase"] == "Degraded"
    assert rollout["status"]["message"] == f"RolloutAborted: {FAILED}"
    assert without_times(condition(rollout, "Progressing") or {}) == {
        "type": "Progressing",
        "status": "False",
        "reason": "RolloutAborted",
        "message": FAILED,
    }
    runs = story.readdressed.runs(namespace)
    assert sorted(runs) == [RUN_1, RUN_2]
    measured = result(runs[RUN_2], "container-restarts")
    assert measured["phase"] == "Failed"
    assert [one["value"] for one in measured["measurements"]] == ["[0]"]


# 4. The condition is turned round


@in_both
def test_three_analysis_runs_and_the_last_finds_no_expression(story: Story, namespace: str) -> None:
    """Each retry has an AnalysisRun of its own; the third tells what is left to do."""
    runs = story.reversed.runs(namespace)

    assert sorted(runs) == [
        "echo-server-5478f49d8b-2-1",
        "echo-server-5478f49d8b-2-1.1",
        "echo-server-5478f49d8b-2-1.2",
    ]
    assert {name: run["status"]["phase"] for name, run in runs.items()} == {
        RUN_1: "Error",
        RUN_2: "Failed",
        RUN_3: "Error",
    }
    assert phases(runs[RUN_3]) == {"container-restarts": "Successful", "ready-containers": "Error"}
    assert result(runs[RUN_3], "ready-containers")["message"] == NO_EXPRESSION
    assert runs[RUN_3]["status"]["message"] == (
        'Metric "ready-containers" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0):'
        ' "Error Message: bad_data: invalid parameter "query": 1:1: parse error: no expression found in input"'
    )
    assert (condition(story.reversed.rollout(namespace), "Progressing") or {})["message"] == UNWRITTEN


@in_both
def test_runs_belong_to_the_rollout_and_name_their_step(story: Story, namespace: str) -> None:
    """Labels and owner are what the plugin and the page find them by."""
    run = story.reversed.runs(namespace)[RUN_3]

    owner = controller_of(run)
    assert owner is not None
    assert (owner["kind"], owner["name"]) == ("Rollout", NAME)
    assert run["metadata"]["labels"] == {
        "app": "echo-server",
        "rollout-type": "Step",
        "rollouts-pod-template-hash": NEW,
        "step-index": "1",
    }
    assert run["spec"]["args"] == [{"name": "namespace", "value": namespace}]


# 5. A look at Prometheus


def test_a_ready_container_has_the_labels_of_a_scraped_kube_state_metrics(story: Story) -> None:
    """container, namespace and pod are the pod's own (honor_labels); the others say who was scraped, and how."""
    [series] = story.asked[READY]
    labels = series["metric"]

    assert series["value"][1] == "1"
    assert re.fullmatch(rf"echo-server-{OLD}-[a-z0-9]{{5}}", labels["pod"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", labels["uid"])
    assert re.fullmatch(r"10\.244\.\d+\.\d+:8080", labels["instance"])
    assert labels["node"]
    assert {name: value for name, value in labels.items() if name not in ("pod", "uid", "instance", "node")} == {
        "__name__": "kube_pod_container_status_ready",
        "container": "echo-server",
        "namespace": "echo-staging",
        "job": "kubernetes-service-endpoints",
        "service": "kube-state-metrics",
        "app_kubernetes_io_component": "metrics",
        "app_kubernetes_io_instance": "kube-state-metrics",
        "app_kubernetes_io_managed_by": labels["app_kubernetes_io_managed_by"],
        "app_kubernetes_io_name": "kube-state-metrics",
        "app_kubernetes_io_part_of": "kube-state-metrics",
        "app_kubernetes_io_version": labels["app_kubernetes_io_version"],
    }


def test_the_sum_of_ready_containers_is_one(story: Story) -> None:
    """One pod in staging, and it is ready; a sum has no labels."""
    [total] = story.asked[f"sum({READY})"]

    assert (total["metric"], total["value"][1]) == ({}, "1")


# 6. The query is written, and both rollouts go to the end


@in_both
def test_both_analyses_succeed(story: Story, namespace: str) -> None:
    """One after 33 %, one after 66 %, each with both metrics measured and Successful."""
    runs = story.promoted.runs(namespace)

    assert sorted(set(runs) - {RUN_1, RUN_2, RUN_3}) == sorted(LAST_RUNS)
    for name in LAST_RUNS:
        assert runs[name]["status"]["phase"] == "Successful"
        assert phases(runs[name]) == {"container-restarts": "Successful", "ready-containers": "Successful"}
        assert result(runs[name], "container-restarts")["measurements"][0]["value"] == "[0]"


@pytest.mark.parametrize(
    ("namespace", "at_33", "at_66"),
    [
        pytest.param(STAGING, {OLD: 1, NEW: 1}, {OLD: 1, NEW: 1}, id="1 replica: a surge of one at either weight"),
        pytest.param(
            PROD, {OLD: 3, NEW: 2}, {OLD: 2, NEW: 3}, id="4 replicas: with the surge, 40 % and 60 % are closest"
        ),
    ],
)
def test_replicas_are_as_argos_arithmetic_gives_them(
    story: Story, namespace: str, at_33: dict[str, int], at_66: dict[str, int]
) -> None:
    """Without a traffic router weights are made of whole pods; the default surge of 25 % is one pod here."""
    at_first, at_second = (story.sizes[namespace][name] for name in LAST_RUNS)

    assert at_first == at_33
    assert at_second == at_66


@pytest.mark.parametrize(("namespace", "replicas"), [(STAGING, 1), (PROD, 4)])
def test_both_rollouts_end_healthy(story: Story, namespace: str, replicas: int) -> None:
    """The new version is stable, and it answers."""
    rollout = story.promoted.rollout(namespace)
    status = rollout["status"]

    assert status["phase"] == "Healthy"
    assert "message" not in status
    assert "abort" not in status
    assert status["stableRS"] == status["currentPodHash"] == NEW
    assert status["currentStepIndex"] == 5
    assert status["availableReplicas"] == status["updatedReplicas"] == replicas
    assert {kind: (condition(rollout, kind) or {})["status"] for kind in ("Available", "Completed", "Healthy")} == {
        "Available": "True",
        "Completed": "True",
        "Healthy": "True",
    }
    assert without_times(condition(rollout, "Progressing") or {}) == {
        "type": "Progressing",
        "status": "True",
        "reason": "NewReplicaSetAvailable",
        "message": 'ReplicaSet "echo-server-5478f49d8b" has successfully progressed.',
    }
    assert image(story.promoted, namespace, NEW) == "stefanprodan/podinfo:6.9.3"
    assert story.promoted.one(REPLICA_SETS, namespace, f"{NAME}-{OLD}")["spec"]["replicas"] == 0
    assert story.promoted.versions[namespace] == "6.9.3"


@in_both
def test_the_template_ends_with_two_mended_metrics(story: Story, namespace: str) -> None:
    """What git says in the end is what the cluster has."""
    template = story.promoted.one(ANALYSIS_TEMPLATES, namespace, "echo-analysis")
    restarts, ready = template["spec"]["metrics"]

    assert (restarts["name"], restarts["successCondition"]) == ("container-restarts", "result[0] == 0")
    assert (ready["name"], ready["successCondition"]) == ("ready-containers", "result[0] >= 1")
    for metric in (restarts, ready):
        prometheus = metric["provider"]["prometheus"]
        assert prometheus["address"] == "http://prometheus-server.prometheus.svc.cluster.local"
        assert metric["count"] == 1
        assert [metric[f"{limit}Limit"] for limit in ("failure", "inconclusive", "consecutiveError")] == [0, 0, 0]


# 7. The objectives


def test_all_four_objectives_are_met(story: Story) -> None:
    """The table at the end is all green, with evidence for both environments."""
    assert [(one.title, one.is_met) for one in story.objectives] == [
        ("podinfo 6.9.3 runs in staging and prod", True),
        ("The rollouts advanced by analysis, step by step", True),
        ("Two working PromQL queries validate each release", True),
        ("All rollouts completed", True),
    ]
    assert all(len(one.evidence) == 2 for one in story.objectives)
