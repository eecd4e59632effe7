"""Reads the tables of types.

Owns: the notation, and looking a type up by group and name. Must not know: schemas, wire formats.

A table has one line per message, `Name = field field …` (continued lines are indented), and one per set of named
types, `string := PullPolicy Protocol`. A field is `name[marks][@number][:type][=default][|atomic][|strategy[:key]]`:

- marks: `!` required, `+` always in the JSON (no `omitempty`), `?` left out when it is the zero value (`omitzero`),
  `*` a pointer, which tells absent from zero
- number: the field's number in protobuf
- type: `string` when left out; a scalar, a type of the same group, of meta/v1, or `core.Name`; `[]T` a list, with its
  list type or map keys in the brackets (`[atomic]`, `[set]`, `[port,protocol]`), `{}T` a map by string, `{Name}T` by
  a named type of strings
- strategy: of a strategic merge patch, with its merge key

`^` in place of a name is a part whose fields stand among the fields of the whole in JSON, yet are a message of their
own in protobuf. A message that starts with `|atomic` has one owner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal

import msgspec

MODULES: Mapping[str, str] = {
    "v1": "core_v1",
    "admissionregistration.k8s.io/v1": "admissionregistration_v1",
    "apiextensions.k8s.io/v1": "apiextensions_v1",
    "apiregistration.k8s.io/v1": "apiregistration_v1",
    "apps/v1": "apps_v1",
    "authentication.k8s.io/v1": "authentication_v1",
    "authorization.k8s.io/v1": "authorization_v1",
    "autoscaling/v1": "autoscaling_v1",
    "autoscaling/v2": "autoscaling_v2",
    "batch/v1": "batch_v1",
    "certificates.k8s.io/v1": "certificates_v1",
    "coordination.k8s.io/v1": "coordination_v1",
    "discovery.k8s.io/v1": "discovery_v1",
    "events.k8s.io/v1": "events_v1",
    "networking.k8s.io/v1": "networking_v1",
    "node.k8s.io/v1": "node_v1",
    "policy/v1": "policy_v1",
    "rbac.authorization.k8s.io/v1": "rbac_v1",
    "scheduling.k8s.io/v1": "scheduling_v1",
    "storage.k8s.io/v1": "storage_v1",
}
"""Where the types of a group and version are."""

META = "meta_v1"
CORE = "core_v1"

SCALARS = frozenset(
    [
        "string",
        "bool",
        "int32",
        "int64",
        "double",
        "bytes",
        "Time",
        "MicroTime",
        "Duration",
        "Quantity",
        "IntOrString",
        "RawExtension",
        "FieldsV1",
        "Strings",
        "JSON",
        "JSONSchemaPropsOrBool",
        "JSONSchemaPropsOrArray",
        "JSONSchemaPropsOrStringArray",
    ]
)
"""Types with a form of their own in JSON or protobuf. `Strings` is a list of strings that protobuf wraps."""

Shape = Literal["one", "list", "map"]


class Field(msgspec.Struct, frozen=True):
    """One field. type: of the value, item or map value, as the table spells it. name: empty when inline. keys: of a
    list that is a map by them. key: the type of a map's keys."""

    name: str
    number: int
    type: str
    shape: Shape = "one"
    is_required: bool = False
    is_always_written: bool = False
    omits_zero: bool = False
    is_pointer: bool = False
    list_type: str = ""
    keys: tuple[str, ...] = ()
    is_atomic: bool = False
    default: Any = None
    patch_strategy: str = ""
    patch_merge_key: str = ""
    key: str = "string"


class Message(msgspec.Struct, frozen=True):
    """A type with fields. module: the table it stands in."""

    module: str
    name: str
    fields: tuple[Field, ...]
    by_number: Mapping[int, Field]
    is_atomic: bool = False

    @property
    def has_type(self) -> bool:
        """Whether it is a whole object, with apiVersion and kind."""
        return any(field.type == "TypeMeta" for field in self.fields)


class Ref(msgspec.Struct, frozen=True):
    """What a field's type stands for. named: the name Go has for it, `v1.PullPolicy` or `int32`.
    scalar: one of SCALARS, empty for a message and for a map. map_of: the value type of a named map."""

    named: str
    scalar: str = ""
    message: Message | None = None
    map_of: str = ""


_FIELD = re.compile(r"([\w$.-]+|\^)([!+?*]*)(?:@(\d+))?(?::([^=|]+))?(?:=([^|]+))?((?:\|[\w&:]+)*)")


