"""What is wrong with a value by its structural schema, in apiextensions' words.

Owns: validation, as a pure function of (value, schema). Must not know: storage, HTTP, or how a value is pruned.
Source: Kubernetes 1.34, kube-openapi pkg/validation/validate and apiextensions-apiserver pkg/apiserver/{validation,
schema/listtype}. As there, the formats int32 and int64 restrict nothing, and CEL rules are not evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from canarium.kube.patch.merge import equal
from canarium.text.gojson import go_json

Schema: TypeAlias = Mapping[str, Any]
Cause: TypeAlias = tuple[str, str, str]
"""(field path, reason, message), as metav1.StatusCause has them."""

QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
"""The pattern that controller-gen gives every resource.Quantity."""

_TYPE_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
_GO_FORMATS = {"integer": "int64", "number": "float64", "array": "array"}
_LARGEST_WHOLE = float(2**53 - 1)
_INT64 = range(-(2**63), 2**63)


def problems(value: Any, schema: Schema, path: str = "", old: Any = None) -> list[Cause]:
    """What is wrong with a value, each with its field path. old: a valid value; what equals it is not looked into."""
    causes: list[Cause] = []
    if old is not None and equal(value, old):
        return causes
    name = type_name(value)
    wanted = "integer,string" if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if wanted and name != wanted and not _fits(value, name, wanted, schema):
        if "format" in schema and value is not None and _is_checked(schema["format"]):
            wanted, name = schema["format"], _GO_FORMATS.get(name, "")
        if name != "array" or wanted != schema.get("format"):
            message = f'Invalid value: "{name}": {path} in body must be of type {wanted}: "{name}"'
            causes.append((path or "<nil>", "FieldValueTypeInvalid", message))
    if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
        choices = ", ".join(_quoted(choice) for choice in schema["enum"])
        causes.append(
            (path, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {choices}")
        )
    if value is None:
        return causes
    if isinstance(value, dict):
        causes += _object_problems(value, schema, path, old)
    elif isinstance(value, list):
        causes += _list_problems(value, schema, path, old)
    elif isinstance(value, str):
        causes += _string_problems(value, schema, path)
    elif not isinstance(value, bool):
        causes += _number_problems(value, schema, path)
    if "allOf" in schema or "anyOf" in schema or "oneOf" in schema or "not" in schema:
        causes += _combined_problems(value, schema, path)
    return causes


def part_of(old: Any, key: str | int) -> Any:
    """The part of an old value at a key or index; None when it has none."""
    if type(old) is dict:
        return old.get(key)
    return old[key] if type(old) is list and type(key) is int and key < len(old) else None


def type_name(value: Any) -> str:
    """The JSON type of a value; a whole number beyond 64 bits is a `number`, as the API server reads it."""
    if type(value) is int:
        return "integer" if value in _INT64 else "number"
    return _TYPE_NAMES[type(value)] if type(value) in _TYPE_NAMES else type(value).__name__


def shown(value: Any) -> str:
    """A value as field errors print it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        return re.sub(r"(e-)(\d)$", r"\g<1>0\2", go_json(value))  # %v prints e-07 where JSON has e-7
    return go_json(value)


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) and value.isprintable() and '"' not in value else _go_quoted(value)


def _go_quoted(value: Any) -> str:
    text = value if isinstance(value, str) else go_json(value)
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(char, char) for char in text) + '"'


def _fits(value: Any, name: str, wanted: str, schema: Schema) -> bool:
    match name:
        case "null":
            return bool(schema.get("nullable"))
        case "integer":
            return wanted in ("number", "integer,string")
        case "number":
            return _is_whole(value) and wanted in ("integer", "integer,string")
        case _:
            return name == "string" and wanted == "integer,string"


def _same(left: Any, right: Any) -> bool:
    """JSON equality: `true` is not 1, but 1.0 is, and so, upstream, is 1.5."""
    if isinstance(left, float) and isinstance(right, int) and not isinstance(right, bool):
        return int(left) == right
    return equal(left, right)


def _invalid(path: str, value: Any, message: str) -> Cause:
    return (path, "FieldValueInvalid", f"Invalid value: {shown(value)}: {path} in body {message}")


