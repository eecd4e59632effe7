"""`canarium.yaml`: what the user says once about running things on this machine, and `--map-image`, the same in short.

Owns: the file's keys, their checks, and errors with the place in the file. Must not know: pods, processes, clusters.
Specified in docs/reference/canarium-yaml.md.
"""

from __future__ import annotations

import json
import os
import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.nodes.environment import is_variable_name
from canarium.nodes.image_map import ImageMapping
from canarium.text.yaml import Document, load

FILE_NAME = "canarium.yaml"
HOST = "host"
"""What stands for a command when the container's own is to be run."""

_KEYS = ("images",)
_IMAGE_KEYS = ("image", "command", "host", "args", "workingDir", "env")


class Config(msgspec.Struct, frozen=True):
    """What canarium.yaml says. images: in the order of the file."""

    images: tuple[ImageMapping, ...] = ()


def read_config(folder: Path) -> Config:
    """Read `canarium.yaml` of a folder; all defaults when there is none. Raises CanariumError with file and line."""
    folder = folder.absolute()
    file = folder / FILE_NAME
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        other = file.with_suffix(".yml")
        if other.exists():
            raise CanariumError(
                f"{other} is not read", next_step=f"Rename it to {FILE_NAME}, or to something else."
            ) from None
        return Config()
    except OSError as error:
        raise CanariumError(
            f"cannot read {file}: {error.strerror}", next_step="Make it a file that you may read, or remove it."
        ) from error
    return parse_config(text, str(file), folder)


def parse_config(text: str | bytes, file: str, folder: Path) -> Config:
    """What the text of a canarium.yaml says. file: as errors name it. folder: absolute; relative paths start there.

    Raises CanariumError with file and line.
    """
    document = load(text, file)
    return Config() if document is None else _Reading(document, folder).config()


def parse_map_image(text: str, folder: Path) -> ImageMapping:
    """`PATTERN=COMMAND WORDS` or `PATTERN=host`; words are split as a shell does, and no shell runs.

    folder: absolute; where the command starts. Raises CanariumError.
    """
    pattern, equals, line = text.partition("=")
    pattern, line = pattern.strip(), line.strip()
    if not equals or not line:
        raise CanariumError(
            f"--map-image {text!r} has no command", next_step="Write --map-image 'shop/web=python server.py'."
        )
    if problem := _pattern_problem(pattern):
        raise CanariumError(
            f"--map-image {text!r}: the pattern {problem[0]}",
            next_step=problem[1],
        )
    if "\0" in line:
        raise CanariumError(
            f"--map-image {text!r}: a NUL character cannot be given to a process", next_step="Remove it."
        )
    if line == HOST:
        return ImageMapping(pattern=pattern, is_host=True, working_dir=str(folder))
    try:
        command = tuple(shlex.split(line))
    except ValueError as error:
        raise CanariumError(
            f"--map-image {text!r}: {str(error)[:1].lower()}{str(error)[1:]}",
            next_step="Close the quote, or escape it with a backslash.",
        ) from error
    if not command or not command[0]:
        raise CanariumError(f"--map-image {text!r}: the program is empty", next_step="Name the program to run.")
    return ImageMapping(pattern=pattern, command=command, working_dir=str(folder))


def _pattern_problem(pattern: str) -> tuple[str, str] | None:
    """What is wrong with an image pattern, and what to do; None when nothing is."""
    if not pattern:
        return "is empty", "Name an image, such as shop/web or shop/web:1.*."
    if "@" in pattern:
        return "has a digest", f"Leave it out: {pattern.partition('@')[0]} is enough."
    if any(character.isspace() or not character.isprintable() for character in pattern):
        return "has a character that no image name has", "Remove spaces and control characters."
    return None


