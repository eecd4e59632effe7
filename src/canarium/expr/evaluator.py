"""Running a checked condition, within bounds.

Owns: Program, evaluation order, scopes, the limits. Must not know: where values come from.
Behaviour follows expr-lang 1.17 `vm`. Upstream bounds memory; we bound the steps too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from canarium.expr import operators
from canarium.expr.builtins import BUILTINS, MAX_SIZE, sort_values
from canarium.expr.errors import ExprError, Panic
from canarium.expr.nodes import (
    Array,
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Identifier,
    Let,
    Literal,
    MapLiteral,
    Member,
    Node,
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from canarium.expr.types import INT, STRING, Nature
from canarium.expr.values import Func, GroupBy, assert_type, is_nil, type_name

MAX_STEPS = 2_000_000


class Program:
    """A compiled condition; may be run any number of times, also by several at once."""

    def __init__(self, source: str, tree: Node, nature: Nature) -> None:
        self.source = source
        self.tree = tree
        self.nature = nature

    def run(self, env: Mapping[str, Any]) -> Any:
        """The value of the condition. Raises ExprError in upstream's words."""
        run = _Run(env)
        try:
            return run.eval(self.tree)
        except Panic as panic:
            raise ExprError(panic.message, source=self.source, location=run.failed_at) from None
        except _NoValue:
            return None
        except RecursionError:
            raise ExprError("recursion depth exceeded", source=self.source) from None


class _NoValue(Exception):
    """`?.` met nil: the whole chain is nil."""


class _Scope:
    __slots__ = ("accumulated", "index", "items")

    def __init__(self, items: list[Any]) -> None:
        self.items = items
        self.index = 0
        self.accumulated: Any = None


