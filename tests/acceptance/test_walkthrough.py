"""The walkthrough as it is typed: real kubectl and git against `canarium up`, with simulated pods in real time.

Only what waits for the world (a push being seen, a scrape, an analysis) takes time, and it is asked for, not slept for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarium.lab.examples import MANIFESTS
from tests.acceptance.engineer import (
    CANARY,
    PROD,
    READY,
    ROLLOUT,
    STABLE,
    STAGING,
    TEMPLATE,
    WRITTEN,
    Engineer,
    query_of,
    refresh_and_retry,
)
from tests.peers import PeerMissing, kubectl

NO_SUCH_HOST = (
    'Metric "container-restarts" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): '
    '"Error Message: Post "http://prom-server.prometheus.svc.cluster.local/api/v1/query": dial tcp: lookup'
    ' prom-server.prometheus.svc.cluster.local on 10.96.0.10:53: no such host"'
)
FAILED = 'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)'
NO_QUERY = 'Metric "ready-containers" assessed Error'


@pytest.fixture
def engineer(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engineer]:
    if shutil.which("git") is None:
        pytest.skip("git is not on PATH")
    try:
        binary = kubectl(tmp_path_factory.getbasetemp())
    except PeerMissing as missing:
        pytest.skip(str(missing))
    someone = Engineer(tmp_path, binary)
    with someone.cluster as cluster:
        yield someone
        assert cluster.stop() == 0
    assert "Traceback" not in cluster.said, cluster.said


@pytest.mark.peer("kubectl")
def test_the_walkthrough_as_it_is_typed(engineer: Engineer) -> None:
    """Three faults are found and fixed, one behind the other, and the rollout walks to 100 % in both environments."""
    do = engineer.run
    do(f"kubectl apply -f {MANIFESTS}/appset.yaml")
    for namespace in (STAGING, PROD):
        do(f"kubectl wait namespace/{namespace} --for=create --timeout=60s")
        do(f"kubectl -n {namespace} wait rollout/echo-server --for=create --timeout=60s")
        engineer.wait(namespace, "{.status.phase}", "Healthy")

    engineer.edit(ROLLOUT, "podinfo:6.8.0", "podinfo:6.9.3")  # nobody asks for a refresh: the push is seen by itself
    for namespace in (STAGING, PROD):
        engineer.wait(namespace, "{.status.phase}", "Degraded")

    shown = do(f"kubectl -n {STAGING} get rollout echo-server -o yaml")
    assert f"stableRS: {STABLE}" in shown
    assert "    reason: RolloutAborted\n" in shown
    conditions = engineer.get(f"-n {STAGING} get rollout echo-server")["status"]["conditions"]
    [progressing] = [one for one in conditions if one["type"] == "Progressing"]
    assert progressing["message"].startswith("Rollout aborted update to revision 2: ")
    assert progressing["message"].endswith(NO_SUCH_HOST)
    assert "image: stefanprodan/podinfo:6.8.0\n" in do(
        f"kubectl -n {STAGING} get replicaset echo-server-{STABLE} -o yaml"
    )
    template = do(f"kubectl -n {STAGING} get analysistemplate echo-analysis -o yaml")
    assert "address: http://prom-server.prometheus.svc.cluster.local\n" in template
    services = do("kubectl -n prometheus get service").splitlines()
    assert [line.split()[0] for line in services] == ["NAME", "prometheus-server"]

    engineer.edit(TEMPLATE, "http://prom-server.", "http://prometheus-server.")
    refresh_and_retry(engineer)
    for namespace in (PROD, STAGING):
        engineer.wait_for_run(namespace, "1.1", "Failed")
        engineer.wait(namespace, "{.status.phase}", "Degraded")
    status = do(f"kubectl argo rollouts -n {STAGING} status echo-server", expect=1)
    message = f"RolloutAborted: Rollout aborted update to revision 2: {FAILED}"
    assert status == (f"Degraded - {message}\nError: The rollout is in a degraded state with message: {message}\n")

    engineer.edit(TEMPLATE, "result[0] > 0", "result[0] == 0")
    refresh_and_retry(engineer)
    engineer.wait_for_run(PROD, "1.2", "Error")
    run = engineer.wait_for_run(STAGING, "1.2", "Error")
    assert {result["name"]: result["phase"] for result in run["status"]["metricResults"]} == {
        "container-restarts": "Successful",
        "ready-containers": "Error",
    }
    assert run["status"]["message"].startswith(NO_QUERY)
    runs = do(f"kubectl -n {STAGING} get analysisruns --sort-by=.metadata.name --no-headers").splitlines()
    assert [line.split()[:2] for line in runs] == [
        [f"echo-server-{CANARY}-2-1", "Error"],
        [f"echo-server-{CANARY}-2-1.1", "Failed"],
        [f"echo-server-{CANARY}-2-1.2", "Error"],
    ]

    # Each question waits for an answer; Prometheus forgets the aborted canary once its last pod has ended.
    while [sample["value"][1] for sample in engineer.query(f"sum({READY})")] != ["1"]:
        do(
            f"kubectl -n {STAGING} wait rollout/echo-server --for=jsonpath='{{.spec.paused}}'=true --timeout=2s",
            expect=1,
        )

    engineer.edit(TEMPLATE, query_of(engineer), WRITTEN)
    refresh_and_retry(engineer)
    for namespace in (STAGING, PROD):
        assert do(f"kubectl argo rollouts -n {namespace} status echo-server --timeout 120s").endswith("Healthy\n")
        for suffix in ("1.3", "3"):
            engineer.wait_for_run(namespace, suffix, "Successful")
        rollout = engineer.get(f"-n {namespace} get rollout echo-server")
        assert (rollout["status"]["currentStepIndex"], rollout["status"]["stableRS"]) == (5, CANARY)
        pods = engineer.get(f"-n {namespace} get pods")["items"]
        staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        assert {pod["spec"]["containers"][0]["image"] for pod in staying} == {"stefanprodan/podinfo:6.9.3"}
    tree = do(f"kubectl argo rollouts -n {PROD} get rollout echo-server")
    assert "✔ Healthy" in tree
    assert "stefanprodan/podinfo:6.9.3 (stable)" in tree


@pytest.mark.peer("kubectl")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on PATH")
def test_prometheus_answers_through_port_forward(engineer: Engineer) -> None:
    """`kubectl port-forward svc/prometheus-server` leads to the Prometheus that the analyses ask."""
    engineer.run("kubectl -n prometheus wait deployment/prometheus-server --for=condition=Available --timeout=60s")

    answer = engineer.run(
        "kubectl -n prometheus port-forward svc/prometheus-server :80 > forward.log 2>&1 & forward=$!;"
        " trap 'kill $forward' EXIT;"
        " port=$(tail -n +1 -f forward.log | grep -m1 -oP '127.0.0.1:\\K[0-9]+');"
        " curl -sS http://127.0.0.1:$port/api/v1/query?query=vector%281%29"
    )

    assert json.loads(answer)["data"]["result"][0]["value"][1] == "1"
