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
# `\C`, which RE2 takes for any byte, and broken UTF-8, which cannot even be handed to it.
_REFUSED_BY_GO_ONLY = re.compile(
    r"(?:[^\\\ud800-\udfff]|\\Q[^\ud800-\udfff]*?(?:\\E|\Z)|\\[^CQ\ud800-\udfff])*+(\\C|\\?[\ud800-\udfff])"
).match
_LAST_COUNT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}$").search
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
    refused = _REFUSED_BY_GO_ONLY(pattern)
    if refused is None:
        return _complaint_of_engine(pattern)
    # Go stops here at the latest, unless something before it is wrong; an open group is no fault yet.
    before, rest = pattern[: refused.start(1)], pattern[refused.start(1) :]
    problem = _complaint_of_engine(before)
    if problem and not problem.startswith("error parsing regexp: missing closing"):
        return problem
    if rest.startswith("\\C"):
        return "error parsing regexp: invalid escape sequence: `\\C`"
    return _not_utf8(rest)


def _complaint_of_engine(pattern: str) -> str:
    import re2

    try:
        _compiled(pattern)
    except re2.error as error:
        raw = error.args[0]
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        code, _, subject = text.partition(": ")
        if code.startswith("trailing \\"):
            return "error parsing regexp: trailing backslash at end of expression: ``"
        if code == "invalid repetition size":
            subject = subject.removesuffix("?")
        elif code == "bad repetition operator" and (count := _LAST_COUNT(subject)) and _is_too_much(*count.groups()):
            # Go looks at the count first.
            code, subject = "invalid repetition size", count.group()
        return f"error parsing regexp: {_GO_WORDS.get(code, code)}: `{subject}`"
    except UnicodeEncodeError:
        return _not_utf8(pattern)
    return ""


def _not_utf8(pattern: str) -> str:
    rest = pattern.lstrip("".join(char for char in pattern if not "\ud800" <= char <= "\udfff"))
    shown = rest.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"error parsing regexp: invalid UTF-8: `{shown}`"


def _is_too_much(least: str, most: str | None) -> bool:
    return max(int(least), int(most or 0)) > 1000 or (bool(most) and int(least) > int(most or 0))


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
