"""Label and field selectors in the API's text form, with the answers of apimachinery 0.34."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.cluster import ApiError
from canarium.kube.resources import EVENTS, PODS, SERVICES
from canarium.kube.selectors import parse_fields, parse_labels

SETS = [{}, {"a": "x"}, {"a": "y", "b": ""}, {"a": "6"}, {"example.com/k": "v"}]


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("", [0, 1, 2, 3, 4]),
        (" a ", [1, 2, 3]),
        ("!a", [0, 4]),
        ("! a", [0, 4]),
        ("a = x", [1]),
        ("a==x,a=x", [1]),
        ("a!=x", [0, 2, 3, 4]),
        ("b=", [2]),
        ("a in (x, y)", [1, 2]),
        ("a  in( x ,y ) , b", [2]),
        ("a notin (x,y)", [0, 3, 4]),
        ("b in ()", [2]),
        ("b in (z,)", [2]),
        ("a>5", [3]),
        ("a < 7", [3]),
        ("example.com/k", [4]),
    ],
)
def test_labels(text: str, matching: list[int]) -> None:
    selects = parse_labels(text)

    assert [index for index, labels in enumerate(SETS) if selects(labels)] == matching


@pytest.mark.parametrize(
    "text",
    [
        "a,",
        ",a",
        "a b",
        "a in (x",
        "a in x",
        'a="x"',
        "a=x y",
        "a>x",
        "a>-3",
        "a/b/c=d",
        "-a",
        "a=-",
        "=x",
        "!a=x",
        "a in",
    ],
)
def test_what_is_no_label_selector(text: str) -> None:
    with pytest.raises(ApiError, match="unable to parse requirement") as caught:
        parse_labels(text)

    assert caught.value.code == 400


REQUIREMENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["exists", "absent", "=", "!=", "in", "notin"]),
        st.lists(st.sampled_from(["", "x", "y"]), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=3,
)


def written(key: str, operator: str, values: list[str]) -> str:
    match operator:
        case "exists" | "absent":
            return key if operator == "exists" else f"!{key}"
        case "in" | "notin":
            return f"{key} {operator} ({','.join(values)})"
        case _:
            return f"{key}{operator}{values[0]}"


def holds(labels: dict[str, str], key: str, operator: str, values: list[str]) -> bool:
    match operator:
        case "exists" | "absent":
            return (key in labels) is (operator == "exists")
        case "=" | "!=":
            return (key in labels and labels[key] == values[0]) is (operator == "=")
        case _:
            return (key in labels and labels[key] in values) is (operator == "in")


@given(REQUIREMENTS, st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])))
@settings(max_examples=100, deadline=None)
def test_every_requirement_must_hold(requirements: list[tuple[str, str, list[str]]], labels: dict[str, str]) -> None:
    text = " , ".join(written(*requirement) for requirement in requirements)

    assert parse_labels(text)(labels) is all(holds(labels, *requirement) for requirement in requirements)


@given(st.text("ab=!<>,() in", max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_selector_or_an_error_in_words(text: str) -> None:
    for parse in (parse_labels, lambda text: parse_fields(text, PODS)):
        with suppress(ApiError):
            parse(text)


POD: dict[str, Any] = {
    "metadata": {"name": "p,1", "namespace": "n"},
    "spec": {"nodeName": "n1", "hostNetwork": True},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=p\\,1,metadata.namespace==n", True),
        ("status.phase!=Running", False),
        ("spec.nodeName=n1", True),
        ("spec.nodeName=", False),
        ("status.podIP=", True),
        ("spec.hostNetwork=true", True),
    ],
)
def test_fields(text: str, matches: bool) -> None:
    assert parse_fields(text, PODS)(POD) is matches


def test_an_events_source_is_its_component() -> None:
    assert parse_fields("source=kubelet,involvedObject.name=p", EVENTS)(
        {"source": {"component": "kubelet"}, "involvedObject": {"name": "p"}}
    )


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (PODS, "field label not supported: spec.priority"),
        (SERVICES, '"spec.priority" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    ],
)
def test_fields_nobody_can_select_by_are_refused(resource: Any, says: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_fields("spec.priority=0", resource)

    assert caught.value.message == says
