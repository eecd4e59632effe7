"""The controller runtime: informers, queues, workers.

Owns: starting, stopping, waking and backing off. Must not know: any rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.journal import Journal, NoJournal
from canarium.kube.cluster import Cluster, Conflict, NotFound
from canarium.kube.controller.apply import apply_decision
from canarium.kube.controller.events import event_for, record_event
from canarium.kube.controller.fault import Fault, Faults, fault_of
from canarium.kube.controller.informer import Informer
from canarium.kube.controller.own_writes import OwnWrites
from canarium.kube.controller.queue import WorkQueue
from canarium.kube.controller.reconciler import Choosy, Reconciler, Resting, Watch
from canarium.kube.decision import EventNote
from canarium.kube.objects import Obj, ObjectKey, key_of
from canarium.kube.resources import Resource


class Manager:
    """Runs reconcilers over one cluster with shared informers.

    Reconcilers ask `listers` for what they read in their constructors; `start` then keeps it fresh.
    on_fault: told of a bug of ours that one object brings about, which then waits while all others go on; None: a bug
    ends the task that met it (see `on_failure`).
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        journal: Journal | None = None,
        *,
        on_fault: Callable[[Fault], None] | None = None,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._journal: Journal = journal or NoJournal()
        self._faults = Faults(self._journal, on_fault)
        self._informers: dict[Resource, Informer] = {}
        self._controllers: list[_Controller] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._failure_handlers: list[Callable[[BaseException], None]] = []

    def listers(self, resource: Resource) -> Informer:
        """The shared informer of a resource. See `Listers`."""
        if resource not in self._informers:
            informer = self._informers[resource] = Informer(self._cluster, self._clock, resource, self._faults)
            if self._tasks:
                self._spawn(informer.run(), f"informer/{resource}")
        return self._informers[resource]

    def add(self, reconciler: Reconciler[Any], *, workers: int = 1) -> WorkQueue:
        """Add a controller before `start`. Returns its queue, for those who wake it by other means.

        workers: how many keys it may look at side by side; one key is never looked at twice at once.
        """
        writes = OwnWrites(self._cluster, self._informers)
        primary = self.listers(reconciler.primary)
        controller = _Controller(
            writes, self._clock, self._journal, reconciler, workers, self._faults, _Witness(self._cluster, primary)
        )
        concerns = reconciler.concerns if isinstance(reconciler, Choosy) else None

        def wake(obj: Obj) -> None:
            if concerns is None or concerns(obj):
                controller.queue.add(key_of(obj))

        primary.on_change(wake)
        for watch in reconciler.watches:
            self.listers(watch.resource).on_change(controller.waker(watch))
        self._controllers.append(controller)
        return controller.queue

    async def start(self) -> None:
        """Start informers, wait until each has listed once, then start the controllers.

        Raises NotFound when a kind that is to be watched does not exist; nothing is left running then.
        """
        for resource, informer in self._informers.items():
            self._spawn(informer.run(), f"informer/{resource}")
        for informer in list(self._informers.values()):
            await informer.synced.wait()
            if informer.missing is not None:
                await self.stop()
                raise NotFound(
                    404,
                    "NotFound",
                    f"{informer.resource} cannot be watched: {informer.missing.message}",
                    next_step="Create its CustomResourceDefinition before the controllers start.",
                )
        for controller in self._controllers:
            for number in range(controller.workers):
                self._spawn(controller.run(), f"controller/{controller.reconciler.name}/{number}")

    async def stop(self) -> None:
        """Stop at once, as a crash would: whatever was being applied stays half applied."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def on_failure(self, handler: Callable[[BaseException], None]) -> None:
        """Call `handler` when a task dies of an error that is ours (an assertion that does not hold)."""
        self._failure_handlers.append(handler)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            for handler in self._failure_handlers:
                handler(error)
            if not self._failure_handlers:
                message = f"{task.get_name()} died, and nobody asked to be told"
                task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task})


class _Controller:
    """One reconciler with its queue; `run` is what each of its workers does."""

    def __init__(
        self,
        writes: OwnWrites,
        clock: Clock,
        journal: Journal,
        reconciler: Reconciler[Any],
        workers: int,
        faults: Faults,
        witness: _Witness,
    ) -> None:
        self.reconciler = reconciler
        self.workers = workers
        self.queue = WorkQueue(clock)
        self._writes = writes
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._witness = witness
        self._last_reasons: dict[ObjectKey, list[Any]] = {}

    def waker(self, watch: Watch) -> Any:
        """A handler that wakes the keys a changed object concerns."""

        def wake(obj: Obj) -> None:
            for key in watch.keys(obj):
                self.queue.add(key)

        return wake

    async def run(self) -> None:
        """Look at one key after the other, for ever."""
        while True:
            key = await self.queue.get()
            rest = 0.0
            try:
                rest = await self._reconcile(key)
            except Conflict:
                self.queue.retry(key)  # the world moved: look again
            except CanariumError as error:
                delay = self.queue.retry(key)
                self._journal.record(
                    "retry", controller=self.reconciler.name, key=str(key), error=str(error), seconds=delay
                )
            except Exception as error:
                if not self._faults.endures(self.reconciler.name, str(key), error):
                    raise
                self.queue.retry(key)
                await self._witness.note(key, fault_of(self.reconciler.name, str(key), error), self._clock.now())
            else:
                self._witness.forget(key)
            finally:
                self.queue.done(key, rest_seconds=rest)

    async def _reconcile(self, key: ObjectKey) -> float:
        """One look at a key; how long it rests afterwards."""
        reconciler = self.reconciler
        if not await self._writes.are_seen(key, then=lambda: self.queue.add(key)):
            return 0.0  # what the listers show is older than what we did
        observed = await reconciler.observe(key)
        if observed is None:
            self.queue.forget(key)
            self._last_reasons.pop(key, None)
            return 0.0
        now = self._clock.now()
        decision = reconciler.decide(observed, now)
        subject = reconciler.subject(observed)
        self._tell(key, decision)
        cluster = self._writes.cluster_for(key)
        await apply_decision(cluster, reconciler.primary, subject, decision, component=reconciler.name, now=now)
        self.queue.forget(key)
        if decision.requeue is not None:
            self.queue.add_after(key, decision.requeue.total_seconds())
        return reconciler.rest_seconds(observed) if isinstance(reconciler, Resting) else 0.0

    def _tell(self, key: ObjectKey, decision: Any) -> None:
        """Tell the journal, unless nothing is done for the same reasons as the last time."""
        if isinstance(self._journal, NoJournal):
            return
        because = [{"reason": reason.kind, "says": str(reason), **reason.evidence()} for reason in decision.because]
        if not decision.actions and self._last_reasons.get(key) == because:
            return
        self._last_reasons[key] = because
        self._journal.record(
            "decision",
            controller=self.reconciler.name,
            key=str(key),
            because=because,
            actions=[_named(action) for action in decision.actions],
        )


class _Witness:
    """Says on an object that a controller failed on it: an Event, once per bug, at best effort."""

    def __init__(self, cluster: Cluster, primary: Informer) -> None:
        self._cluster = cluster
        self._primary = primary
        self._noted: dict[ObjectKey, Fault] = {}

    async def note(self, key: ObjectKey, fault: Fault, now: datetime) -> None:
        if self._noted.get(key) == fault:
            return
        self._noted[key] = fault
        message = (
            f"The controller failed on this object: {fault.error} at {fault.at}. It tries again, ever more seldom."
        )
        with suppress(Exception):  # whatever is wrong with the object may be in the way here too
            subject = self._primary.get(*key)
            if subject is not None:
                note = EventNote(type="Warning", reason="ControllerFault", message=message)
                await record_event(self._cluster, event_for(subject, note, component=fault.where, at=now))

    def forget(self, key: ObjectKey) -> None:
        self._noted.pop(key, None)


def _named(action: Any) -> str:
    """`create pods default/x`: an action as a line of the event log."""
    verb = type(action).__name__.lower()
    if verb == "create":
        return f"create {action.resource} {key_of(action.obj)}"
    return f"{verb} {action.resource} {ObjectKey(action.namespace, action.name)}"
