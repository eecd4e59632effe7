"""The pod-template hash is the one that Argo Rollouts computes, so a running rollout can change hands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.errors import CanariumError
from canarium.kube.podhash import Flavour, pod_template_hash, pod_template_json
from canarium.kube.podtypes import POD_TYPES
from canarium.text.gojson import GoTypeMismatch, GoTypes, go_float, go_json, go_string
from canarium.text.quantity import InvalidQuantity, canonical_quantity, quantity_nanos

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "testdata" / "podhash.json").read_text())


def echo_server(image: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "echo-server"}},
        "spec": {
            "containers": [
                {
                    "name": "echo-server",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "ports": [{"name": "http", "containerPort": 9898, "protocol": "TCP"}],
                    "readinessProbe": {
                        "httpGet": {"path": "/", "port": 9898},
                        "initialDelaySeconds": 2,
                        "periodSeconds": 5,
                    },
                    "livenessProbe": {
                        "httpGet": {"path": "/", "port": 9898},
                        "initialDelaySeconds": 5,
                        "periodSeconds": 10,
                    },
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"cpu": "100m", "memory": "128Mi"},
                    },
                }
            ]
        },
    }


@pytest.mark.parametrize(
    ("version", "expected"), [pytest.param("6.8.0", "6fdd67656d"), pytest.param("6.9.3", "5478f49d8b")]
)
def test_the_echo_server_has_the_hashes_seen_in_a_real_cluster(version: str, expected: str) -> None:
    assert pod_template_hash(echo_server(f"stefanprodan/podinfo:{version}")) == expected


@pytest.mark.parametrize("case", RECORDED["templates"], ids=lambda case: case["1.8"])
def test_a_template_hashes_as_upstream_does(case: dict[str, Any]) -> None:
    assert pod_template_hash(case["template"]) == case["1.8"]
    assert pod_template_hash(case["template"], 3) == case["1.8, collision count 3"]
    assert pod_template_hash(case["template"], flavour="1.9") == case["1.9"]


def test_no_collision_count_is_not_the_same_as_zero() -> None:
    template = echo_server("podinfo")

    assert pod_template_hash(template) != pod_template_hash(template, 0)


def test_key_order_and_unknown_fields_do_not_change_the_hash() -> None:
    template = echo_server("podinfo")
    shuffled = dict(reversed(template.items()))
    shuffled["spec"] = {"notAField": [1, 2], **template["spec"]}

    assert pod_template_hash(shuffled) == pod_template_hash(template)


@pytest.mark.parametrize("flavour", ["1.8", "1.9"])
def test_another_spelling_of_the_same_amount_does_not_change_the_hash(flavour: Flavour) -> None:
    one, other = echo_server("podinfo"), echo_server("podinfo")
    other["spec"]["containers"][0]["resources"]["limits"] = {"cpu": 0.1, "memory": "131072Ki"}

    assert pod_template_hash(one, flavour=flavour) == pod_template_hash(other, flavour=flavour)


@pytest.mark.parametrize(
    ("spec", "field", "problem"),
    [
        ({"containers": [{"image": 5}]}, "spec.containers[0].image", "cannot unmarshal number"),
        ({"containers": "none"}, "spec.containers", "cannot unmarshal string"),
        ({"containers": [{}, "x"]}, "spec.containers[1]", "cannot unmarshal string"),
        ({"nodeSelector": {"disk": True}}, "spec.nodeSelector.disk", "cannot unmarshal bool"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_path(spec: Any, field: str, problem: str) -> None:
    with pytest.raises(GoTypeMismatch, match=problem) as caught:
        pod_template_hash({"spec": spec})

    assert caught.value.field == field


def test_new_rollouts_print_no_creation_timestamp() -> None:
    assert pod_template_json({}, flavour="1.8") == '{"metadata":{"creationTimestamp":null},"spec":{"containers":null}}'
    assert pod_template_json({}, flavour="1.9") == '{"metadata":{},"spec":{"containers":null}}'


@pytest.mark.parametrize(("text", "canonical"), RECORDED["quantities"].items())
def test_a_quantity_prints_in_kubernetes_canonical_form(text: str, canonical: str) -> None:
    assert canonical_quantity(text) == canonical


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1Zi", "--1", "1e", "e3", "1e9999999999", "."])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuantity):
        canonical_quantity(text)


@given(st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,6})?(m|k|M|Ki|Mi|e3)?", fullmatch=True))
@settings(max_examples=100, deadline=None)
def test_the_canonical_form_has_the_same_value(text: str) -> None:
    assert quantity_nanos(canonical_quantity(text)) == quantity_nanos(text)


@pytest.mark.parametrize(("text", "literal"), RECORDED["strings"])
def test_strings_are_escaped_as_go_does(text: str, literal: str) -> None:
    assert go_string(text) == literal


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-1.0, "-1"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.234e22, "1.234e+22"),
        (1e-6, "0.000001"),
        (1.5e-9, "1.5e-9"),
        (3e-300, "3e-300"),
        (123456789.125, "123456789.125"),
    ],
)
def test_floats_print_as_go_does(number: float, text: str) -> None:
    assert go_float(number) == text


def test_untyped_json_sorts_its_keys() -> None:
    assert go_json({"b": [1, None, True], "a": {"<": 0.5}}) == '{"a":{"\\u003c":0.5},"b":[1,null,true]}'


def _json_values() -> st.SearchStrategy[Any]:
    names = st.sampled_from(
        [name for line in ("PodSpec", "Container") for name, _, _ in GoTypes(POD_TYPES).fields(line)]
    )
    leaf = st.none() | st.booleans() | st.integers(-5, 99999) | st.text(max_size=5) | st.floats(allow_nan=False)
    return st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))


@given(_json_values(), _json_values())
@settings(max_examples=100, deadline=None)
def test_any_json_either_hashes_or_is_refused(spec: Any, container: Any) -> None:
    for template in ({"spec": spec}, {"spec": {"containers": [container]}}):
        try:
            label = pod_template_hash(template)
        except CanariumError:
            continue
        assert 1 <= len(label) <= 10
