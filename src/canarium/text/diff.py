"""The difference between two objects, as people read it: a unified diff of their YAML.

Owns: the text. Must not know: what is normalised away before comparing.
"""

from __future__ import annotations

import difflib
from typing import Any

from canarium.text import yaml


def unified(old: Any, new: Any, *, old_name: str = "live", new_name: str = "target", context: int = 3) -> str:
    """A unified diff from `old` to `new` (plain JSON; None: nothing there); empty when they print the same."""
    before, after = ([] if value is None else yaml.dump(value).splitlines() for value in (old, new))
    lines = difflib.unified_diff(before, after, old_name, new_name, lineterm="", n=context)
    return "".join(f"{line}\n" for line in lines)
