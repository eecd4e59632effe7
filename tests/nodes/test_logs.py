"""What containers write and how it is read."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarium.clock import DEFAULT_START, Chance, VirtualClock, run_virtual
from canarium.nodes.images.podinfo import podinfo
from canarium.nodes.logs import (
    ContainerLogs,
    InvalidLogOptions,
    LogQuery,
    LogsUnavailable,
    RunLog,
    choose_container,
    choose_run,
    log_query,
    read,
)
from canarium.nodes.network import HttpRequest, HttpResponse
from canarium.nodes.program import AsgiApp, ContainerContext, ImageTable, Program, Serving
from canarium.nodes.runtime import ContainerRun, SimulatedRuntime

NOON = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)


def written(*texts: str) -> RunLog:
    """A finished log with one line a second from noon on."""
    log = RunLog()
    for number, text in enumerate(texts):
        log.append(text, NOON + timedelta(seconds=number))
    return log


def answer(log: RunLog, query: LogQuery, now: datetime = NOON + timedelta(seconds=10)) -> bytes:
    async def main(clock: VirtualClock) -> bytes:
        return b"".join([chunk async for chunk in read(log, query, now)])

    return run_virtual(main)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(LogQuery(), b"a\nb\nc\nd\n", id="everything"),
        pytest.param(LogQuery(tail_lines=2), b"c\nd\n", id="tail"),
        pytest.param(LogQuery(tail_lines=0), b"", id="tail of nothing"),
        pytest.param(LogQuery(tail_lines=9), b"a\nb\nc\nd\n", id="tail longer than the log"),
        pytest.param(LogQuery(since_seconds=8), b"c\nd\n", id="since seconds"),
        pytest.param(LogQuery(since_time=NOON + timedelta(seconds=3)), b"d\n", id="since time"),
        pytest.param(LogQuery(tail_lines=3, since_seconds=8), b"c\nd\n", id="tail, then since"),
        pytest.param(LogQuery(limit_bytes=3), b"a\nb", id="limit cuts a line"),
        pytest.param(LogQuery(limit_bytes=400), b"a\nb\nc\nd\n", id="limit beyond the end"),
        pytest.param(LogQuery(tail_lines=1, timestamps=True), b"2026-01-05T12:00:03.000000000Z d\n", id="timestamps"),
        pytest.param(LogQuery(timestamps=True, limit_bytes=22), b"2026-01-05T12:00:00.00", id="timestamps count"),
    ],
)
def test_a_query_picks_lines_as_the_kubelet_does(query: LogQuery, expected: bytes) -> None:
    assert answer(written("a", "b", "c", "d"), query) == expected


def test_the_oldest_lines_go_when_there_are_too_many_or_they_are_too_long() -> None:
    log = RunLog(max_lines=3, max_bytes=10)
    for text in ("a", "b", "c", "d"):
        log.append(text, NOON)
    assert [line.text for line in log.lines] == [b"b", b"c", b"d"]

    log.append("123456", NOON)
    assert [line.text for line in log.lines] == [b"d", b"123456"]

    log.append("x" * 50, NOON)
    assert [line.text for line in log.lines] == [b"x" * 10]
    assert log.written == 6


def test_a_text_of_several_lines_is_several_lines() -> None:
    log = written("a\nb\n", "")

    assert answer(log, LogQuery()) == b"a\nb\n\n"


def test_following_goes_on_until_the_run_ends_or_the_limit_is_reached() -> None:
    log = written("a", "b")

    async def follow(query: LogQuery) -> bytes:
        return b"".join([chunk async for chunk in read(log, query, NOON)])

    async def main(clock: VirtualClock) -> list[bytes]:
        followers = [
            asyncio.create_task(follow(LogQuery(follow=True, tail_lines=1))),
            asyncio.create_task(follow(LogQuery(follow=True, limit_bytes=7))),
            asyncio.create_task(follow(LogQuery(follow=True, tail_lines=0))),
        ]
        for text in ("c", "d", "e"):
            await clock.sleep(1)
            log.append(text, NOON)
        await clock.sleep(1)
        log.end()
        return list(await asyncio.gather(*followers))

    assert run_virtual(main) == [b"b\nc\nd\ne\n", b"a\nb\nc\nd", b"c\nd\ne\n"]


def test_a_container_keeps_its_current_run_and_the_one_before() -> None:
    logs = ContainerLogs()
    runs = [logs.begin(name) for name in ("first", "second", "third")]

    assert logs.run("first") is None
    assert logs.run("second") is runs[1]
    assert logs.current is logs.run("third")
    assert runs[0].is_ended


# -- queries ------------------------------------------------------------------------------------------------------


def test_a_query_string_becomes_a_query() -> None:
    query = log_query(
        {
            "container": "c",
            "follow": "true",
            "previous": "",
            "timestamps": "False",
            "tailLines": "5",
            "limitBytes": "100",
            "sinceTime": "2026-01-05T12:00:00Z",
        },
        pod="p",
    )

    assert query == LogQuery(container="c", follow=True, previous=True, tail_lines=5, limit_bytes=100, since_time=NOON)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"tailLines": "-1"}, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        (
            {"sinceSeconds": "5", "sinceTime": "2026-01-05T12:00:00Z"},
            ": Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        ({"tailLines": "many"}, 'tailLines: Invalid value: "many": must be an integer'),
        ({"sinceTime": "noon"}, 'sinceTime: Invalid value: "noon": must be an RFC 3339 time'),
    ],
)
def test_a_query_that_cannot_be_is_refused(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidLogOptions) as refused:
        log_query(parameters, pod="p")

    assert str(refused.value) == f'PodLogOptions "p" is invalid: {words}'


# -- choice -------------------------------------------------------------------------------------------------------


def pod(*names: str, init: tuple[str, ...] = (), **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {
            "nodeName": "node",
            "containers": [{"name": name, "image": "app:1"} for name in names],
            "initContainers": [{"name": name} for name in init],
        },
        "status": {"containerStatuses": [{"name": "a", **status}]} if status else {},
    }


@pytest.mark.parametrize(
    ("given_pod", "wanted", "words"),
    [
        (pod("a", "b"), "", "a container name must be specified for pod p, choose one of: [a b]"),
        (
            pod("a", "b", init=("i", "j")),
            "",
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i j]",
        ),
        (pod("a"), "x", "container x is not valid for pod p"),
    ],
)
def test_a_container_that_cannot_be_chosen_is_told_in_the_apis_words(
    given_pod: dict[str, Any], wanted: str, words: str
) -> None:
    with pytest.raises(LogsUnavailable) as told:
        choose_container(given_pod, wanted)

    assert str(told.value) == words


def test_the_only_container_needs_no_name_and_init_containers_can_be_named() -> None:
    assert choose_container(pod("a", init=("i",))) == "a"
    assert choose_container(pod("a", init=("i",)), "i") == "i"


RUNNING, ENDED = {"running": {"startedAt": "t"}}, {"terminated": {"exitCode": 1, "containerID": "c://1"}}
CRASHED = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("status", "previous", "expected"),
    [
        pytest.param({"state": RUNNING, "containerID": "c://2"}, False, "c://2", id="running"),
        pytest.param({"state": RUNNING, "containerID": "c://2", "lastState": ENDED}, True, "c://1", id="previous"),
        pytest.param({"state": ENDED}, False, "c://1", id="ended"),
        pytest.param({"state": CRASHED, "lastState": ENDED}, False, "c://1", id="crashed"),
        pytest.param({"state": CRASHED, "lastState": ENDED}, True, "c://1", id="previous of crashed"),
    ],
)
def test_the_status_says_which_run_is_read(status: dict[str, Any], previous: bool, expected: str) -> None:
    assert choose_run(pod("a", **status), "a", previous=previous) == expected


@pytest.mark.parametrize(
    ("status", "previous", "words"),
    [
        (
            {"state": {"waiting": {"reason": "ContainerCreating"}}},
            False,
            'container "a" in pod "p" is waiting to start: ContainerCreating',
        ),
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff"}}},
            False,
            'container "a" in pod "p" is waiting to start: trying and failing to pull image',
        ),
        (
            {"state": {"waiting": {"reason": "ErrImagePull"}}},
            False,
            'container "a" in pod "p" is waiting to start: image can\'t be pulled',
        ),
        (
            {"state": RUNNING, "containerID": "c://1"},
            True,
            'previous terminated container "a" in pod "p" not found',
        ),
        ({"state": {"terminated": {"exitCode": 0}}}, False, 'container "a" in pod "p" is terminated'),
        ({"state": {}}, False, 'container "a" in pod "p" is waiting to start - no logs yet'),
        ({}, False, 'container "a" in pod "p" is not available'),
    ],
)
def test_a_run_that_cannot_be_read_is_told_in_the_kubelets_words(
    status: dict[str, Any], previous: bool, words: str
) -> None:
    with pytest.raises(LogsUnavailable) as told:
        choose_run(pod("a", **status), "a", previous=previous)

    assert str(told.value) == words


# -- the runtime --------------------------------------------------------------------------------------------------


class Nowhere:
    """Sockets and a network for programs that use neither."""

    def attach(self, address: str) -> None: ...

    def detach(self, address: str) -> None: ...

    def listen(self, address: str, port: int, app: AsgiApp) -> None: ...

    def close(self, address: str, port: int) -> None: ...

    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        raise AssertionError("these programs call nobody")


def talkative(context: ContainerContext) -> Program:
    async def run() -> int:
        context.log("hello")
        await context.clock.sleep(5)
        raise ValueError("no disk")

    return Serving(run=run)


def runtime(clock: VirtualClock, **images: Any) -> SimulatedRuntime:
    table = ImageTable()
    for name, factory in images.items():
        table.add(name, factory)
    return SimulatedRuntime(table, sockets=Nowhere(), network=Nowhere(), clock=clock, chance=Chance(1))


def test_a_run_leaves_its_lines_and_how_it_died_until_the_pod_is_gone() -> None:
    async def main(clock: VirtualClock) -> None:
        node = runtime(clock, app=talkative)
        it = pod("a")
        for attempt in range(2):
            running = await node.start(
                ContainerRun(pod=it, container=it["spec"]["containers"][0], pod_ip="10.244.0.2", attempt=attempt)
            )
            await running.wait()

        logs = node.logs("n", "p", "a")
        assert logs is not None
        assert logs.current is logs.run(running.container_id)
        assert logs.current is not None
        assert [line.text for line in logs.current.lines] == [b"hello", b"ValueError: no disk"]
        assert logs.current.is_ended
        assert node.logs("n", "p", "b") is None

        node.remove_logs({**it, "metadata": {**it["metadata"], "uid": "another"}})
        assert node.logs("n", "p", "a") is logs
        node.remove_logs(it)
        assert node.logs("n", "p", "a") is None

    run_virtual(main)


def test_podinfo_says_that_it_starts() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        lines: list[str] = []
        podinfo(
            ContainerContext(
                pod=pod("a"),
                container={"name": "a", "image": "stefanprodan/podinfo:6.9.3"},
                clock=clock,
                chance=Chance(1),
                network=Nowhere(),
                log=lines.append,
            )
        )
        return lines

    first, second = map(json.loads, run_virtual(main, start=DEFAULT_START))

    assert first.pop("caller").startswith("podinfo/main.go:")
    assert first == {
        "level": "info",
        "ts": "2026-01-05T09:00:00.000Z",
        "msg": "Starting podinfo",
        "version": "6.9.3",
        "revision": "unknown",
        "port": "9898",
    }
    assert second["addr"] == ":9898"
