"""Which bundled program stands for which image, and the command line that starts its process.

Owns: `BUNDLED`, `program_words`, `program_ports`, `program_argv`. Must not know: how a process is started, or what the
programs do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canarium.nodes.images.echo_app import echo_port
from canarium.nodes.images.load import load_port
from canarium.nodes.images.machine import image_repository
from canarium.nodes.images.podinfo_app import Settings

BUNDLED: Mapping[str, str] = {
    "stefanprodan/podinfo": "podinfo",
    "ghcr.io/stefanprodan/podinfo": "podinfo",
    "podinfo": "podinfo",
    "canarium/echo": "echo",
    "ealen/echo-server": "echo",
    "hashicorp/http-echo": "echo",
    "canarium/load": "load",
}
"""Program names by image pattern, as `program.ImageTable` reads patterns: repositories, so any tag."""

_OWN_NAMES = {
    "podinfo": ("podinfo",),
    "echo": ("echo", "echo-server", "http-echo"),
    "load": ("load",),
}
"""What a container's command may call the program itself; such a first word is dropped."""

SOURCE = str(Path(__file__).resolve().parents[3])
"""The folder that holds the package `canarium`."""


def program_words(program: str, container: Mapping[str, Any]) -> list[str]:
    """The program's name and its arguments: the container's command and args without the program's own path.

    Anything else that stands in front of the flags is left in, and the program says that it ignores it: a shell line
    is not run by a bundled program.
    """
    words = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
    if words and words[0].rpartition("/")[2] in _OWN_NAMES.get(program, ()):
        del words[0]
    return [program, *words]


def program_ports(program: str, words: Sequence[str], env: Mapping[str, str], image: str) -> tuple[int, ...]:
    """The container ports that a program will listen on, the main one last; none where its arguments are wrong.

    words: as from `program_words`. env: the container's environment, which podinfo reads its port from too.
    """
    flags = words[1:]
    if program == "podinfo":
        settings = Settings(flags, env, "")
        return tuple(port for port in (settings.metrics_port, settings.port) if port)
    if program == "echo":
        return (echo_port(flags, image_repository(image)),)
    return (load_port(flags),) if load_port(flags) else ()


def program_argv(program: str, container: Mapping[str, Any]) -> list[str]:
    """Everything that follows the interpreter's path: `-I -S -c ... podinfo --port=9898`.

    Isolated and without site-packages, so that a program starts quickly and sees the standard library only.
    """
    code = (
        f"import sys; sys.path.insert(0, {SOURCE!r}); "
        "from canarium.nodes.images.run import main; raise SystemExit(main())"
    )
    return ["-I", "-S", "-c", code, *program_words(program, container)]
