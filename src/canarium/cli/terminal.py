"""What goes to the terminal, and how: colour, the story's lines, tables, errors.

Owns: printing. Only `cli` prints. Colour is off when NO_COLOR is set, `--no-color` is given or output is no terminal.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import TextIO

from canarium.errors import CanariumError
from canarium.lab.objectives import Objective
from canarium.lab.silent_canary import Beat

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Terminal:
    """Writes to a stream, with colour or without."""

    def __init__(self, stream: TextIO | None = None, *, color: bool | None = None) -> None:
        self._stream = stream or sys.stdout
        self._has_color = wants_color(self._stream) if color is None else color

    def styled(self, text: str, *styles: str) -> str:
        """Text in ANSI styles, when colour is on."""
        if not self._has_color or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def line(self, text: str = "") -> None:
        """One line."""
        self._stream.write(text + "\n")

    def beat(self, beat: Beat) -> None:
        """One line of the story, with its virtual time."""
        if beat.kind == "title":
            self.line()
            self.line(self.styled(f"{_clock(beat.at)}  {beat.text}", "bold"))
            return
        mark, styles = {
            "does": ("$", ("cyan",)),
            "sees": (" ", ()),
            "why": ("→", ("yellow",)),
        }[beat.kind]
        first, *rest = beat.text.split("\n")
        self.line(f"  {self.styled(f'{mark} {first}', *styles)}")
        for text in rest:
            self.line(f"    {self.styled(text, *styles)}")

    def objectives(self, objectives: tuple[Objective, ...]) -> None:
        """The table of objectives: verdict, objective, what was seen in each environment."""
        width = max(len(objective.title) for objective in objectives)
        rule = self.styled(f"  {'─' * 6}┼{'─' * (width + 2)}┼{'─' * 60}", "dim")
        self.line(self.styled(f"       │ {'objective'.ljust(width)} │ seen", "dim"))
        for objective in objectives:
            self.line(rule)
            verdict = self.styled(" met  ", "green") if objective.is_met else self.styled(" open ", "red")
            first, *rest = objective.evidence
            self.line(f"  {verdict}│ {objective.title.ljust(width)} │ {first}")
            for text in rest:
                self.line(f"  {' ' * 6}│ {' ' * width} │ {text}")

    def error(self, error: CanariumError) -> None:
        """An error the user can act on."""
        self.line(f"{self.styled('Error:', 'red', 'bold')} {error}")


def wants_color(stream: TextIO) -> bool:
    """Whether a stream should get colour: https://no-color.org, FORCE_COLOR, and whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def _clock(at: timedelta) -> str:
    seconds = int(at.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
