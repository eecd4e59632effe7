"""The image table, image names, and podinfo."""

from __future__ import annotations

import asyncio
import json

import pytest

from canarium.clock import Chance, RealClock, VirtualClock, run_virtual
from canarium.nodes.asgi import BrokenAnswer, call
from canarium.nodes.behaviour import Behaviour, behaving
from canarium.nodes.images.echo import echo
from canarium.nodes.images.podinfo import podinfo
from canarium.nodes.network import HttpRequest, HttpResponse
from canarium.nodes.program import (
    ContainerContext,
    ImageTable,
    Program,
    Receive,
    Scope,
    Send,
    Serving,
    generic_program,
    parse_image,
)
from canarium.nodes.runtime import canonical


class NoNetwork:
    async def request(self, request: HttpRequest, *, timeout_seconds: float, namespace: str = "") -> HttpResponse:
        raise AssertionError("these programs call nobody")


def context(image: str, clock: VirtualClock | None = None, **container: object) -> ContainerContext:
    return ContainerContext(
        pod={"metadata": {"name": "p", "namespace": "n"}, "spec": {}},
        container={"name": "c", "image": image, "ports": [{"containerPort": 8080}], **container},
        clock=clock or RealClock(),
        chance=Chance(1),
        network=NoNetwork(),
    )


@pytest.mark.parametrize(
    ("reference", "repository", "tag"),
    [
        ("nginx", "nginx", "latest"),
        ("docker.io/library/nginx:1.27", "nginx", "1.27"),
        ("stefanprodan/podinfo:6.8.0", "stefanprodan/podinfo", "6.8.0"),
        ("localhost:5000/shop/web", "localhost:5000/shop/web", "latest"),
        ("ghcr.io/a/b:1@sha256:0123", "ghcr.io/a/b", "1"),
    ],
)
def test_image_references_are_taken_apart(reference: str, repository: str, tag: str) -> None:
    assert parse_image(reference) == (repository, tag)


@pytest.mark.parametrize(
    ("reference", "whole"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("stefanprodan/podinfo:6.8.0", "docker.io/stefanprodan/podinfo:6.8.0"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("localhost/a:1", "localhost/a:1"),
    ],
)
def test_images_are_reported_as_containerd_names_them(reference: str, whole: str) -> None:
    assert canonical(reference) == whole


def test_the_most_precise_pattern_wins() -> None:
    def program(note: str) -> object:
        return lambda context: Serving(note=note)

    table = ImageTable()
    for pattern in ("shop/web:2.*", "shop/*", "shop/web", "shop/web:2.1"):
        table.add(pattern, program(pattern))  # type: ignore[arg-type]  # a lambda that ignores its argument

    def found(image: str) -> str:
        return getattr(table.factory(image)(context(image)), "note", "")

    assert found("shop/web:2.1") == "shop/web:2.1"
    assert found("shop/web:2.7") == "shop/web:2.*"
    assert found("shop/web:3") == "shop/web"
    assert found("shop/api:3") == "shop/*"
    assert not table.knows("other/thing")


def ask(program: Program, target: str, *, port: int = 9898, method: str = "GET") -> HttpResponse:
    async def main(clock: VirtualClock) -> HttpResponse:
        del clock
        return await call(program.ports[port], method, target)

    return run_virtual(main)


def test_an_unknown_image_answers_on_its_declared_ports_and_says_that_it_is_simulated() -> None:
    program = generic_program(context("acme/secret:1"))

    assert ask(program, "/anything", port=8080).status == 200
    assert getattr(program, "note", "") == 'Image "acme/secret:1" is simulated: it answers 200 on its declared ports'


def test_podinfo_tells_its_version() -> None:
    program = podinfo(context("stefanprodan/podinfo:6.9.3"))

    assert json.loads(ask(program, "/version").body)["version"] == "6.9.3"
    assert json.loads(ask(program, "/").body)["message"] == "greetings from podinfo v6.9.3"


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/status/418", 418), ("/nowhere", 404)]
)
def test_podinfo_answers(path: str, status: int) -> None:
    assert ask(podinfo(context("podinfo:1")), path).status == status


