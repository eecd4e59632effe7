"""What the mapped images of the tests run: one small program that behaves, or misbehaves, as its first word says.

Standard library only; started as `python -I -S -u mapped_program.py MODE`.
"""

import json
import os
import signal
import socket
import sys
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Handler(StreamRequestHandler):
    """One connection: HTTP by its first line, WebSocket by its head, anything else is sent back as it came."""

    def handle(self) -> None:
        first = self.rfile.readline()
        if not first.endswith(b"HTTP/1.1\r\n"):
            self.echo(first)
            return
        while first:
            head = {}
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                head[name.lower()] = value.strip()
            if head.get("upgrade") == "websocket":
                self.wfile.write(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                )
                self.echo(b"")
                return
            self.answer(first.split()[1].decode())
            first = self.rfile.readline()

    def echo(self, first: bytes) -> None:
        self.wfile.write(first)
        while data := self.request.recv(65536):
            self.wfile.write(data)

    def answer(self, path: str) -> None:
        status, told = 200, {"pod": os.environ["HOSTNAME"], "path": path, "client": self.client_address[0]}
        if path.startswith("/fetch?"):
            from urllib.error import URLError
            from urllib.request import urlopen

            try:
                with urlopen(path.removeprefix("/fetch?"), timeout=5) as found:
                    told["found"] = json.load(found)
            except URLError as error:
                status, told["problem"] = 502, str(error)
        elif path == "/env":
            told["env"] = dict(os.environ)
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n"
        self.wfile.write(head.encode() + body)


class Server(ThreadingTCPServer):
    """Many connections at once."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def serve() -> None:
    """Until SIGTERM, which ends it with code 0."""
    server = Server((os.environ["POD_IP"], int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("serving", flush=True)
    server.serve_forever(poll_interval=0.05)


def wait() -> None:
    """For ever."""
    while True:
        signal.pause()


def stubborn() -> None:
    """Not ended by SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
    print("here", flush=True)
    wait()


def family() -> None:
    """Children that leave: in sessions of their own, their parents gone, their environment replaced."""
    ours, theirs = os.pipe()
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.write(theirs, f"{os.getpid()}\n".encode())
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.execve(
                    sys.executable, [sys.executable, "-I", "-S", "-c", "import signal\nwhile 1: signal.pause()"], {}
                )
            os._exit(0)
        os.wait()
    with os.fdopen(ours) as told:
        for _ in range(3):
            print("child", told.readline().strip(), flush=True)
    print("that is all", flush=True)
    wait()


def talk() -> None:
    """Far more output than is kept."""
    line = b"x" * 1023 + b"\n"
    for _ in range(30 * 1024):
        sys.stdout.buffer.write(line)
    print("said it all", flush=True)
    wait()


def open_files() -> None:
    """As many files as it is let."""
    kept = []
    try:
        while True:
            kept.append(socket.socket())
    except OSError as error:
        print(f"after {len(kept)}: {error.strerror}", flush=True)
    wait()


def eat() -> None:
    """More memory than its limit."""
    kept: list[bytearray] = []
    while len(kept) < 400:
        kept.append(bytearray(os.urandom(1 << 20)))
    wait()


def crash() -> None:
    """With words on both streams."""
    print("about to crash", flush=True)
    print("crashed", file=sys.stderr, flush=True)
    sys.exit(3)


def tick() -> None:
    """A line at once, and one for each SIGUSR1 and each tenth of a second."""
    stop = threading.Event()
    for number in range(10_000):
        print("tick", number, flush=True)
        stop.wait(0.1)


def tell() -> None:
    """Its environment, and nothing else."""
    print(json.dumps(dict(os.environ)), flush=True)
    wait()


if __name__ == "__main__":
    modes = (serve, wait, stubborn, family, talk, open_files, eat, crash, tick, tell)
    {mode.__name__: mode for mode in modes}[sys.argv[1]]()
