"""Reading and writing YAML as kubectl does. Answers were taken from sigs.k8s.io/yaml 1.6 and kubectl 1.37."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.errors import Place
from canarium.text import diff, located, yaml
from canarium.text.yaml import Rules, YamlError

SCALARS: list[tuple[str, Any, Any]] = [
    # text, for kubectl, for Kustomize
    ("y", True, "y"),
    ("N", False, "N"),
    ("on", True, "on"),
    ("Off", False, "Off"),
    ("yes", True, "yes"),
    ("true", True, True),
    ("FALSE", False, False),
    ("tRue", "tRue", "tRue"),
    ("~", None, None),
    ("", None, None),
    ("Null", None, None),
    ("1e3", 1000, 1000),
    ("1.0", 1, 1),
    ("1.5", 1.5, 1.5),
    ("-0.0", 0, 0),
    (".5", 0.5, 0.5),
    ("+.5", 0.5, 0.5),
    ("0o777", 511, 511),
    ("0777", 511, 511),
    ("08", 8, 8),
    ("0x1F", 31, 31),
    ("-0b11", -3, -3),
    ("1_000", 1000, 1000),
    ("_1", "_1", "_1"),
    ("+1", 1, 1),
    ("1:30", "1:30", "1:30"),
    ("1e999", "1e999", "1e999"),
    ("9223372036854775807", 2**63 - 1, 2**63 - 1),
    ("9223372036854775808", float(2**63), float(2**63)),
    ("2020-01-01", "2020-01-01", "2020-01-01T00:00:00Z"),
    ("2020-1-2", "2020-1-2", "2020-01-02T00:00:00Z"),
    ("2020-01-02 03:04:05.60", "2020-01-02 03:04:05.60", "2020-01-02T03:04:05.6Z"),
    ("2020-01-02t03:04:05+01:00", "2020-01-02t03:04:05+01:00", "2020-01-02T03:04:05+01:00"),
    ("2020-13-01", "2020-13-01", "2020-13-01"),
    ("'y'", "y", "y"),
    ('"1"', "1", "1"),
    ("=", "=", "="),
    ("!!str 1", "1", "1"),
    ("!!int '1'", 1, 1),
    ("!!binary aGk=", "hi", "hi"),
]


@pytest.mark.parametrize(("text", "kubectl", "kustomize"), SCALARS, ids=[repr(row[0]) for row in SCALARS])
def test_a_scalar_means_what_it_means_to_its_reader(text: str, kubectl: Any, kustomize: Any) -> None:
    for rules, wanted in ((Rules.KUBECTL, kubectl), (Rules.KUSTOMIZE, kustomize)):
        document = yaml.load(f"k: {text}", "f.yaml", rules)
        assert document is not None
        found = document.value["k"]
        assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1: a", {"1": "a"}),
        ("1.5: a", {"1.5": "a"}),
        ("y: a", {"true": "a"}),
        ("1e3: a", {"1000": "a"}),
        ("2020-01-01: a", {"2020-01-01": "a"}),
        ("<<: {a: 1, b: 1}\nb: 2", {"a": 1, "b": 2}),
        ("b: 2\n<<: [{b: 3, c: 4}, {c: 5}]", {"b": 2, "c": 4}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("'<<': 1", {"<<": 1}),
    ],
)
def test_keys_become_text_and_merge_keys_merge(text: str, value: Any) -> None:
    document = yaml.load(text, "f.yaml")

    assert document is not None
    assert document.value == value


def test_documents_know_where_their_values_are() -> None:
    text = "# shop\n---\nspec:\n  steps:\n  - setWeight: 20\n  - pause: {}\n---\n\n---\nname: two\n"

    first, second = yaml.load_all(text, "apps/shop.yaml")

    assert first.place(["spec", "steps", 1, "pause"]) == Place("apps/shop.yaml", 6, 12)
    assert first.key_place(["spec", "steps"]) == Place("apps/shop.yaml", 4, 3)
    assert first.place(["spec", "steps", 7, "pause"]) == Place("apps/shop.yaml", 5, 3), (
        "the list, nearest to what is absent"
    )
    assert second.start == Place("apps/shop.yaml", 10, 1)
    assert str(second.place(["name"])) == "apps/shop.yaml:10:7"


def test_places_follow_merge_keys() -> None:
    document = yaml.load("base: &b\n  image: v1\napp:\n  <<: *b\n  name: x\n", "f.yaml")

    assert document is not None
    assert document.place(["app", "image"]).line == 2


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\na: 2", 2, "key 'a' is already defined"),
        ("a: [1", 2, "did not find expected ',' or ']'"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ("a:\n\t- x", 2, "found a tab"),
        ("x: {{ y }}", 1, "quote it"),
        ("x: !secret y", 1, "tag '!secret' is not supported"),
        ("x: !!int y", 1, "cannot decode 'y' as a !!int"),
        ("x: .inf", 1, "can't hold"),
        ("~: 1", 1, "a key must not be null"),
        ("a: &a [*a]", 1, "an alias to itself"),
        ("a: *x", 1, "undefined alias"),
        ("a: '", 1, "quoted scalar"),
        ("a: \x01", 1, "not allowed in YAML"),
        ("<<: 3", 1, "map merge requires map or sequence of maps"),
        ("[" * 100_000, 1, "nested more than"),
        ("- " * 100_000, 1, "nested more than"),
        (b"a: 1\nb: \xff", 2, "not UTF-8"),
    ],
)
def test_bad_text_is_refused_with_its_line_and_a_next_step(text: str | bytes, line: int, says: str) -> None:
    with pytest.raises(YamlError) as caught:
        yaml.load_all(text, "f.yaml")

    assert caught.value.at is not None
    assert caught.value.at.line == line
    assert says in str(caught.value)
    assert caught.value.next_step


def test_aliases_are_bounded() -> None:
    """Nine levels of nine aliases would be half a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    with pytest.raises(YamlError, match="excessive aliasing"):
        yaml.load_all("\n".join(lines), "bomb.yaml")


