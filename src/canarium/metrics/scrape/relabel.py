"""Relabelling: rules that rewrite a label set, or drop it.

Owns: the rule and its eleven actions. Pure. Source: Prometheus 3.x model/relabel/relabel.go.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import msgspec

Action: TypeAlias = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]


class Relabel(msgspec.Struct, frozen=True, kw_only=True):
    """One `relabel_configs` entry, with Prometheus' defaults. `regex` is RE2 and matches the whole value."""

    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    target_label: str = ""
    regex: str = "(.*)"
    modulus: int = 0
    replacement: str = "$1"
    action: Action = "replace"


def relabel(labels: Mapping[str, str], rules: Sequence[Relabel]) -> dict[str, str] | None:
    """The labels after all rules in order; None when a rule drops the set."""
    result = {name: value for name, value in labels.items() if value}  # an empty label is an absent one
    for rule in rules:
        if not _apply(rule, result):
            return None
    return {name: value for name, value in result.items() if name and value}


def _apply(rule: Relabel, labels: dict[str, str]) -> bool:
    """Apply one rule in place; False drops the set."""
    value = rule.separator.join(labels.get(name, "") for name in rule.source_labels)
    match rule.action:
        case "keep":
            return _matched(rule.regex, value) is not None
        case "drop":
            return _matched(rule.regex, value) is None
        case "keepequal":
            return labels.get(rule.target_label, "") == value
        case "dropequal":
            return labels.get(rule.target_label, "") != value
        case "replace":
            _replace(rule, labels, value)
        case "lowercase":
            labels[rule.target_label] = value.lower()
        case "uppercase":
            labels[rule.target_label] = value.upper()
        case "hashmod":
            digest = hashlib.md5(value.encode(), usedforsecurity=False).digest()
            labels[rule.target_label] = str(int.from_bytes(digest[8:], "big") % rule.modulus)
        case "labelmap":
            for name, content in list(labels.items()):
                groups = _matched(rule.regex, name)
                if groups is not None and content:
                    labels[_expanded(rule.replacement, groups, rule.regex)] = content
        case "labeldrop" | "labelkeep":
            wanted = rule.action == "labelkeep"
            for name in list(labels):
                if (_matched(rule.regex, name) is not None) != wanted:
                    del labels[name]
    return True


def _replace(rule: Relabel, labels: dict[str, str], value: str) -> None:
    groups = _matched(rule.regex, value)
    if groups is None:
        return
    target = _expanded(rule.target_label, groups, rule.regex)
    content = _expanded(rule.replacement, groups, rule.regex)
    if not target:
        return  # no valid name for a label
    if content:
        labels[target] = content
    else:
        labels.pop(target, None)


def _matched(pattern: str, text: str) -> tuple[str, ...] | None:
    """The whole match and the groups, or None. The commonest patterns never reach the regex engine."""
    if pattern == "(.*)":
        return (text, text)
    if pattern == "(.+)":
        return (text, text) if text else None
    if pattern.isalnum():
        return (text,) if text == pattern else None
    found = _compiled(pattern).fullmatch(text)
    return None if found is None else (found.group(0), *(group or "" for group in found.groups()))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2  # only here, since it takes 20 ms to load and most relabelling needs no regex

    return re2.compile(f"(?s:{pattern})")


_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


def _expanded(template: str, groups: tuple[str, ...], pattern: str) -> str:
    """Go's Regexp.Expand: `$1`, `${1}`, `$name`, `$$`; what is no group is empty, and a `$` that begins none of these
    stands for itself."""
    if "$" not in template:
        return template

    def group(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not name:
            return "$"
        if name.isascii() and name.isdigit():
            return groups[int(name)] if len(name) < 4 and int(name) < len(groups) else ""
        index = _compiled(pattern).groupindex.get(name)
        return groups[index] if index is not None else ""

    return _REFERENCE.sub(group, template)