class _Reading:
    """One document; raises at the first thing that is wrong, with its place."""

    def __init__(self, document: Document, folder: Path) -> None:
        self.document = document
        self.folder = folder

    def config(self) -> Config:
        top = self.document.value
        if not isinstance(top, dict):
            raise self.wrong([], "this must be a mapping", "Start with `images:`.")
        self.check_keys([], top, _KEYS)
        entries = top.get("images")
        if entries is None:
            return Config()
        if not isinstance(entries, list):
            raise self.wrong(["images"], "this must be a list", "Start each image with a dash: `- image: shop/web`.")
        images: list[ImageMapping] = []
        for index, entry in enumerate(entries):
            mapping = self.image(["images", index], entry)
            if any(mapping.pattern == each.pattern for each in images):
                raise self.wrong(
                    ["images", index, "image"],
                    f"{mapping.pattern} is already mapped in this file",
                    "Remove one of the two; only the later would count.",
                )
            images.append(mapping)
        return Config(tuple(images))

    def image(self, path: list[str | int], entry: Any) -> ImageMapping:
        if not isinstance(entry, dict):
            raise self.wrong(path, "this must be a mapping", "Write `- image: shop/web` and its `command` below it.")
        self.check_keys(path, entry, _IMAGE_KEYS)
        if "image" not in entry:
            raise self.wrong(path, "image is missing", "Say which image is meant: `image: shop/web`.")
        pattern = self.text([*path, "image"], entry["image"])
        if problem := _pattern_problem(pattern):
            raise self.wrong([*path, "image"], f"the pattern {problem[0]}", problem[1])
        has_command, has_host = "command" in entry, "host" in entry
        if has_command and has_host:
            raise self.wrong([*path, "host"], "command and host exclude each other", "Remove one of the two.", key=True)
        if not has_command and not has_host:
            raise self.wrong(
                path,
                f"{pattern} has no command",
                'Write `command: ["python", "server.py"]`, or `host: true` to run what the container itself names.',
            )
        if has_host and entry["host"] is not True:
            raise self.wrong([*path, "host"], "host can only be true", "Write `host: true`, or a command instead.")
        if has_host and "args" in entry:
            raise self.wrong(
                [*path, "args"], "args means nothing with host, which runs the container's own", "Remove it.", key=True
            )
        has_args = entry.get("args", True)
        if not isinstance(has_args, bool):
            raise self.wrong(
                [*path, "args"],
                "args is true or false: whether the container's args follow the command",
                "Put arguments of your own into command.",
            )
        return ImageMapping(
            pattern=pattern,
            command=self.command([*path, "command"], entry["command"]) if has_command else (),
            is_host=has_host,
            has_args=has_args,
            working_dir=self.working_dir([*path, "workingDir"], entry.get("workingDir", ".")),
            env=self.env([*path, "env"], entry["env"]) if "env" in entry else {},
        )

    def command(self, path: list[str | int], value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            try:
                words = shlex.split(value)
            except ValueError:
                words = value.split()
            listed = ", ".join(json.dumps(word, ensure_ascii=False) for word in words or ["python", "server.py"])
            raise self.wrong(
                path, "command must be a list; no shell would split it", f"Write it as a list: `command: [{listed}]`."
            )
        if not isinstance(value, list) or not value:
            raise self.wrong(path, "command must be a list of words", 'Write `command: ["python", "server.py"]`.')
        words = [self.text([*path, index], word) for index, word in enumerate(value)]
        if not words[0]:
            raise self.wrong([*path, 0], "the program is empty", "Name the program to run.")
        return tuple(words)

    def working_dir(self, path: list[str | int], value: Any) -> str:
        text = self.text(path, value)
        if not text:
            raise self.wrong(path, "the folder is empty", "Leave workingDir out to start in the folder of this file.")
        if text.startswith("~"):
            raise self.wrong(path, "~ is not replaced here", "Write the whole path.")
        folder = os.path.normpath(self.folder / text)
        if not os.path.isabs(text) and not Path(folder).is_relative_to(os.path.normpath(self.folder)):
            raise self.wrong(
                path, f"{text} leads out of the folder of this file", f"If you mean it, write it whole: {folder}"
            )
        return folder

    def env(self, path: list[str | int], value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self.wrong(path, "env must be a mapping of names to texts", 'Write `env: {LOG_LEVEL: "debug"}`.')
        for name in value:
            if not is_variable_name(name):
                raise self.wrong(
                    [*path, name],
                    f"{name!r} is no name of an environment variable",
                    "Use printable ASCII characters without =.",
                    key=True,
                )
            if name.startswith("CANARIUM_") and name != "CANARIUM_CHAOS":
                raise self.wrong([*path, name], f"{name} is canarium's own", "Choose another name.", key=True)
        return {name: self.text([*path, name], text) for name, text in value.items()}

    def text(self, path: list[str | int], value: Any) -> str:
        if isinstance(value, str):
            if "\0" in value:
                raise self.wrong(path, "a NUL character cannot be given to a process", "Remove it.")
            return value
        if value is None:
            raise self.wrong(path, "this is empty", 'Write a text; an empty one is "".')
        if isinstance(value, (list, dict)):
            raise self.wrong(path, "this must be a text", "Write a single text.")
        raise self.wrong(path, f"this must be a text, and {json.dumps(value)} is none", "Put it in quotes.")

    def check_keys(self, path: list[str | int], found: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in found:
            if key in known:
                continue
            spelled = {each.lower(): each for each in known}
            close = get_close_matches(key.lower().replace("_", "").replace("-", ""), spelled, n=1)
            raise self.wrong(
                [*path, key],
                f'unknown key "{key}"',
                f"Did you mean {spelled[close[0]]}?" if close else f"Known here: {', '.join(known)}.",
                key=True,
            )

    def wrong(self, path: list[str | int], problem: str, next_step: str, *, key: bool = False) -> CanariumError:
        at = self.document.key_place(path) if key else self.document.place(path)
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        return CanariumError(problem, at=at, field=field, next_step=next_step)
