"""A tunnel as kubectl opens it: pairs of streams, what they carry, how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.kube.server import spdy
from canarium.kube.server.portforward import (
    NEEDS_WEBSOCKET,
    PAIR_SECONDS,
    STALL_SECONDS,
    STREAM_BYTES,
    SUBPROTOCOL,
    dial_failed,
    port_forward,
)
from canarium.kube.server.spdy import Data, Frame, RstStream, SynReply, SynStream
from canarium.nodes.bytestream import Connection, memory_pair

T = TypeVar("T")


class Pod:
    """Listens on 9898: hands out the far ends of what was dialled."""

    def __init__(self) -> None:
        self.ends: list[Connection] = []

    async def dial(self, port: int) -> Connection:
        if port != 9898:
            raise ConnectionRefusedError(f"dial tcp 10.244.1.7:{port}: connect: connection refused")
        ours, theirs = memory_pair()
        self.ends.append(theirs)
        return ours


class Client:
    """kubectl's end of the web socket."""

    def __init__(self, dial: Callable[[int], Awaitable[Connection]], *, subprotocols: list[str] | None = None) -> None:
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "subprotocols": [SUBPROTOCOL] if subprotocols is None else subprotocols,
        }
        self._to: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.told: list[dict[str, Any]] = []
        self.frames: list[Frame] = []
        self.can_take = asyncio.Event()
        self.can_take.set()
        self._encoder, self._decoder = spdy.Encoder(), spdy.Decoder()
        self._to.put_nowait({"type": "websocket.connect"})
        self.tunnel = asyncio.create_task(port_forward(self.scope, self._to.get, self._send, dial=dial, pod="shop-1"))

    async def _send(self, message: Any) -> None:
        await self.can_take.wait()
        if message["type"] == "websocket.send":
            self.frames += self._decoder.feed(message["bytes"])
        else:
            self.told.append(message)

    def says(self, *frames: Frame) -> None:
        for frame in frames:
            self._to.put_nowait({"type": "websocket.receive", "bytes": self._encoder.encode(frame)})

    def says_bytes(self, data: bytes) -> None:
        self._to.put_nowait({"type": "websocket.receive", "bytes": data})

    def leaves(self) -> None:
        self._to.put_nowait({"type": "websocket.disconnect", "code": 1000})

    def opens(self, number: int, port: int = 9898) -> tuple[int, int]:
        """The pair of streams of the connection with this number."""
        error, data = 4 * number + 1, 4 * number + 3
        headers = {"port": str(port), "requestid": str(number)}
        self.says(SynStream(error, {**headers, "streamtype": "error"}), Data(error, b"", True))
        self.says(SynStream(data, {**headers, "streamtype": "data"}))
        return error, data

    def got(self, stream: int) -> bytes:
        return b"".join(frame.data for frame in self.frames if isinstance(frame, Data) and frame.stream == stream)

    def has_ended(self, stream: int) -> bool:
        return any(isinstance(frame, Data) and frame.stream == stream and frame.fin for frame in self.frames)


def run(main: Callable[[VirtualClock], Awaitable[T]]) -> T:
    async def inner(clock: VirtualClock) -> T:
        return await main(clock)

    return run_virtual(inner)


def test_a_pair_of_streams_is_a_connection_to_the_port() -> None:
    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        error, data = client.opens(0)
        client.says(Data(data, b"hello "), Data(data, b"pod", True))
        await clock.sleep(1)

        assert client.told == [{"type": "websocket.accept", "subprotocol": SUBPROTOCOL}]
        assert client.frames == [SynReply(error, {}), SynReply(data, {})]
        assert await pod.ends[0].read() == b"hello pod"
        assert await pod.ends[0].read() == b""
        await pod.ends[0].write(b"after you closed")
        pod.ends[0].close()
        await clock.sleep(1)

        assert client.got(data) == b"after you closed"
        assert client.has_ended(data)
        assert client.has_ended(error)
        assert client.got(error) == b""

    run(main)


def test_a_refused_port_is_told_on_the_error_stream_and_the_tunnel_goes_on() -> None:
    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        error, data = client.opens(0, port=8081)
        await clock.sleep(1)
        _, other = client.opens(1)
        client.says(Data(other, b"x"))
        await clock.sleep(1)

        assert client.got(error).decode() == (
            "error forwarding port 8081 to pod shop-1, uid : failed to connect to localhost:8081 inside namespace"
            ' "shop-1", IPv4: dial tcp4 127.0.0.1:8081: connect: connection refused'
        )
        assert client.has_ended(error)
        assert client.has_ended(data)
        assert await pod.ends[0].read() == b"x"

    run(main)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("dial tcp 10.244.1.7:80: connect: no route to host", "connect: no route to host"),
        ("dial tcp 10.244.1.7:80: i/o timeout", "connect: i/o timeout"),
    ],
)
def test_what_dialling_says_is_told_in_the_kubelets_words(problem: str, words: str) -> None:
    assert dial_failed("p", 80, problem).endswith(f"dial tcp4 127.0.0.1:80: {words}")


