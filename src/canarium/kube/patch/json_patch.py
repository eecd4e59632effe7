"""JSON patches (RFC 6902) as the API server and Kustomize apply them.

Owns: `apply` and JSON pointers. Pure. Behaviour follows evanphx/json-patch v4, which both use: `-` and negative indices
name places counted from the end of a list. Containers are copied with their own `copy()`, so dict and list subclasses
that carry more than JSON (places in files, for example) keep it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canarium.kube.patch import PatchError

OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")


def apply(target: Any, ops: Sequence[Mapping[str, Any]]) -> Any:
    """`target` after all operations, in order. Raises PatchError naming the operation that does not fit."""
    document = target
    for number, op in enumerate(ops):
        document = _Operation(number, op).apply(document)
    return document


def pointer(text: str) -> list[str]:
    """The steps of a JSON pointer: `/spec/a~1b` is `spec`, `a/b`. Raises ValueError without a leading slash."""
    if not text:
        return []
    if not text.startswith("/"):
        raise ValueError(f"path {text!r} does not start with '/'")
    return [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]


class _Operation:
    def __init__(self, number: int, op: Mapping[str, Any]) -> None:
        self.number = number
        if not isinstance(op, Mapping):
            raise self.error("is not an object with op and path", "Write {op: …, path: …, value: …}.")
        self.op = op
        self.name = str(op.get("op", ""))
        if self.name not in OPERATIONS:
            raise self.error(f"has an unknown op {self.name!r}", f"Use one of {', '.join(OPERATIONS)}.")
        self.path = self.steps("path")

    def error(self, problem: str, next_step: str, field: str = "") -> PatchError:
        return PatchError(f"operation {self.number + 1} of the JSON patch {problem}", field=field, next_step=next_step)

    def steps(self, key: str) -> list[str]:
        text = self.op.get(key)
        if text is None:
            raise self.error(f"has no {key}", f"Add {key}: /a/json/pointer.")
        try:
            return pointer(str(text))
        except ValueError as error:
            raise self.error(f"is malformed: {error}", "Start it with '/', as in /spec/replicas.") from error

    def apply(self, document: Any) -> Any:
        match self.name:
            case "add":
                return self.edit(document, self.path, self.add, self.value())
            case "replace":
                return self.edit(document, self.path, self.replace, self.value())
            case "remove":
                if not self.path:
                    raise self.error("removes the whole object", "Name a field, as in /spec/replicas.")
                return self.edit(document, self.path, self.remove, None)
            case "move":
                source = self.steps("from")
                moved = self.get(document, source)
                return self.edit(self.edit(document, source, self.remove, None), self.path, self.add, moved)
            case "copy":
                return self.edit(document, self.path, self.add, self.get(document, self.steps("from")))
            case _:
                self.test(document)
                return document

    def value(self) -> Any:
        if "value" not in self.op:
            raise self.error(f"({self.name}) has no value", "Add value: …; write null if null is meant.")
        return self.op["value"]

    def test(self, document: Any) -> None:
        wanted = self.op.get("value")
        if not self.path:
            found = document
        else:
            parent = self.get(document, self.path[:-1])
            try:
                found = self.child(parent, self.path[-1])
            except LookupError as error:
                if not isinstance(parent, Mapping):
                    raise self.missing(self.path) from error
                found = None  # upstream: a test for null passes when the key is absent
        if found != wanted:
            raise self.error(
                f"tests for {wanted!r}, but there is {found!r}",
                "The object is not what the patch expects.",
                self.field(),
            )

    def field(self) -> str:
        return "/" + "/".join(self.path)

    def missing(self, at: Sequence[str]) -> PatchError:
        field = "/" + "/".join(at)
        hint = "Use op: add to create it." if self.name == "replace" else "Check the path against the object."
        return self.error(f"({self.name}) does not apply: {field} does not exist", hint, field)

    def child(self, parent: Any, step: str) -> Any:
        if isinstance(parent, Mapping):
            if step not in parent:
                raise LookupError(step)
            return parent[step]
        if isinstance(parent, list):
            return parent[self.index(step, len(parent) - 1)]
        raise LookupError(step)

    def get(self, document: Any, steps: Sequence[str]) -> Any:
        found = document
        for depth, step in enumerate(steps):
            try:
                found = self.child(found, step)
            except LookupError as error:
                raise self.missing(steps[: depth + 1]) from error
        return found

    def index(self, step: str, last: int) -> int:
        """A list index; negative ones count from the end. Raises LookupError when it is not within 0..last."""
        try:
            index = int(step)
        except ValueError as error:
            raise LookupError(step) from error
        if index < 0:
            index += last + 1
        if not 0 <= index <= last:
            raise LookupError(step)
        return index

    def edit(self, document: Any, steps: Sequence[str], change: Any, value: Any) -> Any:
        """A copy of the document in which `change(parent, last step, value)` was done to a copy of the parent."""
        if not steps:
            return value

        def descend(node: Any, depth: int) -> Any:
            if not isinstance(node, dict | list):
                raise self.missing(steps[: depth + 1])
            copied = node.copy()
            step = steps[depth]
            try:
                if depth == len(steps) - 1:
                    change(copied, step, value)
                else:
                    child = descend(self.child(node, step), depth + 1)
                    if isinstance(copied, dict):
                        copied[step] = child
                    else:
                        copied[self.index(step, len(copied) - 1)] = child
            except LookupError as error:
                raise self.missing(steps[: depth + 1]) from error
            return copied

        return descend(document, 0)

    def add(self, parent: Any, step: str, value: Any) -> None:
        if isinstance(parent, dict):
            parent[step] = value
        elif step == "-":
            parent.append(value)
        else:
            parent.insert(self.index(step, len(parent)), value)

    def replace(self, parent: Any, step: str, value: Any) -> None:
        if isinstance(parent, dict):
            parent[step] = value  # upstream replaces what is not there without complaint, against the RFC
        else:
            parent[self.index(step, len(parent) - 1)] = value

    def remove(self, parent: Any, step: str, value: Any) -> None:  # noqa: ARG002 - the shape all changes share
        if isinstance(parent, dict):
            del parent[step]
        else:
            del parent[self.index(step, len(parent) - 1)]
