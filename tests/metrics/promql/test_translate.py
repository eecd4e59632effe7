"""An expression as Prometheus' own page reads it; the shapes are those of upstream's translate_ast.go."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.translate import translated

UP: dict[str, Any] = {
    "type": "vectorSelector",
    "name": "up",
    "offset": 0,
    "offsetExpr": None,
    "matchers": [{"name": "__name__", "value": "up", "type": "="}],
    "timestamp": None,
    "startOrEnd": None,
    "anchored": False,
    "smoothed": False,
}


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("up", UP),
        ("up offset 5m @ 10", {**UP, "offset": 300_000, "timestamp": 10_000}),
        ("up @ end()", {**UP, "startOrEnd": "end"}),
        ("up[5m]", {**UP, "type": "matrixSelector", "range": 300_000, "rangeExpr": None}),
        (
            "up[1h:1m] offset 1m",
            {
                "type": "subquery",
                "expr": UP,
                "range": 3_600_000,
                "rangeExpr": None,
                "offset": 60_000,
                "offsetExpr": None,
                "step": 60_000,
                "stepExpr": None,
                "timestamp": None,
                "startOrEnd": None,
            },
        ),
        (
            "clamp_max(up, 1e3)",
            {
                "type": "call",
                "func": {
                    "name": "clamp_max",
                    "argTypes": ["vector", "scalar"],
                    "variadic": 0,
                    "returnType": "vector",
                },
                "args": [UP, {"type": "numberLiteral", "val": "1000"}],
            },
        ),
        (
            "up > bool on(job) group_left(pod) up",
            {
                "type": "binaryExpr",
                "op": ">",
                "lhs": UP,
                "rhs": UP,
                "matching": {
                    "card": "many-to-one",
                    "labels": ["job"],
                    "on": True,
                    "include": ["pod"],
                    "fillValues": {"lhs": None, "rhs": None},
                },
                "bool": True,
            },
        ),
        ("-(up)", {"type": "unaryExpr", "op": "-", "expr": {"type": "parenExpr", "expr": UP}}),
        ('"a\\nb"', {"type": "stringLiteral", "val": "a\nb"}),
        (
            "topk without(pod) (3, up)",
            {
                "type": "aggregation",
                "op": "topk",
                "expr": UP,
                "param": {"type": "numberLiteral", "val": "3"},
                "grouping": ["pod"],
                "without": True,
            },
        ),
    ],
)
def test_each_kind_of_node_has_upstreams_shape(query: str, shape: dict[str, Any]) -> None:
    assert listed(translated(parse(query))) == shape


def listed(value: Any) -> Any:
    """With lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: listed(one) for key, one in value.items()}
    return [listed(one) for one in value] if isinstance(value, list | tuple) else value
