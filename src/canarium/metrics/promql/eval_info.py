"""The experimental function `info`: series enriched with the labels of info metrics.

Owns: which info series describe which series, at each step. Must not know: how samples are stored.
Semantics follow Prometheus 3.x `promql/info.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec.structs import replace

from canarium.metrics.promql.ast import AtModifier, Expr, Matcher, Node, SubqueryExpr, VectorSelector
from canarium.metrics.promql.eval_selectors import duration_ms, fixed_ms, instant
from canarium.metrics.promql.values import Block, Bools, Context, EvalError, Floats, empty, merged
from canarium.metrics.tsdb.labels import METRIC_NAME, Labels
from canarium.metrics.tsdb.matchers import compile_matcher

_IDENTIFYING: Final = ("instance", "job")
_TARGET_INFO: Final = Matcher(METRIC_NAME, "=", "target_info")
_ANY_INFO: Final = Matcher(METRIC_NAME, "=~", ".+_info")


def info(ctx: Context, argument: Expr, base: Block, selector: VectorSelector | None) -> Block:
    """Add to each series the labels of the info series of the same instance and job.

    selector: which info metrics (`__name__`) and which of their labels; without it, all labels of target_info.
    """
    matchers = selector.matchers if selector is not None else ()
    names = tuple(matcher for matcher in matchers if matcher.name == METRIC_NAME)
    wanted = tuple(matcher for matcher in matchers if matcher.name != METRIC_NAME)
    names = _effective_names(names)
    left_alone = [all(_accepts(matcher, labels.get(METRIC_NAME)) for matcher in names) for labels in base.labels]
    described = [labels for labels, alone in zip(base.labels, left_alone, strict=True) if not alone]
    found = _info_series(ctx, argument, described, (*names, *wanted))
    rows: dict[tuple[Labels, bool], list[tuple[int, Bools]]] = {}
    for row, labels in enumerate(base.labels):
        ctx.check()
        drops = base.drops(row)
        if left_alone[row]:
            rows.setdefault((labels, drops), []).append((row, base.present[row]))
            continue
        for enriched, where in _enriched(labels, base.present[row], found, wanted):
            rows.setdefault((enriched, drops), []).append((row, where))
    if not rows:
        return empty(len(ctx.steps))
    result = [(labels, drop, row, where) for (labels, drop), parts in rows.items() for row, where in parts]
    return merged(
        Block(
            [labels for labels, _, _, _ in result],
            np.array([base.values[row] for _, _, row, _ in result]),
            np.array([where for _, _, _, where in result]),
            [drop for _, drop, _, _ in result] if base.drop is not None else None,
        )
    )


def _effective_names(names: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    if any(matcher.op in ("=", "=~") for matcher in names):
        return names
    return (_ANY_INFO, *names) if names else (_TARGET_INFO,)


def _accepts(matcher: Matcher, text: str) -> bool:
    return compile_matcher(matcher.op, matcher.value).accepts(text)


def _identity(labels: Labels) -> Labels:
    return labels.only(_IDENTIFYING)


def _info_series(ctx: Context, argument: Expr, described: list[Labels], matchers: tuple[Matcher, ...]) -> Block:
    """The info series that may describe any of the series, their values being their own timestamps."""
    values = {name: {labels.get(name) for labels in described} - {""} for name in _IDENTIFYING}
    if not any(values.values()):
        return empty(len(ctx.steps))
    at_ms, offset_ms = _reference(ctx, argument)
    at = None if at_ms is None else AtModifier(span=argument.span, timestamp_ms=at_ms)
    selector = VectorSelector(span=argument.span, name="", matchers=matchers, offset_ms=offset_ms, at=at)
    found = instant(ctx, replace(selector), wants_times=True)
    keep = [
        row
        for row, labels in enumerate(found.labels)
        if all(labels.get(name) in some for name, some in values.items() if some)
    ]
    return found.rows(keep) if keep else empty(len(ctx.steps))


def _reference(ctx: Context, argument: Expr) -> tuple[int | None, int]:
    """The @ time and the offset of the first selector within, those of subqueries around it included."""
    for path in _paths(argument, ()):
        *around, selector = path
        assert isinstance(selector, VectorSelector), selector
        at = fixed_ms(ctx, selector.at)
        offset = duration_ms(ctx, selector.offset_expr, selector.offset_ms, may_be_negative=True)
        for node in reversed(around):
            if at is None and isinstance(node, SubqueryExpr):
                offset += duration_ms(ctx, node.offset_expr, node.offset_ms, may_be_negative=True)
                at = fixed_ms(ctx, node.at)
        return at, offset
    return None, 0


def _paths(node: Node, around: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    if isinstance(node, VectorSelector):
        yield (*around, node)
        return
    for name in node.__struct_fields__:
        value = getattr(node, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Node):
                yield from _paths(one, (*around, node))


def _enriched(
    labels: Labels, present: Bools, found: Block, wanted: tuple[Matcher, ...]
) -> Iterator[tuple[Labels, Bools]]:
    """The label sets a series gets, and at which steps."""
    identity = _identity(labels)
    candidates: dict[str, list[int]] = {}
    for row, info_labels in enumerate(found.labels):
        if _identity(info_labels) == identity:
            candidates.setdefault(info_labels.get(METRIC_NAME), []).append(row)
    newest = {name: _newest(found, rows) for name, rows in candidates.items()}
    names = {matcher.name for matcher in wanted}
    needs_match = any(not _accepts(matcher, "") for matcher in wanted)
    steps: dict[tuple[int, ...], list[int]] = {}
    for step in np.flatnonzero(present).tolist():
        chosen = tuple(int(rows[step]) for rows in newest.values() if rows[step] >= 0)
        steps.setdefault(chosen, []).append(step)
    for chosen, at in steps.items():
        if not chosen and needs_match:
            continue
        where = np.zeros(len(present), np.bool_)
        where[at] = True
        yield _with_info(labels, [found.labels[row] for row in chosen], names), where


def _newest(found: Block, rows: list[int]) -> Floats:
    """For each step the row whose sample is newest; -1 where there is none. Two as new as each other are refused."""
    times = np.where(found.present[rows], found.values[rows], -np.inf)
    latest = times.max(axis=0)
    best = np.asarray(rows)[times.argmax(axis=0)]
    clash = (times == latest).sum(axis=0) > 1
    clash &= latest > -np.inf
    if clash.any():
        step = int(np.flatnonzero(clash)[0])
        one, other = [row for row, time in zip(rows, times[:, step], strict=True) if time == latest[step]][:2]
        at = int(latest[step] * 1000)
        raise EvalError(
            f"found duplicate series for info metric: existing {found.labels[one]} @ {at}, "
            f"new {found.labels[other]} @ {at}"
        )
    result: Floats = np.where(latest > -np.inf, best, -1)
    return result


def _with_info(labels: Labels, described_by: list[Labels], names: set[str]) -> Labels:
    added: dict[str, str] = {}
    for info_labels in described_by:
        for name, value in info_labels.pairs:
            if name == METRIC_NAME or (names and name not in names):
                continue
            if added.get(name, value) != value:
                raise EvalError(f"conflicting label: {name}")
            if not labels.get(name):
                added[name] = value
    return Labels(labels.as_dict() | added) if added else labels
