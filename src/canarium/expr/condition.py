"""Success and failure conditions of a measurement.

Owns: the environment of a condition, and how its outcome is read. Must not know: metrics, phases or providers.
Behaviour follows Argo Rollouts 1.10 `utils/evaluate.EvalCondition` with expr-lang 1.17.8.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from canarium.expr.builtins import parse_float
from canarium.expr.checker import check
from canarium.expr.errors import ExprError, Panic
from canarium.expr.evaluator import Program
from canarium.expr.optimizer import optimize
from canarium.expr.parser import parse
from canarium.expr.types import NIL, Nature, nature
from canarium.expr.values import FloatSlice, Func, Int64, go_print, go_quote, is_number, truncate, type_name, wrap


def compile(text: str, names: Mapping[str, Nature] | None = None) -> Program:
    """Read and check a condition.

    names: the types of the environment's names; None allows any name, and types are found out while it runs.
    Raises ExprError with the place in the text; nothing else, whatever the text.
    """
    try:
        tree = parse(text, names or ())
        kind = check(tree, names)
        return Program(text, optimize(tree), kind)
    except ExprError as error:
        raise error.bound(text) from None
    except RecursionError:
        raise ExprError("expression is nested too deeply", source=text) from None


def evaluate_condition(text: str, result: Any) -> bool:
    """Whether the condition holds for the measured `result`.

    result: as a provider measured it: None, bool, int, float, str, dict and list as decoded JSON, a list of floats
    alone (or FloatSlice) as the []float64 of a Prometheus vector.
    Raises ExprError with upstream's message, e.g. `index out of range: 0 (array length is 0)` or
    `expected bool, but got float64`.
    """
    result = _as_go(result)
    program = _compiled(text, NIL.name if result is None else type_name(result))
    outcome = program.run(_environment(result))
    if isinstance(outcome, bool):
        return outcome
    raise ExprError(f"expected bool, but got {type_name(outcome)}", source=text)


def _as_go(result: Any) -> Any:
    if type(result) is list and all(type(item) is float for item in result):
        return FloatSlice(result)
    return result


_FUNCTIONS = {
    "asInt": "func(interface {}) int64",
    "asFloat": "func(interface {}) float64",
    "isNaN": "func(float64) bool",
    "isInf": "func(float64) bool",
    "isNil": "func(interface {}) bool",
    "default": "func(interface {}, interface {}) interface {}",
}


@lru_cache(maxsize=512)
def _compiled(text: str, result_type: str) -> Program:
    names = {name: nature(go_type) for name, go_type in _FUNCTIONS.items()}
    return compile(text, {**names, "result": nature(result_type)})


def _environment(result: Any) -> dict[str, Any]:
    calls: dict[str, Callable[..., Any]] = {
        "asInt": _as_int,
        "asFloat": _as_float,
        "isNaN": math.isnan,
        "isInf": math.isinf,
        # Upstream ignores what these two are given: they look at the result.
        "isNil": lambda _: result is None,
        "default": lambda _, otherwise: otherwise if result is None else result,
    }
    functions = {name: Func(_FUNCTIONS[name], call) for name, call in calls.items()}
    return {"result": result, **functions}


def _as_int(value: Any) -> Int64:
    if isinstance(value, str):
        if not re.fullmatch(r"[+-]?[0-9]+", value, re.ASCII):
            raise Panic(f"strconv.ParseInt: parsing {go_quote(value)}: invalid syntax")
        if len(value) > 40 or not -(2**63) <= int(value) < 2**63:
            raise Panic(f"strconv.ParseInt: parsing {go_quote(value)}: value out of range")
        return Int64(value)
    if isinstance(value, float):
        return Int64(truncate(value))
    if is_number(value):
        return Int64(wrap(value))
    raise Panic(f"asInt() not supported on {type_name(value)} {go_print(value)}")


def _as_float(value: Any) -> float:
    if isinstance(value, str):
        number = parse_float(value)
        if number is None:
            is_big = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", value, re.ASCII | re.IGNORECASE)
            problem = "value out of range" if is_big else "invalid syntax"
            raise Panic(f"strconv.ParseFloat: parsing {go_quote(value)}: {problem}")
        return number
    if is_number(value):
        return float(value)
    raise Panic(f"asFloat() not supported on {type_name(value)} {go_print(value)}")
