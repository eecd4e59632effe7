"""What goes wrong in a condition, in upstream's words and with upstream's position.

Owns: ExprError. Must not know: which phase raised it.
Behaviour follows expr-lang 1.17 `file.Error`.
"""

from __future__ import annotations

from canarium.errors import CanariumError


class ExprError(CanariumError):
    """A condition that cannot be compiled, or fails while it runs.

    problem: upstream's message alone (what Argo Rollouts shows). location: offset in code points, None when unknown.
    """

    def __init__(self, problem: str, *, source: str = "", location: int | None = None, next_step: str = "") -> None:
        super().__init__(problem, next_step=next_step)
        self.source = source
        self.location = location

    def bound(self, source: str) -> ExprError:
        """The same error knowing the text it is about."""
        self.source = self.source or source
        return self

    @property
    def line(self) -> int:
        """1-based line, 0 when unknown."""
        return self.source[: self.location].count("\n") + 1 if self.location is not None else 0

    @property
    def column(self) -> int:
        """1-based column, 0 when unknown."""
        if self.location is None:
            return 0
        before = self.source[: self.location]
        return len(before) - before.rfind("\n")

    @property
    def with_snippet(self) -> str:
        """The message, its line and column, and the line with a pointer under it: expr-lang's `Error()`."""
        lines = self.source.split("\n")
        if self.location is None or not lines[self.line - 1]:
            return self.problem
        shown = lines[self.line - 1].replace("\t", " ")
        dots = "." * (self.column - 1)
        return f"{self.problem} ({self.line}:{self.column})\n | {shown}\n | {dots}^"


class Panic(Exception):
    """A Go panic on its way to the evaluator, which knows the place."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
