"""Random PromQL expressions that are well formed; some do not pass the type check."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

from canarium.metrics.promql.ast import Expr
from canarium.metrics.promql.parser import ParseError, parse

labels = st.sampled_from(["job", "le", "on", "by", "sum", "bool", "start", '"a b"', '"é"'])
names = st.sampled_from(["a", "b:c", "up", "sum", "offset", "by", "group", "start", "step", "without", "unless"])
numbers = st.sampled_from(
    ["0", "1", "2.5", "1e3", "0x1f", "017", "1_000", ".5", "(Inf)", "1e-9", "1e300", "5m", "1h30m"]
)
strings = (
    st.text(max_size=8)
    .map(lambda text: '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"')
    .filter(lambda text: "\\U0000d" not in text)
)
durations = st.sampled_from(["5m", "1h30m", "90", "0.5", "100ms", "2w"])
matchers = st.builds(
    lambda label, op, value: f"{label}{op}{value}",
    labels,
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(['"x"', "'.+'", "`a|b`", '"[0-9]+"', '"\\"é\\n"']),
)


@st.composite
def selectors(draw: st.DrawFn) -> str:
    inside = draw(st.lists(matchers, max_size=3))
    text = draw(names) + ("{" + ",".join(inside) + "}" if inside else "")
    if draw(st.booleans()):
        text = f"{{{','.join(['job!=' + chr(34) * 2, *inside])}}}"
    return text


@st.composite
def modifiers(draw: st.DrawFn) -> str:
    offset = draw(st.sampled_from(["", " offset 5m", " offset -1h"]))
    at = draw(st.sampled_from(["", " @ 10", " @ start()", " @ end()", " @ -1.5"]))
    return draw(st.sampled_from([offset + at, at + offset]))


def grouping(words: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda word, names: f"{word} ({', '.join(names)})" if word else "",
        st.sampled_from(words.split(",")),
        st.lists(labels, max_size=2),
    )


@st.composite
def wrapped(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    expr = draw(inner)
    selector = draw(selectors())
    match draw(st.sampled_from(["call", "range", "subquery", "aggregation", "param", "paren", "unary", "binary"])):
        case "call":
            return f"abs({expr})"
        case "range":
            return f"rate({selector}[{draw(durations)}]{draw(modifiers())})"
        case "subquery":
            return f"max_over_time(({expr})[{draw(durations)}:{draw(st.sampled_from(['', '1m']))}]{draw(modifiers())})"
        case "aggregation":
            return f"sum {draw(grouping(',by,without'))} ({expr})"
        case "param":
            return f"topk({draw(numbers)}, {expr}) {draw(grouping('by,without'))}"
        case "paren":
            return f"({expr})"
        case "unary":
            return f"{draw(st.sampled_from('+-'))} {expr}"
        case _:
            op = draw(
                st.sampled_from(["+", "-", "*", "/", "%", "^", "== bool", "> bool", "and", "or", "unless", "atan2"])
            )
            return f"{expr} {op} {draw(grouping(',on,ignoring'))} {draw(inner)}"


expressions = st.recursive(
    st.one_of(numbers, st.builds(lambda text, rest: text + rest, selectors(), modifiers())), wrapped, max_leaves=8
)


def accepted(text: str) -> Expr:
    try:
        return parse(text)
    except ParseError:
        assume(False)
        raise
