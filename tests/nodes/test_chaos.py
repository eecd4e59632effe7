"""Chaos: what a pod is told, whose word counts, and that simulated programs obey a wish that changes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from canarium.clock import Chance, VirtualClock, run_virtual
from canarium.kube.objects import Obj, owner_reference
from canarium.nodes.asgi import call
from canarium.nodes.behaviour import Behaviour, behaving, behaving_live
from canarium.nodes.chaos import (
    ANNOTATION,
    InvalidChaos,
    behaviour_for,
    in_force,
    read,
    replica_set_of,
    to_control,
    words,
    written,
)
from canarium.nodes.images.podinfo import podinfo
from canarium.nodes.program import ContainerContext, Program, Serving
from tests.nodes.test_images import NoNetwork

HALF = Behaviour(error_ratio=0.5)


def replica_set(text: str | None = None, *, uid: str = "u1") -> Obj:
    annotations = {} if text is None else {ANNOTATION: text}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "shop-1", "namespace": "n", "uid": uid, "annotations": annotations},
    }


def pod(text: str | None = None) -> Obj:
    annotations = {} if text is None else {ANNOTATION: text}
    owners = [owner_reference(replica_set())]
    metadata = {"name": "shop-1-x", "namespace": "n", "annotations": annotations, "ownerReferences": owners}
    return {"metadata": metadata, "spec": {}}


@pytest.mark.parametrize(
    ("own", "sets", "wanted"),
    [
        (None, None, Behaviour()),
        (None, '{"error_ratio": 0.5}', HALF),
        ('{"never_ready": true}', '{"error_ratio": 0.5}', Behaviour(never_ready=True)),
        ("{}", '{"error_ratio": 0.5}', Behaviour()),
        ("oh no", '{"error_ratio": 0.5}', HALF),
        ('{"error_ratio": 7}', None, Behaviour()),
    ],
    ids=["nobody", "its ReplicaSet", "the pod first", "the pod is exempt", "broken: ignored", "broken alone"],
)
def test_the_pods_own_word_counts_before_its_replica_sets(own: str | None, sets: str | None, wanted: Behaviour) -> None:
    assert behaviour_for(pod(own), replica_set(sets)) == wanted


def test_a_pod_without_replica_set_obeys_its_own_word() -> None:
    assert behaviour_for(pod('{"error_ratio": 0.5}'), None) == HALF


def test_what_is_ignored_is_told() -> None:
    found = in_force(pod('{"error_ratio": 7}'), replica_set('{"eror_ratio": 1}'))

    assert found.notes == (
        "annotation canarium.dev/chaos of pod/shop-1-x is ignored: error_ratio: 7 is no share of the requests",
        "annotation canarium.dev/chaos of replicaset/shop-1 is ignored: Object contains unknown field `eror_ratio`",
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", ""),
        ("[]", ""),
        ('{"error_ratio": "half"}', "error_ratio"),
        ('{"error_ratio": -0.1}', "error_ratio"),
        ('{"error_ratio": true}', "error_ratio"),
        ('{"latency_seconds": [2, 1]}', "latency_seconds"),
        ('{"latency_seconds": [0, 1e300]}', "latency_seconds"),
        ('{"latency_seconds": [1]}', "latency_seconds"),
        ('{"crash_after_seconds": -1}', "crash_after_seconds"),
        ('{"crash_exit_code": 256}', "crash_exit_code"),
        ('{"leak_bytes_per_second": -1}', "leak_bytes_per_second"),
        ('{"leak_bytes_per_second": 1.5}', "leak_bytes_per_second"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_field(text: str, field: str) -> None:
    with pytest.raises(InvalidChaos) as caught:
        read(text)

    assert caught.value.field == field
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (Behaviour(), "as it is"),
        (HALF, "error ratio 0.5"),
        (Behaviour(latency_seconds=(0.2, 0.5), never_ready=True), "latency 200ms-500ms, never ready"),
        (Behaviour(crash_after_seconds=10, crash_exit_code=3), "crash after 10s (exit code 3)"),
        (Behaviour(leak_bytes_per_second=10 << 20), "leak 10Mi a second"),
        (Behaviour(latency_seconds=(2, 2), leak_bytes_per_second=1000), "latency 2s, leak 1k a second"),
    ],
)
def test_what_is_written_reads_the_same_and_is_told_in_words(behaviour: Behaviour, told: str) -> None:
    assert read(written(behaviour)) == behaviour
    assert words(behaviour).startswith(told)


def test_an_annotation_says_only_what_differs_but_a_process_is_told_everything() -> None:
    assert json.loads(written(HALF)) == {"error_ratio": 0.5}
    assert to_control(HALF) == {
        "error_ratio": 0.5,
        "latency_seconds": [0.0, 0.0],
        "crash_after_seconds": None,
        "crash_exit_code": 1,
        "never_ready": False,
        "leak_bytes_per_second": 0,
    }


@pytest.mark.parametrize(
    ("probe", "path"),
    [({"httpGet": {"path": "/ok?x=1", "port": 1}}, "/ok"), ({"httpGet": {"port": 1}}, "/"), ({"tcpSocket": {}}, None)],
)
def test_a_process_is_told_which_path_is_not_to_get_ready(probe: Obj, path: str | None) -> None:
    assert to_control(Behaviour(never_ready=True), {"readinessProbe": probe}).get("ready_path") == path


def test_a_replica_set_is_the_pods_only_by_uid() -> None:
    assert replica_set_of(pod(), lambda namespace, name: replica_set()) == replica_set()
    assert replica_set_of(pod(), lambda namespace, name: replica_set(uid="another")) is None
    assert replica_set_of(pod(), lambda namespace, name: None) is None
    assert replica_set_of({"metadata": {"name": "alone"}}, lambda namespace, name: replica_set()) is None


# -- simulated programs -----------------------------------------------------------------------------------------------


class Wish:
    """What is wanted, which may change."""

    def __init__(self) -> None:
        self.now = Behaviour()

    def __call__(self, context: ContainerContext) -> Behaviour:
        return self.now


def started(clock: VirtualClock, wish: Wish, factory: Any = podinfo, **container: Any) -> Program:
    probe = {"readinessProbe": {"httpGet": {"path": "/readyz", "port": 9898}}}
    context = ContainerContext(
        pod={"metadata": {"name": "p", "namespace": "n"}, "spec": {}},
        container={"name": "c", "image": "podinfo:1", **probe, **container},
        clock=clock,
        chance=Chance(1),
        network=NoNetwork(),
    )
    program: Program = behaving_live(factory, wish)(context)
    return program


def test_requests_follow_a_wish_that_changes() -> None:
    async def main(clock: VirtualClock) -> None:
        wish = Wish()
        app = started(clock, wish).ports[9898]

        async def status(path: str) -> int:
            return (await call(app, "GET", path)).status

        assert (await status("/"), await status("/readyz")) == (200, 200)
        wish.now = Behaviour(error_ratio=1.0, never_ready=True, latency_seconds=(2.0, 2.0))
        assert (await status("/"), await status("/readyz"), await status("/metrics")) == (500, 503, 200)
        assert clock.monotonic() == 2.0
        wish.now = Behaviour()
        assert (await status("/"), await status("/readyz")) == (200, 200)

    run_virtual(main)


def test_a_crash_is_counted_from_when_it_is_wanted_and_can_be_called_off() -> None:
    async def main(clock: VirtualClock) -> None:
        wish = Wish()
        program = started(clock, wish)
        assert program.run is not None
        run = asyncio.ensure_future(program.run())

        await clock.sleep(5)
        wish.now = Behaviour(crash_after_seconds=10)
        await clock.sleep(9)
        wish.now = Behaviour()
        await clock.sleep(20)
        assert not run.done()
        wish.now = Behaviour(crash_after_seconds=10, crash_exit_code=3)
        began = clock.monotonic()

        assert await run == 3
        assert 10 <= clock.monotonic() - began <= 11

    run_virtual(main)


@pytest.mark.parametrize(("resources", "ends"), [({"limits": {"memory": "100Mi"}}, True), ({}, False)])
def test_a_leak_ends_a_run_when_its_limit_is_reached(resources: dict[str, Any], ends: bool) -> None:
    async def main(clock: VirtualClock) -> None:
        wish = Wish()
        wish.now = Behaviour(leak_bytes_per_second=10 << 20)
        program = started(clock, wish, resources=resources)
        assert program.run is not None
        run = asyncio.ensure_future(program.run())

        await clock.sleep(11)

        assert run.done() is ends
        assert not ends or run.result() == 137
        run.cancel()

    run_virtual(main)


def test_a_program_that_ends_by_itself_still_does() -> None:
    async def main(clock: VirtualClock) -> None:
        async def own() -> int:
            await clock.sleep(3)
            return 7

        program = started(clock, Wish(), lambda _: Serving(run=own))
        assert program.run is not None

        assert await program.run() == 7
        assert clock.monotonic() == 3

    run_virtual(main)


def test_a_wish_that_never_changes_draws_chance_as_a_scripted_one() -> None:
    async def statuses(clock: VirtualClock, factory: Any) -> list[tuple[int, float]]:
        context = ContainerContext(
            pod={"metadata": {"name": "p"}, "spec": {}},
            container={"name": "c", "image": "podinfo:1"},
            clock=clock,
            chance=Chance(5),
            network=NoNetwork(),
        )
        app = factory(context).ports[9898]
        return [((await call(app, "GET", "/")).status, clock.monotonic()) for _ in range(50)]

    scripted = Behaviour(error_ratio=0.5, latency_seconds=(0.1, 0.9))

    one = run_virtual(lambda clock: statuses(clock, behaving(podinfo, scripted)))
    other = run_virtual(lambda clock: statuses(clock, behaving_live(podinfo, lambda _: scripted)))

    assert one == other
    assert {status for status, _ in one} == {200, 500}
