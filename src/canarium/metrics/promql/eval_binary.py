"""Binary operators: between scalars, vectors and scalars, and two vectors.

Owns: arithmetic, comparison and set operators, and vector matching. Must not know: selectors, functions, storage.
Semantics follow Prometheus 3.x `promql/engine.go` (VectorBinop, VectorAnd, VectorOr, VectorUnless).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec
import numpy as np

from canarium.metrics.promql.ast import BinaryExpr, Cardinality, VectorMatching
from canarium.metrics.promql.values import Block, Bools, Context, EvalError, Floats, empty, merged
from canarium.metrics.tsdb.labels import METRIC_NAME, Labels

Arithmetic: TypeAlias = Callable[[Floats, Floats], Floats]
Comparison: TypeAlias = Callable[[Floats, Floats], Bools]

ARITHMETIC: Final[dict[str, Arithmetic]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Final[dict[str, Comparison]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
_TRIMS: Final = frozenset({"</", ">/"})


def scalars(op: str, left: Floats, right: Floats) -> Floats:
    """Between two scalars; a comparison gives 1 or 0."""
    if op in ARITHMETIC:
        return ARITHMETIC[op](left, right)
    if op in _TRIMS:
        raise EvalError(f'operator "{op}" not allowed for Scalar operations')
    return COMPARISONS[op](left, right).astype(np.float64)


def vector_scalar(ctx: Context, expr: BinaryExpr, vector: Block, scalar: Floats, *, is_swapped: bool) -> Block:
    """Between a vector and a scalar; is_swapped: the scalar stands on the left."""
    if not vector.labels:
        return vector
    left, right = (scalar, vector.values) if is_swapped else (vector.values, scalar)
    if expr.op in ARITHMETIC:
        values = ARITHMETIC[expr.op](left, right)
        return merged_unless_delayed(ctx, ctx.nameless(Block(vector.labels, values, vector.present, vector.drop)))
    if expr.op in _TRIMS:
        return _no_histograms(ctx, expr, vector)
    kept = COMPARISONS[expr.op](left, right)
    if expr.return_bool:
        block = Block(vector.labels, kept.astype(np.float64), vector.present, vector.drop)
        return merged_unless_delayed(ctx, ctx.nameless(block))
    return Block(vector.labels, vector.values, vector.present & kept, vector.drop)


def _no_histograms(ctx: Context, expr: BinaryExpr, vector: Block) -> Block:
    if vector.present.any():
        ctx.info(
            "PromQL info: incompatible sample types encountered for binary operator "
            f'"{expr.op}": float {expr.op} float',
            expr.span,
        )
    return empty(vector.values.shape[1])


def merged_unless_delayed(ctx: Context, block: Block) -> Block:
    """Refuse equal label sets now, or leave it to the end where name removal is delayed."""
    return block if ctx.delayed_names and not ctx.is_range else merged(block)


def vectors(ctx: Context, expr: BinaryExpr, left: Block, right: Block) -> Block:
    """Between two vectors."""
    matching = expr.matching or VectorMatching()
    match expr.op:
        case "and" | "or" | "unless":
            return _set_operation(ctx, expr.op, matching, left, right)
        case _:
            return _arithmetic(ctx, expr, matching, left, right)


def _signature(labels: Labels, matching: VectorMatching) -> Labels:
    return labels.only(matching.labels) if matching.on else labels.without((*matching.labels, METRIC_NAME))


def _signatures(block: Block, matching: VectorMatching) -> list[Labels]:
    if matching.on:
        if not matching.labels:
            return [Labels()] * len(block.labels)
        return [labels.only(matching.labels) for labels in block.labels]
    drop = (*matching.labels, METRIC_NAME)
    return [labels.without(drop) for labels in block.labels]


def _rows_by(signatures: list[Labels]) -> dict[Labels, list[int]]:
    rows: dict[Labels, list[int]] = {}
    for row, signature in enumerate(signatures):
        rows.setdefault(signature, []).append(row)
    return rows


def _covered(block: Block, rows: dict[Labels, list[int]], wanted: list[Labels]) -> Bools:
    """For each wanted signature, the steps at which the block has a series with it."""
    covered = np.zeros((len(wanted), block.present.shape[1]), np.bool_)
    for row, signature in enumerate(wanted):
        found = rows.get(signature)
        if found:
            covered[row] = block.present[found[0]] if len(found) == 1 else block.present[found].any(axis=0)
    return covered


def _set_operation(ctx: Context, op: str, matching: VectorMatching, left: Block, right: Block) -> Block:
    if op == "or":
        if not left.labels:
            return right
        if not right.labels:
            return left
        signatures = _signatures(left, matching)
        extra = right.present & ~_covered(left, _rows_by(signatures), _signatures(right, matching))
        return merged_unless_delayed(ctx, _joined(left, Block(right.labels, right.values, extra, right.drop)))
    if not left.labels or (op == "and" and not right.labels):
        return empty(left.values.shape[1])
    if not right.labels:
        return left
    covered = _covered(right, _rows_by(_signatures(right, matching)), _signatures(left, matching))
    present = left.present & (covered if op == "and" else ~covered)
    return Block(left.labels, left.values, present, left.drop)


def _joined(one: Block, other: Block) -> Block:
    some = [row for row in range(len(other.labels)) if other.present[row].any()]
    if not some:
        return one
    other = other.rows(some)
    drop = None
    if one.drop is not None or other.drop is not None:
        drop = [one.drops(row) for row in range(len(one.labels))]
        drop += [other.drops(row) for row in range(len(other.labels))]
    return Block(
        one.labels + other.labels,
        np.concatenate((one.values, other.values)),
        np.concatenate((one.present, other.present)),
        drop,
    )


class _Pairs(msgspec.Struct):
    """Pairs of a series of the many side and one of the one side, with the steps at which they meet."""

    signatures: list[Labels]
    many: list[Labels]
    one: list[Labels]
    many_values: list[Floats]
    one_values: list[Floats]
    present: list[Bools]

    def add(
        self, signature: Labels, many: Labels, one: Labels, many_values: Floats, one_values: Floats, present: Bools
    ) -> None:
        self.signatures.append(signature)
        self.many.append(many)
        self.one.append(one)
        self.many_values.append(many_values)
        self.one_values.append(one_values)
        self.present.append(present)


def _arithmetic(ctx: Context, expr: BinaryExpr, matching: VectorMatching, left: Block, right: Block) -> Block:
    """Everything but set operators. `many` is the left side, or the right one for group_right."""
    steps = left.values.shape[1]
    is_swapped = matching.card is Cardinality.ONE_TO_MANY
    many, one = (right, left) if is_swapped else (left, right)
    has_fill = matching.fill_left is not None or matching.fill_right is not None
    if not has_fill and (not left.labels or not right.labels):
        return empty(steps)
    # Where one side is empty at a step nothing is matched there, and so nothing is refused either.
    meeting = np.ones(steps, np.bool_)
    if not has_fill:
        meeting &= left.present.any(axis=0) & right.present.any(axis=0)
    many_signatures, one_signatures = _signatures(many, matching), _signatures(one, matching)
    one_rows = _rows_by(one_signatures)
    clash = _duplicates(matching, one, one_rows, meeting, is_swapped=is_swapped)

    pairs = _Pairs([], [], [], [], [], [])
    for row, signature in enumerate(many_signatures):
        ctx.check()
        ctx.fits((len(pairs.present) + len(one_rows.get(signature, ()))) * steps)
        for other in one_rows.get(signature, ()):
            present = many.present[row] & one.present[other]
            pairs.add(signature, many.labels[row], one.labels[other], many.values[row], one.values[other], present)
    if has_fill:
        _fill(matching, many, one, many_signatures, one_signatures, pairs)
    if not pairs.signatures:
        if clash is not None:
            raise clash[1]
        return empty(steps)

    many_values, one_values = np.array(pairs.many_values), np.array(pairs.one_values)
    first, second = (one_values, many_values) if is_swapped else (many_values, one_values)
    met = np.array(pairs.present)
    if expr.op in ARITHMETIC:
        values, present = ARITHMETIC[expr.op](first, second), met
    elif expr.op in _TRIMS:
        if clash is not None:
            raise clash[1]
        return _no_histograms(ctx, expr, Block(pairs.many, many_values, met))
    else:
        kept = COMPARISONS[expr.op](first, second)
        values, present = (kept.astype(np.float64), met) if expr.return_bool else (first, met & kept)
    labels = _result_labels(ctx, expr, matching, pairs)
    ambiguity = _ambiguity(matching, pairs.signatures, labels, met)
    if clash is not None and (ambiguity is None or clash[0] <= ambiguity[0]):
        raise clash[1]
    if ambiguity is not None:
        raise ambiguity[1]
    drop = [True] * len(labels) if ctx.delayed_names and expr.return_bool else None
    block = Block(labels, values, present, drop)
    return merged_pairs(ctx, block, pairs.signatures)


def merged_pairs(ctx: Context, block: Block, signatures: list[Labels]) -> Block:
    """Results with the same labels become one series; that pairs of one signature never clash is established."""
    if len(set(block.labels)) == len(block.labels):
        return block
    if len(set(zip(block.labels, signatures, strict=True))) == len(block.labels):
        return merged_unless_delayed(ctx, block)
    return merged(block)


def _result_labels(ctx: Context, expr: BinaryExpr, matching: VectorMatching, pairs: _Pairs) -> list[Labels]:
    drops_name = expr.op in ARITHMETIC or (expr.return_bool and not ctx.delayed_names)
    result: list[Labels] = []
    for many, one in zip(pairs.many, pairs.one, strict=True):
        labels = many.without_metadata() if drops_name else many
        if matching.card is Cardinality.ONE_TO_ONE:
            labels = labels.only(matching.labels) if matching.on else labels.without(matching.labels)
        for name in matching.include:
            labels = labels.with_label(name, one.get(name))
        result.append(labels)
    return result


def _duplicates(
    matching: VectorMatching, one: Block, rows: dict[Labels, list[int]], meeting: Bools, *, is_swapped: bool
) -> tuple[int, EvalError] | None:
    """Where the one side has several series of one signature: the first step, and what is to be said of it."""
    clash: tuple[int, int, int] | None = None
    for same in rows.values():
        if len(same) < 2:
            continue
        for step in np.flatnonzero((one.present[same].sum(axis=0) > 1) & meeting)[:1]:
            earlier, later = [row for row in same if one.present[row, step]][:2]
            if clash is None or (int(step), later) < (clash[0], clash[2]):
                clash = (int(step), earlier, later)
    if clash is None:
        return None
    step_of_clash, earlier, later = clash
    first, second = sorted((str(one.labels[earlier]), str(one.labels[later])))
    group = _signature(one.labels[later], matching)
    side = "left" if is_swapped else "right"
    return step_of_clash, EvalError(
        f"found duplicate series for the match group {group} on the {side} hand-side of the operation: "
        f"[{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _ambiguity(
    matching: VectorMatching, signatures: list[Labels], labels: list[Labels], met: Bools
) -> tuple[int, EvalError] | None:
    """Where several series of the many side claim one result: the first step, and what is to be said of it."""
    is_one_to_one = matching.card is Cardinality.ONE_TO_ONE
    by_key: dict[tuple[Labels, Labels | None], list[int]] = {}
    for pair, signature in enumerate(signatures):
        by_key.setdefault((signature, None if is_one_to_one else labels[pair]), []).append(pair)
    if len(by_key) == len(signatures):
        return None
    clashes = np.zeros(met.shape[1], np.bool_)
    for same in by_key.values():
        if len(same) > 1:
            clashes |= met[same].sum(axis=0) > 1
    if not clashes.any():
        return None
    what = (
        "many-to-one matching must be explicit (group_left/group_right)"
        if is_one_to_one
        else "grouping labels must ensure unique matches"
    )
    return int(np.argmax(clashes)), EvalError(f"multiple matches for labels: {what}")


def _fill(
    matching: VectorMatching,
    many: Block,
    one: Block,
    many_signatures: list[Labels],
    one_signatures: list[Labels],
    pairs: _Pairs,
) -> None:
    """Pairs for series without a partner, whose partner's value the fill modifiers give."""
    # Upstream does not swap the fill values along with the sides for group_right: fill_right stands in for the one
    # side there, which is the left. Its tests say so (fill-modifier.test), and so does this.
    for_one, for_many = matching.fill_right, matching.fill_left
    steps = many.values.shape[1]
    if for_one is not None:
        lonely = many.present & ~_covered(one, _rows_by(one_signatures), many_signatures)
        for row in np.flatnonzero(lonely.any(axis=1)):
            signature = many_signatures[row]
            filled = np.full(steps, for_one)
            pairs.add(signature, many.labels[row], signature, many.values[row], filled, lonely[row])
    if for_many is not None:
        lonely = one.present & ~_covered(many, _rows_by(many_signatures), one_signatures)
        for row in np.flatnonzero(lonely.any(axis=1)):
            signature = one_signatures[row]
            filled = np.full(steps, for_many)
            pairs.add(signature, signature, one.labels[row], filled, one.values[row], lonely[row])
