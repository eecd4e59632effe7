"""kube-state-metrics as a program: `/metrics` over listers.

Owns: keeping each object's text until the object changes, as the original does. Must not know: the families' rules.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from canarium.clock import Clock
from canarium.kube.controller.reconciler import Lister, Listers
from canarium.kube.objects import Obj
from canarium.kube.resources import DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS
from canarium.metrics.kube_state import pods, workloads
from canarium.metrics.kube_state.families import Family, Labels, exposition, header
from canarium.nodes.program import AsgiApp, Receive, Scope, Send

CONTENT_TYPE = b"text/plain; version=0.0.4"
OBJECTS_AT_ONCE = 100


class _Kind(NamedTuple):
    lister: Lister
    identity: Callable[[Obj], Labels]
    families: Sequence[Family]
    headers: Sequence[str]


def _kind(lister: Lister, identity: Callable[[Obj], Labels], families: Sequence[Family]) -> _Kind:
    return _Kind(lister, identity, families, [header(family) for family in families])


class KubeStateMetrics:
    """Text exposition of the objects in a cluster."""

    def __init__(self, listers: Listers, clock: Clock) -> None:
        self._clock = clock
        self._kinds = (
            _kind(listers(DEPLOYMENTS), workloads.deployment_identity, workloads.DEPLOYMENT_FAMILIES),
            _kind(listers(NAMESPACES), workloads.namespace_identity, workloads.NAMESPACE_FAMILIES),
            _kind(listers(PODS), pods.identity, pods.FAMILIES),
            _kind(listers(REPLICA_SETS), workloads.replica_set_identity, workloads.REPLICA_SET_FAMILIES),
        )
        self._texts: dict[str, tuple[str, list[str]]] = {}

    def _rendering(self) -> Generator[None, None, str]:
        """The whole exposition: families in order, each with the lines of all objects.

        Whoever iterates may do something else whenever many objects have been written anew.
        """
        parts: list[str] = []
        seen: dict[str, tuple[str, list[str]]] = {}
        written = 0
        for kind in self._kinds:
            columns = []
            for obj in kind.lister.list():
                metadata = obj["metadata"]
                known = self._texts.get(metadata["uid"])
                if known is None or known[0] != metadata["resourceVersion"]:
                    identity = kind.identity(obj)
                    texts = [exposition(family, identity, obj) for family in kind.families]
                    known = (metadata["resourceVersion"], texts)
                    written += 1
                    if written % OBJECTS_AT_ONCE == 0:
                        yield
                seen[metadata["uid"]] = known
                columns.append(known[1])
            if not columns:
                continue  # upstream describes a family only when there is an object to tell of
            for index, described in enumerate(kind.headers):
                parts.append(described)
                parts += [column[index] for column in columns]
        self._texts = seen
        return "".join(parts)

    async def _rendered(self) -> str:
        rendering = self._rendering()
        while True:
            try:
                next(rendering)
            except StopIteration as done:
                return str(done.value)
            await self._clock.sleep(0)

    @property
    def app(self) -> AsgiApp:
        """`/metrics`, `/healthz`, `/livez`, `/readyz`; anything else is 404."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            del receive
            status, body, content_type = 404, b"404 page not found\n", b"text/plain; charset=utf-8"
            if scope["path"] == "/metrics":
                status, body, content_type = 200, (await self._rendered()).encode(), CONTENT_TYPE
            elif scope["path"] in ("/healthz", "/livez", "/readyz"):
                status, body = 200, b"OK"
            headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return app
