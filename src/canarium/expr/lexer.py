"""Text of a condition to tokens.

Owns: tokens and their positions. Must not know: grammar.
Behaviour follows expr-lang 1.17 `parser/lexer`; positions count code points.
"""

from __future__ import annotations

from typing import NamedTuple

from canarium.expr.errors import ExprError
from canarium.expr.values import go_quote

IDENTIFIER, NUMBER, STRING, BYTES, OPERATOR, BRACKET, EOF = (
    "Identifier",
    "Number",
    "String",
    "Bytes",
    "Operator",
    "Bracket",
    "EOF",
)
_WORD_OPERATORS = frozenset({"in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"})
_NEGATABLE = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
_SIMPLE_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}
_HEX = "0123456789abcdefABCDEF"
_OCTAL = "01234567"


class Token(NamedTuple):
    """kind, text (strings are unescaped), and where it starts."""

    kind: str
    value: str
    start: int

    def __str__(self) -> str:
        return f"{self.kind}({go_quote(self.value)})" if self.value else self.kind


def is_space(char: str) -> bool:
    """Go's unicode.IsSpace."""
    return char.isspace() and not "\x1c" <= char <= "\x1f"


def is_alphabetic(char: str) -> bool:
    """A letter, `_` or `$`."""
    return char == "_" or char == "$" or char.isalpha()


def is_alphanumeric(char: str) -> bool:
    """A letter, decimal digit, `_` or `$`."""
    return is_alphabetic(char) or char.isdecimal()


def is_identifier(text: str) -> bool:
    """Whether `text` could be a name."""
    return bool(text) and is_alphabetic(text[0]) and all(map(is_alphanumeric, text))


def tokenize(source: str) -> tuple[list[Token], ExprError | None]:
    """All tokens up to the first error, and that error: the parser may stop before it."""
    lexer = _Lexer(source)
    try:
        lexer.run()
    except ExprError as error:
        return lexer.tokens, error
    return lexer.tokens, None


