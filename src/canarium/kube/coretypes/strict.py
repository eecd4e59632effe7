"""What decoding into a kind's Go type says about an object: unknown fields, doubled fields, values of the wrong type.

Owns: those findings in the API server's words. Must not know: which of them are fatal; whether a value is sensible.
Source: Kubernetes 1.34, sigs.k8s.io/json (strict errors, paths) and apimachinery api/resource, util/intstr, meta/v1
(types that decode themselves); apiextensions-apiserver pkg/apiserver/schema/pruning for kinds with a schema.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from canarium.kube.coretypes.table import META, Field, Message, message_of, ref, table

MAX_PROBLEMS = 100
"""Upstream counts no further either."""

_META_FIELDS = ("apiVersion", "kind", "metadata")
_OPAQUE = frozenset(
    [
        "RawExtension",
        "FieldsV1",
        "JSON",
        "JSONSchemaPropsOrBool",
        "JSONSchemaPropsOrArray",
        "JSONSchemaPropsOrStringArray",
    ]
)
_DECODE_THEMSELVES = frozenset(["Time", "MicroTime", "Quantity", "IntOrString"])

Schema = Mapping[str, Any]


# -- unknown fields -----------------------------------------------------------------------------------------------


def field_problems(api_version: str, kind: str, obj: Any, schema: Schema | None = None) -> list[str]:
    """Fields that the kind does not have: `unknown field "spec.template.spec.containers[0].imagee"`.

    schema: the structural schema of a custom resource, whose fields come sorted; those of a built-in kind come as they
    stand. Nothing is said of a kind that is neither.
    """
    if schema is not None:
        meta = table(META).message("ObjectMeta")
        metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
        paths = [] if meta is None else list(_unknown(metadata, meta, "metadata"))
        paths += sorted(_pruned(obj, schema, "", is_root=True))
    else:
        message = message_of(api_version, kind)
        paths = [] if message is None else list(_unknown(obj, message, ""))
    return [f'unknown field "{path}"' for path in dict.fromkeys(paths)][:MAX_PROBLEMS]


_fields_of: dict[tuple[str, str], dict[str, tuple[Message, Field]]] = {}


def _fields(message: Message) -> dict[str, tuple[Message, Field]]:
    """The fields that a message has in JSON, inline parts included, with the message whose table names the type."""
    key = (message.module, message.name)
    fields = _fields_of.get(key)
    if fields is None:
        fields = {}
        for field in message.fields:
            if field.name:
                fields[field.name] = (message, field)
            else:
                part = ref(message.module, field.type).message
                assert part is not None, field
                fields.update(_fields(part))
        _fields_of[key] = fields
    return fields


def _unknown(value: Any, message: Message, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        return
    fields = _fields(message)
    for name, child in value.items():
        at = f"{path}.{name}" if path else name
        if name not in fields:
            yield at
            continue
        home, field = fields[name]
        part = ref(home.module, field.type).message
        if part is None:
            continue
        if field.shape == "one":
            yield from _unknown(child, part, at)
        elif field.shape == "list" and isinstance(child, list):
            for n, item in enumerate(child):
                yield from _unknown(item, part, f"{at}[{n}]")
        elif field.shape == "map" and isinstance(child, Mapping):
            for key, item in child.items():
                yield from _unknown(item, part, f"{at}.{key}")


def _pruned(value: Any, schema: Schema, path: str, *, is_root: bool = False) -> Iterator[str]:
    """Paths that pruning by the schema takes away."""
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if isinstance(value, Mapping):
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        is_object = is_root or bool(schema.get("x-kubernetes-embedded-resource"))
        for name, child in value.items():
            if is_object and name in _META_FIELDS:
                continue
            at = f"{path}.{name}" if path else name
            if name in properties:
                yield from _pruned(child, properties[name], at)
            elif extra:
                yield from _pruned(child, extra if isinstance(extra, Mapping) else {}, at)
            elif not keeps:
                yield at
    elif isinstance(value, list):
        items = schema.get("items")
        if items is None and keeps:
            return
        for n, item in enumerate(value):
            yield from _pruned(item, items or {}, f"{path}[{n}]")


# -- doubled fields -----------------------------------------------------------------------------------------------


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys as they stand."""