class _Run:
    def __init__(self, env: Mapping[str, Any]) -> None:
        self.env = env
        self.steps = MAX_STEPS
        self.memory = 0
        self.scopes: list[_Scope] = []
        self.variables: list[tuple[str, Any]] = []
        self.chains = 0
        self.failed_at: int | None = None

    def eval(self, node: Node) -> Any:
        self.steps -= 1
        if self.steps < 0:
            raise Panic("step budget exceeded")
        try:
            return _EVALUATORS[type(node)](self, node)
        except Panic:
            if self.failed_at is None:
                self.failed_at = node.at
            raise

    def grow(self, size: int) -> None:
        self.memory += size
        if self.memory >= MAX_SIZE:
            raise Panic("memory budget exceeded")

    def literal(self, node: Literal) -> Any:
        return node.value

    def identifier(self, node: Identifier) -> Any:
        for name, value in reversed(self.variables):
            if name == node.name:
                return value
        if node.name == "$env":
            return dict(self.env)
        return self.env.get(node.name)

    def unary(self, node: Unary) -> Any:
        value = self.eval(node.operand)
        if node.operator in ("!", "not"):
            return not assert_type(value, "bool")
        return operators.negate(value) if node.operator == "-" else value

    def binary(self, node: Binary) -> Any:
        operator = node.operator
        left = self.eval(node.left)
        if operator in ("&&", "and"):
            return self.eval(node.right) if assert_type(left, "bool") else False
        if operator in ("||", "or"):
            return True if assert_type(left, "bool") else self.eval(node.right)
        if operator == "??":
            return self.eval(node.right) if is_nil(left) else left
        right = self.eval(node.right)
        if operator == "..":
            numbers = operators.make_range(left, right, MAX_SIZE)
            self.grow(len(numbers))
            return numbers
        if operator in ("==", "!=") and node.left.nature == node.right.nature and node.left.nature in (INT, STRING):
            # Both are known to be ints, or strings, and nil (from findIndex) is neither.
            kind = node.left.nature.name
            return (assert_type(left, kind) == assert_type(right, kind)) is (operator == "==")
        return operators.binary_operation(operator, left, right)

    def chain(self, node: Chain) -> Any:
        self.chains += 1
        try:
            return self.eval(node.inner)
        except _NoValue:
            return None
        finally:
            self.chains -= 1

    def member(self, node: Member) -> Any:
        base = self.eval(node.base)
        if node.is_optional and is_nil(base) and self.chains:
            raise _NoValue
        return operators.fetch(base, self.eval(node.key))

    def slice(self, node: Slice) -> Any:
        base = self.eval(node.base)
        stop = operators.length(base) if node.stop is None else self.eval(node.stop)
        start = 0 if node.start is None else self.eval(node.start)
        return operators.slice_of(base, start, stop)

    def call(self, node: Call) -> Any:
        arguments = [self.eval(argument) for argument in node.arguments]
        function = self.eval(node.callee)
        if function is None:
            raise Panic("invalid operation: cannot call nil")
        if not isinstance(function, Func):
            raise Panic(f"invalid operation: cannot call non-function of type {type_name(function)}")
        wanted, _ = Nature(function.go_type).signature()
        if len(wanted) != len(arguments):
            raise Panic(f"invalid number of arguments: expected {len(wanted)}, got {len(arguments)}")
        for parameter, argument in zip(wanted, arguments, strict=True):
            if not parameter.is_unknown and type_name(argument) != parameter.name:
                assert_type(argument, parameter.name)
        return function.call(*arguments)

    def builtin(self, node: Builtin) -> Any:
        loop = _LOOPS.get(node.name)
        if loop is not None:
            return loop(self, node)
        result = BUILTINS[node.name].run(*(self.eval(argument) for argument in node.arguments))
        if node.name in ("reverse", "concat", "flatten", "sort") or isinstance(result, str):
            self.grow(len(result))
        return result

    def predicate(self, node: Predicate) -> Any:
        return self.eval(node.body)

    def pointer(self, node: Pointer) -> Any:
        scope = self.scopes[-1]
        if node.name == "index":
            return scope.index
        return scope.accumulated if node.name == "acc" else scope.items[scope.index]

    def let(self, node: Let) -> Any:
        self.variables.append((node.name, self.eval(node.value)))
        try:
            return self.eval(node.body)
        finally:
            self.variables.pop()

    def sequence(self, node: Sequence) -> Any:
        return [self.eval(part) for part in node.nodes][-1]

    def conditional(self, node: Conditional) -> Any:
        return self.eval(node.then if assert_type(self.eval(node.condition), "bool") else node.otherwise)

    def array(self, node: Array) -> list[Any]:
        items = [self.eval(item) for item in node.nodes]
        self.grow(len(items))
        return items

    def map_literal(self, node: MapLiteral) -> dict[str, Any]:
        pairs = [(self.eval(key), self.eval(value)) for key, value in node.pairs]
        self.grow(len(pairs))
        return {assert_type(key, "string"): value for key, value in pairs}

    # Loops: each opens a scope over its first argument.

    def begin(self, node: Builtin) -> _Scope:
        scope = _Scope(operators.items_of(self.eval(node.arguments[0])))
        self.scopes.append(scope)
        return scope

    def holds(self, node: Builtin) -> bool:
        """The predicate on the current element, which must be a bool."""
        body = node.arguments[1] if len(node.arguments) > 1 else None
        value = self.scopes[-1].items[self.scopes[-1].index] if body is None else self.eval(body)
        return bool(assert_type(value, "bool"))

    def quantifier(self, node: Builtin) -> bool:
        scope = self.begin(node)
        stops_at = node.name == "any"
        result = not stops_at
        for scope.index in range(len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            if (not self.holds(node) if node.name == "none" else self.holds(node)) is stops_at:
                result = stops_at
                break
        self.scopes.pop()
        return result

    def matching(self, node: Builtin) -> list[Any]:
        scope = self.begin(node)
        found = []
        for scope.index in range(len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            if self.holds(node):
                found.append(scope.items[scope.index])
        self.scopes.pop()
        return found

    def filter(self, node: Builtin) -> list[Any]:
        found = self.matching(node)
        self.grow(len(found))
        return found

    def map(self, node: Builtin) -> list[Any]:
        scope = self.begin(node)
        result = []
        for scope.index in range(len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            result.append(self.eval(node.arguments[1]))
        self.scopes.pop()
        self.grow(len(result))
        return result

    def total(self, node: Builtin) -> Any:
        scope = self.begin(node)
        result: Any = 0
        for scope.index in range(len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            item = self.eval(node.arguments[1]) if len(node.arguments) == 2 else scope.items[scope.index]
            result = operators.binary_operation("+", item, result)
        self.scopes.pop()
        return result

    def find(self, node: Builtin) -> Any:
        scope = self.begin(node)
        order = range(len(scope.items))
        found: Any = None
        has_found = False
        for scope.index in reversed(order) if "Last" in node.name else order:
            if self.holds(node):
                found = scope.index if node.name.endswith("Index") else scope.items[scope.index]
                has_found = True
                break
        self.scopes.pop()
        if node.throws and not has_found:
            raise Panic("reflect: slice index out of range")
        return found

    def group_by(self, node: Builtin) -> GroupBy:
        scope = self.begin(node)
        groups = GroupBy()
        for scope.index in range(len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            key = self.eval(node.arguments[1])
            if isinstance(key, (list, dict)):
                raise Panic(f"hash of unhashable type: {type_name(key)}")
            groups.setdefault(key, []).append(scope.items[scope.index])
        self.scopes.pop()
        return groups

    def sort_by(self, node: Builtin) -> list[Any]:
        scope = self.begin(node)
        order = self.eval(node.arguments[2]) if len(node.arguments) == 3 else "asc"
        if not isinstance(order, str):
            raise Panic("sortBy order argument must be a string")
        if order not in ("asc", "desc"):
            raise Panic("unknown order, use asc or desc")
        keys = []
        for scope.index in range(len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            keys.append(self.eval(node.arguments[1]))
        self.scopes.pop()
        self.grow(len(keys))
        return sort_values(scope.items, keys, is_descending=order == "desc")

    def reduce(self, node: Builtin) -> Any:
        scope = self.begin(node)
        first = 0
        if len(node.arguments) == 3:
            scope.accumulated = self.eval(node.arguments[2])
        elif not scope.items:
            raise Panic("reduce of empty array with no initial value")
        else:
            scope.accumulated, first = scope.items[0], 1
        for scope.index in range(first, len(scope.items)):  # noqa: B020 -- the scope's index is the loop's
            scope.accumulated = self.eval(node.arguments[1])
        self.scopes.pop()
        return scope.accumulated


_EVALUATORS: dict[type[Node], Callable[[_Run, Any], Any]] = {
    Literal: _Run.literal,
    Identifier: _Run.identifier,
    Unary: _Run.unary,
    Binary: _Run.binary,
    Chain: _Run.chain,
    Member: _Run.member,
    Slice: _Run.slice,
    Call: _Run.call,
    Builtin: _Run.builtin,
    Predicate: _Run.predicate,
    Pointer: _Run.pointer,
    Let: _Run.let,
    Sequence: _Run.sequence,
    Conditional: _Run.conditional,
    Array: _Run.array,
    MapLiteral: _Run.map_literal,
}
_LOOPS: dict[str, Callable[[_Run, Builtin], Any]] = {
    **dict.fromkeys(("all", "none", "any"), _Run.quantifier),
    "one": lambda run, node: len(run.matching(node)) == 1,
    "count": lambda run, node: len(run.matching(node)),
    "filter": _Run.filter,
    "map": _Run.map,
    "sum": _Run.total,
    **dict.fromkeys(("find", "findIndex", "findLast", "findLastIndex"), _Run.find),
    "groupBy": _Run.group_by,
    "sortBy": _Run.sort_by,
    "reduce": _Run.reduce,
}
