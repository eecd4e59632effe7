"""Relabelling: rules that rewrite a label set, or drop it.

Owns: the rule and its eleven actions. Pure. Source: Prometheus 3.x model/relabel/relabel.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

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


@dataclass(frozen=True, kw_only=True)
class Relabel:
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
    result = dict(labels)
    for rule in rules:
        if not _apply(rule, result):
            return None
    return {name: value for name, value in result.items() if value}


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
                if groups is not None:
                    labels[_expanded(rule.replacement, groups)] = content
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
    target = _expanded(rule.target_label, groups)
    content = _expanded(rule.replacement, groups)
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


def _expanded(template: str, groups: tuple[str, ...]) -> str:
    """Go's Regexp.Expand with numbered groups: `$1`, `${1}`, `$$`."""
    if "$" not in template:
        return template
    out: list[str] = []
    at = 0
    while at < len(template):
        if template[at] != "$":
            out.append(template[at])
            at += 1
            continue
        at += 1
        if template[at : at + 1] == "$":
            out.append("$")
            at += 1
        elif template[at : at + 1] == "{" and "}" in template[at:]:
            end = template.index("}", at)
            out.append(_group(template[at + 1 : end], groups))
            at = end + 1
        else:
            end = at
            while end < len(template) and (template[end].isalnum() or template[end] == "_"):
                end += 1
            out.append(_group(template[at:end], groups))
            at = end
    return "".join(out)


def _group(name: str, groups: tuple[str, ...]) -> str:
    return groups[int(name)] if name.isdigit() and int(name) < len(groups) else ""
