"""`kubectl port-forward`: SPDY/3.1 tunnelled through a web socket, each pair of streams a connection to a pod's port.

Owns: the ASGI application `port_forward`, its limits, the kubelet's words for what fails.
Must not know: pods, networks, HTTP: it dials by a function it is handed.
There is no flow control in SPDY as Kubernetes speaks it, so a connection that takes nothing more holds up the tunnel,
as it does between kubectl and a kubelet; here only until it has stalled for STALL_SECONDS, then it is reset.
Source: Kubernetes 1.34 pkg/kubelet/cri/streaming/portforward and apiserver's tunnelling; client-go tools/portforward.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias

from canarium.errors import CanariumError
from canarium.kube.server import spdy

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

SUBPROTOCOL = "SPDY/3.1+portforward.k8s.io"
NEEDS_WEBSOCKET = (
    "port-forward is served over web sockets only, with the subprotocol SPDY/3.1+portforward.k8s.io:"
    " use kubectl 1.31 or later, and do not set KUBECTL_PORT_FORWARD_WEBSOCKETS=false"
)
"""What to tell a client that wants to upgrade to SPDY itself."""
CHUNK_BYTES = 32 << 10
STREAM_BYTES = 256 << 10
"""How much a connection may owe its pod before the tunnel waits."""
PAIR_SECONDS = 30.0
"""How long the second stream of a pair may take."""
STALL_SECONDS = 30.0


class Connection(Protocol):
    """A byte stream in both directions."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send; returns when there is room for more."""
        ...

    def write_eof(self) -> None:
        """Send no more."""
        ...

    def close(self) -> None:
        """Be done in both directions."""
        ...


Dial: TypeAlias = Callable[[int], Awaitable[Connection]]
"""Connects to a port of the pod. Raises CanariumError or OSError whose text ends in Go's words
(`dial tcp 10.244.1.7:80: connect: connection refused`)."""


async def port_forward(scope: Scope, receive: Receive, send: Send, *, dial: Dial, pod: str = "") -> None:
    """Serve one tunnel, from the web socket's connect to its end.

    scope: of type `websocket`; without the right subprotocol it is refused with 403. pod: its name, for messages.
    """
    message = await receive()
    assert message["type"] == "websocket.connect", message["type"]
    if SUBPROTOCOL not in (scope.get("subprotocols") or ()):
        await _refuse(scope, send)
        return
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
    await _Tunnel(receive, send, dial, pod).run()


