"""What is wrong with the text of a PromQL expression, in upstream's words.

Owns: ParseError and how it names a place. Must not know: how the mistake was found.
Specified by Prometheus 3.x `ParseErr` in `promql/parser/parse.go` and `promql/parser/posrange`.
"""

from __future__ import annotations

from canarium.errors import CanariumError
from canarium.metrics.promql.ast import Span
from canarium.metrics.promql.lexer import from_bytes


class ParseError(CanariumError):
    """The expression cannot be parsed, or its types do not fit.

    str() and `message` are exactly what Prometheus answers, such as
    `1:1: parse error: no expression found in input`; `reason` is the part after `parse error: `.
    span: byte offsets into the UTF-8 text. line, column: 1-based, column in bytes; both 0 when the text is empty.
    """

    def __init__(self, reason: str, span: Span, query: str) -> None:
        self.reason = reason
        self.span = span
        self.query = query
        before = query.encode("utf-8", "surrogateescape")[: span.start]
        self.line = before.count(b"\n") + 1 if query else 0
        self.column = span.start - before.rfind(b"\n") if query else 0
        place = f"{self.line}:{self.column}" if query else "unknown position"
        self.message = f"{place}: parse error: {reason}"
        super().__init__(self.message)


def failure(data: str, start: int, end: int, reason: str) -> ParseError:
    """The error for bytes `start` to `end` of `data` (as `lexer.to_bytes` gives it)."""
    return ParseError(reason, Span(start, end), from_bytes(data))
