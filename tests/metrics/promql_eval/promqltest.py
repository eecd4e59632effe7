"""Reads and replays test files in upstream's promqltest format.

The format: `promql/promqltest/README.md` of Prometheus. What needs native histograms is told apart, not judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from canarium.errors import CanariumError
from canarium.metrics.promql.ast import Expr, Node, ValueType, VectorSelector
from canarium.metrics.promql.engine import instant, range_
from canarium.metrics.promql.parser import parse
from canarium.metrics.promql.values import Result
from canarium.metrics.tsdb.labels import BUCKET_LABEL, METRIC_NAME, Labels
from canarium.metrics.tsdb.matchers import compile_all
from canarium.metrics.tsdb.store import STALE_NAN, MemoryStore, is_stale

LOOKBACK_MS = 300_000
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}

_LOAD = re.compile(r"load(?:_(with_nhcb))?\s+(.+?)$")
_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$")
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$")
_EXPECT_RANGE = re.compile(r"expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$")
_LABEL = re.compile(
    r"\s*(?:([A-Za-z_][\w.]*)|(\"(?:[^\"\\]|\\.)*\"))\s*(?:=\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|`[^`]*`))?\s*,?"
)
_ITEM = re.compile(r"(.+?)(?:([+-])([^+x-][^x]*))?x(\d+)$")

Verdict = Literal["passed", "failed", "native histograms", "start timestamps"]


class Native:
    """A native histogram where a number could stand."""


Point = float | Native | None


def duration_ms(text: str) -> int:
    """`1h30m`, or a bare number of seconds."""
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if re.fullmatch(r"[0-9.]+", text):
        return sign * int(float(text) * 1000)
    return sign * sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


def number(text: str) -> float:
    """A float as Go reads it."""
    if text == "stale":
        return STALE_NAN
    if text.lower().startswith(("0x", "-0x", "+0x")):
        return float(int(text, 16))
    return float(text)


def points(text: str) -> list[Point]:
    """The expanding notation: `1 2+3x4 _ stale {{...}}x3`."""
    found: list[Point] = []
    for item in re.findall(r"(?:\{\{.*?\}\}[^\s{]*)+|\S+", text):
        if item.startswith("{{"):
            times = re.search(r"x(\d+)$", item)
            found += [Native()] * (int(times[1]) + 1 if times else 1)
        elif item == "_":
            found.append(None)
        elif item.startswith("_x"):
            found += [None] * int(item[2:])
        elif match := _ITEM.fullmatch(item):
            start, sign, step, times_text = match.groups()
            first = number(start)
            by = number(step) * (-1 if sign == "-" else 1) if step else 0.0
            value = first
            for _ in range(int(times_text) + 1):
                found.append(value)
                value += by  # upstream adds up, too
        else:
            found.append(number(item))
    return found


def unquote(text: str) -> str:
    """The text between quotes."""
    if text[0] == "`":
        return text[1:-1]
    return text[1:-1].encode().decode("unicode_escape").encode("latin-1", "ignore").decode("utf-8", "ignore")


def series(line: str) -> tuple[Labels, str]:
    """Labels and the rest of a line such as `http_requests{job="a"} 1 2 3`."""
    match = re.match(r"\s*([A-Za-z_:][\w:]*)?", line)
    assert match
    labels = {METRIC_NAME: match[1]} if match[1] else {}
    rest = line[match.end() :]
    inner = re.match(r"\s*\{(?!\{)", rest)
    if inner:
        position = inner.end()
        while rest[position] != "}":
            found = _LABEL.match(rest, position)
            assert found, line
            name = found[1] or unquote(found[2])
            labels.update({name: unquote(found[3])} if found[3] is not None else {METRIC_NAME: name})
            position = found.end()
        rest = rest[position + 1 :]
    return Labels(labels), rest.strip()


@dataclass
class Load:
    """`load`."""

    step_ms: int
    with_nhcb: bool
    rows: list[tuple[Labels, list[Point]]] = field(default_factory=list)
    has_start_times: bool = False


@dataclass
class Case:
    """`eval`."""

    line: int
    query: str
    start_ms: int
    end_ms: int
    step_ms: int
    is_range: bool
    fails: bool = False
    is_ordered: bool = False
    expects: list[tuple[str, str, str]] = field(default_factory=list)
    rows: list[tuple[Labels, list[Point]]] = field(default_factory=list)
    scalar: float | None = None
    text: str | None = None
    range_vector: tuple[int, int, int] | None = None


Command = Load | Case | Literal["clear"]


def commands(text: str) -> Iterator[Command]:
    """The commands of a file, in order."""
    lines = [line.strip() for line in text.splitlines()]
    lines = ["" if line.startswith("#") else line for line in lines]  # a comment ends a command, as upstream
    at = 0
    while at < len(lines):
        line = lines[at]
        first = re.split(r"[\t ]+", line, maxsplit=1)[0].lower()
        at += 1
        if not line:
            continue
        body: list[str] = []
        if first == "clear":
            yield "clear"
            continue
        number_of_line = at
        while at < len(lines) and lines[at] != "":
            body.append(lines[at])
            at += 1
        if first.startswith("load"):
            yield _load(line, body)
        else:
            yield _case(line, number_of_line, body)


def _load(line: str, body: list[str]) -> Load:
    match = _LOAD.fullmatch(line)
    assert match, line
    load = Load(duration_ms(match[2]), match[1] is not None)
    for row in body:
        if re.search(r"@st\s", row):
            load.has_start_times = True
            continue
        labels, rest = series(row)
        load.rows.append((labels, points(rest)))
    return load


def _case(line: str, at: int, body: list[str]) -> Case:
    if match := _INSTANT.fullmatch(line):
        start = duration_ms(match[2])
        case = Case(at, match[3], start, start, 0, False)
    else:
        match = _RANGE.fullmatch(line)
        assert match, line
        case = Case(at, match[5], duration_ms(match[2]), duration_ms(match[3]), duration_ms(match[4]), True)
    case.fails = match[1] == "fail"
    case.is_ordered = match[1] == "ordered"
    if match[1] in ("warn", "info"):
        case.expects.append((match[1], "", ""))
    for row in body:
        if found := _EXPECT_RANGE.fullmatch(row):
            first, last, step = (duration_ms(part) for part in found.groups())
            case.range_vector = (first, last, step)
        elif row.startswith("expect string"):
            case.text = unquote(row.removeprefix("expect string").strip())
        elif row.split(" ")[0] == "expect":
            found = _EXPECT.fullmatch(row)
            assert found, row
            kind, how, what = found.groups()
            case.fails |= kind == "fail"
            case.is_ordered |= kind == "ordered"
            if kind != "ordered":
                case.expects.append((kind, how or "", (what or "").strip()))
        elif row.startswith(("expected_fail_message", "expected_fail_regexp")):
            how = "msg" if "message" in row else "regex"
            case.expects.append(("fail", how, row.split(None, 1)[1].strip()))
        else:
            try:
                case.scalar = number(row)
            except ValueError:
                labels, rest = series(row)
                case.rows.append((labels, points(rest)))
    return case


def selectors(node: Node) -> Iterator[VectorSelector]:
    """All instant selectors in an expression."""
    if isinstance(node, VectorSelector):
        yield node
    for name in node.__struct_fields__:
        value = getattr(node, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Node):
                yield from selectors(one)


class World:
    """The state of a file while it is replayed."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all data."""
        self.store = MemoryStore()
        self.native: list[Labels] = []
        self.started: list[Labels] = []

    def load(self, command: Load) -> None:
        """Add data."""
        for labels, values in dict(command.rows).items():  # of two lines for one series the last counts
            if any(isinstance(value, Native) for value in values):
                self.native.append(labels)
            if command.has_start_times:
                self.started.append(labels)
            name = labels.get(METRIC_NAME)
            if command.with_nhcb and name.endswith(("_bucket", "_count", "_sum")):
                self.native.append(labels.without((BUCKET_LABEL,)).with_label(METRIC_NAME, name.rsplit("_", 1)[0]))
            for nth, value in enumerate(values):
                if isinstance(value, float):
                    self.store.append(labels, nth * command.step_ms, value)

    def touches(self, expr: Expr, labels: list[Labels]) -> bool:
        """Whether the expression selects any of the series."""
        for selector in selectors(expr):
            predicates = compile_all(selector.matchers)
            if any(all(predicate.accepts(one.get(name)) for name, predicate in predicates) for one in labels):
                return True
        return False


