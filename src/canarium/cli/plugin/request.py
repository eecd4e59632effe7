"""What a command line asks for, before a cluster is reached.

Owns: `Request` (which cluster, what work), what work is given (`Session`) and where it prints (`Output`).
Must not know: click, kubeconfig files, HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TextIO

from canarium.errors import CanariumError

if TYPE_CHECKING:
    from canarium.cli.connection import ConnectionOptions
    from canarium.clock import Clock
    from canarium.kube.cluster import Cluster


class Session(Protocol):
    """A connection to a cluster, the namespace that is meant, and the time."""

    @property
    def cluster(self) -> Cluster: ...
    @property
    def namespace(self) -> str: ...
    @property
    def clock(self) -> Clock: ...


class Output(NamedTuple):
    """Where a command prints. Every text is written out at once: somebody may be watching."""

    stream: TextIO
    errors: TextIO
    is_colored: bool = False

    def write(self, text: str) -> None:
        """Print as it is."""
        self.stream.write(text)
        self.stream.flush()

    def line(self, text: str) -> None:
        """Print one line."""
        self.write(f"{text}\n")

    def complain(self, text: str) -> None:
        """One line for the person, not for a pipe."""
        self.errors.write(f"{text}\n")
        self.errors.flush()


class Request(NamedTuple):
    """Work that needs a cluster, and which one."""

    connection: ConnectionOptions
    work: Callable[[Session, Output], Coroutine[Any, Any, None]]


class PluginError(CanariumError):
    """The command did not succeed, in upstream's words."""


def not_built(what: str, next_step: str) -> PluginError:
    """For what upstream's plugin has and this one has not."""
    return PluginError(f"{what} not built in canarium yet", next_step=next_step)
