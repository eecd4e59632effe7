"""Where a cluster's addresses really are on this machine: loopback, with the ports that the manifests name.

Owns: `Loopback`, the translation from pod and service addresses to sockets, and claiming a block of 127.0.0.0/8 for one
cluster, so that several run side by side. Must not know: pods, services, processes.
On Linux all of 127.0.0.0/8 is there: 10.244.1.7:9898 is 127.244.1.7:9898 and 10.96.3.4:80 is 127.96.3.4:80 (another
cluster on the same machine has 127.243 and 127.95). Elsewhere there is only 127.0.0.1, and every port is a free one.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
POD_PREFIX, SERVICE_PREFIX = "10.244.", "10.96."
_BLOCKS = 40
_CLAIM_PORT = 10250
"""The kubelet's own port, at the last address of the block: whoever holds it has the block."""


class Loopback:
    """The places of one cluster. `close` gives its block back.

    first_port: the lowest that this user may listen on; those below are free ones.
    """

    def __init__(self, claim: socket.socket | None, block: int | None, first_port: int = 0) -> None:
        self._claim = claim
        self._block = block
        self._first_port = first_port
        self._moved: dict[tuple[str, int], tuple[str, int]] = {}

    @property
    def has_addresses(self) -> bool:
        """Whether every address of the cluster has one of its own here; otherwise all are 127.0.0.1."""
        return self._block is not None

    def host_of(self, ip: str) -> str:
        """The loopback address that stands for a pod's or a service's; any other address is itself."""
        for prefix, first in ((POD_PREFIX, 244), (SERVICE_PREFIX, 96)):
            if ip.startswith(prefix):
                return LOOPBACK if self._block is None else f"127.{first - self._block}.{ip.removeprefix(prefix)}"
        return ip

    def place(self, ip: str, port: int) -> tuple[str, int]:
        """The socket that stands for a port of an address. With a single address, and for a port that this user may not
        listen on, a free one is chosen, once."""
        moved = self._moved.get((ip, port))
        if moved is None:
            host = self.host_of(ip)
            if host == ip or (self._block is not None and port >= self._first_port):
                return host, port
            moved = self._moved[ip, port] = (host, free_port(host))
        return moved

    def moved(self, ip: str, port: int, host: str, real_port: int) -> None:
        """A port could not be had where it belongs, and is at (host, real_port)."""
        if (host, real_port) != (self.host_of(ip), port):
            self._moved[ip, port] = (host, real_port)
        else:
            self._moved.pop((ip, port), None)

    def returned(self, ip: str, port: int) -> None:
        """Nothing is at a port any more."""
        self._moved.pop((ip, port), None)

    def forget(self, ip: str) -> None:
        """An address is given back; so are its ports."""
        for key in [key for key in self._moved if key[0] == ip]:
            del self._moved[key]

    @property
    def elsewhere(self) -> Mapping[tuple[str, int], tuple[str, int]]:
        """What is not where it belongs, by address and port."""
        return dict(sorted(self._moved.items()))

    def close(self) -> None:
        """Give the block back."""
        if self._claim is not None:
            self._claim.close()


def claim_loopback(*, has_addresses: bool = True) -> Loopback:
    """The first block of addresses that no other cluster on this machine has; 127.0.0.1 alone where there are none.

    has_addresses: False behaves as on a machine where 127.0.0.2 does not exist.
    """
    for block in range(_BLOCKS if has_addresses else 0):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            bound.bind((f"127.{244 - block}.255.254", _CLAIM_PORT))
        except OSError as error:
            bound.close()
            if error.errno == errno.EADDRINUSE:
                continue
            break
        return Loopback(bound, block, _first_port(f"127.{244 - block}.255.254"))
    return Loopback(None, None)


def _first_port(host: str) -> int:
    """The lowest port that this user may listen on: 1, or the 1024 of an unprivileged one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 1))
        except PermissionError:
            return 1024
        except OSError:
            pass  # taken, and so allowed
    return 1


def free_port(host: str = LOOPBACK) -> int:
    """A port that is free now; whoever asked had better take it soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
