"""Plain manifests in a folder, as Argo CD reads a directory source.

Owns: which files count, include and exclude patterns, splitting lists. Must not know: kustomizations or charts.
Behaviour follows Argo CD 3.6 `reposerver/repository.findManifests`; jsonnet is not evaluated (`RenderError`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from canarium.errors import Place
from canarium.gitops.rendered import Rendered, RenderError, rendered
from canarium.gitops.tree import Tree, resolve
from canarium.text import yaml
from canarium.text.located import Leaf, Map, Seq, locate, place_of

SKIP_MARKER = b"+argocd:skip-file-rendering"
_MANIFEST = re.compile(r".*\.(yaml|yml|json|jsonnet)")


def render_directory(
    tree: Tree, path: str, recurse: bool = False, include: str = "", exclude: str = ""
) -> list[Rendered]:
    """The objects in the folder's manifests, files in order of their path, each with the places of its fields.

    include, exclude: globs over paths relative to `path` (`*` crosses folders, `{a,b}` alternates); exclude wins.
    A file that is not YAML is an error when it looks like a manifest, and is passed over otherwise.
    Raises RenderError and YamlError.
    """
    folder = resolve("", path)
    if not tree.is_dir(folder):
        raise RenderError(
            f"app path does not exist: there is no folder {path!r}", at=Place(path), next_step="Correct the path."
        )
    wanted, unwanted = glob(include), glob(exclude)
    objects: list[Rendered] = []
    for relative in _files(tree, folder, "", recurse):
        if (unwanted and unwanted.fullmatch(relative)) or (wanted and not wanted.fullmatch(relative)):
            continue
        file = resolve(folder, relative)
        content = tree.read(file)
        if SKIP_MARKER not in content:
            objects += _objects(content, file)
    return objects


def _files(tree: Tree, folder: str, relative: str, recurse: bool) -> Iterator[str]:
    for name in tree.list(resolve(folder, relative)):
        below = f"{relative}/{name}".lstrip("/")
        if tree.is_dir(resolve(folder, below)):
            if recurse:
                yield from _files(tree, folder, below, recurse)
        elif _MANIFEST.fullmatch(name):
            yield below


def _objects(content: bytes, file: str) -> Iterator[Rendered]:
    if file.endswith(".jsonnet"):
        raise RenderError("canarium does not evaluate jsonnet", at=Place(file), next_step="Commit what it generates.")
    try:
        documents = yaml.load_all(content, file)
    except yaml.YamlError:
        if all(word in content for word in (b"apiVersion:", b"kind:", b"metadata:")) or file.endswith(".json"):
            raise
        return  # as Argo CD: some other YAML, a values file with templates for example
    for document in documents:
        yield from _items(locate(document), file)


def _items(body: Any, file: str) -> Iterator[Rendered]:
    if not isinstance(body, Map) or not isinstance(body.get("kind"), Leaf):
        raise RenderError(
            "Object 'Kind' is missing",
            at=place_of(body),
            next_step="Add apiVersion and kind, or exclude the file if it is no manifest.",
        )
    items = body.get("items")
    if str(body["kind"].value).endswith("List") and isinstance(items, Seq):
        for item in items:
            yield from _items(item, file)
    else:
        yield rendered(body, file)


@lru_cache(maxsize=256)
def glob(pattern: str) -> re.Pattern[str] | None:
    """A glob as a regular expression; None for an empty one. Braces alternate and may nest; `\\` escapes."""
    if not pattern:
        return None
    out, depth, at = [], 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            at += pattern[at : at + 1] == "*"
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        elif char == "[" and (end := pattern.find("]", at + 1)) > 0:
            inside = pattern[at:end]
            negated = inside.startswith(("!", "^"))
            out.append(f"[{'^' if negated else ''}{re.escape(inside[negated:]).replace(chr(92) + '-', '-')}]")
            at = end + 1
        else:
            out.append(re.escape(char))
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error as error:
        raise RenderError(f"{pattern!r} is not a glob", next_step="Use *, ?, [abc] and {a,b}.") from error
