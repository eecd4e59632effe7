"""What the plugin shows of a Rollout, text for text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.info.pods import pod_info
from canarium.rollouts.info.rollout import Related, rollout_info
from canarium.rollouts.info.text import list_text, rollout_text, status_line
from canarium.text.durations import human_duration

NOW = datetime(2026, 1, 5, 9, 10, tzinfo=UTC)
MESSAGE = (
    "RolloutAborted: Rollout aborted update to revision 2: "
    'Metric "container-restarts" assessed Failed due to failed (1) > failureLimit (0)'
)


def made(name: str, minutes: float, *, owner: str = "", revision: int = 0, **parts: Obj) -> Obj:
    """An object created `minutes` ago."""
    metadata: Obj = {
        "name": name,
        "namespace": "echo-staging",
        "uid": f"uid-{name}",
        "creationTimestamp": (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if owner:
        metadata["ownerReferences"] = [{"uid": f"uid-{owner}", "controller": True}]
    if revision:
        metadata["annotations"] = {"rollout.argoproj.io/revision": str(revision)}
    return {"metadata": metadata, **parts}


def replica_set(pod_hash: str, revision: int, replicas: int, image: str) -> Obj:
    one = made(
        f"echo-server-{pod_hash}",
        8 if revision == 1 else 4,
        owner="echo-server",
        revision=revision,
        spec={"replicas": replicas, "template": {"spec": {"containers": [{"image": image}]}}},
        status={"replicas": replicas, "availableReplicas": replicas},
    )
    one["metadata"]["labels"] = {"rollouts-pod-template-hash": pod_hash}
    return one


def pod(name: str, owner: str, restarts: int = 0) -> Obj:
    container = {"restartCount": restarts, "ready": True, "state": {"running": {}}}
    return made(
        name, 8, owner=owner, spec={"containers": [{}]}, status={"phase": "Running", "containerStatuses": [container]}
    )


ABORTED = made(
    "echo-server",
    8,
    spec={"replicas": 1, "strategy": {"canary": {"steps": [{"setWeight": 33}, {"analysis": {}}]}}},
    status={
        "abort": True,
        "phase": "Degraded",
        "message": MESSAGE,
        "stableRS": "aaa",
        "currentPodHash": "bbb",
        "currentStepIndex": 0,
        "replicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
    },
)
RELATED = Related(
    replica_sets=(replica_set("aaa", 1, 1, "podinfo:6.8.0"), replica_set("bbb", 2, 0, "podinfo:6.9.3")),
    pods=(pod("echo-server-aaa-x2x2x", "echo-server-aaa", restarts=2), pod("stranger", "somebody")),
    analysis_runs=(
        made(
            "echo-server-bbb-2-1",
            3,
            owner="echo-server",
            revision=2,
            status={"phase": "Failed", "metricResults": [{"failed": 1, "successful": 2}]},
        ),
    ),
)

TREE = """\
Name:            echo-server
Namespace:       echo-staging
Status:          ✖ Degraded
Message:         RolloutAborted: Rollout aborted update to revision 2: Metric "container-restarts" assessed Failed due \
to failed (1) > failureLimit (0)
Strategy:        Canary
  Step:          0/2
  SetWeight:     0
  ActualWeight:  0
Images:          podinfo:6.8.0 (stable)
Replicas:
  Desired:       1
  Current:       1
  Updated:       0
  Ready:         1
  Available:     1

NAME                              KIND         STATUS        AGE  INFO
⟳ echo-server                     Rollout      ✖ Degraded    8m
├──# revision:2
│  ├──⧉ echo-server-bbb           ReplicaSet   • ScaledDown  4m   canary
│  └──α echo-server-bbb-2-1       AnalysisRun  ✖ Failed      3m   ✔ 2,✖ 1
└──# revision:1
   └──⧉ echo-server-aaa           ReplicaSet   ✔ Healthy     8m   stable
      └──□ echo-server-aaa-x2x2x  Pod          ✔ Running     8m   ready:1/1,restarts:2
"""


def test_an_aborted_rollout_is_shown_with_its_tree() -> None:
    info = rollout_info(ABORTED, RELATED)

    text = rollout_text(info, NOW)
    assert [line.rstrip() for line in text.split("\n")] == TREE.split("\n")
    assert "✖ Degraded    8m   \n" in text, "the empty INFO leaves AGE padded"
    assert status_line(info) == f"Degraded - {MESSAGE}"


def test_colours_do_not_move_the_columns() -> None:
    info = rollout_info(ABORTED, RELATED)

    text = rollout_text(info, NOW, is_colored=True)

    assert "\x1b[31m✖\x1b[0m Degraded" in text
    assert "\x1b[32mecho-server-aaa\x1b[0m           ReplicaSet   \x1b[32m✔\x1b[0m Healthy     8m" in text


def test_the_list_pads_its_cells_as_upstream_does() -> None:
    text = list_text([ABORTED], NOW, has_header=True, has_namespaces=True, has_timestamps=False)

    assert text == (
        "NAMESPACE     NAME         STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE\n"
        "echo-staging  echo-server  Canary     Degraded      0/2   0           1/1    1        0           1        \n"
    )


@pytest.mark.parametrize(
    ("status", "shown", "ready"),
    [
        ({"phase": "Pending"}, "◌ Pending", "0/1"),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}, "✖ CrashLoopBackOff", "0/1"),
        ({"containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}, "✖ ExitCode:3", "0/1"),
        ({"containerStatuses": [{"state": {"terminated": {"signal": 9}}}]}, "✖ Signal:9", "0/1"),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}, "⚠ ErrImagePull", "0/1"),
        ({"initContainerStatuses": [{"name": "a", "state": {"running": {}}}]}, "◌ Init:0/1", "0/1"),
        ({"phase": "Failed", "reason": "Evicted"}, "  Evicted", "0/1"),
    ],
)
def test_a_pod_is_shown_with_the_reason_that_kubectl_prints(status: Obj, shown: str, ready: str) -> None:
    info = pod_info({"metadata": {"name": "p"}, "spec": {"containers": [{}], "initContainers": [{}]}, "status": status})

    assert (f"{info.icon} {info.status}", info.ready) == (shown, ready)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600 + 60, "3h1m"),
        (9 * 3600, "9h"),
        (49 * 3600, "2d1h"),
        (9 * 86400, "9d"),
        (3 * 365 * 86400 + 86400, "3y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations_are_short(seconds: int, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text
