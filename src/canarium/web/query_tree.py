"""The answer to `/api/query_tree`: a query part by part, for the page.

Owns: the page's shape of it, and what is told of a query that cannot be parsed. Must not know: HTTP, evaluation.
"""

from __future__ import annotations

from canarium.clock import Clock, RealClock
from canarium.errors import CanariumError
from canarium.metrics.promql.errors import ParseError
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.tree import Part, parts
from canarium.metrics.tsdb.store import MemoryStore
from canarium.web.model import QueryNode


class QueryProblem(CanariumError):
    """A query that cannot be parsed. problem: Prometheus' words with line and column. start, end: byte offsets."""

    def __init__(self, problem: str, next_step: str, start: int, end: int) -> None:
        super().__init__(problem, next_step=next_step)
        self.start = start
        self.end = end


def query_tree(store: MemoryStore, query: str, at_ms: int, *, clock: Clock | None = None) -> QueryNode:
    """Every part of a query with what it is worth at a time, in milliseconds since 1970.

    clock: what the budget and `milliseconds` are measured with. Raises QueryProblem, CanariumError.
    """
    stopwatch = (clock or RealClock()).monotonic
    try:
        expr = parse(query)
    except ParseError as error:
        raise QueryProblem(error.message, _next_step(query, error), error.span.start, error.span.end) from error
    try:
        return _node(parts(store, expr, query, at_ms, stopwatch))
    except MemoryError as error:
        raise CanariumError(
            "it would take more memory than there is", next_step="Ask for a shorter range, or for a longer step."
        ) from error


def _next_step(query: str, error: ParseError) -> str:
    lines = [line.strip() for line in query.splitlines() if line.strip()]
    if not lines:
        return "The query is empty: write an expression, such as `up`."
    if all(line.startswith("#") for line in lines):
        return (
            f"{'The only line begins' if len(lines) == 1 else f'All {len(lines)} lines begin'} with `#`, so the whole"
            " query is a comment and there is nothing to evaluate. Remove the `#` before the expression."
        )
    return f"Correct the query at line {error.line}, column {error.column}."


def _node(part: Part) -> QueryNode:
    return QueryNode(
        text=part.text,
        kind=part.kind,
        start=part.span.start,
        end=part.span.end,
        value_type=part.value_type.value,
        count=part.count,
        value=part.value,
        series=part.series,
        labels=part.labels,
        problem=part.problem,
        note=part.note,
        milliseconds=round(part.seconds * 1000, 3),
        children=tuple(_node(child) for child in part.children),
    )
