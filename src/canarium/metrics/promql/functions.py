"""The functions of PromQL: names, argument types, what they return.

Owns: the signature table that the type check and the evaluator share. Must not know: how a function is computed.
Specified by Prometheus 3.x `promql/parser/functions.go`.
"""

from __future__ import annotations

import msgspec

from canarium.metrics.promql.ast import ValueType

_S = ValueType.SCALAR
_V = ValueType.VECTOR
_M = ValueType.MATRIX
_STR = ValueType.STRING


class Function(msgspec.Struct, frozen=True):
    """One function's signature.

    variadic: 0 means exactly `arg_types`. Otherwise the last argument type may be left out, and may repeat: at most
    `variadic` times, or without limit when negative. experimental: needs `parse(..., experimental=True)`.
    """

    name: str
    arg_types: tuple[ValueType, ...]
    return_type: ValueType
    variadic: int = 0
    experimental: bool = False

    @property
    def min_args(self) -> int:
        """The fewest arguments a call may have."""
        return len(self.arg_types) - 1 if self.variadic else len(self.arg_types)

    @property
    def max_args(self) -> int | None:
        """The most arguments a call may have; None means any number."""
        if self.variadic < 0:
            return None
        return self.min_args + self.variadic if self.variadic else len(self.arg_types)


# One instant vector in, one out: mathematics, sorting, and the parts of histograms.
_VECTOR_TO_VECTOR = (
    "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count"
    " histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan"
    " tanh timestamp"
)

# One range vector in, one instant vector out: counters and gauges over time.
_MATRIX_TO_VECTOR = (
    "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate"
    " last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time"
    " stdvar_over_time sum_over_time"
)

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        *(Function(name, (_V,), _V) for name in _VECTOR_TO_VECTOR.split()),
        *(Function(name, (_M,), _V) for name in _MATRIX_TO_VECTOR.split()),
        Function("clamp", (_V, _S, _S), _V),
        Function("clamp_max", (_V, _S), _V),
        Function("clamp_min", (_V, _S), _V),
        Function("day_of_month", (_V,), _V, variadic=1),
        Function("day_of_week", (_V,), _V, variadic=1),
        Function("day_of_year", (_V,), _V, variadic=1),
        Function("days_in_month", (_V,), _V, variadic=1),
        Function("double_exponential_smoothing", (_M, _S, _S), _V, experimental=True),
        Function("end", (), _S, experimental=True),
        Function("histogram_fraction", (_S, _S, _V), _V),
        Function("histogram_quantile", (_S, _V), _V),
        Function("histogram_quantiles", (_V, _STR, _S, _S), _V, variadic=9, experimental=True),
        Function("hour", (_V,), _V, variadic=1),
        Function("info", (_V, _V), _V, variadic=1, experimental=True),
        Function("label_join", (_V, _STR, _STR, _STR), _V, variadic=-1),
        Function("label_replace", (_V, _STR, _STR, _STR, _STR), _V),
        Function("mad_over_time", (_M,), _V, experimental=True),
        Function("max_of", (_S, _S), _S, experimental=True),
        Function("min_of", (_S, _S), _S, experimental=True),
        Function("minute", (_V,), _V, variadic=1),
        Function("month", (_V,), _V, variadic=1),
        Function("pi", (), _S),
        Function("predict_linear", (_M, _S), _V),
        Function("quantile_over_time", (_S, _M), _V),
        Function("range", (), _S, experimental=True),
        Function("round", (_V, _S), _V, variadic=1),
        Function("scalar", (_V,), _S),
        Function("sort_by_label", (_V, _STR), _V, variadic=-1, experimental=True),
        Function("sort_by_label_desc", (_V, _STR), _V, variadic=-1, experimental=True),
        Function("start", (), _S, experimental=True),
        Function("start_timestamp", (_V,), _V, experimental=True),
        Function("step", (), _S, experimental=True),
        Function("time", (), _S),
        Function("ts_of_first_over_time", (_M,), _V, experimental=True),
        Function("ts_of_last_over_time", (_M,), _V, experimental=True),
        Function("ts_of_max_over_time", (_M,), _V, experimental=True),
        Function("ts_of_min_over_time", (_M,), _V, experimental=True),
        Function("vector", (_S,), _V),
        Function("year", (_V,), _V, variadic=1),
    )
}
"""Every function that upstream's parser knows, by name."""
