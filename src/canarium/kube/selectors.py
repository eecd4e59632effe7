"""Label and field selectors in the API's text form.

Owns: parsing and matching. Pure. Source: apimachinery labels.Parse and fields.ParseSelector.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from canarium.kube.cluster import ApiError

Labels: TypeAlias = Mapping[str, str]

_SET = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)\s*$")
_EXISTS = re.compile(r"^\s*(!?)\s*([^\s!=,()]+)\s*$")
_SPLIT = re.compile(r",(?![^()]*\))")


@lru_cache(maxsize=512)
def parse_labels(text: str) -> Callable[[Labels], bool]:
    """A predicate over labels. Raises ApiError (BadRequest) on bad syntax."""
    rules = [_label_rule(part) for part in _SPLIT.split(text)] if text.strip() else []
    return lambda labels: all(rule(labels) for rule in rules)


def _label_rule(part: str) -> Callable[[Labels], bool]:
    if found := _SET.match(part):
        key, operator, listed = found.groups()
        values = tuple(value.strip() for value in listed.split(","))
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.match(part):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.match(part):
        negation, key = found.groups()
        if negation:
            return lambda labels: key not in labels
        return lambda labels: key in labels
    raise ApiError(400, "BadRequest", f"unable to parse requirement: {part.strip()!r} is not a label selector")


@lru_cache(maxsize=512)
def parse_fields(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """A predicate over objects, by `path=value` and `path!=value`. Raises ApiError (BadRequest)."""
    rules: list[tuple[tuple[str, ...], bool, str]] = []
    for part in text.split(","):
        if not part.strip():
            continue
        found = _EQUAL.match(part)
        if not found:
            raise ApiError(400, "BadRequest", f"invalid field selector: {part.strip()!r}")
        path, operator, value = found.groups()
        rules.append((tuple(path.split(".")), operator != "!=", value))
    return lambda obj: all((_field(obj, path) == value) is wanted for path, wanted, value in rules)


def _field(obj: Mapping[str, Any], path: tuple[str, ...]) -> str:
    value: Any = obj
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
