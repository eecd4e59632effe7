"""Regular expressions of conditions: RE2, as Go has them, compiled once.

Owns: the cache and the wording of errors. Must not know: syntax trees.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_GO_WORDS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "unexpected )": "unexpected )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
    "invalid escape sequence": "invalid escape sequence",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid character class range": "invalid character class range",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
}


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> tuple[Any, str]:
    """The compiled pattern, or None and what is wrong with it, in the words of Go's regexp/syntax."""
    import re2  # here: few conditions match text, and none should pay for it at start-up

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options), ""
    except re2.error as error:
        detail = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        words, _, fragment = detail.partition(": ")
        shown = pattern if words.startswith(("missing )", "unexpected )")) else fragment
        told = _GO_WORDS.get(words, words)
        return None, f"error parsing regexp: {told}" + (f": `{shown}`" if shown or words.startswith("trailing") else "")
