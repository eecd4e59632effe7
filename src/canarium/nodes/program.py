"""What runs inside a simulated container: the program interface and the table that finds a program for an image.

Owns: `Program`, `ContainerContext`, `ProgramFactory`, `ImageTable`. Must not know: kubelets, probes, clusters.
A program is one or more in-process ASGI applications by container port, and optionally a background coroutine whose
return is the exit code. It gets time, chance and the network through its context and opens nothing by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from canarium.clock import Chance, Clock
from canarium.kube.objects import Obj, controller_of
from canarium.nodes.network import Network

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI 3 application. Only `http` scopes are ever sent; there is no lifespan."""

Background: TypeAlias = Callable[[], Coroutine[Any, Any, int]]
"""Starts what a program does besides answering; its return is the container's exit code."""


def _nowhere(line: str) -> None:
    """Write to nobody: no log is kept."""
    del line


class ContainerContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a program may know: its pod and container as specified, and the ports to the world.

    pod: the Pod object as bound (its `status.podIP` is set). chance: a stream of this container's own.
    log: writes one line to the container's standard output, which `kubectl logs` shows.
    """

    pod: Obj
    container: Mapping[str, Any]
    clock: Clock
    chance: Chance
    network: Network
    log: Callable[[str], None] = _nowhere

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"].get("namespace", ""))

    @property
    def image(self) -> str:
        """The image as the pod names it."""
        return str(self.container.get("image", ""))

    @property
    def env(self) -> dict[str, str]:
        """The literal environment variables of the container; `valueFrom` is left out."""
        return {entry["name"]: str(entry["value"]) for entry in self.container.get("env") or () if "value" in entry}


class Program(Protocol):
    """One run of one container. A class with these three attributes, or a `Serving`."""

    @property
    def ports(self) -> Mapping[int, AsgiApp]:
        """ASGI applications by container port."""
        ...

    @property
    def start_delay_seconds(self) -> float:
        """How long after the start its sockets listen; before that a connection is refused."""
        ...

    @property
    def run(self) -> Background | None:
        """What it does besides answering (an `async def run(self) -> int` will do), started with the container and
        cancelled when it is stopped; None when it only serves, and then it never exits by itself."""
        ...


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """The usual `Program`: some applications, an optional delay, an optional background coroutine.

    note: what the user should be told once about this program, as an event; empty for nothing.
    """

    ports: Mapping[int, AsgiApp] = msgspec.field(default_factory=dict)
    start_delay_seconds: float = 0.0
    run: Background | None = None
    note: str = ""


ProgramFactory: TypeAlias = Callable[[ContainerContext], Program]
"""Makes the program for one run of a container: called again at each restart, so state does not survive one."""


class Image(NamedTuple):
    """An image reference taken apart; `docker.io/` and `library/` are left out, an absent tag is `latest`."""

    repository: str
    tag: str


def parse_image(reference: str) -> Image:
    """`[registry/]repository[:tag][@digest]` as the container runtimes read it. The digest is dropped."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    repository = f"{head}{slash}{last}"
    for prefix in ("docker.io/", "index.docker.io/"):
        repository = repository.removeprefix(prefix)
    return Image(repository.removeprefix("library/"), tag or "latest")


class ImageTable:
    """Which program an image runs. Patterns are `repository` or `repository:tag`, both with shell wildcards.

    The pattern with a tag wins over one without, exact over wildcard, later over earlier.
    """

    def __init__(self, fallback: ProgramFactory | None = None) -> None:
        self._fallback = fallback or generic_program
        self._rows: list[tuple[Image, bool, ProgramFactory]] = []

    def add(self, pattern: str, factory: ProgramFactory) -> None:
        """Run `factory` for images that match `pattern`."""
        tagged = ":" in pattern.rpartition("/")[2]
        self._rows.append((parse_image(pattern), tagged, factory))

    def factory(self, image: str) -> ProgramFactory:
        """The program factory of an image; the generic one when nothing matches."""
        wanted = parse_image(image)
        best, best_rank = self._fallback, (-1, -1, -1)
        for order, (pattern, tagged, factory) in enumerate(self._rows):
            if not fnmatchcase(wanted.repository, pattern.repository):
                continue
            if tagged and not fnmatchcase(wanted.tag, pattern.tag):
                continue
            exact = int(wanted.repository == pattern.repository) + int(tagged and wanted.tag == pattern.tag)
            rank = (int(tagged), exact, order)
            if rank > best_rank:
                best, best_rank = factory, rank
        return best

    def knows(self, image: str) -> bool:
        """Whether a pattern matches; what nobody knows runs simulated."""
        return self.factory(image) is not self._fallback


JOB_SECONDS = 0.5
"""How long a simulated container runs that is to end by itself."""


def generic_program(context: ContainerContext) -> Program:
    """Listens on the container's declared ports and answers 200 to everything; in a pod of a Job, and as an init
    container, it ends by itself.

    A Job waits for its pods to end, and a pod for its init containers: one that never did would hold up whoever waits.
    Other pods stay, whatever their restartPolicy: `kubectl run --restart=Never` is also how a server is tried out; and
    sidecars stay, which is what they are for.
    """
    if _is_to_end(context):
        clock = context.clock

        async def end() -> int:
            await clock.sleep(JOB_SECONDS)
            return 0

        note = f'Image "{context.image}" is simulated: its command is not run, and it ends with exit code 0'
        return Serving(run=end, note=note)
    app = answering(200, b"ok\n")
    ports = {int(port["containerPort"]): app for port in context.container.get("ports") or ()}
    return Serving(ports=ports, note=f'Image "{context.image}" is simulated: it answers 200 on its declared ports')


def _is_to_end(context: ContainerContext) -> bool:
    if context.container.get("restartPolicy") == "Always":
        return False
    owner = controller_of(context.pod)
    if owner is not None and owner["kind"] == "Job":
        return True
    name = context.container.get("name")
    return any(each.get("name") == name for each in context.pod["spec"].get("initContainers") or ())


def answering(status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> AsgiApp:
    """An application that always gives the same answer."""
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())],
    }
    rest = {"type": "http.response.body", "body": body}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send(dict(start))
        await send(dict(rest))

    return app
