"""What containers write, and reading it as `kubectl logs` does.

Owns: `Log` and `Runs` (what can be read), `RunLog` (one run's lines in memory, bounded), `ContainerLogs` (a container's
current and previous run), `LogQuery` and how its answer is laid out, the choice of container and run with the API
server's and the kubelet's words for what cannot be read. Logs that are files: `log_files`.
Must not know: runtimes, HTTP. Draws no chance and records nothing: writing a line changes no one's run.
Source: Kubernetes 1.34 pkg/registry/core/pod (container choice), pkg/kubelet (run choice) and its logs reader.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from canarium.errors import CanariumError
from canarium.kube.objects import Obj

MAX_LINES = 10_000
MAX_BYTES = 1 << 20
"""What is kept of one run: the oldest lines go first."""
CHUNK_BYTES = 32 << 10


class LogsUnavailable(CanariumError):
    """There is nothing to read: a 400 BadRequest, whose message `str()` is."""


class InvalidLogOptions(CanariumError):
    """The query asks for what cannot be: a 422 Invalid. causes: message by field, as in the Status' details."""

    def __init__(self, pod: str, causes: Mapping[str, str]) -> None:
        self.causes = causes
        listed = [f"{field}: {message}" for field, message in causes.items()]
        text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
        super().__init__(f'PodLogOptions "{pod}" is invalid: {text}')


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines, as v1 PodLogOptions says; None for no limit."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None
    limit_bytes: int | None = None


class LogLine(msgspec.Struct, frozen=True):
    """One line without its newline, and when it was written."""

    at: datetime
    text: bytes


class Log(Protocol):
    """What one run of a container wrote."""

    def read(self, query: LogQuery, now: datetime) -> AsyncIterator[bytes]:
        """The bytes that answer a query, in chunks; with `follow` until the run ends. now: when it was asked."""
        ...


class Runs(Protocol):
    """The logs of one container by run."""

    def run(self, container_id: str) -> Log | None:
        """The log of a run, None when it is not kept."""
        ...


