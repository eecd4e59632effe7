"""One node's agent: the pods that live there, their addresses, and what is told about them.

Owns: the workers by pod, pod addresses from the node's podCIDR, sending events without anybody waiting for it.
Must not know: how status is decided. It outlives the controllers: a restarted kubelet finds its pods running.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from canarium.clock import Chance, Clock
from canarium.errors import CanariumError
from canarium.kube.cluster import Cluster
from canarium.kube.controller.events import event_for, record_event
from canarium.kube.decision import EventNote
from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.nodes.pod_worker import Dials, Host, NoAddressLeft, PodWorker
from canarium.nodes.runtime import Runtime


def _nobody(key: ObjectKey) -> None:
    """Wake nobody: no kubelet listens yet."""
    del key


class NodeAgent:
    """Drives the pods of one node.

    pod_cidr: such as `10.244.1.0/24`; addresses are given out in turn from the second on, as host-local does.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        name: str,
        ip: str,
        pod_cidr: str,
        clock: Clock,
        chance: Chance,
        runtime: Runtime,
        network: Dials,
    ) -> None:
        self.name = name
        self.ip = ip
        self.pod_cidr = pod_cidr
        self.runtime = runtime
        self._cluster = cluster
        self._clock = clock
        self._network = ipaddress.ip_network(pod_cidr)
        self._last_address = 1
        self._taken: dict[str, None] = {}
        self._workers: dict[ObjectKey, PodWorker] = {}
        self._wake: Callable[[ObjectKey], None] = _nobody
        self._events: deque[Obj] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._failure: BaseException | None = None
        self._host = Host(
            ip=ip,
            clock=clock,
            chance=chance.stream(f"node/{name}"),
            runtime=runtime,
            network=network,
            take_address=self._take_address,
            release_address=self._release_address,
            tell=self._tell,
            spawn=self._spawn,
        )

    def on_change(self, wake: Callable[[ObjectKey], None]) -> None:
        """Call `wake` with the key of each pod whose status may have changed; replaces an earlier one."""
        self._wake = wake

    def worker(self, pod: Obj) -> PodWorker:
        """The worker of this pod, begun if it is new and told of this version of the pod."""
        self._raise_failure()
        key = key_of(pod)
        worker = self._workers.get(key)
        if worker is not None and worker.uid != pod["metadata"]["uid"]:
            self.forget(key)
            worker = None
        if worker is None:
            worker = self._workers[key] = PodWorker(pod, self._host, lambda: self._wake(key))
            worker.begin()
        worker.update(pod)
        return worker

    def forget(self, key: ObjectKey) -> None:
        """The pod is gone from the API: kill what still runs."""
        self._raise_failure()
        worker = self._workers.pop(key, None)
        if worker is not None:
            worker.vanish()

    @property
    def pods(self) -> Sequence[ObjectKey]:
        """The pods that live here, in order."""
        return sorted(self._workers)

    def _take_address(self) -> str:
        size = self._network.num_addresses
        for _ in range(size):
            self._last_address = self._last_address + 1 if self._last_address + 2 < size else 2
            address = str(self._network[self._last_address])
            if address not in self._taken:
                self._taken[address] = None
                return address
        raise NoAddressLeft(f"node {self.name} has no address left in {self.pod_cidr}", next_step="Add a node.")

    def _release_address(self, address: str) -> None:
        self._taken.pop(address, None)

    # -- events and tasks ---------------------------------------------------------------------------------------

    def _tell(self, pod: Obj, note: EventNote) -> None:
        event = event_for(pod, note, component="kubelet", at=self._clock.now())
        event["source"] = {**event["source"], "host": self.name}
        self._events.append(event)
        if self._sender is None or self._sender.done():
            self._sender = self._spawn(self._send(), f"events/{self.name}")

    async def _send(self) -> None:
        while self._events:
            event = self._events.popleft()
            try:
                await record_event(self._cluster, event)
            except CanariumError:
                continue  # events are told once, as well as can be: client-go drops them after retries too

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None and self._failure is None:
            self._failure = error
            for key in list(self._workers):
                self._wake(key)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None  # told once: it need not be the end of the other pods
        if failure is not None:
            raise failure
