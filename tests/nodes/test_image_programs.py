"""The bundled programs as they really run: processes that listen on 127.0.0.1, and the rules they are made of."""

from __future__ import annotations

import http.client
import json
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.nodes.images.control import parse_chaos
from canarium.nodes.images.options import Options, seconds
from canarium.nodes.images.server import BadRequest, Chunks, parse_head
from canarium.nodes.images.table import BUNDLED, program_argv, program_ports, program_words
from canarium.nodes.images.urls import Url, parse_url, query_values, unquoted

IMAGES = {"podinfo": "stefanprodan/podinfo:6.9.3", "echo": "canarium/echo:1.2", "load": "canarium/load:1"}
READY = {"podinfo": "Starting HTTP Server.", "echo": "listening", "load": "listening"}
NONE: Mapping[str, str] = {}
PROBE: Mapping[str, str] = {"user-agent": "kube-probe/1.33"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Running:
    """A program's process; `lines` is what it has written so far."""

    def __init__(self, program: str, args: Sequence[str], env: Mapping[str, str]) -> None:
        self.port = free_port()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, *program_argv(program, {"args": list(args)})],
            env={"CANARIUM_IMAGE": IMAGES[program], "HOSTNAME": "web-1", "PORT": str(self.port), **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, words: str) -> str:
        """Read the log up to a line that has `words`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"ended without {words!r}: {''.join(self.lines)}")

    def tell(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] = NONE
    ) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body or None, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, data: bytes) -> bytes:
        """Bytes in, and everything that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def end(self) -> None:
        """Whatever it does, end it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def begin(program: str, *args: str, ready: str | None = None, **env: str) -> Running:
        running = Running(program, args, env)
        started.append(running)
        running.wait_for(READY[program] if ready is None else ready)
        return running

    yield begin
    for running in started:
        running.end()


# podinfo


def test_podinfo_tells_the_version_of_its_tag_and_the_name_of_its_pod(start: Start) -> None:
    web = start("podinfo")

    assert json.loads(web.ask("/version")[1]) == {"commit": "unknown", "version": "6.9.3"}
    assert json.loads(web.ask("/")[1])["hostname"] == "web-1"


def test_podinfo_answers_as_the_original_does(start: Start) -> None:
    web = start("podinfo", PODINFO_UI_MESSAGE="hello")

    assert json.loads(web.ask("/api/info")[1])["message"] == "hello"
    assert web.ask("/status/503")[0] == 503
    assert web.ask("/delay/0") == (200, b'{\n  "delay": 0\n}')
    assert web.ask("/chunked/0") == (200, b'{\n  "delay": 0\n}')
    assert web.ask("/echo", "POST", b"hi") == (202, b"hi")
    assert json.loads(web.ask("/headers", headers={"x-user": "ada"})[1])["X-User"] == ["ada"]
    assert "PODINFO_UI_MESSAGE=hello" in json.loads(web.ask("/env")[1])
    assert web.ask("/", "DELETE") == (405, b"")
    assert web.ask("/nowhere")[0] == 404
    assert web.ask("/store")[0] == 501


def test_podinfo_can_be_made_unready_and_ready_again(start: Start) -> None:
    web = start("podinfo", "--unready")

    assert web.ask("/readyz") == (503, b"")
    assert web.ask("/readyz/enable", "POST")[0] == 202
    assert web.ask("/readyz")[0] == 200
    assert web.ask("/healthz")[0] == 200


def test_podinfo_counts_under_the_names_of_the_original_and_tells_its_memory(start: Start) -> None:
    web = start("podinfo")
    web.ask("/status/500")
    web.ask("/nowhere")

    text = web.ask("/metrics")[1].decode()

    assert 'http_requests_total{status="500"} 1' in text
    assert 'http_request_duration_seconds_count{method="GET",path="status_code",status="500"} 1' in text
    assert 'status="404"' not in text  # no route, no middleware
    assert "process_start_time_seconds" in text


def test_podinfo_finishes_the_request_under_way_when_it_is_asked_to_stop(start: Start) -> None:
    web = start("podinfo", "--level=debug")  # the level at which it does not wait before it drains
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request("GET", "/chunked/1")
    answer = connection.getresponse()  # its head is here: the request is under way

    web.process.send_signal(signal.SIGTERM)

    assert answer.read() == b'{\n  "delay": 1\n}'
    assert web.process.wait(20) == 0
    connection.close()


def test_a_second_signal_ends_podinfo_at_once(start: Start) -> None:
    web = start("podinfo")

    web.process.send_signal(signal.SIGTERM)
    web.wait_for("Shutting down")
    assert web.ask("/readyz")[0] == 503
    assert web.ask("/version")[0] == 200
    web.process.send_signal(signal.SIGTERM)

    assert web.process.wait(20) == 1


def test_panic_ends_podinfo_as_the_original_ends(start: Start) -> None:
    web = start("podinfo")

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        web.ask("/panic")

    assert web.process.wait(20) == 255


def test_what_podinfo_was_told_in_vain_is_said(start: Start) -> None:
    web = start("podinfo", "--grpc-port=9999", "--cache-server", "tcp://redis:6379", "--port=9898")

    said = "".join(web.lines)
    assert "ignored on the command line: --grpc-port=9999" in said
    assert "ignored on the command line: --cache-server tcp://redis:6379" in said
    assert '"addr":":9898"' in said  # the pod's port, wherever it is on the host


def test_podinfo_exits_when_its_port_is_taken(start: Start) -> None:
    first = start("podinfo")

    second = start("podinfo", PORT=str(first.port), ready="HTTP server crashed")

    assert "listen tcp :9898: bind: address already in use" in second.lines[-1]
    assert second.process.wait(20) == 1


def test_every_port_of_a_container_can_be_elsewhere_on_the_host(start: Start) -> None:
    metrics, main = free_port(), free_port()
    ports = json.dumps({"9797": metrics, "9898": main})

    web = start("podinfo", "--port-metrics=9797", CANARIUM_PORTS=ports, PORT="1")

    for web.port in (metrics, main):
        assert web.ask("/metrics")[0] == 200


# what it is told to do wrong


def test_a_told_process_fails_except_in_its_probes_and_metrics(start: Start) -> None:
    web = start("podinfo")

    web.tell('{"error_ratio": 1.0, "latency_seconds": [0.0, 0.001], "leak_bytes_per_second": 1000}')
    web.wait_for("behaviour (scripted)")

    assert web.ask("/")[0] == 500
    assert web.ask("/readyz", headers=PROBE)[0] == 200
    assert 'http_requests_total{status="500"} 1' in web.ask("/metrics")[1].decode()

    web.tell("{}")
    web.wait_for("behaviour (scripted)")
    assert web.ask("/")[0] == 200


def test_a_line_that_cannot_be_read_changes_nothing_and_is_said(start: Start) -> None:
    web = start("podinfo", CANARIUM_CHAOS='{"error_ratio": 1}')

    web.tell('{"eror_ratio": 0}')

    assert "unknown fields: eror_ratio" in web.wait_for("control:")
    assert web.ask("/")[0] == 500


def test_a_process_can_be_told_never_to_get_ready(start: Start) -> None:
    web = start("podinfo", CANARIUM_CHAOS='{"never_ready": true}', CANARIUM_READY_PATH="/healthz")

    assert web.ask("/healthz", headers=PROBE)[0] == 503
    assert web.ask("/readyz")[0] == 200


def test_a_process_can_be_told_to_crash(start: Start) -> None:
    web = start("podinfo", CANARIUM_CHAOS='{"crash_after_seconds": 0.01, "crash_exit_code": 3}', ready="crashing after")

    assert web.process.wait(20) == 3


# the server


def test_requests_follow_one_another_on_one_connection(start: Start) -> None:
    web = start("podinfo")

    answer = web.send(
        b"GET /status/201 HTTP/1.1\r\nHost: a\r\n\r\n"
        b"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n"
        b"2\r\nde\r\n0\r\nT: 1\r\n\r\n"
        b"POST /status/202 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nread"
        b"GET /status/203 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )

    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"201", b"202", b"202", b"202", b"203"]
    assert b"abcde" in answer
    assert b"Connection: close" in answer


def test_a_client_that_asks_whether_to_go_on_is_told(start: Start) -> None:
    web = start("echo")
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"

    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"body": "abc"' in answer


def test_a_client_that_sends_half_a_request_and_no_more_is_let_go(start: Start) -> None:
    web = start("podinfo")

    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(b"GET /status/201 HTTP/1.1\r\nHost: a\r\n\r\nGET /hal")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_a_program_without_file_descriptors_left_says_so_and_goes_on(start: Start) -> None:
    web = start("podinfo")
    resource.prlimit(web.process.pid, resource.RLIMIT_NOFILE, (32, 32))

    clients = [socket.create_connection(("127.0.0.1", web.port), timeout=20) for _ in range(40)]
    web.wait_for("accept: too many open files; retrying in 1 s")
    for client in clients:
        client.close()

    assert web.ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", b"400", id="no request line"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"400", id="no host"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", b"505", id="another version"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000, b"431", id="endless head"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"400", id="bad chunk"
        ),
    ],
)
def test_what_cannot_be_read_is_refused(start: Start, request_: bytes, status: bytes) -> None:
    web = start("podinfo")

    assert web.send(request_).split()[1] == status
    assert web.ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"Content-Length: 1\r\nContent-Length: 2", id="two lengths"),
        pytest.param(b"Content-Length: 1\r\nTransfer-Encoding: chunked", id="length and chunks"),
        pytest.param(b"Content-Length: -1", id="negative length"),
        pytest.param(b"A: 1\r\n folded", id="folded line"),
        pytest.param(b"A : 1", id="space before the colon"),
        pytest.param(b"Host: b", id="two hosts"),
        pytest.param(b"A: 1\r2", id="bare carriage return"),
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_bad(lines: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_head(b"GET / HTTP/1.1\r\nHost: a\r\n" + lines)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.data())
def test_a_chunked_body_is_the_same_however_it_arrives(pieces: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(b"%X;x=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nT: 1\r\n\r\nGET"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))

    chunks, buffer, body = Chunks(), bytearray(), b""
    for begin, end in pairwise([0, *cuts, len(wire)]):
        buffer += wire[begin:end]
        body += chunks.feed(buffer)

    assert chunks.is_done
    assert (body, bytes(buffer)) == (b"".join(pieces), b"GET")


# echo


def test_the_echo_server_tells_what_it_was_asked(start: Start) -> None:
    echo = start("echo")

    status, body = echo.ask("/a%20b?x=1&x=2", "POST", b"hello", headers={"x-user": "ada"})

    told = json.loads(body)
    assert status == 200
    assert told["headers"].pop("x-user") == "ada"
    del told["headers"]
    assert told == {
        "method": "POST",
        "path": "/a b",
        "query": {"x": ["1", "2"]},
        "body": "hello",
        "hostname": "web-1",
        "version": "1.2",
    }


def test_http_echo_answers_its_text(start: Start) -> None:
    echo = start("echo", "-listen=:5679", "-text", "hello world", CANARIUM_IMAGE="hashicorp/http-echo:1.0")

    assert echo.ask("/anything") == (200, b"hello world\n")
    assert echo.ask("/health") == (200, b'{"status":"ok"}\n')
    assert '"addr":":5679"' in echo.lines[-1]


# load


def test_the_load_generator_counts_what_it_got(start: Start) -> None:
    web = start("podinfo")
    url = f"http://127.0.0.1:{web.port}"

    paths = ("--path=/status/200", "--path=/status/500")
    load = start("load", f"--url={url}", *paths, "--rate=100", "--duration=200ms", "--fail-on-error")
    summary = json.loads(load.wait_for("load done"))

    assert summary["requests"] == 20
    assert summary["statuses"] == {"200": 10, "500": 10}
    assert summary["errors"] == 10
    assert load.process.wait(20) == 1


def test_the_load_generator_tells_its_metrics_until_it_is_stopped(start: Start) -> None:
    target = start("podinfo")
    load = start("load", f"--url=http://127.0.0.1:{target.port}/version", "--rate=0", "--concurrency=1", "--keep-alive")

    text = ""
    while 'load_requests_total{status="200",path="/version"}' not in text:
        text = load.ask("/metrics")[1].decode()
    load.process.send_signal(signal.SIGTERM)

    assert 'load_request_duration_seconds_count{path="/version"}' in text
    assert json.loads(load.wait_for("load done"))["errors"] == 0
    assert load.process.wait(20) == 0


def test_no_answer_is_an_error_of_the_load(start: Start) -> None:
    url = f"--url=http://127.0.0.1:{free_port()}"

    load = start("load", url, "--rate=100", "--duration=50ms", "--port=0", ready="load done")

    assert json.loads(load.lines[-1])["statuses"] == {"error": 5}
    assert load.process.wait(20) == 0


def test_names_are_asked_of_the_proxy_in_the_name_of_the_namespace(start: Start) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def serve() -> None:
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        serving = threading.Thread(target=serve)
        serving.start()
        address = f"http://shop:@127.0.0.1:{proxy.getsockname()[1]}"
        args = ("--url=http://web/version", "--rate=10", "--duration=50ms", "--port=0")
        load = start("load", *args, http_proxy=address, ready="load done")
        serving.join(20)

    assert json.loads(load.lines[-1])["statuses"] == {"204": 1}
    assert asked[0].startswith(b"GET http://web/version HTTP/1.1\r\nHost: web\r\n")
    assert b"Proxy-Authorization: Basic c2hvcDo=\r\n" in asked[0]


# the parts


def test_a_programs_words_are_the_containers_without_its_own_path() -> None:
    container: dict[str, Any] = {"command": ["./podinfo", "--port=9898"], "args": ["--level", "info"]}

    assert program_words("podinfo", container) == ["podinfo", "--port=9898", "--level", "info"]
    assert program_words("podinfo", {"args": ["--unready"]}) == ["podinfo", "--unready"]
    assert program_words("podinfo", {"command": ["sh", "-c", "exit"]}) == ["podinfo", "sh", "-c", "exit"]
    assert program_words("echo", {"command": ["/http-echo"], "args": ["-text=hi"]}) == ["echo", "-text=hi"]


@pytest.mark.parametrize(
    ("program", "args", "image", "ports"),
    [
        ("podinfo", [], "podinfo:1", (9898,)),
        ("podinfo", ["--port", "80", "--port-metrics=9797"], "podinfo:1", (9797, 80)),
        ("echo", [], "docker.io/ealen/echo-server:0.9", (80,)),
        ("echo", ["-listen=:5679"], "hashicorp/http-echo", (5679,)),
        ("load", ["--port=0"], "canarium/load", ()),
        ("load", [], "canarium/load", (8080,)),
    ],
)
def test_the_ports_of_a_program_are_known_before_it_runs(
    program: str, args: list[str], image: str, ports: tuple[int, ...]
) -> None:
    assert program_ports(program, program_words(program, {"args": args}), {}, image) == ports


def test_every_bundled_image_names_a_program() -> None:
    assert set(BUNDLED.values()) == set(IMAGES)


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_default() -> None:
    env = {"PODINFO_PORT": "2", "PODINFO_RANDOM_DELAY": "true"}
    options = Options(
        ["--port", "3", "stray"], known=["port", "level"], switches=["random-delay"], env=env, env_prefix="PODINFO_"
    )

    assert options.integer("port", 1) == 3
    assert options.has("random-delay")
    assert options.text("level", "info") == "info"
    assert options.unknown == ["stray"]


@pytest.mark.parametrize(("text", "expected"), [("1m30s", 90.0), ("250ms", 0.25), ("1.5", 1.5), ("2h", 7200.0)])
def test_durations_are_read_as_go_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "10x", "s", "nan", "-1", "1.2.3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://web.shop:81/a?b", Url("", "web.shop", 81, "/a?b")),
        ("web", Url("", "web", 80, "/")),
        ("http://u:p@[::1]:8080?x", Url("u:p", "::1", 8080, "/?x")),
    ],
)
def test_urls_are_taken_apart(text: str, expected: Url) -> None:
    assert parse_url(text) == expected


@pytest.mark.parametrize("text", ["https://a", "http://", "http://a:b", "http://a:70000"])
def test_what_is_no_http_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"http URL|host and port"):
        parse_url(text)


def test_escapes_are_resolved_and_what_is_none_stays() -> None:
    assert unquoted(b"/a%20b%zz%") == "/a b%zz%"
    assert query_values(b"a=1&b=x+y&&a=%32&c") == {"a": ["1", "2"], "b": ["x y"], "c": [""]}


@pytest.mark.parametrize("text", ["[]", "{", '{"latency_seconds": 1}', '{"error_ratio": "much"}', '{"nope": 1}'])
def test_a_behaviour_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # the words are the program's own or JSON's
        parse_chaos(text)
