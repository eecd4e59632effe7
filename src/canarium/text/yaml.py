"""YAML as kubectl reads and writes it, with the place of every value.

Owns: scalar rules, duplicate keys, merge keys, tags, the bound on aliases, and the block style of `dump`.
Must not know: Kubernetes objects or where files come from.
Specified by sigs.k8s.io/yaml 1.6, which decodes YAML with go.yaml.in/yaml/v2 and passes the result through JSON: that
is why `1.0` becomes the integer 1 and a date stays text. Syntax comes from libyaml (through PyYAML); the Go decoder is
a port of it. Kustomize reads with yaml.v3, whose rules differ; `Rules` names which ones to follow.
Differences on purpose: docs/reference/compatibility.md#yaml.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from functools import cmp_to_key, lru_cache
from typing import Any, cast

import msgspec
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from canarium.errors import CanariumError, Place

try:
    from yaml._yaml import CEmitter, CParser

    _HAS_LIBYAML = True
except ImportError:  # pragma: no cover - PyYAML built without libyaml is slower, with the same syntax
    _HAS_LIBYAML = False

MAX_DEPTH = 200
"""Nesting beyond this is refused; Kubernetes objects nest about twenty deep."""

MAX_EXPANDED = 100_000
"""Values a document may grow to through aliases."""

_TAG = "tag:yaml.org,2002:"
_PLAIN, _QUOTED, _COLLECTION = "?", "'", "*"


class Rules(Enum):
    """Who reads the text. They agree on most scalars, and on all of them once quoted.

    KUBECTL: `y`, `on` and the like are booleans, dates stay text, keys of other types become text.
    KUSTOMIZE: only `true` and `false` are booleans, dates become RFC 3339 times, keys must be text.
    """

    KUBECTL = auto()
    KUSTOMIZE = auto()


class YamlError(CanariumError):
    """Text that is not YAML, or YAML that kubectl would refuse."""


class Document(msgspec.Struct, frozen=True, eq=False):
    """One YAML document: its value as plain JSON, and where each part of it was written."""

    value: Any
    start: Place
    root: Node
    """The composed node tree; `canarium.text.located` reads it too."""

    rules: Rules

    def place(self, path: Sequence[str | int] = ()) -> Place:
        """Where the value at `path` (keys and indices) starts, or its nearest existing ancestor."""
        node = self.root
        for step in path:
            child = _child(node, step, self.rules)
            if child is None:
                break
            node = child
        return _place(self.start.file, node)

    def key_place(self, path: Sequence[str | int]) -> Place:
        """Where the key that names the value at `path` is written; for list items and absent keys as `place`."""
        parent = self.root
        for step in path[:-1]:
            child = _child(parent, step, self.rules)
            if child is None:
                return _place(self.start.file, parent)
            parent = child
        if path and isinstance(parent, MappingNode):
            for key, _ in parent.value:
                if isinstance(key, ScalarNode) and key_text(key, self.rules) == path[-1]:
                    return _place(self.start.file, key)
        return self.place(path)


def load_all(text: str | bytes, file: str, rules: Rules = Rules.KUBECTL) -> list[Document]:
    """Every document that holds something, in order. `file` is the name that places carry.

    Empty documents (nothing, only comments, or `null`) are left out, as kubectl does. Raises YamlError.
    """
    source = _decode(text, file)
    documents: list[Document] = []
    loader: Any = None
    try:
        loader = _Loader(source)
        aliased = "*" in source
        while loader.check_node():
            root = loader.get_node()
            value = _Build(file, root, aliased, rules).value()
            if value is not None:
                documents.append(Document(value=value, start=_place(file, root), root=root, rules=rules))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, file, source) from error
    except yaml.reader.ReaderError as error:
        before = source[: error.position]
        raise YamlError(
            f"character {error.character!r} is not allowed in YAML",
            at=Place(file, before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1),
            next_step="Remove it, or write it as an escape in a double-quoted string.",
        ) from error
    finally:
        if loader is not None:
            loader.dispose()
    return documents


def load(text: str | bytes, file: str, rules: Rules = Rules.KUBECTL) -> Document | None:
    """The only document, or None when the text is empty. Raises YamlError, also when there is more than one."""
    documents = load_all(text, file, rules)
    if len(documents) > 1:
        raise YamlError(
            "a second document starts here, and only one is expected",
            at=documents[1].start,
            next_step="Move it to a file of its own.",
        )
    return documents[0] if documents else None


def _decode(text: str | bytes, file: str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise YamlError("the file is not UTF-8 text", at=Place(file, line), next_step="Save it as UTF-8.") from error


def _syntax_error(error: yaml.MarkedYAMLError, file: str, source: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    at = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    problem = error.problem or "not YAML"
    if "duplicate anchor" in str(error.context):
        return YamlError("not YAML: this anchor is already defined", at=at, next_step="Give it another name.")
    if "cannot start any token" in problem and mark and source.splitlines()[mark.line][mark.column :][:1] == "\t":
        problem, next_step = "found a tab where YAML wants spaces", "Indent with spaces."
    elif "nested more" in problem:
        next_step = "Kubernetes objects nest far less deep; this is probably not one."
    elif "tab" in problem:
        next_step = "Indent with spaces."
    elif error.context:
        where = f" (it starts in line {error.context_mark.line + 1})" if error.context_mark else ""
        next_step = f"Seen {error.context}{where}: check the indentation, quotes and brackets around this line."
    else:
        next_step = "Check the indentation, quotes and brackets around this line."
    return YamlError(f"not YAML: {problem}", at=at, next_step=next_step)


class _Composing:
    """What both parsers need: no constructors, no resolver of PyYAML's, and a bound on nesting."""

    depth = 0

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:  # noqa: ARG002 - the composer's signature
        """The tag of an untagged node: ours only says how it was written."""
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _COLLECTION

    def descend_resolver(self, parent: Node | None, index: Any) -> None:  # noqa: ARG002 - the composer's signature
        """Called by the composer on the way into a node."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = parent.start_mark if parent is not None else None
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)

    def ascend_resolver(self) -> None:
        """Called by the composer on the way out of a node."""
        self.depth -= 1


if _HAS_LIBYAML:

    class _Loader(_Composing, CParser):
        def dispose(self) -> None:
            """Nothing to let go of."""

else:  # pragma: no cover - wheels of PyYAML come with libyaml

    class _Loader(_Composing, yaml.SafeLoader):  # type: ignore[no-redef]  # same role
        pass


def _place(file: str, node: Node) -> Place:
    mark = node.start_mark
    return Place(file, mark.line + 1, mark.column + 1)


def _child(node: Node, step: str | int, rules: Rules) -> Node | None:
    if isinstance(node, SequenceNode):
        return node.value[step] if isinstance(step, int) and 0 <= step < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    merged: Node | None = None
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            continue
        if is_merge(key):
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                merged = merged or _child(source, step, rules)
        elif key_text(key, rules) == step:
            return cast(Node, value)
    return merged


def is_merge(key: ScalarNode) -> bool:
    return key.value == "<<" and key.tag in (_PLAIN, _TAG + "merge")


class _Build:
    """One document's value out of its nodes."""

    def __init__(self, file: str, root: Node, aliased: bool, rules: Rules) -> None:
        self.file = file
        self.rules = rules
        self.plain = _plain if rules is Rules.KUBECTL else _plain_of_kustomize
        self.root = root
        self.aliased = aliased
        self.expanded = 0
        self.open: set[int] = set()

    def value(self) -> Any:
        return self.of(self.root)

    def of(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            tag = node.tag
            if tag == _QUOTED:
                return node.value
            try:
                return self.plain(node.value) if tag == _PLAIN else _tagged(tag, node.value)
            except ValueError as error:
                raise YamlError(
                    str(error), at=_place(self.file, node), next_step="Write a plain number, or quote it to mean text."
                ) from error
            except LookupError as error:
                raise self.unknown_tag(node) from error
        if self.aliased:
            self.enter(node)
        built: Any
        if isinstance(node, SequenceNode):
            if node.tag not in (_COLLECTION, "!", _TAG + "seq"):
                raise self.unknown_tag(node)
            built = [self.of(item) for item in node.value]
        else:
            if node.tag not in (_COLLECTION, "!", _TAG + "map"):
                raise self.unknown_tag(node)
            built = self.mapping(cast(MappingNode, node))
        if self.aliased:
            self.open.discard(id(node))
        return built

    def enter(self, node: Node) -> None:
        """Count what aliases expand to, and notice an anchor inside itself."""
        if id(node) in self.open:
            raise YamlError(
                "an anchor contains an alias to itself",
                at=_place(self.file, node),
                next_step="Write the repeated part out.",
            )
        self.open.add(id(node))
        self.expanded += len(node.value)
        if self.expanded > MAX_EXPANDED:
            raise YamlError(
                "document contains excessive aliasing",
                at=_place(self.file, node),
                next_step=f"Aliases here expand to more than {MAX_EXPANDED} values; write out what is needed.",
            )

    def mapping(self, node: MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merges: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise YamlError(
                    "a key must be text, not a list or a mapping",
                    at=_place(self.file, key),
                    next_step="If this is a template such as {{ name }}, quote it.",
                )
            if key.tag != _QUOTED and is_merge(key):
                merges.append(value)
                continue
            try:
                text = key_text(key, self.rules)
            except ValueError as error:
                raise YamlError(str(error), at=_place(self.file, key), next_step="Quote the key.") from error
            except LookupError as error:
                raise self.unknown_tag(key) from error
            if text in found:
                raise YamlError(
                    f"key {text!r} is already defined in this mapping",
                    at=_place(self.file, key),
                    next_step="Remove one of the two; only one value can hold.",
                )
            found[text] = self.of(value)
        for value in merges:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if not isinstance(source, MappingNode):
                    raise YamlError(
                        "map merge requires map or sequence of maps as the value",
                        at=_place(self.file, source),
                        next_step="`<<` takes an alias of a mapping: `<<: *name`.",
                    )
                for text, merged in self.of(source).items():
                    found.setdefault(text, merged)
        return found

    def unknown_tag(self, node: Node) -> YamlError:
        tag = node.tag.replace(_TAG, "!!")
        return YamlError(
            f"tag {tag!r} is not supported",
            at=_place(self.file, node),
            next_step="Remove the tag, or quote the text if the exclamation mark belongs to it.",
        )


_WORDS: dict[str, bool | None] = {
    **{form: True for word in ("y", "yes", "true", "on") for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in ("n", "no", "false", "off") for form in (word, word.capitalize(), word.upper())},
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_ONLY_KUBECTL = frozenset(word for word in _WORDS if word.lower() not in ("true", "false", "", "~", "null"))
_NOT_JSON = frozenset(
    [".nan", ".NaN", ".NAN", *(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF"))]
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?")
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_RESOLVED_FIRST = frozenset("yYnNtTfFoO~+-.0123456789")


@lru_cache(maxsize=4096)
def _plain(text: str) -> Any:
    """What an unquoted scalar means. Raises ValueError for numbers that JSON can't carry."""
    value = _resolve(text)
    if isinstance(value, float):
        return _through_json(value, text)
    return value if not isinstance(value, int) or -(2**63) <= value < 2**63 else float(value)


@lru_cache(maxsize=4096)
def _plain_of_kustomize(text: str) -> Any:
    """What an unquoted scalar means to yaml.v3 and, through it, to Kustomize."""
    if text in _ONLY_KUBECTL:
        return text
    found = _DATE.fullmatch(text) if text[:1].isdigit() else None
    return _rfc3339(found) if found is not None and _is_date(text) else _plain(text)


def _rfc3339(found: re.Match[str]) -> str:
    year, month, day, _, hour, minute, second, zone = found.groups()
    fraction = found[0].replace(",", ".").partition(".")[2].rstrip("Zz").partition("+")[0].partition("-")[0].rstrip("0")
    clock = f"{int(hour or 0):02d}:{int(minute or 0):02d}:{int(second or 0):02d}"
    offset = "Z" if zone in (None, "Z", "+00:00", "-00:00") else zone
    return f"{year}-{int(month):02d}-{int(day):02d}T{clock}{'.' + fraction if fraction else ''}{offset}"


def _through_json(value: float, text: str) -> int | float:
    """A float after Go printed it as JSON and read it back: whole numbers below 1e21 lose their point."""
    if math.isnan(value) or math.isinf(value):
        raise ValueError(f"{text} is a number that JSON and Kubernetes can't hold")
    if value.is_integer() and abs(value) < 1e21:
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else value
    return value


def _resolve(text: str) -> Any:
    """The resolver of go.yaml.in/yaml/v2: words, integers in four bases, floats; everything else is text."""
    if not text:
        return None
    first = text[0]
    if first not in _RESOLVED_FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text in _NOT_JSON:
        return float(text.lower().replace(".", ""))
    if first.isalpha() or first == "~":
        return text
    if first == ".":
        return _finite(text.replace("_", ""), text) if _DOT_FLOAT.fullmatch(text) else text
    if _is_date(text):
        return text
    plain = text.replace("_", "")
    number = _INT.fullmatch(plain)
    if number is not None:
        whole = _whole(number)
        # Go tries int64, then uint64 (which takes no sign), and leaves decimal digits beyond that to the float rule.
        if -(2**63) <= whole < 2**63 or (whole < 2**64 and whole > 0 and not number[1]):
            return whole
    return _finite(plain, text) if _FLOAT.fullmatch(plain) else text


def _whole(number: re.Match[str]) -> int:
    sign, hexadecimal, binary, octal, decimal = number.groups()
    for digits, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10)):
        if digits is not None:
            # Python refuses to convert thousands of digits; so many are no int64 anyway.
            whole = int(digits, base) if len(digits) <= 100 else 2**70
            return -whole if sign == "-" else whole
    raise AssertionError(number)


def _finite(digits: str, text: str) -> float | str:
    value = float(digits)
    return text if math.isinf(value) else value  # out of range is an error in Go, and the scalar stays text


def _is_date(text: str) -> bool:
    """Whether Go's timestamp formats take it; such a scalar stays text even where digits would make a number."""
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    year, month, day, between, hour, minute, second, zone = found.groups()
    if between is not None and (between == " ") != (zone is None):
        return False
    try:
        datetime(int(year) or 1, int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001 - asks whether such a day exists, not when it is
    except ValueError:
        return False
    return True


def _tagged(tag: str, text: str) -> Any:
    """A scalar with one of YAML's own tags. LookupError: not a tag we know; ValueError: the text does not fit it."""
    if tag == "!":
        return text
    match tag.removeprefix(_TAG):
        case "str":
            return text
        case "binary":
            try:
                return base64.b64decode("".join(text.split()), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise ValueError("!!binary value contains invalid base64 data") from error
        case "int" | "float" | "bool" | "null" as name:
            value = _plain(text)
            kinds = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
            if not isinstance(value, kinds[name]) or (isinstance(value, bool) and name != "bool"):
                raise ValueError(f"cannot decode {text!r} as a !!{name}")
            return value
        case _:
            raise LookupError(tag)


def key_text(key: ScalarNode, rules: Rules) -> str:
    """A key as JSON has it. Raises ValueError for a key that can't be text, LookupError for a tag."""
    if key.tag == _QUOTED:
        return cast(str, key.value)
    if rules is Rules.KUSTOMIZE and key.tag == _PLAIN:
        if isinstance(_plain_of_kustomize(key.value), str) and not _is_date(key.value):
            return cast(str, key.value)
        raise ValueError(f"key {key.value} is not text, which Kustomize refuses")
    value = _resolve(key.value) if key.tag == _PLAIN else _tagged(key.tag, key.value)
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError("a key must not be null")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    return str(value) if -(2**63) <= value < 2**63 else go_float(float(value))


def go_float(value: float) -> str:
    """A float in the shortest form that Go's `%g` prints: `0.5`, `1.5e+06`, `1e-07`."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + cast(int, exponent) if text != "0" else 1
    minus = "-" if sign else ""
    if point - 1 < -4 or point - 1 >= 6:
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        return f"{minus}{text[0]}{fraction}e{'-' if point < 1 else '+'}{abs(point - 1):02d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    if point >= len(text):
        return minus + text + "0" * (point - len(text))
    return f"{minus}{text[:point]}.{text[point:]}"


def dump(value: Any) -> str:
    """Block-style YAML as kubectl prints it: sorted keys, literal blocks, quotes only where needed.

    value: plain JSON. What comes out loads as the same value (whole floats as integers).
    """
    text = str(yaml.emit(_events(value), Dumper=_Emitter, width=80, allow_unicode=True))
    return text.removesuffix("...\n")  # libyaml closes a document that ends in blank lines; Go's port does not


def dump_all(values: Sequence[Any]) -> str:
    """Several documents, separated by `---` as kubectl and kustomize print them."""
    return "---\n".join(dump(value) for value in values)


_Emitter: Any = CEmitter if _HAS_LIBYAML else yaml.emitter.Emitter

_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")

_UNICODE_BREAK = re.compile("[\u0085\u2028\u2029]")


def _events(value: Any) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _value_events(value)
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _value_events(value: Any) -> Iterator[yaml.Event]:
    if isinstance(value, str):
        yield _text_event(value)
    elif isinstance(value, Mapping):
        yield yaml.MappingStartEvent(None, None, True, flow_style=False)
        for key in sorted(value, key=_KEY_ORDER):
            yield _text_event(key)
            yield from _value_events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, Sequence):
        yield yaml.SequenceStartEvent(None, None, True, flow_style=False)
        for item in value:
            yield from _value_events(item)
        yield yaml.SequenceEndEvent()
    else:
        yield yaml.ScalarEvent(None, None, (True, True), _scalar_text(value), style=None)


def _scalar_text(value: float | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return go_float(value) if isinstance(value, float) else str(value)


@lru_cache(maxsize=4096)
def _text_event(text: str) -> yaml.ScalarEvent:
    # libyaml and its port disagree on Unicode's line breaks, and Go prints a merge key that it would not read back.
    if text == "<<" or _UNICODE_BREAK.search(text):
        style: str | None = '"'
    elif "\n" in text:
        style = "|"
    elif isinstance(_resolve(text), str) and not _is_date(text) and not _BASE_60.fullmatch(text):
        style = None
    else:
        style = '"'
    return yaml.ScalarEvent(None, None, (True, True), text, style=style)


def _natural(left: str, right: str) -> int:
    """The key order of Go's YAML encoder: letters after other characters, runs of digits as numbers."""
    for at, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            return -1 if b.isalpha() else 1
        lead = 0
        if "0" in (a, b):
            digits = re.search(r"[0-9]*\Z", left[:at])
            lead = 1 if digits is not None and digits[0].strip("0") else 0
        run_a, run_b = _digits(left, at), _digits(right, at)
        number_a, number_b = int(f"{lead}{run_a}"), int(f"{lead}{run_b}")
        if number_a != number_b:
            return -1 if number_a < number_b else 1
        if len(run_a) != len(run_b):
            return -1 if len(run_a) < len(run_b) else 1
        return -1 if a < b else 1
    return len(left) - len(right)


_KEY_ORDER = cmp_to_key(_natural)


def _digits(text: str, at: int) -> str:
    end = at
    while end < len(text) and "0" <= text[end] <= "9":
        end += 1
    return text[at:end]
