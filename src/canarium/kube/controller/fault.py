"""What becomes of an error that is ours: a bug met while looking at one object.

Owns: the policy. In a lab it stops loudly, so that it is found; in a running cluster that one object stops and says so,
and all others go on. Must not know: queues, watches, how it is printed.
An error that says itself what is wrong (CanariumError) is no bug, and is none of this module's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from canarium.journal import Journal, NoJournal

REMEMBERED: Final = 1000
"""How many tellings are remembered, so that they are not repeated."""


class Fault(msgspec.Struct, frozen=True):
    """A bug that was met. where: the controller or informer; key: the object; at: the module and line.

    It says the kind of the error but not its text, which may quote what an object says, a Secret's values included.
    """

    where: str
    key: str
    error: str
    at: str

    def __str__(self) -> str:
        return f"{self.where} failed on {self.key}: {self.error} at {self.at}"


class Faults:
    """Tells of bugs, and says whether to go on.

    on_fault: told of each bug once per object; None: nothing is endured.
    """

    def __init__(self, journal: Journal, on_fault: Callable[[Fault], None] | None) -> None:
        self._journal = journal
        self._on_fault = on_fault
        self._told: dict[Fault, None] = {}

    def endures(self, where: str, key: str, error: Exception) -> bool:
        """Whether to go on with the other objects; if so, it has been told. If not, raise the error again."""
        if self._on_fault is None:
            return False
        fault = fault_of(where, key, error)
        self._journal.record("fault", **msgspec.structs.asdict(fault), says=str(error))
        if fault not in self._told:
            while len(self._told) >= REMEMBERED:
                del self._told[next(iter(self._told))]
            self._told[fault] = None
            self._on_fault(fault)
        return True


LOUD: Final = Faults(NoJournal(), None)
"""Endures nothing."""


def fault_of(where: str, key: str, error: Exception) -> Fault:
    """The error as it can be told. Its place is the last line of ours that led to it."""
    at = ""
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if not at or module.partition(".")[0] == "canarium" or not at.startswith("canarium."):
            at = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return Fault(where, key, type(error).__name__, at)