# -- objects and lists --------------------------------------------------------------------------------------------


def _object_problems(value: dict[str, Any], schema: Schema, path: str, old: Any) -> Iterator[Cause]:
    size = len(value)
    if size < schema.get("minProperties", 0):
        yield _invalid(path, size, f"should have at least {schema['minProperties']} properties")
    if size > schema.get("maxProperties", size):
        yield _too_many(path, size, schema["maxProperties"])
    for name in schema.get("required") or ():
        if name not in value:
            yield (_join(path, name), "FieldValueRequired", "Required value")
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for name, child in value.items():
        if not path and name in ("apiVersion", "kind", "metadata"):
            continue
        part = properties.get(name)
        if part is None and isinstance(extra, dict):
            part = extra
        if part is not None:
            yield from problems(child, part, _join(path, name), part_of(old, name))


def _list_problems(value: list[Any], schema: Schema, path: str, old: Any) -> Iterator[Cause]:
    part = schema.get("items")
    if isinstance(part, dict):
        for index, item in enumerate(value):
            yield from problems(item, part, f"{path}[{index}]", part_of(old, index))
    size = len(value)
    if size < schema.get("minItems", 0):
        yield _invalid(path, size, f"should have at least {schema['minItems']} items")
    if size > schema.get("maxItems", size):
        yield _too_many(path, size, schema["maxItems"])
    if schema.get("uniqueItems") and len({go_json(item) for item in value}) < size:
        yield _invalid(path, "", "shouldn't contain duplicates")
    kind = schema.get("x-kubernetes-list-type")
    if kind == "set":
        yield from _duplicates(value, path)
    elif kind == "map":
        yield from _list_map_problems(value, schema["x-kubernetes-list-map-keys"], path)


def _list_map_problems(value: list[Any], keys: Sequence[str], path: str) -> Iterator[Cause]:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            message = f"Invalid value: {shown(item)}: must be an object for an array of list-type map"
            yield (f"{path}[{index}]", "FieldValueInvalid", message)
            return
    yield from _duplicates([{key: item[key] for key in keys if key in item} if item else {} for item in value], path)


def _duplicates(values: Sequence[Any], path: str) -> Iterator[Cause]:
    """Each value that was there before, told once."""
    if len(values) < 2:
        return
    seen: dict[tuple[bool, str], int] = {}
    for index, value in enumerate(values):
        text = shown(value)
        key = (isinstance(value, float), text)  # 1.0 and 1 are different members of a set
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:
            yield (f"{path}[{index}]", "FieldValueDuplicate", f"Duplicate value: {text}")


def _too_many(path: str, size: int, most: int) -> Cause:
    items = "item" if most == 1 else "items"
    return (path, "FieldValueTooMany", f"Too many: {size}: must have at most {most} {items}")


# -- scalars ------------------------------------------------------------------------------------------------------


def _number_problems(value: float, schema: Schema, path: str) -> Iterator[Cause]:
    factor, least, most = schema.get("multipleOf"), schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int) and value in _INT64:  # upstream cuts the limits of whole numbers to whole numbers
        factor, least, most = (None if limit is None else int(limit) for limit in (factor, least, most))
    if factor is not None and factor <= 0:
        message = f"factor MultipleOf declared for {path} must be positive: {shown(factor)}"
        yield (path, "FieldValueInvalid", f"Invalid value: {shown(factor)}: {message}")
    elif factor is not None and not _is_multiple(value, factor):
        yield _invalid(path, value, f"should be a multiple of {shown(factor)}")
    if least is not None:
        is_exclusive = bool(schema.get("exclusiveMinimum"))
        if value < least or (is_exclusive and value == least):
            yield _invalid(
                path, value, f"should be greater than {'' if is_exclusive else 'or equal to '}{shown(least)}"
            )
    if most is not None:
        is_exclusive = bool(schema.get("exclusiveMaximum"))
        if value > most or (is_exclusive and value == most):
            yield _invalid(path, value, f"should be less than {'' if is_exclusive else 'or equal to '}{shown(most)}")


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return value % factor == 0
    return _is_whole(1 / factor * value if factor < 1 else value / factor)


