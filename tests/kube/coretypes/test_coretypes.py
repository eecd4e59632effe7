"""The types of the built-in kinds: every table reads, and decoding objects by them says what Go's decoder says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.kube.coretypes import duplicate_fields, field_problems, known_kinds, structural_schema, type_problem
from canarium.kube.patch import schema as merge_keys
from canarium.kube.resources import CORE, EVENTS_V1, HORIZONTAL_POD_AUTOSCALERS_V1

STRICT = [
    json.loads(line)
    for line in (Path(__file__).parent / "testdata" / "strict_decoding.jsonl").read_text().splitlines()[1:]
]


def at(api_version: str, kind: str, path: str) -> Mapping[str, Any]:
    """The schema at a dotted path; `[]` is an item, `{}` a map's value."""
    schema = structural_schema(api_version, kind)
    assert schema is not None
    for part in path.split("."):
        schema = {"[]": lambda one: one["items"], "{}": lambda one: one["additionalProperties"]}.get(
            part, lambda one, part=part: one["properties"][part]
        )(schema)
    return schema


def parts_of(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        yield schema
        for part in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
            yield from parts_of(part)


@pytest.mark.parametrize(("api_version", "kind"), known_kinds())
def test_every_kind_has_a_schema_without_references(api_version: str, kind: str) -> None:
    schema = structural_schema(api_version, kind)

    assert schema is not None
    assert {"apiVersion", "kind"} <= set(schema["properties"])
    for part in parts_of(schema):
        assert "$ref" not in part
        if part.get("x-kubernetes-list-type") == "map":
            assert set(part["x-kubernetes-list-map-keys"]) <= set(part["items"]["properties"])


def test_every_core_resource_is_a_known_kind() -> None:
    served = {(one.api_version, one.kind) for one in (*CORE, EVENTS_V1, HORIZONTAL_POD_AUTOSCALERS_V1)}

    assert served <= set(known_kinds())
    assert all(structural_schema(one.api_version, one.list_kind) for one in CORE)


def test_a_kind_nobody_knows_has_no_schema_and_no_problems() -> None:
    assert structural_schema("argoproj.io/v1alpha1", "Rollout") is None
    assert structural_schema("v1", "Deployment") is None
    assert field_problems("argoproj.io/v1alpha1", "Rollout", {"a": 1}) == []
    assert type_problem("argoproj.io/v1alpha1", "Rollout", {"spec": 1}) is None


def test_lists_and_maps_say_how_they_merge() -> None:
    containers = at("apps/v1", "Deployment", "spec.template.spec.containers")
    ports = at("apps/v1", "Deployment", "spec.template.spec.containers.[].ports")

    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert ports["x-kubernetes-list-map-keys"] == ["containerPort", "protocol"]
    assert ports["items"]["properties"]["protocol"]["default"] == "TCP"
    assert at("v1", "Pod", "metadata.finalizers")["x-kubernetes-list-type"] == "set"
    assert at("v1", "Pod", "spec.containers.[].command")["x-kubernetes-list-type"] == "atomic"
    assert at("apps/v1", "Deployment", "spec.selector")["x-kubernetes-map-type"] == "atomic"
    assert at("v1", "Service", "spec.selector")["x-kubernetes-map-type"] == "atomic"


def test_formats_and_required_fields_are_those_of_go() -> None:
    assert at("apps/v1", "Deployment", "spec.replicas") == {"type": "integer", "format": "int32"}
    assert at("apps/v1", "Deployment", "spec")["required"] == ["selector", "template"]
    assert at("v1", "Secret", "data.{}") == {"type": "string", "format": "byte"}
    assert at("v1", "Pod", "metadata.creationTimestamp")["format"] == "date-time"
    assert at("v1", "Pod", "spec.containers.[].livenessProbe.httpGet.port")["x-kubernetes-int-or-string"]
    assert at("v1", "Pod", "spec.volumes.[].configMap.name")["type"] == "string"
    assert "x-kubernetes-preserve-unknown-fields" in at(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec.versions.[].schema.openAPIV3Schema.not"
    )


def test_the_merge_keys_of_patches_are_those_of_the_tables() -> None:
    """Two tables of facts, from different sources, must agree."""
    for type_name, path in (("PodSpec", "spec"), ("Container", "spec.containers.[]"), ("PodStatus", "status")):
        for name, schema in at("v1", "Pod", path)["properties"].items():
            keys = merge_keys.field_of(type_name, name).keys
            if keys:
                assert schema["x-kubernetes-patch-merge-key"] == keys[0]


@pytest.mark.parametrize("row", STRICT, ids=lambda row: row["message"][:70])
def test_strict_decoding_says_what_apimachinery_says(row: dict[str, Any]) -> None:
    obj = row["object"]
    problem = type_problem(obj["apiVersion"], obj["kind"], obj)
    unknown = field_problems(obj["apiVersion"], obj["kind"], obj)

    assert (problem or f"strict decoding error: {', '.join(unknown)}") == row["message"]


def test_unknown_fields_of_a_custom_resource_come_after_those_of_its_metadata() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "steps": {"type": "array", "items": {"type": "object", "properties": {"setWeight": {}}}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
    obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "shop", "lables": {}},
        "z": 1,
        "spec": {"steps": [{"setWeight": 1}, {"weight": 2}], "labels": {"a": "b"}, "free": {"x": 1}, "b": 1},
    }

    found = field_problems("argoproj.io/v1alpha1", "Rollout", obj, schema)

    assert found == [
        'unknown field "metadata.lables"',
        'unknown field "spec.b"',
        'unknown field "spec.steps[1].weight"',
        'unknown field "z"',
    ]


def test_problems_are_counted_to_a_hundred_and_no_further() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", **{f"x{n}": 1 for n in range(1000)}}

    assert len(field_problems("v1", "ConfigMap", obj)) == 100


def test_a_key_that_stands_twice_is_named_once_with_its_path() -> None:
    raw = b'{"spec":{"replicas":1,"replicas":2,"replicas":3,"c":[{"a":1},{"a":1,"a":2}]},"kind":"a"}'

    assert duplicate_fields(raw) == ['duplicate field "spec.replicas"', 'duplicate field "spec.c[1].a"']
    assert duplicate_fields(b"not json") == []
    assert duplicate_fields(b"[" * 100_000) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(STRICT), st.data())
def test_no_value_anywhere_breaks_the_check(row: dict[str, Any], data: st.DataObject) -> None:
    def spoilt(value: Any) -> Any:
        if isinstance(value, dict) and value and data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(value)))
            return {**value, name: spoilt(value[name])}
        if isinstance(value, list) and value and data.draw(st.booleans()):
            return [spoilt(value[0]), *value[1:]]
        return data.draw(VALUES)

    obj = spoilt(row["object"])

    kind = (row["object"]["apiVersion"], row["object"]["kind"])
    assert isinstance(field_problems(*kind, obj), list)
    assert isinstance(type_problem(*kind, obj), str | None)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    code = "import sys, canarium.kube.coretypes; print([m for m in sys.modules if m.endswith('_v1')])"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
