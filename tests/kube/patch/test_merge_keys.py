"""The merge keys that patches go by are those of the types, wherever a merge gets to."""

from __future__ import annotations

import pytest

from canarium.kube.coretypes.schema import known_kinds
from canarium.kube.coretypes.table import Field as TypeField
from canarium.kube.coretypes.table import Message, Ref, message_of, ref
from canarium.kube.patch import strategic
from canarium.kube.patch.schema import Field, field_of, type_of


def _fields(message: Message) -> list[tuple[TypeField, Ref]]:
    found = []
    for field in message.fields:
        kind = ref(message.module, field.type)
        if field.name:
            found.append((field, kind))
        elif kind.message is not None:
            found += _fields(kind.message)
    return found


def _wanted(field: TypeField) -> Field:
    strategy = field.patch_strategy
    merges = "merge" in strategy and field.shape == "list"
    keys = ((field.patch_merge_key,) if field.patch_merge_key else ()) if merges else None
    return Field(keys, "replace" in strategy, "retainKeys" in strategy)


def _compare(message: Message, type_name: str, path: str, seen: set[tuple[str, str]], *, is_root: bool) -> list[str]:
    if (message.name, type_name) in seen:
        return []
    seen.add((message.name, type_name))
    wrong = []
    for field, kind in _fields(message):
        known = field_of(type_name, field.name, is_root=is_root, of_server=True)
        wanted = _wanted(field)
        keys = known.keys[:1] if known.keys else known.keys
        if (keys, known.replaces, known.retains_keys) != (wanted.keys, wanted.replaces, wanted.retains_keys):
            wrong.append(f"{path}.{field.name}: {known} is not {wanted}")
        is_merged = field.shape == "one" or bool(wanted.keys)
        if kind.message is not None and is_merged and not wanted.replaces:
            wrong += _compare(kind.message, known.type, f"{path}.{field.name}", seen, is_root=False)
    return wrong


@pytest.mark.parametrize(("api_version", "kind"), known_kinds())
def test_a_server_merges_every_field_of_a_kind_as_its_type_says(api_version: str, kind: str) -> None:
    message = message_of(api_version, kind)
    assert message is not None
    name = type_of((api_version.rpartition("/")[0], kind), of_server=True)

    assert _compare(message, name, kind, set(), is_root=True) == []


def test_kustomize_does_not_know_the_keys_that_came_later() -> None:
    assert field_of("PodSpec", "schedulingGates").keys is None
    assert field_of("PodSpec", "schedulingGates", of_server=True).keys == ("name",)
    assert field_of("PodSpec", "containers", of_server=True) == field_of("PodSpec", "containers")


def test_a_scheduling_gate_is_added_to_those_that_are_there() -> None:
    pod = {"spec": {"schedulingGates": [{"name": "a"}]}}

    patched = strategic.apply(pod, {"spec": {"schedulingGates": [{"name": "b"}]}}, ("", "Pod"))

    assert {gate["name"] for gate in patched["spec"]["schedulingGates"]} == {"a", "b"}