class RunLog:
    """The lines of one run of a container. `end` it when the run ends, or followers wait for ever."""

    def __init__(self, *, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self._lines: deque[LogLine] = deque()
        self._bytes = 0
        self._dropped = 0
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._is_ended = False
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def is_ended(self) -> bool:
        """Whether no line can come any more."""
        return self._is_ended

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """What is kept, oldest first."""
        return tuple(self._lines)

    @property
    def written(self) -> int:
        """How many lines were ever written."""
        return self._dropped + len(self._lines)

    def read(self, query: LogQuery, now: datetime) -> AsyncIterator[bytes]:
        """See `Log`."""
        return read(self, query, now)

    def append(self, line: str, at: datetime) -> None:
        """Write; a text with newlines is several lines, one too long for the buffer is cut."""
        for part in line.removesuffix("\n").split("\n"):
            text = part.encode("utf-8", "replace")[: self._max_bytes]
            self._lines.append(LogLine(at, text))
            self._bytes += len(text) + 1
        while len(self._lines) > 1 and (len(self._lines) > self._max_lines or self._bytes > self._max_bytes):
            self._bytes -= len(self._lines.popleft().text) + 1
            self._dropped += 1
        self._wake()

    def end(self) -> None:
        """No line comes any more."""
        self._is_ended = True
        self._wake()

    def after(self, number: int) -> Iterable[LogLine]:
        """The lines written after the first `number`, as far as they are kept."""
        skip = max(0, number - self._dropped)
        return list(self._lines)[skip:]

    async def wait(self, number: int) -> bool:
        """Wait until more than `number` lines were written; False when the run ended without."""
        while self.written <= number:
            if self._is_ended:
                return False
            change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change
        return True

    def _wake(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for change in waiting:
                if not change.done():
                    change.set_result(None)


class ContainerLogs:
    """A container's logs by run: the current one and the one before are kept."""

    def __init__(self) -> None:
        self._runs: dict[str, RunLog] = {}

    def begin(self, container_id: str) -> RunLog:
        """The log of a run that starts now."""
        for older in list(self._runs)[:-1]:
            self._runs.pop(older).end()
        log = self._runs[container_id] = RunLog()
        return log

    def run(self, container_id: str) -> RunLog | None:
        """The log of a run, None when it is not kept."""
        return self._runs.get(container_id)

    @property
    def current(self) -> RunLog | None:
        """The log of the latest run."""
        return next(reversed(self._runs.values()), None)

    def end(self) -> None:
        """The pod is gone: let every follower go."""
        for log in self._runs.values():
            log.end()


def log_query(parameters: Mapping[str, str], *, pod: str) -> LogQuery:
    """The query of a `/log` request. Raises InvalidLogOptions; an unreadable number counts as invalid, too."""
    causes: dict[str, str] = {}

    def number(name: str, least: int, words: str) -> int | None:
        text = parameters.get(name, "")
        if not text:
            return None
        try:
            value = int(text)
        except ValueError:
            causes[name] = f'Invalid value: "{text}": must be an integer'
            return None
        if value < least:
            causes[name] = f"Invalid value: {value}: {words}"
        return value

    tail = number("tailLines", 0, "must be greater than or equal to 0")
    limit = number("limitBytes", 1, "must be greater than 0")
    seconds = number("sinceSeconds", 1, "must be greater than 0")
    since_time = _time(parameters.get("sinceTime", ""), causes)
    if seconds is not None and since_time is not None:
        causes[""] = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
    if causes:
        raise InvalidLogOptions(pod, causes)
    return LogQuery(
        container=parameters.get("container", ""),
        follow=_is_true(parameters, "follow"),
        previous=_is_true(parameters, "previous"),
        timestamps=_is_true(parameters, "timestamps"),
        tail_lines=tail,
        since_seconds=seconds,
        since_time=since_time,
        limit_bytes=limit,
    )


def _is_true(parameters: Mapping[str, str], name: str) -> bool:
    # apimachinery's conversion: the name alone is true, and so is every value but these.
    return name in parameters and parameters[name].lower() not in ("false", "0")


def _time(text: str, causes: dict[str, str]) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        causes["sinceTime"] = f'Invalid value: "{text}": must be an RFC 3339 time'
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def choose_container(pod: Obj, container: str = "") -> str:
    """The container to read: the one that is named, or the only one. Raises LogsUnavailable."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    names = [each["name"] for each in spec.get("containers") or ()]
    init_names = [each["name"] for each in spec.get("initContainers") or ()]
    if container:
        known = {*names, *init_names, *(each["name"] for each in spec.get("ephemeralContainers") or ())}
        if container not in known:
            raise LogsUnavailable(f"container {container} is not valid for pod {name}")
        return container
    if len(names) == 1:
        return str(names[0])
    problem = f"a container name must be specified for pod {name}"
    if names:
        problem += f", choose one of: [{' '.join(names)}]"
        if init_names:
            problem += f" or one of the init containers: [{' '.join(init_names)}]"
    raise LogsUnavailable(problem)


def choose_run(pod: Obj, container: str, *, previous: bool = False) -> str:
    """The container ID of the run to read, by the pod's status. Raises LogsUnavailable.

    container: as `choose_container` returns it. A pod that is not bound to a node has no logs and no error: the API
    answers 200 and nothing, so ask only when `spec.nodeName` is set.
    """
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    here = f'container "{container}" in pod "{name}"'
    found = _status_of(status, container)
    if found is None:
        raise LogsUnavailable(f"{here} is not available")
    state = found.get("state") or {}
    last = ((found.get("lastState") or {}).get("terminated") or {}).get("containerID") or ""
    if previous:
        if not last:
            raise LogsUnavailable(f"previous terminated {here} not found")
        return str(last)
    if "running" in state:
        return str(found.get("containerID") or "")
    if "terminated" in state or last:
        own = (state.get("terminated") or {}).get("containerID") or last
        if not own:
            raise LogsUnavailable(f"{here} is terminated")
        return str(own)
    if "waiting" not in state:
        raise LogsUnavailable(f"{here} is waiting to start - no logs yet")
    reason = (state["waiting"] or {}).get("reason", "")
    words = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    raise LogsUnavailable(f"{here} is waiting to start: {words.get(reason, reason)}")


def _status_of(status: Mapping[str, Any], container: str) -> Mapping[str, Any] | None:
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for each in status.get(field) or ():
            if each.get("name") == container:
                found: Mapping[str, Any] = each
                return found
    return None


class Answer:
    """Lays lines out as the answer to a query: timestamps if asked for, in chunks, cut at the limit."""

    def __init__(self, query: LogQuery) -> None:
        self._has_timestamps = query.timestamps
        self._left = query.limit_bytes
        self._chunk = bytearray()
        self.is_full = False

    def add(self, stamp: bytes, text: bytes) -> bytes:
        """Add a line; returns a chunk to send, empty while there is none. Once `is_full`, nothing more fits."""
        if self._has_timestamps:
            self._chunk += stamp + b" "
        self._chunk += text
        self._chunk += b"\n"
        if self._left is not None and len(self._chunk) >= self._left:
            self.is_full = True
            return bytes(self._chunk[: self._left])
        return self.rest() if len(self._chunk) >= CHUNK_BYTES else b""

    def rest(self) -> bytes:
        """What was not sent yet."""
        chunk = bytes(self._chunk)
        self._chunk.clear()
        if self._left is not None:
            self._left -= len(chunk)
        return chunk


def since_of(query: LogQuery, now: datetime) -> datetime | None:
    """From when on a query wants lines; None for all."""
    return query.since_time if query.since_seconds is None else now - timedelta(seconds=query.since_seconds)


async def read(log: RunLog, query: LogQuery, now: datetime) -> AsyncIterator[bytes]:
    """See `Log.read`. Tail lines are counted before older ones are left out, and the limit counts timestamps too, as
    the kubelet does."""
    since = since_of(query, now)
    answer = Answer(query)
    seen = log.written if query.tail_lines == 0 else max(0, log.written - (query.tail_lines or log.written))
    while True:
        fresh = log.after(seen)
        seen = log.written
        for line in fresh:
            if since is not None and line.at < since:
                continue
            if chunk := answer.add(timestamp(line.at), line.text):
                yield chunk
            if answer.is_full:
                return
        if chunk := answer.rest():
            yield chunk
        if not query.follow or not await log.wait(seen):
            return


def timestamp(at: datetime) -> bytes:
    """RFC 3339 with nine digits, as the kubelet prints it: `2026-01-05T09:00:00.120000000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
