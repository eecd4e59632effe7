"""Which parameters an ApplicationSet's generators yield.

Owns: the git directory and list generators, Go's `path.Match`, names made safe for DNS. Pure.
Must not know: git. Folders come in as a function. Behaviour follows Argo CD 3.6 `applicationset/generators`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from canarium.errors import CanariumError
from canarium.gitops.applicationset.template import replace
from canarium.gitops.tree import Tree
from canarium.kube.objects import matches_labels

Params = dict[str, str]
Folders = Callable[[str, str], Sequence[str]]
"""(repoURL, revision) to the paths of all folders, parents before children. May raise a CanariumError."""

OTHER_GENERATORS = ("clusters", "clusterDecisionResource", "matrix", "merge", "plugin", "pullRequest", "scmProvider")
DNS_UNSAFE = re.compile(r"[^-a-z0-9.]")


class GeneratorError(CanariumError):
    """A generator that cannot yield its parameters."""


def params_of(generator: Mapping[str, Any], folders: Folders, *, at: str) -> list[Params]:
    """The parameter sets of one entry of `spec.generators`. at: its field path. Raises CanariumError."""
    found: list[Params] = []
    for name in OTHER_GENERATORS:
        if generator.get(name) is not None:
            raise GeneratorError(
                f"the {name} generator is not built", field=f"{at}.{name}", next_step="Use a git or list generator."
            )
    if (git := generator.get("git")) is not None:
        found += _git_params(git, folders, at=f"{at}.git")
    if (listed := generator.get("list")) is not None:
        found += _list_params(listed, at=f"{at}.list")
    if generator.get("git") is None and generator.get("list") is None:
        names = ", ".join(sorted(set(generator) - {"selector"})) or "none"
        raise GeneratorError(f"no generator that is known: {names}", field=at, next_step="Use git or list.")
    selector = generator.get("selector")
    return found if selector is None else [params for params in found if matches_labels(selector, params)]


def _git_params(git: Mapping[str, Any], folders: Folders, *, at: str) -> list[Params]:
    if not git.get("directories"):
        what = "files" if git.get("files") else ""
        raise GeneratorError(
            f"the git generator for {what} is not built" if what else "the git generator has no directories",
            field=f"{at}.{what or 'directories'}",
            next_step="Write git.directories: a list of {path: glob}.",
        )
    try:
        paths = folders(str(git.get("repoURL") or ""), str(git.get("revision") or ""))
    except CanariumError as error:
        raise GeneratorError(
            f"error generating params from git: error getting directories from repo: "
            f"error retrieving Git Directories: {error.problem}",
            field=at,
            next_step=error.next_step,
        ) from error
    found = []
    for path in select(git["directories"], paths):
        params = path_params(path, str(git.get("pathParamPrefix") or ""))
        values = {f"values.{key}": replace(str(value), params) for key, value in (git.get("values") or {}).items()}
        found.append({**params, **values})
    return found


def select(directories: Sequence[Mapping[str, Any]], paths: Sequence[str]) -> list[str]:
    """The paths that some included glob matches and no excluded one."""
    chosen = []
    for path in paths:
        matched = [bool(item.get("exclude")) for item in directories if path_match(str(item.get("path") or ""), path)]
        if matched and not any(matched):
            chosen.append(path)
    return chosen


def path_params(path: str, prefix: str = "") -> Params:
    """`path`, `path.basename`, `path.basenameNormalized` and `path[n]` of a folder."""
    name = f"{prefix}.path" if prefix else "path"
    basename = path.rstrip("/").rpartition("/")[2] or "."
    segments = {f"{name}[{index}]": part for index, part in enumerate(path.split("/")) if part}
    return {
        name: path,
        f"{name}.basename": basename,
        f"{name}.basenameNormalized": sanitize_name(basename),
        **segments,
    }


def sanitize_name(name: str) -> str:
    """Lower case, `-` for what DNS does not know, at most 253 characters, no `-` or `.` at the ends."""
    return DNS_UNSAFE.sub("-", name.lower())[:253].strip("-.")


def _list_params(listed: Mapping[str, Any], *, at: str) -> list[Params]:
    if listed.get("elementsYaml"):
        raise GeneratorError(
            "elementsYaml is not built", field=f"{at}.elementsYaml", next_step="Write list.elements instead."
        )
    found = []
    for index, element in enumerate(listed.get("elements") or ()):
        params: Params = {}
        for key, value in element.items():
            if key == "values":
                if not isinstance(value, dict):
                    raise GeneratorError("error parsing values map", field=f"{at}.elements[{index}].values")
                params.update(
                    {f"values.{name}": _text(part, f"{at}.elements[{index}]") for name, part in value.items()}
                )
            else:
                params[key] = _text(value, f"{at}.elements[{index}].{key}")
        found.append(params)
    return found


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise GeneratorError(
            f"error parsing value as string: {value!r}",
            field=at,
            next_step="Quote it: without goTemplate, values are text.",
        )
    return value


def folders_of(tree: Tree, *, depth: int | None = None) -> list[str]:
    """The folders of a tree as the repo-server walks them: parents first, by name, none that begins with a dot.

    depth: how many levels can matter; None for all.
    """
    found: list[str] = []

    def walk(folder: str, level: int) -> None:
        if depth is not None and level >= depth:
            return
        # a walk enters no symbolic links; a tree that knows about them says which folders are real
        names = tree.real_dirs(folder) if hasattr(tree, "real_dirs") else tree.list(folder)
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if not name.startswith(".") and tree.is_dir(path):
                found.append(path)
                walk(path, level + 1)

    walk("", 0)
    return found


def path_match(pattern: str, name: str) -> bool:
    """Go's `path.Match`: `*` and `?` stop at `/`, `[a-z]` and `[^a]` are classes, `\\` quotes. A pattern that Go
    calls malformed matches nothing (Argo CD logs it and goes on)."""
    compiled = _glob(pattern)
    return compiled is not None and compiled.fullmatch(name) is not None


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str] | None:
    parts, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        match char:
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case "\\":
                if at == len(pattern):
                    return None
                parts.append(re.escape(pattern[at]))
                at += 1
            case "[":
                parsed = _char_class(pattern, at)
                if parsed is None:
                    return None
                text, at = parsed
                parts.append(text)
            case _:
                parts.append(re.escape(char))
    return re.compile("".join(parts), re.DOTALL)


def _char_class(pattern: str, at: int) -> tuple[str, int] | None:
    """The class after `[`: as a regular expression, and where the pattern goes on; None if it is malformed."""

    def one(at: int) -> tuple[str, int] | None:
        if at >= len(pattern) or pattern[at] in "-]":
            return None
        if pattern[at] == "\\":
            at += 1
        return (pattern[at], at + 1) if at < len(pattern) else None

    negated = at < len(pattern) and pattern[at] == "^"
    at += negated
    ranges: list[str] = []
    while at < len(pattern) and (pattern[at] != "]" or not ranges):
        if (low := one(at)) is None:
            return None
        first, at = low
        last = first
        if at < len(pattern) and pattern[at] == "-":
            if (high := one(at + 1)) is None:
                return None
            last, at = high
        if first <= last:  # Go lets an empty range match nothing
            ranges.append(f"{re.escape(first)}-{re.escape(last)}")
        else:
            ranges.append("")
    if at >= len(pattern) or not ranges:
        return None
    inside = "".join(ranges)
    if negated:
        return (f"[^{inside}/]" if inside else "[^/]"), at + 1
    return (f"(?!/)[{inside}]" if inside else "(?!)"), at + 1
