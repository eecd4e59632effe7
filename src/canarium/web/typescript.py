"""The shapes of `canarium.web.model` as TypeScript.

Owns: the translation. Must not know: the shapes. `python -m canarium.web.typescript > ui/src/api/types.ts`.
"""

from __future__ import annotations

import sys
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from canarium.web import model

_HEAD = "// Made from src/canarium/web/model.py by `python -m canarium.web.typescript`; change it there.\n"
_PLAIN: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "boolean", NoneType: "null"}


def typescript() -> str:
    """The whole file."""
    shapes = [
        found
        for found in vars(model).values()
        if isinstance(found, type) and issubclass(found, model.Model) and found is not model.Model
    ]
    return _HEAD + "".join(f"\n{_interface(shape)}" for shape in shapes)


def _interface(shape: type[model.Model]) -> str:
    hints = get_type_hints(shape)
    lines = [f"export interface {shape.__name__} {{"]
    lines += [f"  readonly {field.encode_name}: {_type(hints[field.name])}" for field in msgspec.structs.fields(shape)]
    return "\n".join([*lines, "}", ""])


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in arguments)
    if origin in (Union, UnionType):
        return " | ".join(map(_type, arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        inner = _type(arguments[0])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if origin is tuple:
        return f"readonly [{', '.join(map(_type, arguments))}]"
    if origin is dict:
        return f"Readonly<Record<string, {_type(arguments[1])}>>"
    return _PLAIN.get(hint) or str(hint.__name__)


if __name__ == "__main__":
    sys.stdout.write(typescript())
