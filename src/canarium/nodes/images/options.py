"""Command lines of bundled programs, read as the originals' libraries read them: pflag, Go's flag, and an environment.

Owns: words and variables to values. Must not know: what a flag means.
One difference is meant: an unknown flag is reported and ignored where the originals exit, because a bundled program has
only the flags that matter here, and a manifest that runs elsewhere should run here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

TRUE = frozenset(("1", "t", "true", "yes", "on"))


class Options:
    """Values by flag name. A flag wins over the environment, the environment over the default."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        known: Iterable[str],
        switches: Iterable[str] = (),
        env: Mapping[str, str] | None = None,
        env_prefix: str = "",
    ) -> None:
        """known: flags that take a value; switches: flags that may stand alone. One dash or two mean the same.

        env_prefix: `PODINFO_` has PODINFO_RANDOM_DELAY stand for `random-delay`; empty for no variables.
        """
        self._values, self.unknown = _read(words, frozenset(known), frozenset(switches))
        self._env, self._prefix = (env or {}) if env_prefix else {}, env_prefix

    def text(self, name: str, default: str = "") -> str:
        """The last value given."""
        given = self._values.get(name)
        if given:
            return given[-1]
        return self._env.get(self._prefix + name.upper().replace("-", "_"), default)

    def texts(self, name: str) -> list[str]:
        """Every value given, in order."""
        return list(self._values.get(name, ()))

    def has(self, name: str) -> bool:
        """Whether the switch is on."""
        return self.text(name).lower() in TRUE

    def integer(self, name: str, default: int) -> int:
        """A whole number; the default where the text is none, as podinfo does with a port it cannot read."""
        text = self.text(name)
        return int(text) if text.isascii() and text.removeprefix("-").isdigit() else default

    def number(self, name: str, default: float) -> float:
        """A number or a duration as Go writes it, in seconds. Raises ValueError."""
        text = self.text(name)
        return seconds(text) if text else default


def _read(
    words: Sequence[str], known: frozenset[str], switches: frozenset[str]
) -> tuple[dict[str, list[str]], list[str]]:
    values: dict[str, list[str]] = {}
    unknown: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            unknown.append(word)
            continue
        name, has_value, value = word.lstrip("-").partition("=")
        if name in switches:
            values.setdefault(name, []).append(value if has_value else "true")
        elif name in known:
            if not has_value and not rest:
                unknown.append(word)
                continue
            values.setdefault(name, []).append(value if has_value else rest.pop(0))
        else:
            unknown.append(word)
            if not has_value and rest and not rest[0].startswith("-"):
                unknown[-1] += f" {rest.pop(0)}"
    return values, unknown


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_PIECE = re.compile(rf"({_NUMBER.pattern})(ns|us|µs|ms|s|m|h)")


def seconds(text: str) -> float:
    """`1m30s`, `250ms` as Go writes durations, or a plain number of seconds. Raises ValueError in words."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    pieces = _PIECE.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        raise ValueError(f'"{text}" is not a duration such as 1m30s')
    return float(sum(float(number) * _UNITS[unit] for number, unit in pieces))
