"""Tokens to a syntax tree.

Owns: grammar, precedence, the limits on size and nesting. Must not know: types or values.
Behaviour follows expr-lang 1.17 `parser`. Upstream has no limit on nesting; ours is far above any condition.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from canarium.expr.builtins import BUILTINS, PREDICATES
from canarium.expr.errors import ExprError
from canarium.expr.lexer import (
    BRACKET,
    EOF,
    IDENTIFIER,
    NUMBER,
    OPERATOR,
    STRING,
    Token,
    is_identifier,
    tokenize,
)
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

MAX_NODES = 10_000
MAX_DEPTH = 100
_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
_BINARY = {
    "|": 0,
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    **dict.fromkeys(("==", "!=", "<", ">", ">=", "<=", "in", "matches", "contains", "startsWith", "endsWith"), 20),
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
_COMPARISONS = ("<", ">", ">=", "<=")
_NEGATABLE = ("contains", "matches", "startsWith", "endsWith", "in")
_MAX_INT = 2**63 - 1
N = TypeVar("N", bound=Node)


def parse(source: str, overridden: Collection[str] = ()) -> Node:
    """The tree of `source`; names in `overridden` are the caller's, not built-in functions. Raises ExprError."""
    return _Parser(source, overridden).run()


class _Parser:
    def __init__(self, source: str, overridden: Collection[str]) -> None:
        self.source = source
        self.overridden = overridden
        self.tokens, self.lexing_error = tokenize(source)
        self.position = -1
        self.predicate_depth = 0
        self.nesting = 0
        self.count = 0
        self.current = Token(EOF, "", 0)

    def run(self) -> Node:
        self.next()
        node = self.sequence()
        if self.current.kind != EOF:
            raise self.unexpected()
        return node

    def fail(self, message: str, at: int | None = None) -> ExprError:
        return ExprError(message, source=self.source, location=self.current.start if at is None else at)

    def unexpected(self, token: Token | None = None) -> ExprError:
        return self.fail(f"unexpected token {token or self.current}")

    def next(self) -> None:
        self.position += 1
        if self.position < len(self.tokens):
            self.current = self.tokens[self.position]
        elif self.lexing_error is not None:
            raise self.lexing_error
        else:
            raise self.fail("unexpected end of expression")

    def at(self, kind: str, value: str) -> bool:
        return self.current.value == value and self.current.kind == kind

    def expect(self, kind: str, value: str | None = None) -> None:
        if self.current.kind != kind or (value is not None and self.current.value != value):
            raise self.unexpected()
        self.next()

    def make(self, node: N, at: int, *children: Node | None) -> N:
        self.count += 1
        if self.count > MAX_NODES:
            raise self.fail("compilation failed: expression exceeds maximum allowed nodes")
        node.at = at
        node.depth = 1 + max((child.depth for child in children if child is not None), default=0)
        if node.depth > MAX_DEPTH:
            raise self.fail(f"expression is nested more than {MAX_DEPTH} deep")
        return node

    def sequence(self) -> Node:
        nodes = [self.expression(0)]
        while self.at(OPERATOR, ";"):
            self.next()
            if self.current.kind == EOF:
                break
            nodes.append(self.expression(0))
        return nodes[0] if len(nodes) == 1 else self.make(Sequence(nodes), nodes[0].at, *nodes)

    def expression(self, precedence: int) -> Node:
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise self.fail(f"expression is nested more than {MAX_DEPTH} deep")
        try:
            return self.unlimited_expression(precedence)
        finally:
            self.nesting -= 1

    def unlimited_expression(self, precedence: int) -> Node:
        if precedence == 0 and self.current.kind == OPERATOR:
            if self.current.value == "let":
                return self.let()
            if self.current.value == "if":
                return self.if_else()
        left = self.primary()
        previous = ""
        while self.current.kind == OPERATOR:
            token = self.current
            negated = token.value == "not"
            if negated:
                following = self.tokens[self.position + 1] if self.position + 1 < len(self.tokens) else None
                if following is None or following.value not in _NEGATABLE:
                    self.next()
                    raise self.unexpected()
                if precedence > _BINARY[following.value]:
                    break
                self.next()
                token = self.current
            power = _BINARY.get(token.value)
            if power is None or power < precedence:
                break
            self.next()
            left = self.operation(left, token, power, previous, is_negated=negated)
            previous = token.value
        return self.ternary(left) if precedence == 0 else left

    def operation(self, left: Node, token: Token, power: int, previous: str, *, is_negated: bool) -> Node:
        operator, at = token.value, token.start
        if operator == "|":
            name = self.current
            self.expect(IDENTIFIER)
            return self.call(name, [left], may_override=True)
        if previous == "??" and operator != "??":
            message = (
                f"Operator ({operator}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses."
            )
            raise self.fail(message, at)
        if operator in _COMPARISONS:
            return self.comparison(left, token, power)
        right = self.expression(power if operator in ("**", "^") else power + 1)
        node: Node = self.make(Binary(operator, left, right), at, left, right)
        return self.make(Unary("not", node), at, node) if is_negated else node

    def comparison(self, left: Node, token: Token, power: int) -> Node:
        root: Node | None = None
        while True:
            right = self.expression(power + 1)
            node = self.make(Binary(token.value, left, right), token.start, left, right)
            root = node if root is None else self.make(Binary("&&", root, node), token.start, root, node)
            left, token = right, self.current
            if token.kind != OPERATOR or token.value not in _COMPARISONS:
                return root
            self.next()

    def let(self) -> Node:
        self.next()
        name = self.current
        self.expect(IDENTIFIER)
        self.expect(OPERATOR, "=")
        value = self.expression(0)
        self.expect(OPERATOR, ";")
        body = self.sequence()
        return self.make(Let(name.value, value, body), name.start, value, body)

    def if_else(self) -> Node:
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise self.fail(f"expression is nested more than {MAX_DEPTH} deep")
        self.next()
        condition = self.expression(0)
        then = self.block()
        self.expect(OPERATOR, "else")
        otherwise = self.if_else() if self.at(OPERATOR, "if") else self.block()
        self.nesting -= 1
        # Upstream leaves this node without a place.
        return self.make(Conditional(condition, then, otherwise), 0, condition, then, otherwise)

    def block(self) -> Node:
        self.expect(BRACKET, "{")
        node = self.sequence()
        self.expect(BRACKET, "}")
        return node

    def ternary(self, node: Node) -> Node:
        while self.at(OPERATOR, "?"):
            self.next()
            if self.at(OPERATOR, ":"):
                self.next()
                then = node
            else:
                then = self.expression(0)
                self.expect(OPERATOR, ":")
            otherwise = self.expression(0)
            node = self.make(Conditional(node, then, otherwise), self.current.start, node, then, otherwise)
        return node

    def primary(self) -> Node:
        token = self.current
        if token.kind == OPERATOR:
            if token.value in _UNARY:
                self.next()
                operand = self.expression(_UNARY[token.value])
                return self.postfix(self.make(Unary(token.value, operand), token.start, operand))
            if self.predicate_depth and token.value in ("#", "."):
                name = ""
                if token.value == "#":
                    self.next()
                    if self.current.kind == IDENTIFIER:
                        name = self.current.value
                        self.next()
                return self.postfix(self.make(Pointer(name), token.start))
            if token.value == "::":
                self.next()
                name_token = self.current
                self.expect(IDENTIFIER)
                return self.postfix(self.call(name_token, [], may_override=False))
        elif token.kind == BRACKET and token.value == "(":
            self.next()
            inner = self.sequence()
            self.expect(BRACKET, ")")
            return self.postfix(inner)
        return self.secondary()

    def secondary(self) -> Node:
        token = self.current
        match token.kind:
            case "Identifier":
                self.next()
                if token.value in _CONSTANTS:
                    return self.make(Literal(_CONSTANTS[token.value]), token.start)
                if self.at(BRACKET, "("):
                    return self.postfix(self.call(token, [], may_override=True))
                return self.postfix(self.make(Identifier(token.value), token.start))
            case "Number":
                self.next()
                return self.make(Literal(self.number(token.value.replace("_", ""))), token.start)
            case "String":
                self.next()
                return self.postfix(self.make(Literal(token.value), token.start))
            case "Bytes":
                self.next()
                return self.postfix(self.make(Literal(token.value.encode("latin-1")), token.start))
        if token.kind == BRACKET and token.value == "[":
            return self.postfix(self.array(token))
        if token.kind == BRACKET and token.value == "{":
            return self.postfix(self.map_literal(token))
        raise self.unexpected(token)

    def number(self, text: str) -> int | float:
        lower = text.lower()
        for prefix, base, name in (("0x", 16, "hex"), ("0b", 2, "binary"), ("0o", 8, "octal")):
            # 0x1e5 is an integer, so hex comes before floats; 0b1e5 is read as a float and is none.
            if lower.startswith(prefix) and (base == 16 or not set(".e") & set(lower)):
                return self.integer(text, lower[2:], base, name)
        if set(".e") & set(lower):
            try:
                number = float(lower)
            except ValueError:
                raise self.fail(
                    f'invalid float literal: strconv.ParseFloat: parsing "{text}": invalid syntax'
                ) from None
            if number == float("inf"):
                raise self.fail(f'invalid float literal: strconv.ParseFloat: parsing "{text}": value out of range')
            return number
        return self.integer(text, lower, 10, "integer")

    def integer(self, text: str, digits: str, base: int, name: str) -> int:
        try:
            number = int(digits, base) if len(digits) < 400 else _MAX_INT + 1
        except ValueError:
            raise self.fail(f'invalid {name} literal: strconv.ParseInt: parsing "{text}": invalid syntax') from None
        if number > _MAX_INT:
            raise self.fail(f'invalid {name} literal: strconv.ParseInt: parsing "{text}": value out of range')
        return number

    def call(self, token: Token, arguments: list[Node], *, may_override: bool) -> Node:
        name = token.value
        is_overridden = may_override and name in self.overridden
        if name in PREDICATES and not is_overridden:
            return self.predicate_call(token, arguments)
        if name in BUILTINS and not is_overridden:
            arguments = self.arguments(arguments)
            return self.make(Builtin(name, arguments), token.start, *arguments)
        callee = self.make(Identifier(name), token.start)
        arguments = self.arguments(arguments)
        return self.make(Call(callee, arguments), token.start, *arguments)

    def predicate_call(self, token: Token, arguments: list[Node]) -> Node:
        self.expect(BRACKET, "(")
        wanted = PREDICATES[token.value][len(arguments) :]
        for index, shape in enumerate(wanted):
            if self.at(BRACKET, ")"):
                if shape.endswith("?"):
                    break
                raise self.fail(f"expected at least {len(wanted)} arguments")
            if index > 0:
                self.expect(OPERATOR, ",")
            arguments = [*arguments, self.predicate() if shape.startswith("predicate") else self.expression(0)]
        if self.at(OPERATOR, ","):
            self.next()
        self.expect(BRACKET, ")")
        return self.make(Builtin(token.value, arguments), token.start, *arguments)

    def predicate(self) -> Node:
        start = self.current.start
        has_brackets = self.at(BRACKET, "{")
        if has_brackets:
            self.next()
        self.predicate_depth += 1
        if has_brackets:
            body = self.sequence()
        else:
            body = self.expression(0)
            if self.at(OPERATOR, ";"):
                raise self.fail("wrap predicate with brackets { and }")
        self.predicate_depth -= 1
        if has_brackets:
            self.expect(BRACKET, "}")
        return self.make(Predicate(body), start, body)

    def arguments(self, given: list[Node]) -> list[Node]:
        found = list(given)
        self.expect(BRACKET, "(")
        while not self.at(BRACKET, ")"):
            if len(found) > len(given):
                self.expect(OPERATOR, ",")
            if self.at(BRACKET, ")"):
                break
            found.append(self.expression(0))
        self.expect(BRACKET, ")")
        return found

    def array(self, token: Token) -> Node:
        nodes: list[Node] = []
        self.expect(BRACKET, "[")
        while not self.at(BRACKET, "]"):
            if nodes:
                self.expect(OPERATOR, ",")
                if self.at(BRACKET, "]"):
                    break
            nodes.append(self.expression(0))
        self.expect(BRACKET, "]")
        return self.make(Array(nodes), token.start, *nodes)

    def map_literal(self, token: Token) -> Node:
        pairs: list[tuple[Node, Node]] = []
        self.expect(BRACKET, "{")
        while not self.at(BRACKET, "}"):
            if pairs:
                self.expect(OPERATOR, ",")
                if self.at(BRACKET, "}"):
                    break
                if self.at(OPERATOR, ","):
                    raise self.unexpected()
            key: Node
            if self.current.kind in (NUMBER, STRING, IDENTIFIER):
                key = self.make(Literal(self.current.value), self.current.start)
                self.next()
            elif self.at(BRACKET, "("):
                key = self.expression(0)
            else:
                raise self.fail(
                    "a map key must be a quoted string, a number, a identifier, or an expression enclosed in "
                    f"parentheses (unexpected token {self.current})"
                )
            self.expect(OPERATOR, ":")
            pairs.append((key, self.expression(0)))
        self.expect(BRACKET, "}")
        return self.make(MapLiteral(pairs), token.start, *(node for pair in pairs for node in pair))

    def postfix(self, node: Node) -> Node:
        while self.current.kind in (OPERATOR, BRACKET):
            token = self.current
            if token.kind == OPERATOR and token.value in (".", "?."):
                self.next()
                is_optional = token.value == "?."
                if is_optional and self.at(BRACKET, "["):
                    node = self.index(node, is_optional=True)
                else:
                    node = self.property(node, is_optional=is_optional)
            elif token.kind == BRACKET and token.value == "[":
                node = self.index(node, is_optional=False)
            else:
                break
        return node

    def property(self, node: Node, *, is_optional: bool) -> Node:
        name = self.current
        self.next()
        if name.kind != IDENTIFIER and (name.kind != OPERATOR or not is_identifier(name.value)):
            raise self.fail("expected name")
        key = self.make(Literal(name.value), name.start)
        is_chain = isinstance(node, Chain)
        base = node.inner if isinstance(node, Chain) else node
        member = self.make(Member(base, key, is_optional), name.start, base)
        result: Node = member
        if self.at(BRACKET, "("):
            member.is_method = True
            arguments = self.arguments([])
            result = self.make(Call(member, arguments), name.start, member, *arguments)
        return self.make(Chain(result), name.start, result) if is_chain or is_optional else result

    def index(self, node: Node, *, is_optional: bool) -> Node:
        at = self.current.start
        self.next()
        start = None if self.at(OPERATOR, ":") else self.expression(0)
        if self.at(OPERATOR, ":"):
            self.next()
            stop = None if self.at(BRACKET, "]") else self.expression(0)
            node = self.make(Slice(node, start, stop), at, node, start, stop)
        else:
            assert start is not None, "without a colon there is an index"
            node = self.make(Member(node, start, is_optional), at, node, start)
            if is_optional:
                node = self.make(Chain(node), at, node)
        self.expect(BRACKET, "]")
        return node


_CONSTANTS = {"true": True, "false": False, "nil": None}