@dataclass
class Report:
    """What became of the cases of one file."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    queries: dict[int, str] = field(default_factory=dict)


def replay(text: str) -> Report:
    """Run all cases of a file."""
    world, report = World(), Report()
    for command in commands(text):
        if command == "clear":
            world.clear()
        elif isinstance(command, Load):
            world.load(command)
        elif isinstance(command, Case):
            verdict, why = judge(world, command)
            report.counts[verdict] += 1
            report.queries[command.line] = command.query
            if verdict == "failed":
                report.failures[command.line] = why
    return report


def judge(world: World, case: Case) -> tuple[Verdict, str]:
    """Run one case."""
    try:
        expr = parse(case.query, experimental=True)
    except CanariumError as error:
        return _judge_failure(case, str(error))
    if any(isinstance(point, Native) for _, row in case.rows for point in row):
        return "native histograms", ""
    if world.touches(expr, world.native):
        return "native histograms", ""
    if world.touches(expr, world.started):
        return "start timestamps", ""
    try:
        result = evaluate(world, case, expr)
    except CanariumError as error:
        return _judge_failure(case, str(error))
    if case.fails:
        return "failed", "did not fail"
    why = compare(case, result) or compare_annotations(case, result)
    if not why and not case.is_range and result.value_type in (ValueType.VECTOR, ValueType.SCALAR) and case.rows:
        why = as_range(world, case, expr, result)
    return ("failed", why) if why else ("passed", "")


def evaluate(world: World, case: Case, expr: Expr) -> Result:
    """As upstream's test engine does: with delayed name removal."""
    if case.is_range:
        return range_(
            expr,
            case.start_ms,
            case.end_ms,
            case.step_ms,
            world.store,
            query=case.query,
            delayed_names=True,
            lookback_ms=LOOKBACK_MS,
        )
    return instant(expr, case.start_ms, world.store, query=case.query, delayed_names=True, lookback_ms=LOOKBACK_MS)


