"""Which label values a matcher accepts.

Owns: turning a matcher into a predicate, fully anchored, with shortcuts for what users mostly write.
Must not know: series or samples. Behaviour follows Prometheus 3.x `model/labels/matcher.go` and `regexp.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import msgspec

from canarium.errors import CanariumError

if TYPE_CHECKING:
    from canarium.metrics.promql.ast import Matcher, MatchOp

_PLAIN = r"[A-Za-z0-9_:/@#%&=~`!\"'<>,; -]"  # characters that mean themselves in RE2
_LITERAL = re.compile(rf"{_PLAIN}*\Z")
_PREFIX = re.compile(rf"({_PLAIN}*)\.([*+])\Z")
_ALTERNATION = re.compile(rf"\(?(?:\?:)?({_PLAIN}*(?:\|{_PLAIN}*)+)\)?\Z")


class InvalidRegex(CanariumError):
    """A regular expression RE2 does not accept."""


class Predicate(msgspec.Struct, frozen=True):
    """A compiled matcher. `values`, when known, is the complete set of values it accepts (for index look-ups)."""

    accepts: Callable[[str], bool]
    values: frozenset[str] | None = None
    accepts_empty: bool = False


@lru_cache(maxsize=4096)
def compile_matcher(op: MatchOp, value: str) -> Predicate:
    """The predicate for one operator and value; cached, as queries repeat.

    Raises InvalidRegex in RE2's words.
    """
    if op == "=":
        return Predicate(value.__eq__, frozenset((value,)), value == "")
    if op == "!=":
        return Predicate(value.__ne__, None, value != "")
    positive = _regex(value)
    if op == "=~":
        return positive
    accepts = positive.accepts
    return Predicate(lambda text: not accepts(text), None, not positive.accepts_empty)


def compile_all(matchers: tuple[Matcher, ...]) -> list[tuple[str, Predicate]]:
    """Label name and predicate of each matcher."""
    return [(matcher.name, compile_matcher(matcher.op, matcher.value)) for matcher in matchers]


def _regex(pattern: str) -> Predicate:
    if _LITERAL.match(pattern):
        return Predicate(pattern.__eq__, frozenset((pattern,)), pattern == "")
    if prefix := _PREFIX.match(pattern):
        start, repeat = prefix.groups()
        return _prefix(start, repeat)
    if pattern.startswith("(") == pattern.endswith(")") and (alternatives := _ALTERNATION.match(pattern)):
        values = frozenset(alternatives.group(1).split("|"))
        return Predicate(values.__contains__, values, "" in values)
    accepts = compile_regex(pattern)
    return Predicate(accepts, None, accepts(""))


def _prefix(start: str, repeat: Literal["*", "+"] | str) -> Predicate:
    # Upstream compiles matchers with (?s:...), so the dot takes line breaks too.
    if repeat == "*":
        return Predicate(lambda text: text.startswith(start), None, start == "")
    length = len(start)
    return Predicate(lambda text: len(text) > length and text.startswith(start), None, False)


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """Full match by RE2 (linear time, and what Go uses), the dot taking line breaks as well."""
    import re2  # heavy, and most queries never get here

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(f"^(?s:{pattern})$", options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise InvalidRegex(f"error parsing regexp: {text}: `{pattern}`") from error
    search = compiled.fullmatch
    return lambda text: search(text) is not None
