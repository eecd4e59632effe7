"""`canarium chaos`: what its command line means, and its work against a cluster in virtual time."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from canarium.cli.chaos import (
    Target,
    Wanted,
    aim,
    chaos_command,
    everywhere,
    local_connection,
    parse_behaviour,
    parse_target,
)
from canarium.cli.connection import ConnectionOptions
from canarium.cli.plugin.request import Output
from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster, NotFound
from canarium.kube.objects import Obj, annotations_of
from canarium.kube.resources import PODS, REPLICA_SETS
from canarium.nodes.behaviour import Behaviour
from canarium.nodes.chaos import ANNOTATION
from tests.rollouts.test_reconciler import NEW, OLD, SHOP, RolloutLab, deploy, in_rollout_lab

HALF = Wanted(Behaviour(error_ratio=0.5))
CANARY = Target("rollout", "echo-server", "canary")
STABLE = Target("rollout", "echo-server", "stable")


class Shop(NamedTuple):
    """A session in the namespace of the lab."""

    cluster: Cluster
    clock: Clock
    namespace: str = SHOP


@pytest.mark.parametrize(
    ("text", "flags", "wanted"),
    [
        ("pod/web-1", {}, Target("pod", "web-1")),
        ("rs/web", {}, Target("replicaset", "web")),
        ("Deployment/web", {}, Target("deployment", "web")),
        ("rollout.argoproj.io/web", {"is_canary": True}, Target("rollout", "web", "canary")),
        ("ro/web", {"is_stable": True}, Target("rollout", "web", "stable")),
        ("", {}, None),
    ],
)
def test_targets_are_written_as_kubectl_writes_them(text: str, flags: Any, wanted: Target | None) -> None:
    assert parse_target(text, **flags) == wanted


@pytest.mark.parametrize(
    ("text", "flags", "problem"),
    [
        ("web", {}, "web: it is not KIND/NAME"),
        ("pod/", {}, "pod/: it is not KIND/NAME"),
        ("pod/a/b", {}, "it is not KIND/NAME"),
        ("service/web", {}, "there are no wishes for a service"),
        ("rollout/web", {}, "which of its versions is meant is not said\n  Add --canary or --stable."),
        ("rollout/web", {"is_canary": True, "is_stable": True}, "it cannot be both"),
        ("pod/web", {"is_canary": True}, "is what a rollout has"),
        ("", {"is_canary": True}, "which rollout is meant"),
    ],
)
def test_a_target_that_means_nothing_is_refused_with_what_to_write(text: str, flags: Any, problem: str) -> None:
    with pytest.raises(CanariumError) as caught:
        parse_target(text, **flags)

    assert problem in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ({}, None),
        ({"error_ratio": "0"}, Behaviour()),
        ({"error_ratio": "0.25", "never_ready": True}, Behaviour(error_ratio=0.25, never_ready=True)),
        ({"latency": "200ms"}, Behaviour(latency_seconds=(0.2, 0.2))),
        ({"latency": "200ms-1.5s"}, Behaviour(latency_seconds=(0.2, 1.5))),
        ({"crash_after": "10s"}, Behaviour(crash_after_seconds=10.0)),
        ({"crash_after": "1m", "exit_code": "3"}, Behaviour(crash_after_seconds=60.0, crash_exit_code=3)),
        ({"leak": "10Mi"}, Behaviour(leak_bytes_per_second=10 << 20)),
    ],
)
def test_flags_become_a_behaviour(flags: Any, wanted: Behaviour | None) -> None:
    assert parse_behaviour(**flags) == wanted


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"error_ratio": "50"}, "--error-ratio: 50 is no share of the requests"),
        ({"error_ratio": "nan"}, "--error-ratio: nan is no share"),
        ({"error_ratio": "half"}, "--error-ratio: 'half' is no number"),
        ({"latency": "200"}, "--latency: '200' is no duration"),
        ({"latency": "-1s"}, "--latency: '' is no duration"),
        ({"latency": "2s-1s"}, "--latency: the least is more than the most"),
        ({"latency": "2h"}, "--latency: it is not within"),
        ({"crash_after": "-1s"}, "--crash-after: it is in the past"),
        ({"crash_after": "soon"}, "--crash-after: 'soon' is no duration"),
        ({"crash_after": "1s", "exit_code": "256"}, "--exit-code: 256 is no exit code"),
        ({"crash_after": "1s", "exit_code": "x"}, "--exit-code: 'x' is no exit code"),
        ({"exit_code": "3"}, "--exit-code: it is about a crash"),
        ({"leak": "10 MB"}, "--leak: '10 MB' is no quantity"),
        ({"leak": "-1Mi"}, "--leak: memory cannot be given back"),
    ],
)
def test_a_flag_that_cannot_be_is_named_with_what_to_write(flags: Any, problem: str) -> None:
    with pytest.raises(CanariumError) as caught:
        parse_behaviour(**flags)

    assert str(caught.value).startswith(problem)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["pod/a", "--off", "--never-ready"], "--off ends all misbehaviour"),
        (["--never-ready"], "who is to misbehave is not said"),
        (["--name", "lab", "--context", "prod"], "--name and --data-dir name a local cluster"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(chaos_command, arguments)

    assert isinstance(result.exception, CanariumError)
    assert problem in result.exception.problem


def test_a_local_cluster_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(CanariumError, match=f"no cluster runs on {tmp_path}"):
        local_connection(ConnectionOptions(), "", tmp_path)


# -- against a cluster ------------------------------------------------------------------------------------------------


async def say(lab: RolloutLab, target: Target, wanted: Wanted | None = None, *, form: str = "text") -> tuple[str, str]:
    """What the command prints, and what it tells the person beside it (a refusal too)."""
    stream, beside = io.StringIO(), io.StringIO()
    try:
        await aim(Shop(lab.truth, lab.clock), Output(stream, beside), target, wanted or Wanted(), form=form)
    except CanariumError as error:
        beside.write(error.problem)
    return stream.getvalue(), beside.getvalue()


async def list_all(lab: RolloutLab, *, is_off: bool = False, form: str = "text", namespace: str = "") -> str:
    stream = io.StringIO()
    place = Shop(lab.truth, lab.clock)
    await everywhere(place, Output(stream, stream), namespace=namespace, is_off=is_off, form=form)
    return stream.getvalue()


async def annotation(lab: RolloutLab, name: str) -> str | None:
    return annotations_of(await lab.truth.get(REPLICA_SETS, SHOP, name)).get(ANNOTATION)


async def a_pod_of(lab: RolloutLab, replica_set: str) -> Obj:
    pods = (await lab.truth.list(PODS, SHOP)).items
    return next(pod for pod in pods if pod["metadata"]["name"].startswith(replica_set))


def during_an_update(story: Callable[[RolloutLab], Awaitable[None]]) -> None:
    """A Rollout of three pods whose canary of one pod waits for its analysis."""

    async def play(lab: RolloutLab) -> None:
        await deploy(lab, 3)
        await lab.advance(20)
        await story(lab)

    in_rollout_lab(play)


def test_the_canary_is_told_and_the_stable_version_is_not() -> None:
    async def story(lab: RolloutLab) -> None:
        before = await lab.truth.get(REPLICA_SETS, SHOP, NEW)

        printed = await say(lab, CANARY, HALF)

        assert printed == (f"replicaset/{NEW}: error ratio 0.5 (1 pod)\n", "")
        assert await annotation(lab, NEW) == '{"error_ratio":0.5}'
        assert await annotation(lab, OLD) is None
        after = await lab.truth.get(REPLICA_SETS, SHOP, NEW)
        assert after["spec"] == before["spec"]
        await lab.advance(60)
        assert await annotation(lab, NEW) == '{"error_ratio":0.5}', "the controller leaves it alone"
        assert sorted(await lab.scale()) == sorted([OLD, NEW]), "nothing is rolled out"

    during_an_update(story)


def test_a_wish_replaces_the_one_before_and_off_ends_it() -> None:
    async def story(lab: RolloutLab) -> None:
        await say(lab, STABLE, HALF)
        await say(lab, STABLE, Wanted(Behaviour(never_ready=True)))
        assert (await say(lab, STABLE))[0].startswith(f"replicaset/{OLD}: never ready (")

        printed, _ = await say(lab, STABLE, Wanted(is_off=True))

        assert printed.startswith(f"replicaset/{OLD}: as it is (")
        assert await annotation(lab, OLD) is None

    during_an_update(story)


def test_a_pods_own_wish_counts_instead_of_its_replica_sets() -> None:
    async def story(lab: RolloutLab) -> None:
        name = (await a_pod_of(lab, NEW))["metadata"]["name"]
        pod = Target("pod", name)
        await say(lab, CANARY, HALF)

        assert await say(lab, pod) == (
            f"pod/{name}: as it is (1 pod)\n",
            f"Note: its replicaset/{NEW} is told: error ratio 0.5\n",
        )
        assert await say(lab, pod, Wanted(Behaviour())) == (f"pod/{name}: as it is (1 pod)\n", "")
        assert (await say(lab, CANARY))[1] == f"Note: pod/{name} has a wish of its own, which counts instead\n"

    during_an_update(story)


def test_all_that_is_in_force_is_listed_and_ended_at_once() -> None:
    async def story(lab: RolloutLab) -> None:
        assert await list_all(lab) == "Nothing misbehaves.\n"
        await say(lab, CANARY, HALF)
        name = (await a_pod_of(lab, OLD))["metadata"]["name"]
        await say(lab, Target("pod", name), Wanted(Behaviour(never_ready=True)))

        assert [line.split(maxsplit=3) for line in (await list_all(lab)).splitlines()] == [
            ["NAMESPACE", "TARGET", "PODS", "BEHAVIOUR"],
            [SHOP, f"replicaset/{NEW}", "1", "error ratio 0.5"],
            [SHOP, f"pod/{name}", "1", "never ready"],
        ]
        shown = json.loads(await list_all(lab, form="json"))["items"]
        assert [item["behaviour"]["error_ratio"] for item in shown] == [0.5, 0.0]
        assert await list_all(lab, is_off=True, namespace="default") == "Nothing misbehaves in default.\n"
        assert "no longer error ratio 0.5" in await list_all(lab, is_off=True)
        assert await list_all(lab) == "Nothing misbehaves.\n"

    during_an_update(story)


def test_an_annotation_that_somebody_mistyped_is_shown_as_ignored() -> None:
    async def story(lab: RolloutLab) -> None:
        broken = {"metadata": {"annotations": {ANNOTATION: '{"error_ratio": 7}'}}}
        await lab.truth.patch(REPLICA_SETS, SHOP, NEW, broken)

        assert "ignored: error_ratio: 7 is no share of the requests" in await list_all(lab)
        assert "behaviour: null\n" in (await say(lab, CANARY, form="yaml"))[0]

    during_an_update(story)


def test_a_rollout_without_an_update_has_no_canary() -> None:
    async def story(lab: RolloutLab) -> None:
        await deploy(lab, 1)
        await lab.answer("Successful")
        await lab.answer("Successful")
        await lab.until_phase("Healthy")

        assert "has no canary now" in (await say(lab, CANARY, HALF))[1]
        assert (await say(lab, STABLE, HALF))[0].startswith(f"replicaset/{NEW}: error ratio 0.5")

    in_rollout_lab(story)


def test_what_is_not_there_is_said_in_the_words_of_the_api() -> None:
    async def story(lab: RolloutLab) -> None:
        with pytest.raises(NotFound, match='pods "gone" not found'):
            await aim(
                Shop(lab.truth, lab.clock),
                Output(io.StringIO(), io.StringIO()),
                Target("pod", "gone"),
                HALF,
                form="text",
            )

    during_an_update(story)


def pod_template(image: str, **resources: Any) -> Obj:
    labels = {"app": "web"}
    container = {"name": "web", "image": image, "resources": resources}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}


def deployment(image: str) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": SHOP},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pod_template(image)},
    }


def test_a_deployments_newest_replica_set_is_told_and_who_cannot_obey_is_named() -> None:
    from canarium.kube.resources import DEPLOYMENTS

    async def story(lab: RolloutLab) -> None:
        await lab.truth.create(DEPLOYMENTS, deployment("podinfo:1"))
        await lab.advance(20)
        leak = Wanted(Behaviour(leak_bytes_per_second=1 << 20))
        printed, beside = await say(lab, Target("deployment", "web"), leak)
        first = printed.partition(":")[0]
        assert beside == f"Note: {first}: container web has no memory limit, so nothing ends its leak but --off\n"

        _, beside = await say(lab, Target("deployment", "web"), Wanted(Behaviour(never_ready=True)))
        assert beside == f"Note: {first}: container web has no HTTP readiness probe, so it is ready all the same\n"

        await lab.truth.patch(DEPLOYMENTS, SHOP, "web", {"spec": {"template": pod_template("nginx:1.27")}})
        await lab.advance(20)
        printed, beside = await say(lab, Target("deployment", "web"), HALF)

        second = printed.partition(":")[0]
        assert second != first
        assert beside == f"Note: {second}: image nginx:1.27 is not bundled and does not obey\n"

    in_rollout_lab(story)
