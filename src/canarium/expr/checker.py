"""Types of a condition, found before it runs: upstream refuses what cannot work whatever the measurement.

Owns: the static rules. Must not know: values.
Behaviour follows expr-lang 1.17 `checker`, as far as types that a condition can meet.
"""

from __future__ import annotations

from collections.abc import Mapping

from canarium.expr.builtins import BUILTINS, ArgumentError
from canarium.expr.errors import ExprError
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
from canarium.expr.patterns import compile_pattern
from canarium.expr.types import (
    ANY,
    ARRAY,
    BOOL,
    BYTES,
    DURATION,
    FLOAT,
    INT,
    MAP,
    NIL,
    STRING,
    TIME,
    UNKNOWN,
    Nature,
    array_of,
    nature,
)

_LITERALS: dict[type, Nature] = {type(None): NIL, bool: BOOL, int: INT, float: FLOAT, str: STRING, bytes: BYTES}
_GROUPS = "map[interface {}][]interface {}"


def check(tree: Node, names: Mapping[str, Nature] | None) -> Nature:
    """The type of the whole; every node's `nature` is set.

    names: what the environment declares; None declares nothing and allows any name. Raises ExprError.
    """
    return _Checker(names).visit(tree)


class _Scope:
    def __init__(self, collection: Nature, **names: Nature) -> None:
        self.collection = collection
        self.names = names