async def _refuse(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in (scope.get("extensions") or {}):
        text = NEEDS_WEBSOCKET.encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": text})
        return
    await send({"type": "websocket.close", "code": 1002, "reason": ""})


class _Hung(Exception):
    """The client went away."""


class _Inbox:
    """What a data stream brought and its connection has not taken yet."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._is_done = False
        self._is_dropped = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, data: bytes) -> None:
        if data and not self._is_dropped:
            self._pieces.append(data)
            self._bytes += len(data)
            if self._bytes >= STREAM_BYTES:
                self._room.clear()
            self._changed.set()

    def end(self) -> None:
        self._is_done = True
        self._changed.set()

    def drop(self) -> None:
        """Nobody takes anything any more."""
        self._is_dropped = True
        self._pieces.clear()
        self._room.set()
        self.end()

    async def wait_for_room(self) -> None:
        await self._room.wait()

    async def get(self) -> bytes:
        while not self._pieces:
            if self._is_done:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = self._pieces.popleft()
        self._bytes -= len(data)
        if self._bytes < STREAM_BYTES:
            self._room.set()
        return data


class _Pair:
    """The two streams of one forwarded connection, as far as they have come."""

    def __init__(self, request_id: str, port: int) -> None:
        self.request_id = request_id
        self.port = port
        self.error: int | None = None
        self.data: int | None = None
        self.inbox = _Inbox()
        self.is_complete = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class _Tunnel:
    def __init__(self, receive: Receive, send: Send, dial: Dial, pod: str) -> None:
        self._receive = receive
        self._send = send
        self._dial = dial
        self._pod = pod
        self._session = spdy.Session()
        self._pairs: dict[str, _Pair] = {}
        self._by_stream: dict[int, _Pair] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._has_output = asyncio.Event()
        self._flushed: list[asyncio.Future[None]] = []
        self._is_hung = False

    async def run(self) -> None:
        writer = asyncio.create_task(self._write(), name=f"port-forward/{self._pod}/write")
        try:
            while (received := await self._message()) is not None:
                events = self._session.receive(received)
                for event in events:
                    await self._take(event)
                await self._flush()
                if any(isinstance(event, spdy.GoAway) for event in events):
                    break
            await self._close(1000)
        except spdy.SpdyError as error:
            self._session.go_away(spdy.GOAWAY_PROTOCOL_ERROR)
            await self._flush()
            await self._close(1002, str(error))
        except _Hung:
            pass  # nobody is left to tell
        finally:
            ending = [*self._tasks, writer]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _message(self) -> bytes | None:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise _Hung
        data = message.get("bytes")
        if data is None:
            raise spdy.SpdyError("a text message is not SPDY")
        return bytes(data)

    async def _close(self, code: int, reason: str = "") -> None:
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})
        except (OSError, RuntimeError):
            return  # closed from the other side meanwhile

    async def _write(self) -> None:
        """The only sender: a frame that was taken from the session is sent, whoever is cancelled meanwhile."""
        while True:
            await self._has_output.wait()
            self._has_output.clear()
            waiting, self._flushed = self._flushed, []
            try:
                while self._session.has_output:
                    await self._send({"type": "websocket.send", "bytes": self._session.take()})
            except (OSError, RuntimeError):  # closed from the other side; servers raise either
                self._is_hung = True
            for each in waiting:
                if not each.done():
                    each.set_result(None)
            if self._is_hung:
                return

    async def _flush(self) -> None:
        """Return once what the session has to say is sent, which may take as long as the client is slow."""
        if self._is_hung:
            raise _Hung
        if not self._session.has_output:
            return
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushed.append(sent)
        self._has_output.set()
        await sent
        if self._is_hung:
            raise _Hung

    # -- events -------------------------------------------------------------------------------------------------

    async def _take(self, event: spdy.SynStream | spdy.Data | spdy.RstStream | spdy.GoAway) -> None:
        match event:
            case spdy.SynStream(stream, headers, fin):
                self._open(stream, headers)
                await self._flush()
                if fin and (pair := self._by_stream.get(stream)) is not None and pair.data == stream:
                    pair.inbox.end()
            case spdy.Data(stream, data, fin):
                pair = self._by_stream.get(stream)
                if pair is None or stream != pair.data:
                    return  # the client has nothing to say on an error stream
                pair.inbox.put(data)
                if fin:
                    pair.inbox.end()
                await self._wait_for(pair)
            case spdy.RstStream(stream):
                pair = self._by_stream.get(stream)
                if pair is not None and pair.data == stream:
                    pair.inbox.drop()
                    if pair.task is not None:
                        pair.task.cancel()
            case spdy.GoAway():
                pass

    async def _wait_for(self, pair: _Pair) -> None:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await pair.inbox.wait_for_room()
        except TimeoutError:
            assert pair.data is not None, pair.request_id
            pair.inbox.drop()
            self._session.reset(pair.data, spdy.FLOW_CONTROL_ERROR)
            if pair.task is not None:
                pair.task.cancel()

    def _open(self, stream: int, headers: Mapping[str, str]) -> None:
        kind, port = headers.get("streamtype", ""), _port(headers.get("port", ""))
        if kind not in ("error", "data") or port is None:
            self._session.reset(stream, spdy.REFUSED_STREAM)
            return
        # Clients before Kubernetes 1.4 send no request id: their data stream comes right after its error stream.
        request_id = headers.get("requestid") or str(stream if kind == "error" else stream - 2)
        pair = self._pairs.get(request_id)
        if pair is None:
            pair = self._pairs[request_id] = _Pair(request_id, port)
            pair.task = self._spawn(self._serve(pair), f"port-forward/{self._pod}/{request_id}")
        if (pair.error if kind == "error" else pair.data) is not None or pair.port != port:
            self._session.reset(stream, spdy.REFUSED_STREAM)
            return
        if kind == "error":
            pair.error = stream
        else:
            pair.data = stream
        self._by_stream[stream] = pair
        self._session.reply(stream)
        if pair.error is not None and pair.data is not None:
            pair.is_complete.set()

    # -- one connection -----------------------------------------------------------------------------------------

    async def _serve(self, pair: _Pair) -> None:
        """Dial once both streams are there, copy both ways, end both streams."""
        try:
            problem = await self._forward(pair)
            if problem:
                self._say(pair, problem)
            self._finish(pair)
            await self._flush()
        except _Hung:
            return  # the reader notices too, and ends everything
        except asyncio.CancelledError:
            # The client reset its data stream, or everything ends. It still waits for the end of the error stream.
            self._finish(pair)
            self._has_output.set()
            raise
        finally:
            pair.inbox.drop()
            self._pairs.pop(pair.request_id, None)
            for stream in (pair.error, pair.data):
                if stream is not None:
                    self._by_stream.pop(stream, None)

    async def _forward(self, pair: _Pair) -> str:
        try:
            async with asyncio.timeout(PAIR_SECONDS):
                await pair.is_complete.wait()
        except TimeoutError:
            return f"(request={pair.request_id}) timed out waiting for streams"
        try:
            connection = await self._dial(pair.port)
        except (CanariumError, OSError) as error:
            return dial_failed(self._pod, pair.port, str(error))
        try:
            upload = self._spawn(self._upload(pair, connection), f"port-forward/{self._pod}/{pair.request_id}/up")
            try:
                await self._download(pair, connection)
            finally:
                upload.cancel()
        except (CanariumError, OSError) as error:
            return forward_failed(self._pod, pair.port, str(error))
        finally:
            connection.close()
        return ""

    async def _download(self, pair: _Pair, connection: Connection) -> None:
        assert pair.data is not None, pair.request_id
        while data := await connection.read():
            for at in range(0, len(data), CHUNK_BYTES):
                if not self._session.data(pair.data, data[at : at + CHUNK_BYTES]):
                    return
                await self._flush()

    async def _upload(self, pair: _Pair, connection: Connection) -> None:
        try:
            while data := await pair.inbox.get():
                await connection.write(data)
            connection.write_eof()
        except (CanariumError, OSError):
            pair.inbox.drop()  # the pod reads no more; what it still says is told by the download

    def _say(self, pair: _Pair, problem: str) -> None:
        if pair.error is not None:
            self._session.data(pair.error, problem.encode())

    def _finish(self, pair: _Pair) -> None:
        for stream in (pair.data, pair.error):
            if stream is not None:
                self._session.data(stream, b"", fin=True)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{task.get_name()} failed", "exception": error, "task": task}
            )


def dial_failed(pod: str, port: int, problem: str) -> str:
    """The kubelet's words, around containerd's, for a port that nobody could be reached at.

    problem: as Go says it, such as `dial tcp 10.244.1.7:80: connect: connection refused`; its end is what counts.
    """
    words = problem.rpartition("connect: ")[2] or problem
    if words.startswith("dial tcp "):
        words = words.rpartition(": ")[2]
    inside = f'failed to connect to localhost:{port} inside namespace "{pod}", IPv4: '
    return forward_failed(pod, port, f"{inside}dial tcp4 127.0.0.1:{port}: connect: {words}")


def forward_failed(pod: str, port: int, problem: str) -> str:
    """The kubelet's words for a connection that broke."""
    return f"error forwarding port {port} to pod {pod}, uid : {problem}"


def _port(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 5:
        return None
    port = int(text)
    return port if 0 < port < 65536 else None


def accepts(subprotocols: Iterable[str]) -> bool:
    """Whether a client that offers these can be served."""
    return SUBPROTOCOL in subprotocols