def as_range(world: World, case: Case, expr: Expr, result: Result) -> str:
    """The same query over a range around the time gives the same at that time (upstream does this, too)."""
    if case.is_ordered or re.search(r"\b(range|start|end|step|sort\w*)\s*\(", case.query):
        return ""
    at = case.start_ms
    around = range_(expr, at - 60_000, at + 60_000, 60_000, world.store, delayed_names=True)
    there = {
        data.labels: value
        for data in around.series
        for time, value in zip(data.timestamps.tolist(), data.values.tolist(), strict=True)
        if time == at
    }
    here = dict(result.vector()) if result.value_type is ValueType.VECTOR else {Labels(): result.number}
    if there.keys() != here.keys():
        return f"as a range: {sorted(map(str, there))} instead of {sorted(map(str, here))}"
    for labels, value in here.items():
        if not nearly(value, there[labels]):
            return f"as a range: {labels} {there[labels]} instead of {value}"
    return ""


def _judge_failure(case: Case, problem: str) -> tuple[Verdict, str]:
    if not case.fails:
        return "failed", f"error: {problem}"
    for kind, how, what in case.expects:
        if kind == "fail" and not _matches(how, what, problem):
            return "failed", f"error text: {problem!r} instead of {what!r}"
    return "passed", ""


def _matches(how: str, what: str, text: str) -> bool:
    match how:
        case "msg":
            return text == what
        case "regex":
            return re.search(what, text) is not None
        case _:
            return True


def nearly(one: float, other: float) -> bool:
    """Within one millionth; all NaN are alike but for staleness markers."""
    if is_stale(one) or is_stale(other):
        return is_stale(one) and is_stale(other)
    if one == other or (one != one and other != other):
        return True
    together = abs(one) + abs(other)
    if one == 0 or other == 0 or together < 2.2250738585072014e-308:
        return abs(one - other) < 1e-6 * 2.2250738585072014e-308
    return bool(abs(one - other) / min(together, 1.7976931348623157e308) < 1e-6)


def compare(case: Case, result: Result) -> str:
    """What is wrong with a result; "" if nothing."""
    match result.value_type:
        case ValueType.SCALAR:
            if case.scalar is None or not nearly(case.scalar, result.number):
                return f"scalar {result.number}"
            return ""
        case ValueType.STRING:
            return "" if case.text == result.text else f"string {result.text!r}"
        case ValueType.VECTOR:
            return _compare_vector(case, result)
        case _:
            return _compare_matrix(case, result)


def _compare_vector(case: Case, result: Result) -> str:
    found = result.vector()
    expected = {labels: row[0] for labels, row in case.rows}
    if case.is_ordered and [labels for labels, _ in found] != [labels for labels, _ in case.rows]:
        return f"order {[str(labels) for labels, _ in found]}"
    if len({labels for labels, _ in found}) != len(found) or {labels for labels, _ in found} != set(expected):
        return f"series {[str(labels) for labels, _ in found]} instead of {[str(labels) for labels in expected]}"
    for labels, value in found:
        want = expected[labels]
        if not isinstance(want, float) or not nearly(want, value):
            return f"{labels} {value} instead of {want}"
    return ""


def _compare_matrix(case: Case, result: Result) -> str:
    found = {data.labels: data for data in result.series}
    expected = dict(case.rows)
    if case.scalar is not None:
        return "a matrix instead of a scalar"
    if found.keys() != expected.keys():
        return f"series {[str(labels) for labels in found]} instead of {[str(labels) for labels in expected]}"
    start, _end, step = case.range_vector or (case.start_ms, case.end_ms, case.step_ms)
    for labels, row in expected.items():
        want = [(start + nth * step, value) for nth, value in enumerate(row) if value is not None]
        data = found[labels]
        times, values = data.timestamps.tolist(), data.values.tolist()
        same = times == [time for time, _ in want] and all(
            isinstance(expected_value, float) and nearly(expected_value, value)
            for (_, expected_value), value in zip(want, values, strict=True)
        )
        if not same:
            return f"{labels} {list(zip(times, values, strict=True))} instead of {want}"
    return ""


def compare_annotations(case: Case, result: Result) -> str:
    """What is wrong with the annotations; "" if nothing."""
    for kind, texts in (("warn", result.annotations.warnings), ("info", result.annotations.infos)):
        wanted = [(how, what) for expected, how, what in case.expects if expected == kind]
        if any(expected == f"no_{kind}" for expected, _, _ in case.expects) and texts:
            return f"unexpected {kind} {texts}"
        for how, what in wanted:
            if not any(_matches(how, what, text) for text in texts):
                return f"no {kind} like {what!r} in {texts}"
        for text in texts if wanted else ():
            if not any(_matches(how, what, text) for how, what in wanted):
                return f"unexpected {kind} {text!r}"
    return ""
