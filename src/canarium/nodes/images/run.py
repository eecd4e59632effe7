"""The entry point of bundled programs' processes: `main()` runs the program that the first argument names.

Owns: which program is which, and what each does from start to end. Must not know: how anybody starts this process.
A program imports little and late: a pod's start is mostly Python's own, and every pod pays for every module.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence

ECHO_WAIT_SECONDS = 0.25
ECHO_DRAIN_SECONDS = 5.0
PODINFO_WAIT_SECONDS = 3.0
"""How long podinfo serves on after SIGTERM, unready, unless its level is debug (pkg/signals/shutdown.go)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a program to its end; returns its exit code. argv: the program's name and its arguments."""
    words = list(sys.argv[1:] if argv is None else argv)
    program = PROGRAMS.get(words[0]) if words else None
    if program is None:
        sys.stderr.write(f"name a bundled program: {', '.join(PROGRAMS)}\n")
        return 2
    # asyncio does without TLS where there is none, and so do these programs; OpenSSL alone is a third of their size.
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # None is how an import is refused
    import asyncio

    return asyncio.run(program(words[1:], os.environ))


async def _podinfo(words: Sequence[str], env: Mapping[str, str]) -> int:
    from canarium.nodes.images.machine import hostname, image_version
    from canarium.nodes.images.metrics import process_lines
    from canarium.nodes.images.podinfo_app import Podinfo
    from canarium.nodes.images.process import Process, bind_problem

    process = Process(env)
    app = Podinfo(
        version=image_version(env.get("CANARIUM_IMAGE", "")),
        hostname=hostname(env),
        words=words,
        env=env,
        machine=process.machine,
        log=process.log,
        panic=process.end,
        more_metrics=lambda: process_lines(process.started),
    )
    settings = app.settings
    if settings.asks_version:
        process.log(app.version)
        return 0
    app.say_starting()
    await process.prepare()
    try:
        if settings.metrics_port:
            await process.serve(app, settings.metrics_port, is_main=False)
        await process.serve(app, settings.port)
    except OSError as error:
        problem = bind_problem(error, settings.port)
        app.say("http/server.go:227", "HTTP server crashed", level="fatal", error=problem)
        return 1
    app.say_listening()
    await process.stopped()
    app.is_healthy = app.is_ready = False
    app.say("signals/shutdown.go:60", "Shutting down HTTP/HTTPS server", timeout=settings.shutdown_seconds)
    wait = 0.0 if settings.level == "debug" else PODINFO_WAIT_SECONDS
    await process.machine.sleep(wait)
    if not await process.drain(max(0.0, settings.shutdown_seconds - wait)):
        problem = "context deadline exceeded"
        app.say("signals/shutdown.go:94", "HTTP server graceful shutdown failed", level="warn", error=problem)
    return 0


async def _echo(words: Sequence[str], env: Mapping[str, str]) -> int:
    from canarium.nodes.images.echo_app import Echo
    from canarium.nodes.images.machine import hostname, image_repository, image_version
    from canarium.nodes.images.metrics import process_lines
    from canarium.nodes.images.process import Process, bind_problem

    process = Process(env)
    image = env.get("CANARIUM_IMAGE", "")
    app = Echo(
        image=image_repository(image),
        version=image_version(image),
        hostname=hostname(env),
        words=words,
        env=env,
        machine=process.machine,
        log=process.log,
        more_metrics=lambda: process_lines(process.started),
    )
    app.say_starting()
    await process.prepare()
    try:
        await process.serve(app, app.port)
    except OSError as error:
        app.say("fatal", bind_problem(error, app.port))
        return 1
    app.say_listening()
    await process.stopped()
    await process.machine.sleep(ECHO_WAIT_SECONDS)  # whoever was told of this address a moment ago may still come
    await process.drain(ECHO_DRAIN_SECONDS)
    return 0


async def _load(words: Sequence[str], env: Mapping[str, str]) -> int:
    import json

    from canarium.nodes.images.load import Load, LoadSettings
    from canarium.nodes.images.metrics import process_lines
    from canarium.nodes.images.process import Process, bind_problem

    process = Process(env)
    try:
        settings = LoadSettings(words, env)
    except ValueError as error:
        sys.stderr.write(f"load: {error}\n")
        return 2
    load = Load(settings, machine=process.machine, log=process.log, more_metrics=lambda: process_lines(process.started))
    for word in settings.unknown:
        process.log(json.dumps({"level": "warn", "msg": f"ignored on the command line: {word}"}))
    await process.prepare()
    try:
        if settings.port:
            await process.serve(load, settings.port)
    except OSError as error:
        process.log(json.dumps({"level": "fatal", "msg": bind_problem(error, settings.port)}))
        return 1
    process.log(json.dumps({"level": "info", "msg": "listening", "addr": f":{settings.port}"}))
    process.on_stop(load.stop)
    await load.run()
    process.log(load.summary())
    await process.drain(0.2)
    return 1 if load.errors and settings.fails_on_error else 0


PROGRAMS: Mapping[str, Callable[[Sequence[str], Mapping[str, str]], Coroutine[None, None, int]]] = {
    "podinfo": _podinfo,
    "echo": _echo,
    "load": _load,
}