class _Checker:
    def __init__(self, names: Mapping[str, Nature] | None) -> None:
        self.names = names
        self.scopes: list[_Scope] = []
        self.variables: list[tuple[str, Nature]] = []

    def fail(self, node: Node, message: str) -> ExprError:
        return ExprError(message, location=node.at)

    def visit(self, node: Node) -> Nature:
        node.nature = self.infer(node)
        return node.nature

    def infer(self, node: Node) -> Nature:
        match node:
            case Literal(value=value):
                return _LITERALS[type(value)]
            case Identifier():
                return self.identifier(node)
            case Unary():
                return self.unary(node)
            case Binary():
                return self.binary(node)
            case Chain(inner=inner):
                return self.visit(inner)
            case Member():
                return self.member(node)
            case Slice():
                return self.slice(node)
            case Call():
                return self.call(node)
            case Builtin():
                return self.builtin(node)
            case Predicate(body=body):
                return self.visit(body)
            case Pointer():
                return self.pointer(node)
            case Let():
                return self.let(node)
            case Sequence(nodes=nodes):
                return [self.visit(part) for part in nodes][-1]
            case Conditional():
                return self.conditional(node)
            case Array(nodes=nodes):
                kinds = [self.visit(part) for part in nodes]
                is_uniform = len({kind.kind for kind in kinds}) <= 1
                return array_of(kinds[-1] if kinds else UNKNOWN) if is_uniform else ARRAY
            case MapLiteral(pairs=pairs):
                for key, value in pairs:
                    self.visit(key)
                    self.visit(value)
                return MAP
        raise AssertionError(f"unknown node {node}")

    def identifier(self, node: Identifier) -> Nature:
        for name, kind in reversed(self.variables):
            if name == node.name:
                return kind
        if node.name == "$env" or self.names is None:
            return UNKNOWN
        if node.name in self.names:
            return self.names[node.name]
        if node.name in BUILTINS:
            return UNKNOWN
        raise self.fail(node, f"unknown name {node.name}")

    def unary(self, node: Unary) -> Nature:
        kind = self.visit(node.operand)
        if node.operator in ("!", "not"):
            if kind == BOOL or kind.is_unknown:
                return BOOL
        elif kind.is_number:
            return kind
        elif kind.is_unknown:
            return UNKNOWN
        raise self.fail(node, f"invalid operation: {node.operator} (mismatched type {kind})")

    def binary(self, node: Binary) -> Nature:
        left, right = self.visit(node.left), self.visit(node.right)
        if node.operator == "in":
            found = self.membership(node, left, right)
        elif node.operator == "??":
            found = self.coalesce(left, right)
        else:
            if node.operator == "matches" and isinstance(node.right, Literal) and isinstance(node.right.value, str):
                problem = compile_pattern(node.right.value)[1]
                if problem:
                    raise self.fail(node, problem)
            found = _operation(node.operator, left, right)
        if found is None:
            raise self.fail(node, f"invalid operation: {node.operator} (mismatched types {left} and {right})")
        return found

    def membership(self, node: Node, left: Nature, right: Nature) -> Nature | None:
        if right.is_map:
            if not left.is_unknown and not left.assignable_to(right.key()):
                raise self.fail(node, f"cannot use {left} as type {right.key()} in map key")
            return BOOL
        if right.is_array:
            if not left.comparable_to(right.elem()):
                raise self.fail(node, f"cannot use {left} as type {right.elem()} in array")
            return BOOL
        if (left.is_unknown and right == STRING) or right.is_unknown:
            return BOOL
        return None

    def coalesce(self, left: Nature, right: Nature) -> Nature:
        if left.is_nil:
            return right
        if right.is_nil or right.assignable_to(left):
            return left
        return UNKNOWN

    def member(self, node: Member) -> Nature:
        key_name = node.key.value if isinstance(node.key, Literal) and isinstance(node.key.value, str) else None
        if isinstance(node.base, Identifier) and node.base.name == "$env":
            if key_name is None or self.names is None:
                return UNKNOWN
            if key_name in self.names:
                return self.names[key_name]
            if node.is_optional:
                return UNKNOWN
            raise self.fail(node, f"unknown name {key_name}")
        base, key = self.visit(node.base), self.visit(node.key)
        if base.is_unknown:
            return UNKNOWN
        if key_name is not None and base.is_nil:
            raise self.fail(node, f"type nil has no field {key_name}")
        if base.is_map:
            if not key.assignable_to(base.key()) and not key.is_unknown:
                raise self.fail(node.key, f"cannot use {key} to get an element from {base}")
            return base.elem()
        if base.is_array:
            if not key.is_integer and not key.is_unknown:
                raise self.fail(node.key, f"array elements can only be selected using an integer (got {key})")
            return base.elem()
        if key_name is not None:
            raise self.fail(node, f"type {base} has no {'method' if node.is_method else 'field'} {key_name}")
        raise self.fail(node, f"type {base}[{key}] is undefined")

    def slice(self, node: Slice) -> Nature:
        base = self.visit(node.base)
        if base.is_unknown:
            # Upstream leaves the bounds unchecked, and with them their types.
            return UNKNOWN
        if base != STRING and not base.is_array:
            raise self.fail(node, f"cannot slice {base}")
        for bound in (node.start, node.stop):
            if bound is not None:
                kind = self.visit(bound)
                if not kind.is_integer and not kind.is_unknown:
                    raise self.fail(bound, f"non-integer slice index {kind}")
        return base

    def call(self, node: Call) -> Nature:
        if isinstance(node.callee, Identifier) and node.callee.name == "$env":
            raise self.fail(node, "map[string]interface {} is not callable")
        callee = self.visit(node.callee)
        name = "function"
        if isinstance(node.callee, Identifier):
            name = node.callee.name
        elif isinstance(node.callee, Member) and isinstance(node.callee.key, Literal):
            name = str(node.callee.key.value) if isinstance(node.callee.key.value, str) else name
        if callee.is_unknown:
            # Upstream does not look at the arguments of what it does not know.
            return UNKNOWN
        if callee.is_nil:
            raise self.fail(node, f"{name} is nil; cannot call nil as function")
        if callee.is_func:
            return self.arguments(name, callee, node.arguments, node)
        raise self.fail(node, f"{callee} is not callable")

    def arguments(self, name: str, function: Nature, arguments: list[Node], node: Node) -> Nature:
        wanted, result = function.signature()
        if len(arguments) != len(wanted):
            for argument in arguments:
                self.visit(argument)
            raise self.fail(
                node, f"{'too many' if len(arguments) > len(wanted) else 'not enough'} arguments to call {name}"
            )
        for index, (argument, parameter) in enumerate(zip(arguments, wanted, strict=True)):
            kind = self.visit(argument)
            if parameter.is_float and kind.is_integer:
                arguments[index] = _as_float(argument)
            elif kind.is_nil:
                if parameter.kind != "interface":
                    raise self.fail(argument, f"cannot use nil as argument (type {parameter}) to call {name}")
            elif not kind.is_unknown and not kind.assignable_to(parameter):
                raise self.fail(argument, f"cannot use {kind} as argument (type {parameter}) to call {name} ")
        return result

    def builtin(self, node: Builtin) -> Nature:
        rule = _LOOPS.get(node.name)
        if rule is not None:
            return self.loop(node, rule)
        if node.name == "get":
            return self.get(node)
        spec = BUILTINS[node.name]
        if spec.validate is not None:
            kinds = [self.visit(argument) for argument in node.arguments]
            try:
                return spec.validate([ANY if kind.is_unknown else kind for kind in kinds])
            except ArgumentError as error:
                raise self.fail(node, str(error)) from None
        if len(spec.signatures) > 1:
            # Upstream looks at all arguments while it tries the signatures; what is wrong inside them comes first.
            for argument in node.arguments:
                self.visit(argument)
        failure: ExprError | None = None
        for signature in spec.signatures:
            try:
                return self.arguments(node.name, nature(signature), node.arguments, node)
            except ExprError as error:
                failure = error
        assert failure is not None, f"{node.name} has no signature"
        raise failure

    def loop(self, node: Builtin, rule: str) -> Nature:
        collection = self.visit(node.arguments[0])
        if not collection.is_array and not collection.is_unknown:
            raise self.fail(node.arguments[0], f"builtin {node.name} takes only array (got {collection})")
        element = UNKNOWN if collection.is_unknown else collection.elem()
        if len(node.arguments) == 1:
            return INT if rule == "int" else element
        names = {}
        if node.name == "map":
            names = {"index": INT}
        elif node.name == "reduce":
            names = {"index": INT, "acc": UNKNOWN}
        self.scopes.append(_Scope(collection, **names))
        result = self.visit(node.arguments[1])
        self.scopes.pop()
        if len(node.arguments) == 3:
            third = self.visit(node.arguments[2])
            if node.name == "sortBy" and third != STRING and not third.is_unknown:
                raise self.fail(node.arguments[2], f"sortBy order argument must be a string (got {third})")
        if result.is_nil:
            if node.name == "sum":
                raise self.fail(
                    node.arguments[1],
                    "cannot use func(interface {}) as argument (type func(interface {}) bool) to call sum ",
                )
            arity = "two" if node.name == "reduce" else "one"
            raise self.fail(node.arguments[1], f"predicate should has {arity} input and one output param")
        if node.name in _BOOLEAN and result != BOOL and not result.is_unknown:
            raise self.fail(node.arguments[1], f"predicate should return boolean (got {result})")
        match rule:
            case "bool":
                return BOOL
            case "int":
                return INT
            case "same":
                return collection
            case "elements":
                return ARRAY if collection.is_unknown else array_of(element)
            case "element":
                return element
            case "results":
                return array_of(result)
            case "groups":
                return Nature(_GROUPS, array_of(element))
            case _:
                return ANY if node.name == "sum" and result.is_unknown else result

    def get(self, node: Builtin) -> Nature:
        if len(node.arguments) != 2:
            raise self.fail(node, f"invalid number of arguments (expected 2, got {len(node.arguments)})")
        base, key = (self.visit(argument) for argument in node.arguments)
        first, second = node.arguments
        if isinstance(first, Identifier) and first.name == "$env":
            known = self.names or {}
            is_name = isinstance(second, Literal) and isinstance(second.value, str)
            return known.get(second.value, UNKNOWN) if is_name and isinstance(second, Literal) else UNKNOWN
        if base.is_unknown:
            return UNKNOWN
        if base.is_array:
            if not key.is_integer and not key.is_unknown:
                raise self.fail(second, f"non-integer slice index {key}")
            return base.elem()
        if base.is_map:
            if not key.assignable_to(base.key()) and not key.is_unknown:
                raise self.fail(second, f"cannot use {key} to get an element from {base}")
            return base.elem()
        raise self.fail(first, f"type {base} does not support indexing")

    def pointer(self, node: Pointer) -> Nature:
        if not self.scopes:
            raise self.fail(node, "cannot use pointer accessor outside predicate")
        scope = self.scopes[-1]
        if not node.name:
            return UNKNOWN if scope.collection.is_unknown else scope.collection.elem()
        if node.name in scope.names:
            return scope.names[node.name]
        raise self.fail(node, f"unknown pointer #{node.name}")

    def let(self, node: Let) -> Nature:
        if self.names is not None and node.name in self.names:
            raise self.fail(node, f"cannot redeclare {node.name}")
        if node.name in BUILTINS:
            raise self.fail(node, f"cannot redeclare builtin {node.name}")
        if any(name == node.name for name, _ in self.variables):
            raise self.fail(node, f"cannot redeclare variable {node.name}")
        kind = self.visit(node.value)
        self.variables.append((node.name, kind))
        result = self.visit(node.body)
        self.variables.pop()
        return result

    def conditional(self, node: Conditional) -> Nature:
        condition = self.visit(node.condition)
        if condition != BOOL and not condition.is_unknown:
            raise self.fail(node.condition, f"non-bool expression (type {condition}) used as condition")
        then, otherwise = self.visit(node.then), self.visit(node.otherwise)
        if then.is_nil:
            return otherwise
        if otherwise.is_nil:
            return then
        if not then.assignable_to(otherwise):
            return UNKNOWN
        if then.is_array and otherwise.is_array:
            one, other = then.elem(), otherwise.elem()
            if not one.assignable_to(other) or not other.assignable_to(one):
                return ARRAY
        return then