def test_podinfo_counts_as_the_original_names_it() -> None:
    program = podinfo(context("podinfo:1"))
    for path in ("/", "/version", "/status/500", "/nowhere"):
        ask(program, path)

    text = ask(program, "/metrics").body.decode()

    assert "# TYPE http_requests_total counter" in text
    assert 'http_requests_total{status="200"} 2' in text
    assert 'http_requests_total{status="500"} 1' in text
    assert 'http_request_duration_seconds_count{method="GET",path="root",status="200"} 1' in text
    assert 'http_request_duration_seconds_bucket{method="GET",path="status_code",status="500",le="+Inf"} 1' in text


def test_podinfo_listens_where_it_is_told() -> None:
    assert list(podinfo(context("podinfo:1", command=["./podinfo", "--port=8080"])).ports) == [8080]


def test_podinfo_can_be_made_unready() -> None:
    program = podinfo(context("podinfo:1"))

    assert ask(program, "/readyz/disable", method="POST").status == 202
    assert ask(program, "/readyz").status == 503
    assert ask(program, "/healthz").status == 200


def test_panic_ends_podinfo_with_the_exit_code_of_the_original() -> None:
    async def main(clock: VirtualClock) -> int:
        program = podinfo(context("podinfo:1", clock))
        assert program.run is not None
        running = asyncio.create_task(program.run())
        await clock.sleep(1)
        await call(program.ports[9898], "GET", "/panic")
        return await running

    assert run_virtual(main) == 255


def test_a_delay_is_virtual_time() -> None:
    async def main(clock: VirtualClock) -> float:
        await call(podinfo(context("podinfo:2", clock)).ports[9898], "GET", "/delay/3600")
        return clock.monotonic()

    assert run_virtual(main) == 3600.0


def test_the_echo_server_answers_in_the_lab_too() -> None:
    program = echo(context("ealen/echo-server:0.9"))

    assert json.loads(ask(program, "/a?b=c", port=80).body)["query"] == {"b": ["c"]}


def test_a_scripted_version_fails_in_its_own_metrics_but_not_in_its_probes() -> None:
    program = behaving(podinfo, Behaviour(error_ratio=1.0))(context("podinfo:2"))

    assert ask(program, "/").status == 500
    assert 'http_requests_total{status="500"} 1' in ask(program, "/metrics").body.decode()


def test_a_scripted_version_never_gets_ready() -> None:
    program = behaving(podinfo, Behaviour(never_ready=True))(
        context("podinfo:2", readinessProbe={"httpGet": {"path": "/readyz", "port": 9898}})
    )

    assert ask(program, "/readyz").status == 503
    assert ask(program, "/healthz").status == 200


def test_latency_is_virtual_time() -> None:
    async def main(clock: VirtualClock) -> float:
        program = behaving(podinfo, Behaviour(latency_seconds=(2.0, 2.0)))(context("podinfo:2", clock))
        await call(program.ports[9898], "GET", "/")
        return clock.monotonic()

    assert run_virtual(main) == 2.0


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("oh")


async def half(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError("oh")


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Way", b"stream")]})
    for chunk in (b"a", message["body"], b"c"):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})
    assert (await receive())["type"] == "http.disconnect"


def test_an_application_that_raises_answers_500() -> None:
    assert ask(Serving(ports={1: broken}), "/", port=1).status == 500


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with pytest.raises(BrokenAnswer, match="unexpected EOF"):
        ask(Serving(ports={1: half}), "/", port=1)


def test_a_stream_is_collected() -> None:
    async def main(clock: VirtualClock) -> HttpResponse:
        del clock
        return await call(streaming, "POST", "/", body=b"b")

    assert run_virtual(main) == HttpResponse(200, {"x-way": "stream"}, b"abc")
