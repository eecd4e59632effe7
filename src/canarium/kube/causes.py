"""What can be wrong with a field, in upstream's words, and the names that Kubernetes accepts.

Owns: making `Cause`s and judging DNS names, qualified names and ranges. Pure. Must not know: kinds.
Source: Kubernetes 1.34, apimachinery/pkg/util/validation and pkg/util/validation/field/errors.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from canarium.kube.schema_problems import Cause
from canarium.text.gojson import go_json

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character,"
    " and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is"
    " '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_CONFIG_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or"
    " 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def required(field: str, message: str = "") -> Cause:
    """The field is missing or empty."""
    return (field, "FieldValueRequired", f"Required value: {message}" if message else "Required value")


def invalid(field: str, value: Any, message: str) -> Cause:
    """The value breaks a rule."""
    return (field, "FieldValueInvalid", f"Invalid value: {go_json(value)}: {message}")


def immutable(field: str, value: Any) -> Cause:
    """The value may not change."""
    return invalid(field, value, "field is immutable")


def mistyped(field: str, value: Any, message: str) -> Cause:
    """The value is of another JSON type than the field."""
    return (field, "FieldValueTypeInvalid", f"Invalid value: {go_json(value)}: {message}")


def unsupported(field: str, value: Any, supported: Sequence[str]) -> Cause:
    """The value is none of those there are."""
    choices = ", ".join(f'"{choice}"' for choice in supported)
    return (field, "FieldValueNotSupported", f"Unsupported value: {go_json(value)}: supported values: {choices}")


def duplicate(field: str, value: Any) -> Cause:
    """The value is there already."""
    return (field, "FieldValueDuplicate", f"Duplicate value: {go_json(value)}")


def forbidden(field: str, message: str) -> Cause:
    """The field may not be set, or not like this."""
    return (field, "FieldValueForbidden", f"Forbidden: {message}")


def _name_problems(name: str, pattern: re.Pattern[str], rule: str, longest: int) -> list[str]:
    found = [f"must be no more than {longest} characters"] if len(name) > longest else []
    return found if pattern.fullmatch(name) else [*found, rule]


def label_name_problems(name: str) -> list[str]:
    """What keeps a name from being an RFC 1123 label: names of namespaces and containers."""
    return _name_problems(name, _LABEL, _LABEL_RULE, 63)


def dns_1035_problems(name: str) -> list[str]:
    """What keeps a name from being a DNS-1035 label: names of Services."""
    return _name_problems(name, _DNS_1035, _DNS_1035_RULE, 63)


def subdomain_problems(name: str) -> list[str]:
    """What keeps a name from being an RFC 1123 subdomain: most names."""
    return _name_problems(name, _SUBDOMAIN, _SUBDOMAIN_RULE, 253)


def path_segment_problems(name: str) -> list[str]:
    """What keeps a name from being one segment of a URL: names of roles and their bindings."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{mark}'" for mark in "/%" if mark in name]


def config_key_problems(key: str) -> list[str]:
    """What keeps a text from being a key of a ConfigMap or Secret."""
    if key in (".", ".."):
        return [f"must not be '{key}'"]
    return _name_problems(key, _CONFIG_KEY, _CONFIG_KEY_RULE, 253)


def label_problems(labels: Any, field: str) -> list[Cause]:
    """What is wrong with a map of labels."""
    if labels is None:
        return []
    if not isinstance(labels, dict):
        return [(field, "FieldValueTypeInvalid", "Invalid value: must be a map of strings")]
    causes: list[Cause] = []
    for key, value in labels.items():
        name = key.rpartition("/")[2]
        if len(name) > 63 or not _QUALIFIED.fullmatch(name):
            causes.append((field, "FieldValueInvalid", f'Invalid value: "{key}": {_KEY_RULE}'))
        if not isinstance(value, str):
            causes.append((field, "FieldValueTypeInvalid", f"Invalid value: {value}: a label's value is a string"))
        elif len(value) > 63:
            causes.append((field, "FieldValueInvalid", f'Invalid value: "{value}": must be no more than 63 characters'))
        elif value and not _QUALIFIED.fullmatch(value):
            causes.append((field, "FieldValueInvalid", f'Invalid value: "{value}": {_VALUE_RULE}'))
    return causes


def is_int(value: Any) -> bool:
    """Whether a value is a whole number; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def not_negative(field: str, value: Any) -> list[Cause]:
    """A whole number of at least 0; None passes."""
    if value is None:
        return []
    if not is_int(value):
        return [mistyped(field, value, "must be an integer")]
    return [invalid(field, value, "must be greater than or equal to 0")] if value < 0 else []


def port_problems(field: str, number: Any) -> list[Cause]:
    """A port number."""
    if not is_int(number) or not 1 <= number <= 65535:
        return [invalid(field, number, "must be between 1 and 65535, inclusive")]
    return []