def test_many_connections_share_a_tunnel() -> None:
    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        pairs = [client.opens(number) for number in range(50)]
        await clock.sleep(1)
        for number, end in enumerate(pod.ends):
            await end.write(b"%d" % number * 1000)
            end.close()
        await clock.sleep(1)

        assert [client.got(data) for _, data in pairs] == [b"%d" % number * 1000 for number in range(50)]
        assert all(client.has_ended(stream) for pair in pairs for stream in pair)

    run(main)


def test_a_slow_client_holds_the_pod_up() -> None:
    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        _, data = client.opens(0)
        await clock.sleep(1)
        client.can_take.clear()
        writing = asyncio.create_task(pod.ends[0].write(bytes(10_000_000)))
        await clock.sleep(60)
        is_held = not writing.done()
        client.can_take.set()
        await writing
        pod.ends[0].close()
        await clock.sleep(1)

        assert is_held
        assert len(client.got(data)) == 10_000_000

    run(main)


def test_a_pod_that_takes_nothing_loses_its_stream_and_the_others_go_on() -> None:
    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        stuck, well = client.opens(0), client.opens(1)
        client.says(*[Data(stuck[1], bytes(32768))] * (STREAM_BYTES // 32768 + 4))
        client.says(Data(well[1], b"hi"))
        await clock.sleep(STALL_SECONDS - 1)
        before = list(client.frames)
        await clock.sleep(2)

        assert not [frame for frame in before if isinstance(frame, RstStream)]
        assert RstStream(stuck[1], spdy.FLOW_CONTROL_ERROR) in client.frames
        assert client.has_ended(stuck[0])
        assert await pod.ends[1].read() == b"hi"

    run(main)


def test_a_reset_of_the_data_stream_ends_the_connection_and_the_error_stream() -> None:
    """kubectl resets every data stream when its local connection is over, and then reads the error stream."""

    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        error, data = client.opens(0)
        await clock.sleep(1)
        client.says(RstStream(data, spdy.CANCEL))
        await clock.sleep(1)

        assert await pod.ends[0].read() == b""
        assert client.has_ended(error)
        assert not client.has_ended(data)

    run(main)


def test_half_a_pair_is_given_up_after_a_while() -> None:
    async def main(clock: VirtualClock) -> None:
        client = Client(Pod().dial)
        client.says(SynStream(1, {"port": "9898", "requestid": "7", "streamtype": "error"}))
        await clock.sleep(PAIR_SECONDS + 1)

        assert client.got(1) == b"(request=7) timed out waiting for streams"
        assert client.has_ended(1)

    run(main)


@pytest.mark.parametrize(
    "headers",
    [
        {"port": "9898", "streamtype": "other"},
        {"port": "9898"},
        {"streamtype": "data"},
        {"port": "0", "streamtype": "data"},
        {"port": "65536", "streamtype": "data"},
        {"port": "-1", "streamtype": "data"},
    ],
)
def test_a_stream_that_says_not_what_it_is_for_is_refused(headers: dict[str, str]) -> None:
    async def main(clock: VirtualClock) -> list[Frame]:
        client = Client(Pod().dial)
        client.says(SynStream(1, headers))
        await clock.sleep(1)
        return client.frames

    assert run(main) == [RstStream(1, spdy.REFUSED_STREAM)]


def test_streams_without_a_request_id_pair_up_by_their_numbers() -> None:
    async def main(clock: VirtualClock) -> int:
        pod = Pod()
        client = Client(pod.dial)
        for first in (1, 5):
            client.says(SynStream(first, {"port": "9898", "streamtype": "error"}))
            client.says(SynStream(first + 2, {"port": "9898", "streamtype": "data"}))
        await clock.sleep(1)
        return len(pod.ends)

    assert run(main) == 2


def test_when_the_client_leaves_every_connection_is_closed() -> None:
    async def main(clock: VirtualClock) -> None:
        pod = Pod()
        client = Client(pod.dial)
        client.opens(0)
        client.opens(1)
        await clock.sleep(1)
        client.leaves()
        await client.tunnel

        assert [await end.read() for end in pod.ends] == [b"", b""]

    run(main)


def test_a_client_that_breaks_the_protocol_is_told_and_closed() -> None:
    async def main(clock: VirtualClock) -> None:
        client = Client(Pod().dial)
        client.says_bytes(b"GET / HTTP/1.1\r\n\r\n")
        await client.tunnel

        assert client.frames == [spdy.GoAway(0, spdy.GOAWAY_PROTOCOL_ERROR)]
        assert client.told[-1]["code"] == 1002

    run(main)


def test_a_client_with_another_subprotocol_is_refused_with_what_to_do() -> None:
    async def main(clock: VirtualClock) -> list[dict[str, Any]]:
        client = Client(Pod().dial, subprotocols=["v4.channel.k8s.io"])
        client.scope["extensions"] = {"websocket.http.response": {}}
        await client.tunnel
        return client.told

    start, body = run(main)

    assert start["status"] == 403
    assert body["body"].decode() == NEEDS_WEBSOCKET
    assert "kubectl 1.31" in NEEDS_WEBSOCKET
