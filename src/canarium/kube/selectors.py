"""Label and field selectors in the API's text form.

Owns: parsing and matching. Pure. Source: Kubernetes 1.34, apimachinery labels.Parse and fields.ParseSelector, and the
field labels of pkg/apis/*/v1/conversion.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from canarium.kube.cluster import ApiError
from canarium.kube.resources import (
    CERTIFICATE_SIGNING_REQUESTS,
    EVENTS,
    EVENTS_V1,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SECRETS,
    Resource,
)

Labels: TypeAlias = Mapping[str, str]
Rule: TypeAlias = Callable[[Labels], bool]

_WORD = r"[^\s!=<>,()]+"
_REQUIREMENT = re.compile(
    rf"""\s*(?:
        !\s*(?P<absent>{_WORD})
      | (?P<key>{_WORD})
        (?: \s+(?P<set>in|notin)\s*\(\s*(?P<values>(?:{_WORD})?(?:\s*,\s*(?:{_WORD})?)*)\s*\)
          | \s*(?P<operator>==|=|!=|<|>)\s*(?P<value>(?:{_WORD})?)
        )?
    )\s*(?P<end>,|$)""",
    re.VERBOSE,
)
_KEY = re.compile(
    r"(?:(?P<prefix>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)/)?(?P<name>[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?)", re.ASCII
)
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?)?", re.ASCII)


@lru_cache(maxsize=512)
def parse_labels(text: str) -> Rule:
    """A predicate over labels: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a>1`, `a<9`, all joined
    by commas. Raises ApiError (BadRequest) on bad syntax, and on keys and values that no label can have."""
    rules: list[Rule] = []
    at, expects_more = 0, bool(text.strip())
    while expects_more:
        found = _REQUIREMENT.match(text, at)
        if found is None:
            raise ApiError(
                400, "BadRequest", f"unable to parse requirement: {text[at:].strip()!r} is not a label selector"
            )
        rules.append(_label_rule(found))
        at, expects_more = found.end(), found["end"] == ","
    return lambda labels: all(rule(labels) for rule in rules)


def _label_rule(found: re.Match[str]) -> Rule:
    key = _checked(found["key"] or found["absent"], _KEY, "key")
    if found["absent"]:
        return lambda labels: key not in labels
    if found["set"]:
        values = tuple(_checked(value.strip(), _VALUE, "value") for value in found["values"].split(","))
        if found["set"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    operator = found["operator"]
    if operator is None:
        return lambda labels: key in labels
    value = _checked(found["value"], _VALUE, "value")
    if operator in "<>":
        return _compared(key, operator, value)
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _compared(key: str, operator: str, text: str) -> Rule:
    limit = _whole(text)
    if limit is None:
        problem = "for 'Gt', 'Lt' operators, the value must be an integer"
        message = f'unable to parse requirement: values[0][{key}]: Invalid value: "{text}": {problem}'
        raise ApiError(400, "BadRequest", message)

    def rule(labels: Labels) -> bool:
        number = _whole(labels.get(key, ""))
        return number is not None and (number > limit if operator == ">" else number < limit)

    return rule


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) else None


def _checked(text: str, pattern: re.Pattern[str], what: str) -> str:
    found = pattern.fullmatch(text)
    name = found.groupdict().get("name", text) if found else ""
    if found is None or len(name) > 63 or len(text) - len(name) > 254:
        raise ApiError(400, "BadRequest", f"unable to parse requirement: {text!r} is not a label {what}")
    return text


# -- fields -------------------------------------------------------------------------------------------------------

_METADATA = ("metadata.name", "metadata.namespace")
_FIELDS: dict[Resource, tuple[str, ...]] = {
    PODS: (
        *_METADATA,
        *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork"),
        *("status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
    ),
    NODES: ("metadata.name", "spec.unschedulable"),
    NAMESPACES: ("metadata.name", "status.phase"),
    SECRETS: (*_METADATA, "type"),
    REPLICA_SETS: (*_METADATA, "status.replicas"),
    REPLICATION_CONTROLLERS: (*_METADATA, "status.replicas"),
    JOBS: (*_METADATA, "status.successful"),
    CERTIFICATE_SIGNING_REQUESTS: ("metadata.name", "spec.signerName"),
    EVENTS: (
        *_METADATA,
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")),
        *("involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"),
    ),
    EVENTS_V1: (
        *_METADATA,
        *(f"regarding.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")),
        *("regarding.fieldPath", "reason", "reportingController", "type"),
    ),
}
_ELSEWHERE = {"status.successful": "status.succeeded", "source": "source.component"}
_ABSENT = {"status.replicas": "0", "status.successful": "0", "spec.unschedulable": "false", "spec.hostNetwork": "false"}
_TERM = re.compile(r"((?:\\.|[^\\=!,])*?)(!=|==|=)((?:\\[,=\\]|[^\\=,])*)(?:,|$)")


@lru_cache(maxsize=512)
def parse_fields(
    text: str, resource: Resource, selectable: tuple[str, ...] | None = None
) -> Callable[[Mapping[str, Any]], bool]:
    """A predicate over objects, by `path=value`, `path==value` and `path!=value` joined by commas; `\\,`, `\\=` and
    `\\\\` stand for themselves in a value. Raises ApiError (BadRequest) on bad syntax and unknown paths.

    selectable: a custom kind's paths beyond name and namespace; None for core kinds, whose paths are known.
    """
    rules: list[tuple[str, bool, str]] = []
    at = 0
    while at < len(text):
        if text[at] == ",":
            at += 1
            continue
        found = _TERM.match(text, at)
        if not found:
            raise ApiError(400, "BadRequest", f"invalid selector: {text!r}; can't understand {text[at:]!r}")
        path, operator, value = found.groups()
        _must_be_known(path, resource, selectable)
        rules.append((path, operator != "!=", re.sub(r"\\(.)", r"\1", value)))
        at = found.end()
    return lambda obj: all((_field(obj, path) == value) is wanted for path, wanted, value in rules)


def _must_be_known(path: str, resource: Resource, selectable: tuple[str, ...] | None) -> None:
    known = _FIELDS.get(resource) if selectable is None else (*_METADATA, *selectable)
    if path in (known or _METADATA):
        return
    if known:
        raise ApiError(400, "BadRequest", f"field label not supported: {path}")
    message = f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    raise ApiError(400, "BadRequest", message)


def _field(obj: Mapping[str, Any], path: str) -> str:
    value: Any = obj
    for part in _ELSEWHERE.get(path, path).split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return _ABSENT.get(path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
