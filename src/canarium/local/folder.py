"""Where a local cluster keeps its things: state, credentials, certificates, and what runs.

Owns: the layout of a data folder, making credentials, the record of the running process. Must not know: servers.
Everything is readable by its owner only; credentials are made once and kept.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from canarium.errors import CanariumError
from canarium.kube.server.access import Tokens

DEFAULT_NAME = "canarium"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?")


class Running(msgspec.Struct, frozen=True):
    """A running cluster, as `status` and `down` find it. ports: by name (`api`, `applications`, …)."""

    pid: int
    name: str
    ports: dict[str, int]
    kubeconfig: str
    context: str
    former_context: str
    working_copy: str
    started: str
    is_read_only: bool = False
    """Whether its page refuses actions."""


class Place(msgspec.Struct, frozen=True):
    """A port of a Service (`namespace/name`) and the socket on this machine that stands for it. ip: 127.0.0.1 for a
    NodePort. problem: why nothing listens, empty when something does."""

    service: str
    ip: str
    port: int
    host: str
    real_port: int
    problem: str = ""


class DataFolder:
    """The folder of one local cluster."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "state.db"
        self.authority = path / "ca.crt"
        self.certificate = path / "server.crt"
        self.key = path / "server.key"
        self.log = path / "canarium.log"
        self._tokens = path / "tokens.json"
        self._running = path / "running.json"
        self._network = path / "network.json"

    def make(self) -> None:
        """Create the folder. Raises CanariumError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CanariumError(
                f"cannot make the data folder {self.path}: {error.strerror}",
                next_step="Name one that can be written with --data-dir.",
            ) from error
        found = self.path.stat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise CanariumError(
                f"others may write to the data folder {self.path}, and so choose its credentials",
                next_step=f"Make it your own (chmod go-w {self.path}), or name another with --data-dir.",
            )

    def credentials(self, now: datetime) -> Tokens:
        """The tokens; they and the certificates are made at the first call."""
        if not all(file.is_file() for file in (self._tokens, self.authority, self.certificate, self.key)):
            from canarium.kube.server.certificates import make_certificates

            made = make_certificates(now)
            for file, text in (
                (self.authority, made.authority),
                (self.certificate, made.certificate),
                (self.key, made.key),
                (self._tokens, msgspec.json.encode(Tokens(secrets.token_urlsafe(32), secrets.token_urlsafe(32)))),
            ):
                write_private(file, text)
        try:
            return msgspec.json.decode(self._tokens.read_bytes(), type=Tokens)
        except msgspec.DecodeError as error:
            raise CanariumError(
                f"{self._tokens} is damaged", next_step="Delete it: new tokens are made at the next start."
            ) from error

    def tokens(self) -> Tokens | None:
        """The tokens that were made; None when there are none."""
        try:
            return msgspec.json.decode(self._tokens.read_bytes(), type=Tokens)
        except (OSError, msgspec.DecodeError):
            return None

    def running(self) -> Running | None:
        """What runs on this folder. A process that merely got the number of one that was killed does not hold the
        database, and is nobody to stop."""
        found = self.last()
        return found if found is not None and _is_alive(found.pid) and self._is_held() else None

    def is_ending(self, running: Running) -> bool:
        """Whether a cluster that was told to stop is still about it; it lets go of the database before it is done."""
        return self.last() == running and _is_alive(running.pid)

    def _is_held(self) -> bool:
        """Whether a process has the database open."""
        try:
            lock = os.open(self.database.with_name(self.database.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def last(self) -> Running | None:
        """What ran last on this folder, alive or not."""
        try:
            return msgspec.json.decode(self._running.read_bytes(), type=Running)
        except (OSError, msgspec.DecodeError):
            return None

    def record(self, running: Running) -> None:
        """Say what runs."""
        write_private(self._running, msgspec.json.format(msgspec.json.encode(running), indent=2))

    def record_network(self, places: Sequence[Place]) -> None:
        """Say what listens where."""
        write_private(self._network, msgspec.json.format(msgspec.json.encode(places), indent=2))

    def network(self) -> list[Place]:
        """What listens where, as it was last recorded."""
        try:
            return msgspec.json.decode(self._network.read_bytes(), type=list[Place])
        except (OSError, msgspec.DecodeError):
            return []

    def clear(self) -> None:
        """Nothing runs any more."""
        self._running.unlink(missing_ok=True)
        self._network.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def write_private(file: Path, text: bytes) -> None:
    """Replace a file at once, readable by its owner only."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    fresh.unlink(missing_ok=True)  # of a process that had our number
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text)
    fresh.replace(file)


def checked_name(name: str) -> str:
    """A cluster's name. Raises CanariumError."""
    if not _NAME.fullmatch(name):
        raise CanariumError(
            f"{name!r} is no name for a cluster",
            next_step="Use lower-case letters, digits and dashes, such as canarium-test.",
        )
    return name
