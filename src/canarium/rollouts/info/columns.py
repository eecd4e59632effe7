"""Text in columns, as Go's tabwriter sets it.

Owns: widths and padding. Must not know: what the cells say.
Behaviour follows `text/tabwriter` with a padding of two blanks, and `juju/ansiterm`, which does not count colours:
the last cell of a line is not padded, an empty one before it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_GAP: Final = 2
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Lines of text, one a row; every row has the same number of cells. A character counts as one column wide."""
    if not rows:
        return ""
    widths = [max(map(_width, cells)) + _GAP for cells in zip(*rows, strict=True)][:-1]
    lines = []
    for *cells, last in rows:
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
        lines.append("".join(padded) + last + "\n")
    return "".join(lines)


def _width(cell: str) -> int:
    return len(_ANSI.sub("", cell))
