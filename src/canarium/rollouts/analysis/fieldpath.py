"""One field of an object as text, by a path such as `metadata.labels['app']` or `status.pauseConditions[0].reason`.

Owns: which paths there are and what is said of others. Must not know: what the text is for.
Behaviour follows Kubernetes `pkg/fieldpath` (the downward API) and Argo Rollouts 1.10 `extractValueFromRollout`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from canarium.errors import CanariumError
from canarium.kube.objects import Obj, annotations_of, labels_of
from canarium.rollouts.analysis.gotext import format_any, quote


class InvalidFieldPath(CanariumError):
    """A path that names nothing. `problem` is upstream's message."""


_METADATA_PATHS: Final = (
    "Use metadata.name, metadata.namespace, metadata.uid, metadata.labels['key'] or metadata.annotations['key']."
)


def metadata_field(obj: Obj, path: str) -> str:
    """A field as the downward API gives it; an absent label is empty. Raises InvalidFieldPath.

    Source: ExtractFieldPathAsString.
    """
    head, separator, tail = path.partition("['")
    if separator and head and tail.endswith("']"):
        key = tail[:-2]
        match head:
            case "metadata.annotations":
                _check_key(path, key.lower())
                return annotations_of(obj).get(key, "")
            case "metadata.labels":
                _check_key(path, key)
                return labels_of(obj).get(key, "")
            case _:
                problem = f"fieldPath {quote(path)} does not support subscript"
                raise InvalidFieldPath(problem, next_step=_METADATA_PATHS)
    match path:
        case "metadata.annotations":
            return _format_map(annotations_of(obj))
        case "metadata.labels":
            return _format_map(labels_of(obj))
        case "metadata.name" | "metadata.namespace" | "metadata.uid":
            return str(obj.get("metadata", {}).get(path.removeprefix("metadata."), ""))
        case _:
            raise InvalidFieldPath(f"unsupported fieldPath: {path}", next_step=_METADATA_PATHS)


def _format_map(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={quote(value)}" for key, value in sorted(values.items()))


_SEPARATORS: Final = re.compile(r"[.\[\]]+")


def any_field(obj: Obj, path: str) -> str:
    """A scalar anywhere in the object. Raises InvalidFieldPath.

    A negative index, on which upstream panics, is out of range.
    """
    invalid = InvalidFieldPath(
        f"invalid path {path} in rollout", next_step="Name a field that the Rollout has when the analysis starts."
    )
    at: Any = obj
    for section in _SEPARATORS.split(path):
        if not section:
            continue
        if isinstance(at, list):
            if re.fullmatch(r"[+-]?[0-9]+", section) is None:
                raise InvalidFieldPath(f"invalid index '{section}'", next_step=f"Use a number for the list in {path}.")
            index = int(section)
            if not 0 <= index < len(at):
                raise InvalidFieldPath(f"index {index} out of range", next_step=f"The list in {path} is shorter.")
            at = at[index]
        elif isinstance(at, dict):
            at = at.get(section)
        else:
            raise invalid
    if at is None:
        raise invalid
    if isinstance(at, (list, dict)):
        raise InvalidFieldPath(
            f"path {path} in rollout must terminate in a primitive value", next_step="Name one of the fields inside."
        )
    return format_any(at)


_NAME: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME_RULE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
)
_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)


def _check_key(path: str, key: str) -> None:
    problems = _qualified_name_problems(key)
    if problems:
        raise InvalidFieldPath(
            f"invalid key subscript in {path}: {';'.join(problems)}",
            next_step="Write the label or annotation key as in metadata.labels['app'].",
        )


def _qualified_name_problems(key: str) -> list[str]:
    """What apimachinery's IsQualifiedName says of a label key; empty when it is one."""
    if key.count("/") > 1:
        return [
            f"a qualified name {_NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    prefix, slash, name = key.rpartition("/")
    problems: list[str] = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash:
        if len(prefix.encode()) > 253:
            problems.append("prefix part must be no more than 253 characters")
        if re.fullmatch(_SUBDOMAIN, prefix) is None:
            problems.append(f"prefix part {_SUBDOMAIN_RULE}")
    if not name:
        problems.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        problems.append("name part must be no more than 63 characters")
    if re.fullmatch(_NAME, name) is None:
        problems.append(f"name part {_NAME_RULE}")
    return problems
