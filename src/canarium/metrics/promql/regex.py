"""Regular expressions of label matchers: RE2, anchored at both ends, `.` matches newlines.

Owns: which values are valid, and upstream's words for those that are not. Must not know: series.
Specified by Prometheus 3.x `model/labels/regexp.go`; syntax by https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast

# Alternatives of literals may even be broken UTF-8: upstream compares them without an engine.
_LITERALS = re.compile(r"[^\\.+*?()\[\]{}^$]*").fullmatch
# Literals with `.*`, `.+` and `.?` need no engine to be known as valid.
_PLAINLY_VALID = re.compile(r"(?:[\w \-/:,;=@#%&~<>!|]|\.[*+?]?|\\[.\-])*", re.ASCII).fullmatch
# RE2's C++ words and Go's for the same mistake.
_GO_WORDS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
}


@lru_cache(maxsize=4096)
def complaint(pattern: str) -> str:
    """What Go says is wrong with the pattern; empty when it is valid."""
    if _LITERALS(pattern) or _PLAINLY_VALID(pattern):
        return ""
    import re2

    try:
        _compiled(pattern)
    except re2.error as error:
        raw = error.args[0]
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        code, _, subject = text.partition(": ")
        if code.startswith("trailing \\"):
            return "error parsing regexp: trailing backslash at end of expression: ``"
        return f"error parsing regexp: {_GO_WORDS.get(code, code)}: `{subject}`"
    except UnicodeError:
        shown = pattern.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return f"error parsing regexp: invalid UTF-8: `{shown}`"
    return ""


@lru_cache(maxsize=4096)
def matches_empty(pattern: str) -> bool:
    """Whether the valid pattern matches the empty string."""
    if pattern in ("", ".*", ".?"):
        return True
    if pattern == ".+":
        return False
    if _LITERALS(pattern):
        return "" in pattern.split("|")
    return _compiled(pattern).fullmatch("") is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    import re2  # here, because most expressions get by without it and it takes milliseconds to load

    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    return cast("re.Pattern[str]", re2.compile(pattern, options))