_LOOPS = {
    **dict.fromkeys(("all", "none", "any", "one"), "bool"),
    "filter": "elements",
    "map": "results",
    "count": "int",
    "sum": "result",
    "find": "element",
    "findLast": "element",
    "findIndex": "int",
    "findLastIndex": "int",
    "groupBy": "groups",
    "sortBy": "same",
    "reduce": "result",
}
_BOOLEAN = ("all", "none", "any", "one", "filter", "count", "find", "findLast", "findIndex", "findLastIndex")


def _may(left: Nature, right: Nature, *shapes: str) -> bool:
    """One side is unknown and the other could fit."""
    if left.is_unknown and right.is_unknown:
        return True
    known = right if left.is_unknown else left
    return (left.is_unknown or right.is_unknown) and any(_is(known, shape) for shape in shapes)


def _is(kind: Nature, shape: str) -> bool:
    match shape:
        case "number":
            return kind.is_number
        case "integer":
            return kind.is_integer
        case "time":
            return kind.is_time
        case "duration":
            return kind.is_duration
        case _:
            return kind.name == shape


def _promoted(left: Nature, right: Nature) -> Nature:
    return FLOAT if left.is_float or right.is_float else INT


def _operation(operator: str, left: Nature, right: Nature) -> Nature | None:
    """The result's type, None where the operator does not take these operands."""
    numbers = left.is_number and right.is_number
    match operator:
        case "==" | "!=":
            return BOOL if left.comparable_to(right) else None
        case "or" | "||" | "and" | "&&":
            return BOOL if (left == BOOL and right == BOOL) or _may(left, right, "bool") else None
        case "<" | ">" | ">=" | "<=":
            same = left == right and left in (STRING, TIME, DURATION)
            return BOOL if numbers or same or _may(left, right, "number", "string", "time", "duration") else None
        case "matches":
            same = left in (STRING, BYTES) and right == STRING
            return BOOL if same or _may(left, right, "string") else None
        case "contains" | "startsWith" | "endsWith":
            return BOOL if (left == STRING and right == STRING) or _may(left, right, "string") else None
        case "/" | "**" | "^":
            return FLOAT if numbers or _may(left, right, "number") else None
        case "%":
            return INT if (left.is_integer and right.is_integer) or _may(left, right, "integer") else None
        case "..":
            fits = (left.is_integer and right.is_integer) or _may(left, right, "integer")
            return array_of(INT) if fits else None
    if numbers:
        return _promoted(left, right)
    times = _TIMES.get((operator, left.name, right.name))
    if times is not None:
        return times
    if operator == "*":
        if (left.is_number or left.is_duration) and (right.is_number or right.is_duration):
            return DURATION
        return UNKNOWN if _may(left, right, "number", "duration") else None
    if operator == "+":
        if left == STRING and right == STRING:
            return STRING
        return UNKNOWN if _may(left, right, "number", "string", "time", "duration") else None
    return UNKNOWN if _may(left, right, "number", "time", "duration") else None


_TIMES = {
    ("-", "time.Time", "time.Time"): DURATION,
    ("-", "time.Time", "time.Duration"): TIME,
    ("-", "time.Duration", "time.Duration"): DURATION,
    ("+", "time.Time", "time.Duration"): TIME,
    ("+", "time.Duration", "time.Time"): TIME,
    ("+", "time.Duration", "time.Duration"): DURATION,
}


def _as_float(node: Node) -> Node:
    """Integer literals in an argument become floats where the function wants floats."""
    match node:
        case Literal(value=int() as value) if not isinstance(value, bool):
            return Literal(float(value), at=node.at, depth=node.depth, nature=FLOAT)
        case Unary():
            node.operand = _as_float(node.operand)
        case Binary(operator="+" | "-" | "*"):
            node.left, node.right = _as_float(node.left), _as_float(node.right)
    return node
