"""What the mapped image of the page's tests runs: it writes, and serves metrics that somebody else chose.

Standard library only. `talker.py lines N`: N lines a second. `talker.py say TEXT`: the text, on every path too.
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

BATCHES = 20
"""A second."""


def lines(rate: int) -> None:
    """For ever."""
    number, size = 0, rate // BATCHES
    pause = threading.Event()
    while True:
        text = "".join(f"line {number + index} of many, {'word ' * 8}\n" for index in range(size))
        sys.stdout.write(text)
        sys.stdout.flush()
        number += size
        pause.wait(1 / BATCHES)


def say(text: str) -> None:
    """On both streams, and as the metrics of the pod."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            body = f'# HELP said {text}\n# TYPE said gauge\nsaid{{text="{escaped}"}} 1\n'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)
    HTTPServer((os.environ["POD_IP"], int(os.environ["PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "lines":
        lines(int(sys.argv[2]))
    else:
        say(" ".join(sys.argv[2:]))
