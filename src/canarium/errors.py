"""What every error of canarium has in common: what happened, where, and what to do next.

Owns: the root class and the place type. Must not know: who raises it. Subclasses live beside the code that raises them,
and exist only where some caller acts differently.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A place in a file: path as the user wrote it, 1-based line and column; 0 means unknown.

    Not a struct, so that `--help` need not load msgspec.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, leaving out what is unknown, as compilers and editors expect it."""
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class CanariumError(Exception):
    """Something the user can act on. `str()` is the whole message: place, field path, problem, next step.

    problem: one sentence without the place. at: where in a file. field: a field path such as
    `spec.strategy.canary.steps[2].setWeight`. next_step: what the user can do about it.
    """

    def __init__(self, problem: str, *, at: Place | None = None, field: str = "", next_step: str = "") -> None:
        self.problem = problem
        self.at = at
        self.field = field
        self.next_step = next_step
        super().__init__(problem)

    def __str__(self) -> str:
        head = ": ".join(part for part in (str(self.at or ""), self.field, self.problem) if part)
        return f"{head}\n  {self.next_step}" if self.next_step else head
