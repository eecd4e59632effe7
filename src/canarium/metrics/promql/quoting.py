"""Go's quoting, which upstream's messages and printed expressions use.

Owns: `%q` for strings and runes, `%#U`, and the values of string literals. Must not know: tokens or nodes.
Text here is a Python string; bytes that are not UTF-8 travel as lone surrogates (`surrogateescape`).
"""

from __future__ import annotations

import re

_SHORT = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_UNESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _escaped(char: str, quote: str) -> str:
    if char == quote:
        return "\\" + char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote(text: str) -> str:
    """`text` as Go's `%q` writes a string."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join(_escaped(char, '"') for char in text) + '"'


def quote_rune(char: str) -> str:
    """`char` as Go's `%q` writes a rune; the end of the text and broken UTF-8 are both U+FFFD."""
    if not char or 0xD800 <= ord(char) <= 0xDFFF:
        char = "\N{REPLACEMENT CHARACTER}"
    return "'" + _escaped(char, "'") + "'"


def code_point(char: str) -> str:
    """`char` as Go's `%#U` writes a rune: the number, and the character when it can be printed."""
    if 0xD800 <= ord(char) <= 0xDFFF:
        char = "\N{REPLACEMENT CHARACTER}"
    shown = f" '{char}'" if char.isprintable() else ""
    return f"U+{ord(char):04X}{shown}"


def unquote(literal: str) -> str:
    """The value of a string literal that the lexer accepted.

    literal: the UTF-8 bytes of the literal with its quotes, one character per byte (Latin-1).
    `\\x` and octal escapes are bytes, so they can join into one character or stand as invalid UTF-8.
    """
    body = literal[1:-1]
    if literal[0] != "`" and "\\" in body:
        body = _ESCAPE.sub(_unescape, body)
    return body if body.isascii() else body.encode("latin-1").decode("utf-8", "surrogateescape")


def _unescape(found: re.Match[str]) -> str:
    octal, byte, short, long, char = found.groups()
    if octal or byte:
        return chr(int(octal, 8) if octal else int(byte, 16))
    if short or long:
        return chr(int(short or long, 16)).encode().decode("latin-1")
    return _UNESCAPED.get(char, char)