def test_kustomize_wants_text_keys() -> None:
    with pytest.raises(YamlError, match="not text"):
        yaml.load("1: a", "f.yaml", Rules.KUSTOMIZE)


DUMPED = {
    "A": None,
    "a2": ["y", "1", "a: b", "", "1:30", "2020-01-01", "plain", "#c", "é"],
    "a10": {"empty": {}, "none": [], "float": 1.5, "big": 1e21},
    "script": "line one\n  two\n",
    "open": "x\n\n",
    "strip": "a\nb",
}
PRINTED = """\
A: null
a2:
- "y"
- "1"
- 'a: b'
- ""
- "1:30"
- "2020-01-01"
- plain
- '#c'
- é
a10:
  big: 1e+21
  empty: {}
  float: 1.5
  none: []
open: |+
  x

script: |
  line one
    two
strip: |-
  a
  b
"""


def test_dump_prints_as_kubectl_does() -> None:
    assert yaml.dump(DUMPED) == PRINTED


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["y", "0x1", "- a", "a: b", "#", "\n", "a\n\n", " a\nb", "~", "1e3", "&a", "word " * 30]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_is_dumped_loads_as_the_same_value(value: dict[str, Any]) -> None:
    document = yaml.load(yaml.dump(value), "f.yaml")

    assert document is not None
    assert document.value == value


@given(st.text(st.sampled_from(list("ab01:-[]{}&*!#|>'\"\n \t?,%@`~.")), max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_loads_or_is_refused_with_a_place(text: str) -> None:
    for rules in Rules:
        try:
            for document in yaml.load_all(text, "f.yaml", rules):
                assert located.plain(located.locate(document)) == document.value
        except YamlError as error:
            assert error.at is not None  # noqa: PT017 - either outcome is fine, but not without a place


def test_located_values_equal_plain_ones_and_keep_places_when_copied() -> None:
    document = yaml.load("a: {b: [1, yes]}", "f.yaml")
    assert document is not None
    value = located.locate(document)

    assert value == {"a": {"b": [1, True]}}
    assert value["a"]["b"][0] != True  # noqa: E712 - 1 is no boolean here, unlike in Python
    assert located.place_of(value.copy()["a"].copy()["b"]) == Place("f.yaml", 1, 8)


def test_a_diff_shows_what_changes() -> None:
    text = diff.unified({"a": 1, "b": {"c": "x"}}, {"a": 1, "b": {"c": "y"}})

    assert text == '--- live\n+++ target\n@@ -1,3 +1,3 @@\n a: 1\n b:\n-  c: x\n+  c: "y"\n'
    assert diff.unified({"a": 1}, {"a": 1}) == ""
    assert diff.unified(None, {"a": 1}).endswith("+a: 1\n")
