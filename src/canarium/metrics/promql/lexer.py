"""Text of a PromQL expression to tokens.

Owns: where a token starts and ends, which kind it is, and the messages for text that is no token.
Must not know: grammar. Specified by Prometheus 3.x `promql/parser/lex.go` (without series descriptions).

The text is handled as its UTF-8 bytes, one character per byte, so that every position is a byte offset as upstream
counts. Lexing never raises: an error is the last token, and the parser raises it when it gets there, because a mistake
in the grammar further left comes first.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from canarium.metrics.promql.number_scanner import ALPHA, DIGITS, HEX_DIGITS, scan_number, scan_rest_of_duration
from canarium.metrics.promql.quoting import code_point, quote, quote_rune

IDENTIFIER: Final = "identifier"
METRIC_IDENTIFIER: Final = "metric identifier"
NUMBER: Final = "number"
DURATION: Final = "duration"
STRING: Final = "string"
EOF: Final = "end of input"
ERROR: Final = "error"

AGGREGATORS: Final = frozenset(
    (
        "sum",
        "avg",
        "count",
        "min",
        "max",
        "group",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "count_values",
        "quantile",
        "limitk",
        "limit_ratio",
    )
)
"""Aggregation operators; each is also a token kind, as are the words below and all punctuation."""

KEYWORDS: Final = frozenset(
    (
        "offset",
        "smoothed",
        "anchored",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "fill",
        "fill_left",
        "fill_right",
        "bool",
    )
)
DURATION_WORDS: Final = frozenset(("step", "range", "max_of", "min_of"))
PREPROCESSORS: Final = frozenset(("start", "end")) | DURATION_WORDS
WORD_OPERATORS: Final = frozenset(("and", "or", "unless", "atan2"))
OPERATORS: Final = WORD_OPERATORS | frozenset(
    ("+", "-", "*", "/", "%", "^", "==", "!=", "<=", "<", ">=", ">", "</", ">/", "=~", "!~", "@")
)

_WORDS: Final = {word: word for word in AGGREGATORS | KEYWORDS | PREPROCESSORS | WORD_OPERATORS}
_WORDS.update(inf=NUMBER, nan=NUMBER)
_FILLS: Final = frozenset(("fill", "fill_left", "fill_right"))

_GAP = r"(?P<gap>[ \t\r\n]+|\#[^\r\n]*)"
# Only strings without escapes and without bytes above ASCII; the rest takes the careful way.
_PLAIN_STRING = r'(?P<string>"[^"\\\n\x80-\xff]*"|\'[^\'\\\n\x80-\xff]*\'|`[^`\x80-\xff]*`)'
_STATEMENT = re.compile(
    rf"""{_GAP}
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<op>==|!=|[<>][=/]?|[-+*/%^,(){{}}\[\]@]|=(?!~))
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9_.]))
    |(?P<duration>[0-9]+(?:ms|[smhdwy])(?:[0-9]+(?:ms|[smhdw]))*(?![A-Za-z0-9_]))
    |{_PLAIN_STRING}""",
    re.VERBOSE,
).match
_BRACES = re.compile(
    rf"{_GAP}|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>=~|!=|!~|[=,}}])|{_PLAIN_STRING}", re.VERBOSE
).match
_SPACES = re.compile(r"[ \t\r\n]*").match
_LETTERS = re.compile(r"[A-Za-z_]*").match
_PLAIN_RUN = re.compile(r"[^\"'`\\\n\x80-\xff]*").match


class Token(NamedTuple):
    """One token: `kind`, byte offset of its start, and its text (for an error: the message)."""

    kind: str
    pos: int
    text: str

    @property
    def end(self) -> int:
        """Byte offset just after the token."""
        return self.pos + len(self.text)


def describe(token: Token) -> str:
    """The token as upstream names it in `unexpected ...`."""
    kind, _, text = token
    if kind == EOF:
        return EOF
    if kind in KEYWORDS:
        return f"<{text}>"
    if kind in OPERATORS:
        return f"<op:{text}>"
    if kind in AGGREGATORS:
        return f"<aggr:{text}>"
    text = from_bytes(text)
    if kind in (IDENTIFIER, METRIC_IDENTIFIER):
        return f"{kind} {quote(text)}"
    if kind in (NUMBER, DURATION, STRING):
        return f"{kind} {quote(text[:10]) + '...' if len(token.text) > 10 else quote(text)}"
    return quote(text)


def to_bytes(text: str) -> str:
    """`text` with one character per UTF-8 byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def from_bytes(text: str) -> str:
    """Undo `to_bytes`."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


class _Stop(Exception):
    """The text is wrong from `pos` on."""

    def __init__(self, pos: int, message: str) -> None:
        super().__init__(message)
        self.pos = pos
        self.message = message


def tokenize(data: str) -> list[Token]:
    """All tokens of `data` (see `to_bytes`), comments left out; the last one is EOF or ERROR."""
    tokens: list[Token] = []
    try:
        _Lexer(data, tokens).run()
    except _Stop as stop:
        tokens.append(Token(ERROR, stop.pos, stop.message))
    return tokens


class _Lexer:
    def __init__(self, data: str, tokens: list[Token]) -> None:
        self.data = data
        self.tokens = tokens
        self.paren_depth = 0
        self.in_braces = False
        self.in_brackets = False
        self.seen_colon = False
        # Upstream never resets it, so a colon may come first in any bracket after one that held a duration.
        self.seen_duration = False

    def run(self) -> None:
        data, append = self.data, self.tokens.append
        pos, size = 0, len(data)
        while pos < size:
            found = (_BRACES if self.in_braces else _STATEMENT)(data, pos)
            if found is None:
                pos = self.uncommon(pos)
                continue
            group, end = found.lastgroup, found.end()
            if group == "gap":
                pos = end
                continue
            text = data[pos:end]
            if group == "op":
                append(Token(text, pos, text))
                if text in "(){}[]":
                    end = self.bracket(text, pos)
            elif group == "word":
                if self.in_braces:
                    append(Token(IDENTIFIER, pos, text))
                elif self.in_brackets:
                    end = self.word_in_brackets(pos)
                else:
                    append(Token(self.word_kind(text, end), pos, text))
            else:
                if group in (NUMBER, DURATION):
                    self.seen_duration = self.seen_duration or self.in_brackets
                append(Token(group or ERROR, pos, text))
            pos = end
        if self.in_braces:
            raise _Stop(size, "unexpected end of input inside braces")
        if self.paren_depth:
            raise _Stop(size, "unclosed left parenthesis")
        if self.in_brackets:
            raise _Stop(size, "unclosed left bracket")
        append(Token(EOF, size, ""))

    def word_kind(self, text: str, end: int) -> str:
        kind = _WORDS.get(text) or _WORDS.get(text.lower())
        if kind is None:
            return METRIC_IDENTIFIER if ":" in text else IDENTIFIER
        if kind in _FILLS:
            after = _SPACES(self.data, end)
            assert after is not None
            if not self.data.startswith("(", after.end()):
                return IDENTIFIER
        return kind

    def bracket(self, text: str, pos: int) -> int:
        """Follow a bracket that was just lexed; return where to go on."""
        end = pos + 1
        if text == "(":
            self.paren_depth += 1
        elif text == ")":
            self.paren_depth -= 1
            if self.paren_depth < 0:
                self.tokens.pop()
                raise _Stop(end, "unexpected right parenthesis ')'")
        elif text == "{":
            self.in_braces = True
        elif text == "}":
            if not self.in_braces:
                self.tokens.pop()
                raise _Stop(pos, "unexpected character: '}'")
            self.in_braces = False
        elif text == "[":
            if self.in_brackets:
                self.tokens.pop()
                raise _Stop(pos, "unexpected left bracket '['")
            self.in_brackets, self.seen_colon = True, False
            return self.duration_expression(end)
        else:
            if not self.in_brackets:
                self.tokens.pop()
                raise _Stop(pos, "unexpected right bracket ']'")
            self.in_brackets = False
        return end

    def word_in_brackets(self, pos: int) -> int:
        """A letter or colon after a number between `[` and `]`: only `:` and the words of durations may come."""
        first = self.data[pos]
        if first == ":":
            if self.seen_colon:
                raise _Stop(pos, "unexpected colon ':'")
            self.tokens.append(Token(":", pos, ":"))
            self.seen_colon = True
            return pos + 1
        end = self.duration_word(pos)
        if end:
            return end
        raise _Stop(pos, f"unexpected character: {quote_rune(first)}, expected ':'")

    def duration_word(self, pos: int) -> int:
        """Lex `step`, `range`, `max_of` or `min_of`; return its end, or 0 when something else stands there."""
        found = _LETTERS(self.data, pos)
        assert found is not None
        word = found.group()
        if word.lower() not in DURATION_WORDS:
            return 0
        self.tokens.append(Token(word.lower(), pos, word))
        return found.end()

    def duration_expression(self, pos: int) -> int:
        """Lex after `[` up to the first number (then the common way takes over) or the closing `]`."""
        data, append = self.data, self.tokens.append
        while True:
            spaces = _SPACES(data, pos)
            assert spaces is not None
            pos = spaces.end()
            if pos >= len(data):
                raise _Stop(pos, "unexpected end of input in duration expression")
            char = data[pos]
            if char in DIGITS or (char == "." and data[pos + 1 : pos + 2] in DIGITS):
                self.seen_duration = True
                return self.number_or_duration(pos)
            if char == "]":
                append(Token(char, pos, char))
                self.in_brackets = self.seen_colon = False
                return pos + 1
            if char == ":":
                if not self.seen_duration:
                    raise _Stop(pos + 1, "unexpected colon before duration in duration expression")
                if self.seen_colon:
                    raise _Stop(pos + 1, "unexpected repeated colon in duration expression")
                append(Token(char, pos, char))
                self.seen_colon = True
                pos += 1
            elif char in "()+-*/%^,":
                append(Token(char, pos, char))
                if char in "()":
                    self.bracket(char, pos)
                pos += 1
            else:
                end = self.duration_word(pos) if char in ALPHA else 0
                if not end:
                    raise _Stop(pos, f"unexpected character in duration expression: {quote_rune(self.rune(pos))}")
                pos = end

    def rune(self, pos: int) -> str:
        """The character at a byte offset; empty at the end, a lone surrogate for broken UTF-8."""
        head = self.data[pos : pos + 4].encode("latin-1").decode("utf-8", "surrogateescape")
        return head[:1]

    def uncommon(self, pos: int) -> int:
        """Lex what the two patterns do not cover: odd numbers, strings with escapes, and mistakes."""
        data = self.data
        char = data[pos]
        if char in ("'", '"', "`"):
            return self.string(pos)
        if self.in_braces:
            if char == "!":
                after = quote_rune(self.rune(pos + 1))
                raise _Stop(pos, f"unexpected character after '!' inside braces: {after}")
            if char == "{":
                raise _Stop(pos, "unexpected left brace '{'")
            raise _Stop(pos, f"unexpected character inside braces: {quote_rune(self.rune(pos))}")
        if char in DIGITS or (char == "." and data[pos + 1 : pos + 2] in DIGITS):
            return self.number_or_duration(pos)
        if char in "=!":
            raise _Stop(pos, f"unexpected character after '{char}': {quote_rune(self.rune(pos + 1))}")
        raise _Stop(pos, f"unexpected character: {quote_rune(self.rune(pos))}")

    def number_or_duration(self, pos: int) -> int:
        end, fine = scan_number(self.data, pos)
        kind = NUMBER
        if not fine:
            kind = DURATION
            end, fine = scan_rest_of_duration(self.data, end)
        if not fine:
            raise _Stop(pos, f"bad number or duration syntax: {quote(from_bytes(self.data[pos:end]))}")
        self.tokens.append(Token(kind, pos, self.data[pos:end]))
        return end

    def string(self, pos: int) -> int:
        data = self.data
        mark = data[pos]
        raw = mark == "`"
        at = pos + 1
        while True:
            skipped = _PLAIN_RUN(data, at)
            assert skipped is not None
            at = skipped.end()
            char = self.rune(at)
            if not char:
                raise _Stop(pos, "unterminated raw string" if raw else "unterminated quoted string")
            if char == "\N{REPLACEMENT CHARACTER}" or "\ud800" <= char <= "\udfff":
                raise _Stop(pos, "invalid UTF-8 rune")
            at += len(char.encode())
            if char == mark:
                self.tokens.append(Token(STRING, pos, data[pos:at]))
                return at
            if raw:
                continue
            if char == "\n":
                raise _Stop(pos, "unterminated quoted string")
            if char == "\\":
                at = self.escape(pos, at, mark)

    def escape(self, start: int, at: int, mark: str) -> int:
        """Check the escape sequence whose backslash ends at `at`; return its end."""
        char = self.rune(at)
        if not char:
            raise _Stop(start, "escape sequence not terminated")
        if char in "abfnrtv\\" or char == mark:
            return at + 1
        digits = {"x": 2, "u": 4, "U": 8}.get(char)
        if digits:
            base, most = 16, 255 if char == "x" else 0x10FFFF
            at += 1
        elif char in "01234567":
            digits, base, most = 3, 8, 255
        else:
            raise _Stop(start, f"unknown escape sequence {code_point(char)}")
        value = 0
        for _ in range(digits):
            char = self.rune(at)
            if not char:
                raise _Stop(start, "escape sequence not terminated")
            if char not in HEX_DIGITS or (base == 8 and char not in "01234567"):
                raise _Stop(start, f"illegal character {code_point(char)} in escape sequence")
            value = value * base + int(char, 16)
            at += 1
        if value > most or 0xD800 <= value < 0xE000:
            raise _Stop(start, "escape sequence is an invalid Unicode code point")
        return at
