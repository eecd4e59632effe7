"""What evaluation works on and what it returns.

Owns: the columnar values, results, limits and errors of evaluation. Must not know: storage, parsing, functions.
Behaviour follows Prometheus 3.x `promql/value.go` and the error types of its HTTP API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from canarium.errors import CanariumError
from canarium.metrics.promql.ast import Annotations, Matcher, Span, ValueType
from canarium.metrics.tsdb.labels import Labels
from canarium.metrics.tsdb.store import Series, SeriesData

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

TOO_MANY_SAMPLES: Final = "query processing would load too many samples into memory in query execution"

ErrorType: TypeAlias = Literal["execution", "timeout", "canceled", "bad_data"]


class EvalError(CanariumError):
    """A query that cannot be answered, in upstream's words; `error_type` is that of the HTTP API."""

    def __init__(self, problem: str, error_type: ErrorType = "execution") -> None:
        super().__init__(problem)
        self.error_type: ErrorType = error_type


class NotBuilt(EvalError):
    """A part of PromQL that canarium does not evaluate yet."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not built into canarium yet; point the address at a Prometheus instead")


class Storage(Protocol):
    """What the engine asks of a store."""

    def selected(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        """The series that match."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one query may use.

    max_samples: samples held at once (upstream's --query.max-samples). interrupted: asked between steps of the
    evaluation; answers "" to go on. Whoever owns a clock builds the timeout from it.
    """

    max_samples: int = 50_000_000
    interrupted: Callable[[], Literal["", "timeout", "canceled"]] | None = None


class Block(msgspec.Struct):
    """An instant vector at every step: one row per series, one column per step.

    present says where there is a sample: NaN is an ordinary value. drop marks rows whose metric name goes at the end
    (only with delayed name removal; None means no row).
    """

    labels: list[Labels]
    values: Floats
    present: Bools
    drop: list[bool] | None = None

    def rows(self, keep: Sequence[int] | Ints) -> Block:
        """Only some rows, in the order given."""
        return Block(
            [self.labels[row] for row in keep],
            self.values[keep],
            self.present[keep],
            None if self.drop is None else [self.drop[row] for row in keep],
        )

    def drops(self, row: int) -> bool:
        """Whether the row's name goes at the end."""
        return self.drop is not None and self.drop[row]


Value: TypeAlias = Block | Floats | str
"""A vector; a scalar (one number per step); a string."""


class Result(msgspec.Struct):
    """The answer to a query.

    vector: `labels` and `values` of shape (series, 1), stamped `timestamps[0]`. matrix: `series`, sorted by labels.
    scalar: `number`. string: `text`.
    """

    value_type: ValueType
    timestamps: Ints
    labels: list[Labels] = msgspec.field(default_factory=list)
    values: Floats = msgspec.field(default_factory=lambda: np.empty((0, 1)))
    series: list[SeriesData] = msgspec.field(default_factory=list)
    number: float = 0.0
    text: str = ""
    annotations: Annotations = msgspec.field(default_factory=Annotations)

    def vector(self) -> list[tuple[Labels, float]]:
        """The samples of an instant vector, in upstream's order."""
        return list(zip(self.labels, self.values[:, 0].tolist(), strict=True))


Points: TypeAlias = dict[tuple[Literal["warning", "info"], str], tuple[Span, Callable[[], str] | None]]


class Context(msgspec.Struct):
    """One evaluation: when, over what, under which rules. Subqueries get their own with their own steps."""

    storage: Storage
    steps: Ints
    start_ms: int
    end_ms: int
    interval_ms: int
    query_start_ms: int
    query_end_ms: int
    query_step_ms: int
    lookback_ms: int
    subquery_step_ms: int
    delayed_names: bool
    limits: Limits
    notes: Points
    samples: int = 0

    @property
    def is_range(self) -> bool:
        """Whether there can be several steps (upstream treats a range of one step as an instant)."""
        return self.start_ms != self.end_ms

    def warn(self, text: str, span: Span) -> None:
        """Leave a warning; said again, the later place counts, as upstream."""
        self.notes["warning", text] = (span, None)

    def info(self, text: str, span: Span, details: Callable[[], str] | None = None) -> None:
        """Leave an info."""
        self.notes["info", text] = (span, details)

    def count(self, samples: int) -> None:
        """Count samples held, and stop a query that holds too many."""
        self.samples += samples
        if self.samples > self.limits.max_samples:
            raise EvalError(TOO_MANY_SAMPLES)

    def fits(self, cells: int) -> None:
        """Refuse a table (series x steps) that is too large before it is made."""
        if cells > self.limits.max_samples:
            raise EvalError(TOO_MANY_SAMPLES)

    def check(self) -> None:
        """Stop a query that ran out of time or was called off."""
        if self.limits.interrupted is None:
            return
        match self.limits.interrupted():
            case "timeout":
                raise EvalError("query timed out in expression evaluation", "timeout")
            case "canceled":
                raise EvalError("query was canceled in expression evaluation", "canceled")
            case _:
                pass

    def nameless(self, block: Block) -> Block:
        """Without metric names: at once, or marked for the end where name removal is delayed."""
        if self.delayed_names:
            return Block(block.labels, block.values, block.present, [True] * len(block.labels))
        return Block([labels.without_metadata() for labels in block.labels], block.values, block.present, block.drop)


def empty(steps: int) -> Block:
    """A vector without series."""
    return Block([], np.empty((0, steps)), np.empty((0, steps), np.bool_))


def merged(block: Block) -> Block:
    """Rows with the same labels become one. Raises EvalError where two of them have a sample at one step."""
    if len(set(block.labels)) == len(block.labels):
        return block
    block = compact(block)  # a row without samples must not decide where its namesake stands
    first: dict[Labels, int] = {}
    keep: list[int] = []
    values, present = block.values.copy(), block.present.copy()
    for row, labels in enumerate(block.labels):
        into = first.setdefault(labels, row)
        if into == row:
            keep.append(row)
            continue
        if (present[into] & present[row]).any():
            raise EvalError("vector cannot contain metrics with the same labelset")
        values[into][present[row]] = values[row][present[row]]
        present[into] |= present[row]
    return Block(block.labels, values, present, block.drop).rows(keep)


def compact(block: Block) -> Block:
    """Without rows that have no sample at all."""
    if not block.labels:
        return block
    some = block.present.any(axis=1)
    if some.all():
        return block
    return block.rows(np.flatnonzero(some))