class _Lexer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.tokens: list[Token] = []

    def fail(self, message: str, end: int | None = None) -> ExprError:
        at = self.at if end is None else end
        return ExprError(message, source=self.source, location=max(at - 1, 0))

    def peek(self) -> str:
        return self.source[self.at] if self.at < len(self.source) else ""

    def accept(self, chars: str) -> bool:
        if self.at < len(self.source) and self.source[self.at] in chars:
            self.at += 1
            return True
        return False

    def accept_run(self, chars: str) -> None:
        while self.accept(chars):
            pass

    def emit(self, kind: str, start: int, value: str | None = None) -> None:
        self.tokens.append(Token(kind, self.source[start : self.at] if value is None else value, start))

    def run(self) -> None:
        source, size = self.source, len(self.source)
        while self.at < size:
            start = self.at
            char = source[start]
            self.at += 1
            if is_space(char):
                continue
            if char in "'\"":
                self.scan_string(char)
                self.emit(STRING, start, self.unescape(start))
            elif char == "`":
                self.scan_raw(start)
            elif char in "bB" and self.peek() in ("'", '"'):
                self.at += 1
                self.scan_string(source[self.at - 1])
                self.emit(BYTES, start, self.unescape(start + 1, is_bytes=True))
            elif "0" <= char <= "9":
                self.at = start
                self.number(start)
            elif char == "/" and self.peek() in ("/", "*"):
                self.comment()
            elif char == "#":
                self.accept("#")
                self.emit(OPERATOR, start)
                self.pointer_name()
            elif char == ".":
                if self.peek() and self.peek() in "0123456789":
                    self.number(start, has_dot=True)
                else:
                    self.accept(".")
                    self.emit(OPERATOR, start)
            elif char in "([{)]}":
                self.emit(BRACKET, start)
            elif char in _FOLLOWERS:
                self.accept(_FOLLOWERS[char])
                self.emit(OPERATOR, start)
            elif is_alphanumeric(char):
                self.identifier(start)
            else:
                shown = f" '{char}'" if char.isprintable() else ""
                raise self.fail(f"unrecognized character: U+{ord(char):04X}{shown}")
        self.tokens.append(Token(EOF, "", max(size - 1, 0)))

    def identifier(self, start: int) -> None:
        while self.at < len(self.source) and is_alphanumeric(self.source[self.at]):
            self.at += 1
        word = self.source[start : self.at]
        if word != "not":
            self.emit(OPERATOR if word in _WORD_OPERATORS else IDENTIFIER, start)
            return
        self.emit(OPERATOR, start)
        while self.peek() == " ":
            self.at += 1
        end = after = self.at
        while after < len(self.source) and is_alphanumeric(self.source[after]):
            after += 1
        if self.source[end:after] in _NEGATABLE:
            self.at = after
            self.emit(OPERATOR, end)

    def pointer_name(self) -> None:
        start = self.at
        while self.at < len(self.source) and is_alphanumeric(self.source[self.at]):
            self.at += 1
        if self.at > start:
            self.emit(IDENTIFIER, start)

    def comment(self) -> None:
        end_mark = "\n" if self.peek() == "/" else "*/"
        found = self.source.find(end_mark, self.at + 1)
        if found >= 0:
            self.at = found + len(end_mark)
        elif end_mark == "\n":
            self.at = len(self.source)
        else:
            raise self.fail("unclosed comment", len(self.source) + 1)

    def number(self, start: int, *, has_dot: bool = False) -> None:
        digits = "0123456789_"
        if has_dot:
            self.at = start
        if self.accept("0"):
            if self.accept("xX"):
                digits = "0123456789abcdefABCDEF_"
            elif self.accept("oO"):
                digits = "01234567_"
            elif self.accept("bB"):
                digits = "01_"
        self.accept_run(digits)
        before_dot = self.at
        if self.accept("."):
            if self.peek() == ".":  # 1..2 is a range, not 1. and .2
                self.at = before_dot
                self.emit(NUMBER, start)
                return
            self.accept_run(digits)
        if self.accept("eE"):
            self.accept("+-")
            self.accept_run(digits)
        if self.peek() and is_alphanumeric(self.peek()):
            self.at += 1
            raise self.fail(f"bad number syntax: {go_quote(self.source[start : self.at])}")
        self.emit(NUMBER, start)

    def scan_string(self, quote: str) -> None:
        """Moves behind the closing quote, checking that escapes are shaped right."""
        source, size = self.source, len(self.source)
        while True:
            if self.at >= size:
                raise self.fail("literal not terminated", size + 1)
            char = source[self.at]
            self.at += 1
            if char == quote:
                return
            if char == "\n":
                raise self.fail("literal not terminated")
            if char == "\\":
                self.scan_escape(quote)

    def scan_escape(self, quote: str) -> None:
        char = self.peek()
        if not char:
            raise self.fail("invalid char escape", self.at + 1)
        self.at += 1
        if char in "abfnrtv\\" or char == quote:
            return
        if char in _OCTAL:
            self.at -= 1
            self.scan_digits(_OCTAL, 3)
        elif char == "x":
            self.scan_digits(_HEX, 2)
        elif char == "u" and self.peek() == "{":
            close = self.source.find("}", self.at)
            digits = self.source[self.at + 1 : close]
            if close < 0 or not 1 <= len(digits) <= 6 or not all(digit in _HEX for digit in digits):
                raise self.fail("invalid char escape")
            self.at = close + 1
        elif char == "u":
            self.scan_digits(_HEX, 4)
        elif char == "U":
            self.scan_digits(_HEX, 8)
        else:
            raise self.fail("invalid char escape")

    def scan_digits(self, allowed: str, count: int) -> None:
        for _ in range(count):
            if not self.accept(allowed):
                raise self.fail("invalid char escape", self.at + 1)

    def scan_raw(self, start: int) -> None:
        close = self.at
        while True:
            close = self.source.find("`", close)
            if close < 0:
                raise self.fail("literal not terminated", len(self.source) + 1)
            if self.source[close + 1 : close + 2] != "`":
                break
            close += 2
        text = self.source[self.at : close].replace("``", "`")
        self.at = close + 1
        self.emit(STRING, start, text)

    def unescape(self, start: int, *, is_bytes: bool = False) -> str:
        text = self.source[start + 1 : self.at - 1].replace("\r\n", "\n").replace("\r", "\n")
        if is_bytes:
            text = text.encode("utf-8", "surrogatepass").decode("latin-1")
        if "\\" not in text:
            return text
        out: list[str] = []
        at = 0
        while at < len(text):
            char = text[at]
            at += 1
            if char != "\\":
                out.append(char)
                continue
            char = text[at]
            at += 1
            if char in _SIMPLE_ESCAPES:
                out.append(_SIMPLE_ESCAPES[char])
                continue
            if char in "0123":
                code, at = int(text[at - 1 : at + 2], 8), at + 2
            elif char in "4567" or (is_bytes and char != "x"):
                raise self.fail("unable to unescape string")
            elif text[at] == "{":
                close = text.index("}", at)
                code, at = int(text[at + 1 : close], 16), close + 1
            else:
                width = {"x": 2, "u": 4, "U": 8}[char]
                code, at = int(text[at : at + width], 16), at + width
            if code > 0x10FFFF:
                raise self.fail("unable to unescape string")
            # Go cannot encode a surrogate in UTF-8 and writes the replacement character.
            out.append("\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code))
        return "".join(out)


_FOLLOWERS: dict[str, str] = {
    "?": ".?",
    "|": "|",
    ":": ":",
    "/": "",
    **dict.fromkeys(",;%+-^", ""),
    **dict.fromkeys("&!=*<>", "&=*"),
}