def duplicate_fields(raw: bytes) -> list[str]:
    """Keys that an object of a JSON document has twice: `duplicate field "spec.replicas"`. Says nothing of bytes that
    are no JSON."""
    try:
        document = json.loads(raw, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return []
    return [f'duplicate field "{path}"' for path in dict.fromkeys(_doubled(document, ""))][:MAX_PROBLEMS]


def _doubled(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen = set[str]()
        for name, child in value:
            at = f"{path}.{name}" if path else name
            if name in seen:
                yield at
            seen.add(name)
            yield from _doubled(child, at)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _doubled(item, f"{path}[{n}]")


# -- values of the wrong type -------------------------------------------------------------------------------------


class _Place:
    """Where decoding is: the Go struct, and the path of fields without indices."""

    __slots__ = ("path", "struct")

    def __init__(self, struct: str, path: str) -> None:
        self.struct = struct
        self.path = path

    def cannot(self, value: str, into: str) -> str:
        """The decoder's sentence."""
        if not self.struct:
            return f"json: cannot unmarshal {value} into Go value of type {into}"
        return f"json: cannot unmarshal {value} into Go struct field {self.struct}.{self.path} of type {into}"


class _Problem(NamedTuple):
    """stops: the type decodes itself, so its error ends everything, and is told rather than an earlier one."""

    text: str
    stops: bool = False


def type_problem(api_version: str, kind: str, obj: Any) -> str | None:
    """The value that Go's decoder reports as the one it cannot take, in its words; None when there is none or the kind
    is not built in. null is taken everywhere but as an item of a list of objects."""
    message = message_of(api_version, kind)
    if message is None:
        return None
    first = None
    for problem in _wrong(obj, message, _Place("", "")):
        if problem.stops:
            return problem.text
        first = first or problem.text
    return first


def _wrong(value: Any, message: Message, place: _Place) -> Iterator[_Problem]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        named = f"{message.module.rpartition('_')[2]}.{message.name}"
        yield _Problem(place.cannot(_json_word(value), named))
        return
    fields = _fields(message)
    for name, child in value.items():
        if name in fields and child is not None:
            inside = _Place(message.name, f"{place.path}.{name}" if place.path else name)
            yield from _wrong_field(child, *fields[name], inside)


def _wrong_field(value: Any, message: Message, field: Field, place: _Place) -> Iterator[_Problem]:
    kind = ref(message.module, field.type)
    if field.shape == "list":
        if not isinstance(value, list):
            yield _Problem(place.cannot(_json_word(value), f"[]{kind.named}"))
            return
        for item in value:
            if item is None and kind.message is not None:  # Go makes an empty item of it, which nobody means
                yield _Problem(place.cannot("null", kind.named))
            yield from _wrong_one(item, message, field.type, place)
    elif field.shape == "map" or kind.map_of:
        if not isinstance(value, Mapping):
            into = kind.named if kind.map_of else f"map[{ref(message.module, field.key).named}]{kind.named}"
            yield _Problem(place.cannot(_json_word(value), into))
            return
        for item in value.values():
            yield from _wrong_one(item, message, kind.map_of or field.type, place)
    else:
        yield from _wrong_one(value, message, field.type, place)


def _wrong_one(value: Any, message: Message, type_name: str, place: _Place) -> Iterator[_Problem]:
    kind = ref(message.module, type_name)
    if value is None or kind.scalar in _OPAQUE:
        return
    if kind.message is not None:
        yield from _wrong(value, kind.message, place)
        return
    word = _json_word(value)
    match kind.scalar:
        case "string":
            problem = None if word == "string" else place.cannot(word, kind.named)
        case "bool":
            problem = None if word == "bool" else place.cannot(word, kind.named)
        case "int32" | "int64":
            problem = _integer_problem(value, word, 31 if kind.scalar == "int32" else 63, kind.named, place)
        case "double":
            problem = None if word == "number" else place.cannot(word, kind.named)
        case "bytes":
            problem = _bytes_problem(value, word, place)
        case "Time" | "MicroTime":
            problem = _time_problem(value, word, place, is_micro=kind.scalar == "MicroTime")
        case "Quantity":
            problem = quantity_problem(value)
        case "IntOrString":
            problem = None if word == "string" else _integer_problem(value, word, 31, "int32", place)
        case "Strings":
            words = [word for word in map(_json_word, value if word == "array" else ()) if word != "string"]
            wrong = (words[0], "string") if words else (word, kind.named)
            problem = None if word == "array" and not words else place.cannot(*wrong)
        case _:
            problem = None
    if problem is not None:
        yield _Problem(problem, kind.scalar in _DECODE_THEMSELVES)


def _json_word(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _integer_problem(value: Any, word: str, bits: int, named: str, place: _Place) -> str | None:
    if word != "number":
        return place.cannot(word, named)
    if isinstance(value, float) or not -(1 << bits) <= value < 1 << bits:
        return place.cannot(f"number {value!r}", named)
    return None


def _bytes_problem(value: Any, word: str, place: _Place) -> str | None:
    if word != "string":
        return None if word == "array" else place.cannot(word, "[]uint8")
    text = re.sub(r"[\r\n]", "", value)
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return f"illegal base64 data at input byte {_first_bad_byte(text)}"
    return None


def _first_bad_byte(text: str) -> int:
    body = re.match(r"[A-Za-z0-9+/]*", text)
    good = body.end() if body else 0
    return good if good < len(text) else good - good % 4


_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


def _time_problem(value: Any, word: str, place: _Place, *, is_micro: bool) -> str | None:
    if word != "string":
        return place.cannot(word, "string")
    layout = "2006-01-02T15:04:05.000000Z07:00" if is_micro else "2006-01-02T15:04:05Z07:00"
    form = _DATE + (r"[.,]\d{6}" if is_micro else r"(?:[.,]\d+)?") + r"(?:Z|[+-]\d\d:\d\d)"
    try:
        if not re.fullmatch(form, value):
            raise ValueError(value)
        datetime.fromisoformat(re.sub(r"[.,]\d+", "", value))
    except ValueError:
        quoted = json.dumps(value, ensure_ascii=False)
        rest, wanted = _unread(value, layout)
        return f"parsing time {quoted} as {json.dumps(layout)}: cannot parse {json.dumps(rest)} as {json.dumps(wanted)}"
    return None


def _unread(value: str, layout: str) -> tuple[str, str]:
    """Where Go's time.Parse stops: the rest of the text, and the part of the layout that it looked for."""
    words = {"2006": r"\d{4}", "01": r"\d\d", "02": r"\d\d", "15": r"\d\d", "04": r"\d\d", "05": r"\d\d"}
    parts = [(part, words.get(part, part)) for part in re.findall(r"\d+|\D", "2006-01-02T15:04:05")]
    at = 0
    for wanted, pattern in parts:
        found = re.compile(pattern).match(value, at)
        if found is None:
            return value[at:], wanted
        at = found.end()
    rest = layout[len("2006-01-02T15:04:05") :]
    return value[at:], ".000000" if rest.startswith(".") and not re.match(r"[.,]\d{6}", value[at:]) else rest


_QUANTITY = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_SUFFIX = re.compile(r"|[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+")


def quantity_problem(value: Any) -> str | None:
    """Why a value is no quantity, in apimachinery's words."""
    text = value if isinstance(value, str) else json.dumps(value)
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    return None if _SUFFIX.fullmatch(found[1]) else "unable to parse quantity's suffix"