def _field(word: str) -> Field:
    found = _FIELD.fullmatch(word)
    assert found is not None, f"{word!r} is no field of a table of types"
    name, marks, number, kind, default, extras = found.groups()
    kind, shape, list_type, keys, key = kind or "string", "one", "", "", "string"
    if kind.startswith("{"):
        key, _, kind = kind[1:].partition("}")
        shape = "map"
    elif kind.startswith("["):
        list_type, _, kind = kind[1:].partition("]")
        shape = "list"
        if list_type not in ("", "atomic", "set"):
            keys, list_type = list_type, "map"
    is_atomic = "|atomic" in extras
    strategy, _, merge_key = extras.replace("|atomic", "").removeprefix("|").partition(":")
    return Field(
        "" if name == "^" else name,
        int(number or 0),
        kind,
        shape,  # type: ignore[arg-type]  # one of the shapes, by the tables' notation
        "!" in marks,
        "+" in marks,
        "?" in marks,
        "*" in marks,
        list_type,
        tuple(keys.split(",")) if keys else (),
        is_atomic,
        None if default is None else json.loads(default),
        strategy.replace("&", ","),
        merge_key,
        key or "string",
    )


class Table:
    """One table; messages are parsed one by one, as they are asked for."""

    def __init__(self, module: str, text: str) -> None:
        self.module = module
        self._lines: dict[str, list[str]] = {}
        self._aliases: dict[str, str] = {}
        self._messages: dict[str, Message] = {}
        for name, words in _entries(text):
            if name.endswith(":"):
                self._aliases.update(dict.fromkeys(words, name.removesuffix(":").strip()))
            else:
                self._lines[name] = words

    def kinds(self) -> list[str]:
        """The messages that are whole objects."""
        return [name for name, words in self._lines.items() if "^:TypeMeta" in words]

    def names(self, name: str) -> bool:
        """Whether the table has a type of that name."""
        return name in self._lines or name in self._aliases

    def alias(self, name: str) -> str | None:
        """What a named type is, when it is no message."""
        return self._aliases.get(name)

    def message(self, name: str) -> Message | None:
        """A message by name."""
        found = self._messages.get(name)
        if found is None and name in self._lines:
            words = self._lines[name]
            is_atomic = words[:1] == ["|atomic"]
            fields = tuple(_field(word) for word in words[is_atomic:])
            found = Message(self.module, name, fields, {field.number: field for field in fields}, is_atomic)
            self._messages[name] = found
        return found


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    name, words = "", list[str]()
    for line in text.splitlines():
        if line.startswith(" "):
            words.extend(line.split())
            continue
        if name:
            yield name, words
        name, _, rest = line.partition("=")
        name, words = name.strip(), rest.split()
    if name:
        yield name, words


@cache
def table(module: str) -> Table:
    """The table in a module of this package."""
    text: str = import_module(f"canarium.kube.coretypes.{module}").TYPES
    return Table(module, text)


@cache
def ref(module: str, kind: str) -> Ref:
    """What a type's name means in a table."""
    if kind in SCALARS and not (kind != "string" and table(module).names(kind)):
        return Ref(_GO_NAMES.get(kind, kind), kind)
    home, _, name = kind.rpartition(".")
    at = table(CORE if home == "core" else META if home == "meta" else module)
    if not at.names(name):
        at = table(META)
    named = "types.UID" if name == "UID" else f"{at.module.rpartition('_')[2]}.{name}"
    alias = at.alias(name)
    if alias is None:
        message = at.message(name)
        assert message is not None, f"{kind!r} is no type of {module}"
        return Ref(named, message=message)
    if alias.startswith("{"):
        return Ref(named, map_of=alias.partition("}")[2])
    return Ref(named, alias)


_GO_NAMES = {
    "bytes": "[]uint8",
    "double": "float64",
    "Time": "v1.Time",
    "MicroTime": "v1.MicroTime",
    "Duration": "v1.Duration",
    "FieldsV1": "v1.FieldsV1",
    "Quantity": "resource.Quantity",
    "IntOrString": "intstr.IntOrString",
    "RawExtension": "runtime.RawExtension",
    "JSON": "v1.JSON",
    "JSONSchemaPropsOrBool": "v1.JSONSchemaPropsOrBool",
    "JSONSchemaPropsOrArray": "v1.JSONSchemaPropsOrArray",
    "JSONSchemaPropsOrStringArray": "v1.JSONSchemaPropsOrStringArray",
    "Strings": "v1.ExtraValue",
}


@cache
def _list_message(module: str, kind: str) -> Message:
    fields = (
        Field("", 0, "TypeMeta"),
        Field("metadata", 1, "ListMeta"),
        Field("items", 2, kind, "list", is_required=True, is_always_written=True),
    )
    return Message(module, f"{kind}List", fields, {field.number: field for field in fields})


def message_of(api_version: str, kind: str) -> Message | None:
    """The message of a kind (or of its list), or None when there is no such kind here. DeleteOptions and Status are
    known in every version."""
    module = MODULES.get(api_version)
    if module is not None:
        found = table(module).message(kind)
        if found is not None and found.has_type:
            return found
        item = table(module).message(kind.removesuffix("List")) if kind.endswith("List") else None
        if item is not None and item.has_type:
            return _list_message(module, item.name)
    return table(META).message(kind) if kind in ("DeleteOptions", "Status") else None