def _is_whole(value: float) -> bool:
    return float(value).is_integer() and abs(value) <= _LARGEST_WHOLE


def _string_problems(value: str, schema: Schema, path: str) -> Iterator[Cause]:
    if len(value) > schema.get("maxLength", len(value)):
        most = schema["maxLength"]
        yield (path, "FieldValueTooLong", f"Too long: may not be more than {most} {'byte' if most == 1 else 'bytes'}")
    elif len(value) < schema.get("minLength", 0):
        yield _invalid(path, value, f"should be at least {schema['minLength']} chars long")
    elif (pattern := schema.get("pattern")) and not _matcher(pattern)(value):
        yield _invalid(path, value, f"should match '{pattern}'")
    known = _FORMATS.get(schema.get("format", "").replace("-", ""))
    if known is not None and not known(value):
        message = (
            f"Invalid value: {shown(value)}: {path} in body must be of type {schema['format']}: {_go_quoted(value)}"
        )
        yield (path, "FieldValueTypeInvalid", message)


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> Callable[[str], object]:
    """Patterns come from users and are RE2, which takes 20 ms to load; a quantity's is ours and harmless."""
    if pattern == QUANTITY_PATTERN:
        return re.compile(pattern.replace("$", r"\Z"), re.ASCII).search
    import re2  # only here: most schemas have no other pattern

    search: Callable[[str], object] = re2.compile(pattern).search
    return search


def _is_checked(format_name: str) -> bool:
    """Whether the API server knows a format at all."""
    return format_name.replace("-", "") in _KNOWN_FORMATS


_DATE_TIME = r"(\d{4}-\d{2}-\d{2})[tT](\d{2}):(\d{2}):(\d{2})(\.\d+)?([zZ]|[+-]\d{2}:\d{2})"
_UUID = r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text)) and len(text) == 10
    except ValueError:
        return False


def _is_date_time(text: str) -> bool:
    found = re.fullmatch(_DATE_TIME, text, re.ASCII)
    return (
        found is not None and _is_date(found[1]) and int(found[2]) <= 23 and int(found[3]) <= 59 and int(found[4]) <= 59
    )


def _is_base64(text: str) -> bool:
    import base64  # here, and so for ipaddress: hardly any schema asks

    try:
        return bool(base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True))
    except ValueError:
        return False


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        import ipaddress

        try:
            return ipaddress.ip_address(text).version == version and "%" not in text
        except ValueError:
            return False

    return check


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "datetime": _is_date_time,
    "byte": _is_base64,
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
    "uuid": lambda text: re.fullmatch(_UUID, text) is not None,
}
"""Formats by their normalised name; others are not checked here."""

_KNOWN_FORMATS = (
    *("bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4", "uuid5"),
    *("isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password", "date", "duration"),
    *("datetime", "k8sshortname", "k8slongname"),
)


# -- combined schemas ---------------------------------------------------------------------------------------------


def _combined_problems(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    """allOf, anyOf, oneOf and not. Of failed alternatives, the one with the fewest problems is told too."""
    if choices := schema.get("anyOf"):
        results = [problems(value, choice, path) for choice in choices]
        if all(results):
            yield _combination(f'"{path}" must validate at least one schema (anyOf)')
            yield from min(results, key=len)
    if choices := schema.get("oneOf"):
        results = [problems(value, choice, path) for choice in choices]
        valid = sum(not result for result in results)
        if valid != 1:
            found = f"Found {valid} valid alternatives" if valid else "Found none valid"
            yield _combination(f'"{path}" must validate one and only one schema (oneOf). {found}')
            if not valid:
                yield from min(results, key=len)
    if choices := schema.get("allOf"):
        results = [problems(value, choice, path) for choice in choices]
        for result in results:
            yield from result
        if any(results):
            none = ". None validated" if all(results) else ""
            yield _combination(f'"{path}" must validate all the schemas (allOf){none}')
    if "not" in schema and not problems(value, schema["not"], path):
        yield _combination(f'"{path}" must not validate the schema (not)')


def _combination(message: str) -> Cause:
    return ("<nil>", "FieldValueInvalid", f'Invalid value: "": {message}')


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
