"""Request bodies in protobuf: kubectl 1.32 and newer create most kinds that way.

Owns: the wire format, and what an object so written looks like in JSON. Must not know: HTTP, storage.
Source: Kubernetes 1.34, apimachinery pkg/runtime/serializer/protobuf (the envelope) and pkg/apis/meta/v1 (times).

Answers are JSON always, which every client that sends protobuf also accepts.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from canarium.kube.cluster import ApiError
from canarium.kube.coretypes.table import Field, Message, Ref, message_of, ref
from canarium.kube.objects import Obj

MAGIC = b"k8s\0"
MAX_DEPTH = 64
MAX_MESSAGES = 200_000
"""More parts than an object of the largest accepted size has in practice: what a few bytes of an empty message grow to
in JSON must not fill the memory."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode_json = msgspec.json.Decoder().decode

_Value = int | bytes


class Malformed(ValueError):
    """The bytes are no message; str() says why."""


def decode(body: bytes) -> Obj:
    """The object in a body of type `application/vnd.kubernetes.protobuf`, exactly as Go would write it in JSON.

    Raises ApiError (BadRequest) for anything else than one object of a known kind.
    """
    if not body.startswith(MAGIC):
        raise _refused("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        api_version, kind, raw = _envelope(body[len(MAGIC) :])
    except Malformed as error:
        raise _refused(str(error)) from error
    message = message_of(api_version, kind)
    if message is None:
        raise _refused(f'no kind "{kind}" is registered for version "{api_version}" that is spoken in protobuf')
    try:
        content = _Reader().message(message, raw, 0)
    except Malformed as error:
        version = api_version.rpartition("/")[2]
        whole = f'{kind} in version "{version}" cannot be handled as a {kind}: {error}'
        raise ApiError(400, "BadRequest", whole) from error
    return {"apiVersion": api_version, "kind": kind, **content}


def _refused(problem: str) -> ApiError:
    return ApiError(400, "BadRequest", f"the object provided is unrecognized: {problem}")


def _envelope(data: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind and the bytes of a runtime.Unknown."""
    api_version = kind = ""
    raw, encoding = b"", ""
    for number, value in _fields(data):
        match number:
            case 1:
                for part, text in _fields(_chunk(value, "typeMeta")):
                    if part == 1:
                        api_version = _text(text, "apiVersion")
                    elif part == 2:
                        kind = _text(text, "kind")
            case 2:
                raw = _chunk(value, "raw")
            case 3:
                encoding = _text(value, "contentEncoding")
    if encoding:
        raise Malformed(f"content encoding {encoding!r} is not supported")
    if not kind or not api_version:
        raise Malformed("Object 'Kind' or 'apiVersion' is missing")
    return api_version, kind, raw


# -- the wire -----------------------------------------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(data):
            raise Malformed("unexpected EOF")
        if shift >= 64:
            raise Malformed("proto: integer overflow")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, _Value]]:
    """Numbers and values, in order: an int for a varint, the bytes of anything else."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number <= 0 or number > 0x1FFFFFFF:
            raise Malformed(f"proto: illegal tag {number} (wire type {tag})")
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire == _FIXED64:
            size = 8
        elif wire == _FIXED32:
            size = 4
        else:
            raise Malformed(f"proto: illegal wireType {wire}")
        if size > end - at:
            raise Malformed("unexpected EOF")
        yield number, data[at : at + size]
        at += size


def _chunk(value: _Value, name: str) -> bytes:
    if isinstance(value, int):
        raise Malformed(f"proto: wrong wireType = 0 for field {name}")
    return value


def _text(value: _Value, name: str) -> str:
    return _chunk(value, name).decode("utf-8", errors="replace")


def _signed(value: _Value, bits: int, name: str) -> int:
    if not isinstance(value, int):
        raise Malformed(f"proto: wrong wireType = 2 for field {name}")
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


# -- messages to JSON ---------------------------------------------------------------------------------------------


class _Reader:
    """Builds one object; counts what it builds."""

    def __init__(self) -> None:
        self._left = MAX_MESSAGES

    def message(self, message: Message, data: bytes, depth: int) -> Obj:
        """A message as JSON: fields in the order of the type, without those that `omitempty` leaves out."""
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise Malformed("the object is nested too deeply" if depth > MAX_DEPTH else "the object has too many parts")
        found: dict[int, list[_Value]] = {}
        for number, value in _fields(data):
            if number in message.by_number:
                found.setdefault(number, []).append(value)
        result: Obj = {}
        for field in message.fields:
            if field.type == "TypeMeta":
                continue
            self._field(result, message, field, found.get(field.number), depth)
        return result

    def _field(self, result: Obj, message: Message, field: Field, values: list[_Value] | None, depth: int) -> None:
        kind = ref(message.module, field.type)
        if field.shape == "list":
            items = [item for value in values or () for item in self._items(message, field, kind, value, depth)]
            if items or field.is_always_written:
                result[field.name] = items or None
            return
        if field.shape == "map" or kind.map_of:
            value_kind = ref(message.module, kind.map_of) if kind.map_of else kind
            entries = self._entries(message, field, value_kind, values or [], depth)
            if entries or field.is_always_written:
                result[field.name] = entries or None
            return
        if values is None:
            if field.is_pointer:
                if field.is_always_written:
                    result[field.name] = None
                return
            if field.omits_zero:
                return
        if kind.message is not None:
            part = self.message(kind.message, self._joined(field, values), depth + 1)
            if field.name:
                result[field.name] = part
            else:
                result.update(part)
            return
        value = self._scalar(message, field, kind, values, depth)
        if field.is_pointer or field.is_always_written:
            result[field.name] = value
        elif field.omits_zero:
            if value is not None:
                result[field.name] = value
        elif kind.scalar in _STRUCTS or value:
            result[field.name] = value

    def _joined(self, field: Field, values: list[_Value] | None) -> bytes:
        """A message that comes in several pieces is the pieces in a row."""
        chunks = [_chunk(value, field.name) for value in values or ()]
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _items(self, message: Message, field: Field, kind: Ref, value: _Value, depth: int) -> Iterator[Any]:
        if kind.message is not None:
            yield self.message(kind.message, _chunk(value, field.name), depth + 1)
        elif kind.scalar in ("int32", "int64", "bool") and isinstance(value, bytes):
            at = 0
            while at < len(value):  # packed
                number, at = _varint(value, at)
                yield self._scalar(message, field, kind, [number], depth)
        else:
            yield self._scalar(message, field, kind, [value], depth)

    def _entries(self, message: Message, field: Field, kind: Ref, values: list[_Value], depth: int) -> Obj:
        entries: Obj = {}
        for value in values:
            key, parts = "", list[_Value]()
            for number, part in _fields(_chunk(value, field.name)):
                if number == 1:
                    key = _text(part, field.name)
                elif number == 2:
                    parts.append(part)
            if kind.scalar == "bytes":
                entries[key] = self._scalar(message, field, kind, parts or [b""], depth)
            elif kind.message is not None:
                entries[key] = self.message(kind.message, self._joined(field, parts), depth + 1)
            else:
                entries[key] = self._scalar(message, field, kind, parts or None, depth)
        return dict(sorted(entries.items()))

    def _scalar(self, message: Message, field: Field, kind: Ref, values: list[_Value] | None, depth: int) -> Any:
        name = field.name
        last: _Value | None = values[-1] if values else None
        match kind.scalar:
            case "string":
                return "" if last is None else _text(last, name)
            case "bool":
                return last is not None and _signed(last, 64, name) != 0
            case "int32":
                return 0 if last is None else _signed(last, 32, name)
            case "int64":
                return 0 if last is None else _signed(last, 64, name)
            case "double":
                return 0.0 if last is None else _double(last, name)
            case "bytes":
                return None if last is None else base64.b64encode(_chunk(last, name)).decode()
        data = self._joined(field, values)
        match kind.scalar:
            case "Time":
                return _time(data) if data else None
            case "MicroTime":
                return _micro_time(data) if data else None
            case "Quantity":
                return _last_text(data, 1) or "0"
            case "IntOrString":
                return _int_or_string(data)
            case "RawExtension" | "FieldsV1" | "JSON":
                return _raw_json(data)
            case "Strings":
                return [_text(value, name) for number, value in _fields(data) if number == 1]
            case _:
                return self._schema_or(message, kind.scalar, data, depth)

    def _schema_or(self, message: Message, scalar: str, data: bytes, depth: int) -> Any:
        """A JSON schema, or a bool, a list of schemas or a list of strings in its place."""
        schema = ref(message.module, "JSONSchemaProps").message
        assert schema is not None, scalar
        found: dict[int, list[_Value]] = {}
        for number, value in _fields(data):
            found.setdefault(number, []).append(value)
        if scalar == "JSONSchemaPropsOrBool":
            if 2 in found:
                return self.message(schema, b"".join(_chunk(value, "schema") for value in found[2]), depth + 1)
            return 1 in found and found[1][-1] != 0
        if found.get(2):
            if scalar == "JSONSchemaPropsOrArray":
                return [self.message(schema, _chunk(value, "jSONSchemas"), depth + 1) for value in found[2]]
            return [_text(value, "property") for value in found[2]]
        if 1 in found:
            return self.message(schema, b"".join(_chunk(value, "schema") for value in found[1]), depth + 1)
        return None


_STRUCTS = frozenset(["Time", "MicroTime", "Quantity", "IntOrString", "RawExtension", "JSON", "JSONSchemaPropsOrArray"])
"""Structs in Go, which `omitempty` never leaves out."""


def _double(value: _Value, name: str) -> float:
    if isinstance(value, int) or len(value) != 8:
        raise Malformed(f"proto: wrong wireType for field {name}")
    number: float = struct.unpack("<d", value)[0]
    if number != number or number in (float("inf"), float("-inf")):
        raise Malformed(f"json: unsupported value: {number} for field {name}")
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _seconds_and_nanos(data: bytes) -> tuple[int, int]:
    seconds = nanos = 0
    for number, value in _fields(data):
        if number == 1:
            seconds = _signed(value, 64, "Seconds")
        elif number == 2:
            nanos = _signed(value, 32, "Nanos")
    return seconds, nanos


def _moment(seconds: int, nanos: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:
        raise Malformed("a time is outside of the years 1 to 9999") from error


def _time(data: bytes) -> str:
    return _moment(_seconds_and_nanos(data)[0], 0).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _micro_time(data: bytes) -> str:
    return _moment(*_seconds_and_nanos(data)).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _last_text(data: bytes, wanted: int) -> str:
    text = ""
    for number, value in _fields(data):
        if number == wanted:
            text = _text(value, "string")
    return text


def _int_or_string(data: bytes) -> int | str:
    kind, number, text = 0, 0, ""
    for field, value in _fields(data):
        match field:
            case 1:
                kind = _signed(value, 64, "Type")
            case 2:
                number = _signed(value, 32, "IntVal")
            case 3:
                text = _text(value, "StrVal")
    if kind not in (0, 1):
        raise Malformed("impossible IntOrString.Type")
    return text if kind else number


def _raw_json(data: bytes) -> Any:
    raw = b""
    for number, value in _fields(data):
        if number == 1:
            raw = _chunk(value, "Raw")
    if not raw:
        return None
    if raw.startswith(MAGIC):
        raise Malformed("an embedded object must be JSON")
    try:
        return _decode_json(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"an embedded value is not JSON: {error}") from error
