"""A `canarium up` of its own, as a process, for a test.

Owns: its folders and environment, waiting until it is ready, ending it well or badly, asking it over HTTPS.
Must not know: what is tested.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

ANY_PORTS = ("--api-port", "0", "--applications-port", "0", "--rollouts-port", "0", "--metrics-port", "0")
READY = "Ready after"
STOP_SECONDS = 30.0


class NotStarted(AssertionError):
    """It ended before it was ready; the text is what it said."""


class LocalCluster:
    """A context manager; the cluster runs between entering and leaving, unless the test ends it before.

    folder: gets everything the cluster writes. path: the working copy to start it on.
    """

    def __init__(self, folder: Path, *arguments: str, path: Path | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.kubeconfig = folder / "kubeconfig"
        self.said = ""
        self._arguments = arguments
        self._path = path or folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            finally:
                self.kill()

    # -- the process ------------------------------------------------------------------------------------------------

    def command(self, name: str, *arguments: str) -> list[str]:
        """`canarium NAME …` on this cluster's data folder."""
        return [sys.executable, "-m", "canarium.cli.main", name, *arguments, "--data-dir", str(self.data)]

    @property
    def environment(self) -> dict[str, str]:
        """A home of its own."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in ("KUBECONFIG", "XDG_DATA_HOME")}
        return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1", "COLUMNS": "200"}

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same data folder, to its end."""
        return subprocess.run(
            self.command(name, *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`canarium up` to its end: for starts that fail, or detach."""
        return self.run("up", str(self._path), "--kubeconfig", str(self.kubeconfig), *ANY_PORTS, *arguments)

    def start(self) -> None:
        """Start it, and wait until it says that it is ready. Raises NotStarted."""
        arguments = (str(self._path), "--kubeconfig", str(self.kubeconfig), *ANY_PORTS, *self._arguments)
        self._process = subprocess.Popen(
            self.command("up", *arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if line.startswith(READY):
                self.said = "".join(lines)
                return
        self._end()
        raise NotStarted("".join(lines))

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._end()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end, and wait until it has: its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._end()

    def _end(self) -> int:
        assert self._process is not None
        left, _ = self._process.communicate(timeout=STOP_SECONDS) if self._process.stdout else ("", "")
        self.said += left or ""
        return self._process.wait(STOP_SECONDS)

    # -- what it wrote ----------------------------------------------------------------------------------------------

    @property
    def running(self) -> dict[str, Any]:
        """The record of the running process."""
        found: dict[str, Any] = json.loads((self.data / "running.json").read_bytes())
        return found

    @property
    def ports(self) -> dict[str, int]:
        """By name: api, applications, rollouts, metrics."""
        ports: dict[str, int] = self.running["ports"]
        return ports

    @property
    def tokens(self) -> dict[str, str]:
        """admin and reader."""
        tokens: dict[str, str] = json.loads((self.data / "tokens.json").read_bytes())
        return tokens

    def api(self) -> Api:
        """A connection to it as administrator."""
        return Api(self.ports["api"], self.data / "ca.crt", self.tokens["admin"])


class Api:
    """One connection to the API server; one thread at a time. Raises OSError, http.client.HTTPException."""

    def __init__(self, port: int, authority: Path, token: str) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def __call__(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Code and JSON of an answer."""
        sent = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, sent, self._headers)
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:  # the server gave up a connection that was idle for long
            self._connection.close()
            self._connection.request(method, path, sent, self._headers)
            answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def stream(self, path: str) -> http.client.HTTPResponse:
        """An answer that goes on; its head is there when this returns."""
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()
