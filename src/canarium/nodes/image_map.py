"""Which command on this machine stands for an image, because the user said so, and the argv that comes of it.

Owns: `ImageMapping`, `ImageMap`, a mapped container's argv, environment defaults, working folder and program file.
Must not know: where mappings are written (`canarium.local.config`), how a process is started.
A mapping stands for the image: its command for the entrypoint, its `env` for the image's own variables. Errors show
programs as they were written, before `$(VAR)`: a value may come from a Secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from canarium.nodes.environment import expand
from canarium.nodes.program import ContainerContext, ImageTable, Program, generic_program
from canarium.nodes.runtime import StartRefused


class ImageMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the user's map: images that match `pattern` run `command`, or what the container itself says.

    command: argv, never a shell line; empty exactly when `is_host`. has_args: whether the container's `args` follow
    the command. working_dir: an absolute path. env: what the pod does not set itself; `$(VAR)` is expanded.
    """

    pattern: str
    command: tuple[str, ...] = ()
    is_host: bool = False
    has_args: bool = True
    working_dir: str
    env: Mapping[str, str] = msgspec.field(default_factory=dict)


class _Row:
    """A mapping as a row of an image table. A simulated container of a mapped image is the generic program."""

    def __init__(self, mapping: ImageMapping) -> None:
        self.mapping = mapping

    def __call__(self, context: ContainerContext) -> Program:
        return generic_program(context)


class ImageMap:
    """The user's mappings, in the order they were written; `ImageTable` says which one wins."""

    def __init__(self, mappings: Iterable[ImageMapping] = ()) -> None:
        self._table = ImageTable()
        for mapping in mappings:
            self._table.add(mapping.pattern, _Row(mapping))

    def lookup(self, image: str) -> ImageMapping | None:
        """The mapping of an image; None when the user mapped nothing that matches it."""
        row = self._table.factory(image)
        return row.mapping if isinstance(row, _Row) else None


def mapped_environment(
    mapping: ImageMapping, env: Mapping[str, str], base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What the process is given: the pod's `env` over the mapping's own variables over `base`.

    base: what every process gets, such as PATH, which the mapping may replace. `$(VAR)` in the mapping's variables is
    expanded with the other two.
    """
    known = {**(base or {}), **env}
    own = {name: expand(value, known) for name, value in mapping.env.items()}
    return {**(base or {}), **own, **env}


def argv_for(mapping: ImageMapping, container: Mapping[str, Any], env: Mapping[str, str]) -> tuple[str, ...]:
    """What to run, `$(VAR)` expanded with `env`; never empty.

    The mapping's command takes the place of the container's, and the container's args follow unless `args: false`.
    Raises StartRefused when `host` meets a container without a command.
    """
    return tuple(expand(word, env) for word in _written(mapping, container))


def _written(mapping: ImageMapping, container: Mapping[str, Any]) -> tuple[str, ...]:
    """The argv before `$(VAR)`."""
    own = tuple(container.get("command") or ())
    args = tuple(container.get("args") or ())
    if not mapping.is_host:
        return (*mapping.command, *(args if mapping.has_args else ()))
    if not own:
        raise StartRefused(
            "CreateContainerError",
            "no command specified: the image's own entrypoint is not known. Give the container a command, or map its "
            "image to one",
        )
    return (*own, *args)


def working_dir_for(mapping: ImageMapping, container: Mapping[str, Any]) -> Path:
    """The folder the process starts in. With `host` the container's `workingDir` counts, from the mapping's on.

    Raises StartRefused in runc's words when it is no folder that can be entered.
    """
    folder = Path(mapping.working_dir)
    if mapping.is_host and container.get("workingDir"):
        folder = folder / container["workingDir"]
    if not folder.is_dir():
        problem = "not a directory" if folder.exists() else "no such file or directory"
    elif not os.access(folder, os.X_OK):
        problem = "permission denied"
    else:
        return folder
    raise _not_started(f'chdir to cwd ("{folder}") set in config.json failed: {problem}')


def resolved_argv(
    mapping: ImageMapping, container: Mapping[str, Any], env: Mapping[str, str], *, search_path: str
) -> tuple[str, ...]:
    """`argv_for`, its program as an absolute path that exists and may be executed.

    search_path: PATH of canarium itself, or the mapping's; a manifest's is never asked. A name with a slash is looked
    up from the working folder instead. Raises StartRefused in runc's words.
    """
    argv = argv_for(mapping, container, env)
    shown = _written(mapping, container)[0]
    if any("\0" in word for word in argv):
        raise _not_started(f'exec: "{shown}": invalid argument')
    return (_program(argv[0], shown, working_dir_for(mapping, container), search_path), *argv[1:])


def _program(name: str, shown: str, folder: Path, search_path: str) -> str:
    """The file of a program, as Go's exec.LookPath finds it; entries of PATH that are not absolute are passed over."""
    if "/" in name:
        # Not resolved further: a program may look at the name it was started by, as busybox and venvs do.
        file = os.path.normpath(folder / name)
        problem = _problem(file)
        if problem:
            stat = f"stat {shown}: " if problem == _ABSENT else ""
            raise _not_started(f'exec: "{shown}": {stat}{problem}')
        return file
    for entry in search_path.split(os.pathsep):
        if os.path.isabs(entry) and name and not _problem(file := os.path.join(entry, name)):
            return file
    raise _not_started(f'exec: "{shown}": executable file not found in $PATH')


_ABSENT = "no such file or directory"


def _problem(file: str) -> str:
    """Why a file cannot be executed; empty when it can."""
    if os.path.isdir(file):
        return "is a directory"
    try:
        os.stat(file)
    except PermissionError:
        return "permission denied"
    except OSError:
        return _ABSENT
    return "" if os.access(file, os.X_OK) else "permission denied"


def _not_started(problem: str) -> StartRefused:
    return StartRefused("RunContainerError", problem, is_started=True)
