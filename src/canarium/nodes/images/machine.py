"""What a bundled program gets from outside itself, in the lab and as a process: time, chance, and the ASGI types.

Owns: the port `Machine` and the real one. Must not know: what the programs do. Standard library only, as everything a
bundled program imports: a pod must start in a tenth of a second, and `python -I -S` sees nothing else.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""The same shapes as in `canarium.nodes.program`, which a program's process must not import."""

BEGAN = "canarium.began"
"""In a request's scope: when the program got it (`Machine.monotonic`), where something in front of the program made it
wait. A program counts from then, so that its own metrics say what its users feel."""

Log: TypeAlias = Callable[[str], None]
"""Writes one line to the container's standard output."""


class Machine(Protocol):
    """Time and chance, handed in."""

    def now(self) -> datetime:
        """The time of day, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let others run until `seconds` have passed."""
        ...

    def random(self) -> float:
        """A float in [0, 1)."""
        ...


class RealMachine:
    """The machine that a program's process runs on; the ports that the bans point to are on the other side of it."""

    def now(self) -> datetime:
        """See `Machine`."""
        return datetime.now(UTC)  # noqa: TID251  # a process of its own: this is its port to the clock

    def monotonic(self) -> float:
        """See `Machine`."""
        return time.monotonic()  # noqa: TID251  # a process of its own: this is its port to the clock

    async def sleep(self, seconds: float) -> None:
        """See `Machine`."""
        await asyncio.sleep(seconds)  # noqa: TID251  # a process of its own: this is its port to the clock

    def random(self) -> float:
        """See `Machine`. The module `random` would load OpenSSL for its hashes, twice the size of everything else."""
        return int.from_bytes(os.urandom(7), "big") / (1 << 56)


def uniform(machine: Machine, least: float, most: float) -> float:
    """A float between the two."""
    return least + (most - least) * machine.random()


def image_version(reference: str) -> str:
    """The tag of an image reference, `latest` for none: `ghcr.io/stefanprodan/podinfo:6.9.3@sha256:..` is 6.9.3."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[2] or "latest"


def image_repository(reference: str) -> str:
    """An image reference without tag and digest, as written."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def hostname(env: Mapping[str, str]) -> str:
    """The pod's name, as every container finds it in HOSTNAME."""
    return env.get("HOSTNAME") or os.uname().nodename
