"""Server-side apply: what is set, what goes, who owns it afterwards, and when two managers disagree."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.kube.cluster import ApiError, Conflict
from canarium.kube.patch import managed
from canarium.kube.patch.server_side import LAST_APPLIED, ApplyConflict, apply, track_update

STRING = {"type": "string"}


def list_map(*keys: str, **properties: Any) -> dict[str, Any]:
    """A list of maps that merges by those keys."""
    return {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(keys),
        "items": {"type": "object", "properties": properties},
    }


PORTS = list_map("port", "protocol", port={"type": "integer"}, protocol={**STRING, "default": "TCP"}, name=STRING)
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "paused": {"type": "boolean"},
                "name": STRING,
                "containers": list_map("name", name=STRING, image=STRING, ports=PORTS),
                "args": {"type": "array", "items": STRING},
                "tags": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
                "selector": {"type": "object", "additionalProperties": STRING, "x-kubernetes-map-type": "atomic"},
                "limits": {"type": "object", "additionalProperties": STRING},
                "size": {"x-kubernetes-int-or-string": True},
                "nested": {"type": "object", "properties": {"deep": {"type": "object", "properties": {"x": STRING}}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        }
    },
}


def config(spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """What somebody applies."""
    found = {"apiVersion": "apps/v1", "kind": "Thing", "metadata": {"name": "shop", "namespace": "web", **metadata}}
    return found if spec is None else {**found, "spec": spec}


def applied(live: Any, spec: Any, manager: str = "m", *, force: bool = False, day: int = 1, **more: Any) -> Any:
    """The object after `manager` applied that spec on that day."""
    what = more.pop("config", None) or config(spec)
    more = {"schema": SCHEMA, "api_version": "apps/v1", **more}
    at = f"2026-01-{day:02}T00:00:00Z"
    return apply(live, what, more.pop("schema"), manager=manager, force=force, at=at, **more)


def updated(live: Any, spec: Any, manager: str = "u", day: int = 1, **metadata: Any) -> Any:
    """The object after `manager` updated its spec."""
    after = {**(live or config()), "spec": spec}
    after["metadata"] = {**after["metadata"], **metadata}
    at = f"2026-01-{day:02}T00:00:00Z"
    return track_update(live, after, SCHEMA, manager=manager, api_version="apps/v1", at=at)


def owned(obj: dict[str, Any]) -> dict[str, list[str]]:
    """Per manager, the fields it owns, as people read them."""
    return {
        entry["manager"]: sorted(map(managed.path_text, managed.paths(managed.from_fields_v1(entry["fieldsV1"]))))
        for entry in obj["metadata"].get("managedFields", [])
    }


# What is set, and what goes


def test_an_apply_creates_what_is_not_there() -> None:
    created = applied(None, {"replicas": 3, "containers": [{"name": "web", "image": "1"}]})

    assert created == {
        "apiVersion": "apps/v1",
        "kind": "Thing",
        "metadata": {
            "name": "shop",
            "namespace": "web",
            "managedFields": [
                {
                    "manager": "m",
                    "operation": "Apply",
                    "apiVersion": "apps/v1",
                    "time": "2026-01-01T00:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {
                        "f:spec": {
                            "f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}, "f:name": {}}},
                            "f:replicas": {},
                        }
                    },
                }
            ],
        },
        "spec": {"replicas": 3, "containers": [{"name": "web", "image": "1"}]},
    }


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        pytest.param({"replicas": 1, "name": "a"}, {"name": "a"}, {"name": "a"}, id="a field"),
        pytest.param(
            {"limits": {"a": "1", "b": "2"}}, {"limits": {"b": "2"}}, {"limits": {"b": "2"}}, id="a map entry"
        ),
        pytest.param({"limits": {"a": "1"}, "name": "a"}, {"name": "a"}, {"name": "a"}, id="a whole map"),
        pytest.param({"nested": {"deep": {"x": "1"}}, "name": "a"}, {"name": "a"}, {"name": "a"}, id="nested structs"),
        pytest.param({"tags": ["a", "b", "c"]}, {"tags": ["a", "c"]}, {"tags": ["a", "c"]}, id="a set's item"),
        pytest.param(
            {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]},
            {"containers": [{"name": "b"}]},
            {"containers": [{"name": "b"}]},
            id="a list map's item",
        ),
        pytest.param(
            {"containers": [{"name": "a", "image": "1"}]},
            {"containers": [{"name": "a"}]},
            {"containers": [{"name": "a"}]},
            id="a field of an item",
        ),
        pytest.param({"args": ["a", "b"]}, {"args": ["b"]}, {"args": ["b"]}, id="an atomic list is replaced"),
        pytest.param({"selector": {"a": "1"}}, {"selector": {"b": "1"}}, {"selector": {"b": "1"}}, id="an atomic map"),
        pytest.param(
            {"free": {"a": {"b": 1, "c": 2}}}, {"free": {"a": {"c": 2}}}, {"free": {"a": {"c": 2}}}, id="free"
        ),
    ],
)
def test_what_is_no_longer_applied_goes(first: Any, second: Any, left: Any) -> None:
    assert applied(applied(None, first), second)["spec"] == left


def test_what_another_applier_owns_too_stays() -> None:
    live = applied(applied(None, {"replicas": 1, "tags": ["x"]}, "a"), {"replicas": 1, "tags": ["x", "y"]}, "b")

    after = applied(live, {"name": "n"}, "a")

    assert after["spec"] == {"replicas": 1, "tags": ["x", "y"], "name": "n"}
    assert owned(after) == {"a": [".spec.name"], "b": [".spec.replicas", '.spec.tags[="x"]', '.spec.tags[="y"]']}


def test_an_item_stays_for_what_another_manager_owns_in_it() -> None:
    live = applied(None, {"containers": [{"name": "web", "image": "1"}]}, "a")
    live = applied(live, {"containers": [{"name": "web", "ports": [{"port": 80}]}]}, "b")

    after = applied(live, {"name": "n"}, "a")

    assert after["spec"] == {"containers": [{"name": "web", "ports": [{"port": 80}]}], "name": "n"}


def test_what_an_updater_added_is_not_touched() -> None:
    live = updated(applied(None, {"limits": {"a": "1"}}), {"limits": {"a": "1", "b": "2"}, "replicas": 5})

    after = applied(live, {"name": "n"})

    assert after["spec"] == {"limits": {"b": "2"}, "replicas": 5, "name": "n"}


def test_an_item_leaves_its_default_key_out_and_is_the_same() -> None:
    live = applied(None, {"containers": [{"name": "web", "ports": [{"port": 80, "protocol": "TCP", "name": "a"}]}]})

    after = applied(live, {"containers": [{"name": "web", "ports": [{"port": 80, "name": "b"}]}]})

    assert [port["name"] for port in after["spec"]["containers"][0]["ports"]] == ["b"]


@pytest.mark.parametrize(
    ("live", "wanted", "result"),
    [
        ("abc", "abc", "abc"),
        ("ab", "ba", "ba"),
        ("abc", "dc", "abdc"),
        ("abcde", "exc", "abdexc"),
        ("ab", "xaby", "xaby"),
        ("ab", "c", "abc"),
        ("", "ab", "ab"),
        ("abcd", "db", "acdb"),
        ("aaibb", "j", "aaibbj"),
    ],
)
def test_items_come_in_the_order_of_the_config_around_those_of_others(live: Any, wanted: Any, result: Any) -> None:
    there = updated(None, {"tags": list(live)})

    after = applied(there, {"tags": list(wanted)}, force=True)

    assert "".join(after["spec"]["tags"]) == result


def test_a_null_unsets_a_scalar_and_leaves_a_container() -> None:
    live = updated(None, {"replicas": 1, "limits": {"a": "1"}, "tags": ["x"], "args": ["a"]})

    after = applied(live, {"replicas": None, "limits": None, "tags": None, "args": None}, force=True)

    assert after["spec"] == {"replicas": None, "limits": {"a": "1"}, "tags": ["x"], "args": None}


def test_metadata_merges_as_an_object_meta_whatever_the_schema_says() -> None:
    owners = [{"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}]
    live = applied(None, None, "a", config=config(labels={"a": "1"}, finalizers=["x"], ownerReferences=owners[:1]))

    after = applied(live, None, "b", config=config(labels={"b": "1"}, finalizers=["y"], ownerReferences=owners[1:]))

    assert after["metadata"]["labels"] == {"a": "1", "b": "1"}
    assert after["metadata"]["finalizers"] == ["x", "y"]
    assert after["metadata"]["ownerReferences"] == owners
    assert owned(after)["b"] == [
        '.metadata.finalizers[="y"]',
        ".metadata.labels.b",
        '.metadata.ownerReferences[uid="2"]',
    ]


def test_without_a_schema_maps_merge_and_lists_are_replaced() -> None:
    live = applied(None, {"a": {"b": 1, "c": 2}, "d": [1, 2]}, schema=None)

    after = applied(live, {"a": {"c": 3}, "d": [3]}, schema=None)

    assert after["spec"] == {"a": {"c": 3}, "d": [3]}
    assert owned(after) == {"m": [".spec", ".spec.a", ".spec.a.c", ".spec.d"]}


# Conflicts


def test_a_field_of_another_manager_is_a_conflict() -> None:
    live = updated(None, {"replicas": 1, "paused": True}, "kubectl-client-side-apply")

    with pytest.raises(Conflict) as caught:
        applied(live, {"replicas": 2, "paused": True})

    message = 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas'
    cause = 'conflict with "kubectl-client-side-apply" using apps/v1'
    assert (caught.value.code, caught.value.reason, caught.value.message) == (409, "Conflict", message)
    assert caught.value.causes == ((".spec.replicas", "FieldManagerConflict", cause),)
    assert caught.value.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": cause, "field": ".spec.replicas"}]
    }


def test_many_conflicts_are_told_by_manager() -> None:
    live = updated(None, {"replicas": 1, "containers": [{"name": "web", "image": "1"}]}, "x")
    live = applied(live, {"limits": {"a": "1"}, "name": "n"}, "y")

    with pytest.raises(ApplyConflict) as caught:
        applied(live, {"replicas": 2, "containers": [{"name": "web", "image": "2"}], "limits": {"a": "2"}, "name": "o"})

    assert caught.value.message == (
        'Apply failed with 4 conflicts: conflicts with "x" using apps/v1:\n'
        "- .spec.replicas\n"
        '- .spec.containers[name="web"].image\n'
        'conflicts with "y":\n'
        "- .spec.name\n"
        "- .spec.limits.a"
    )


def test_a_manager_of_a_subresource_is_named_with_it() -> None:
    at: Any = {"api_version": "apps/v1", "at": "2026-01-01T00:00:00Z"}
    live = updated(None, {"name": "a"})
    scaled = track_update(
        live, {**live, "spec": {**live["spec"], "replicas": 3}}, SCHEMA, manager="hpa", subresource="scale", **at
    )

    with pytest.raises(ApplyConflict, match='"hpa" with subresource "scale" using apps/v1: '):
        applied(scaled, {"replicas": 1})


def test_force_takes_the_fields_from_the_others() -> None:
    live = applied(updated(None, {"replicas": 1, "name": "a"}, "u"), {"replicas": 1}, "a")

    after = applied(live, {"replicas": 2}, "b", force=True)

    assert after["spec"] == {"replicas": 2, "name": "a"}
    assert owned(after) == {"b": [".spec.replicas"], "u": [".spec", ".spec.name"]}


def test_the_same_value_is_shared_without_a_conflict() -> None:
    live = applied(applied(None, {"replicas": 2}, "a"), {"replicas": 2}, "b")

    assert owned(live) == {"a": [".spec.replicas"], "b": [".spec.replicas"]}


def test_a_failed_apply_leaves_what_it_was_handed_alone() -> None:
    live = updated(None, {"replicas": 1})
    before = copy.deepcopy(live)

    with pytest.raises(ApplyConflict):
        applied(live, {"replicas": 2})

    assert live == before


def test_what_was_there_before_the_first_apply_has_an_owner_then() -> None:
    live = config({"replicas": 1, "name": "a"})

    with pytest.raises(ApplyConflict, match='conflict with "before-first-apply" using apps/v1: '):
        applied(live, {"replicas": 2})

    after = applied(live, {"replicas": 2}, force=True)
    assert owned(after) == {"before-first-apply": [".spec", ".spec.name"], "m": [".spec.replicas"]}


# Times


def test_applying_the_same_again_changes_nothing() -> None:
    once = applied(None, {"replicas": 1, "tags": ["a"], "free": {"x": [1]}})

    assert applied(once, {"replicas": 1, "tags": ["a"], "free": {"x": [1]}}, day=2) == once


def test_an_apply_that_changes_the_object_renews_the_time_of_its_entry() -> None:
    after = applied(applied(None, {"replicas": 1}), {"replicas": 2}, day=2)

    assert [entry["time"] for entry in after["metadata"]["managedFields"]] == ["2026-01-02T00:00:00Z"]


def test_a_manager_that_joins_without_a_change_has_no_time() -> None:
    after = applied(applied(None, {"replicas": 1}, "a"), {"replicas": 1}, "b", day=2)

    assert [entry.get("time") for entry in after["metadata"]["managedFields"]] == [None, "2026-01-01T00:00:00Z"]


def test_applying_nothing_gives_everything_up() -> None:
    after = applied(applied(None, {"replicas": 1}), None)

    assert "managedFields" not in after["metadata"]
    assert after.get("spec") is None


def test_fields_that_an_endpoint_resets_are_not_taken() -> None:
    live = updated(None, {"replicas": 1, "name": "a"})

    after = applied(live, {"replicas": 2, "paused": True}, reset_fields={"f:spec": {"f:replicas": {}}})

    assert owned(after)["m"] == [".spec.paused"]
    assert ".spec.replicas" in owned(after)["u"]


def test_list_items_that_cannot_be_told_apart_are_refused_in_the_live_object_too() -> None:
    with pytest.raises(ApiError) as caught:
        applied(config({"containers": [{"image": "x"}]}), {"containers": [{"name": "a"}]})

    assert caught.value.message.startswith("failed to create typed live object (web/shop; apps/v1, Kind=Thing): .spec")


# kubectl


def test_kubectl_takes_over_what_its_client_side_apply_had_set() -> None:
    last = json.dumps(config({"replicas": 1, "name": "a"}))
    live = updated(None, {"replicas": 1, "name": "a"}, "kubectl-client-side-apply", annotations={LAST_APPLIED: last})

    with pytest.raises(ApplyConflict):
        applied(live, {"replicas": 2}, "argocd")
    after = applied(live, {"replicas": 2}, "kubectl")

    assert after["spec"]["replicas"] == 2
    assert json.loads(after["metadata"]["annotations"][LAST_APPLIED]) == config({"replicas": 2})
    assert ".spec.replicas" in owned(after)["kubectl"]


def test_kubectl_does_not_take_what_changed_since_its_client_side_apply() -> None:
    last = json.dumps(config({"replicas": 1, "name": "a"}))
    live = updated(None, {"replicas": 1, "name": "a"}, "client", annotations={LAST_APPLIED: last})
    live = updated(live, {"replicas": 5, "name": "a"}, "scaler")

    with pytest.raises(ApplyConflict) as caught:
        applied(live, {"replicas": 2, "name": "b"}, "kubectl")

    assert [field for field, _, _ in caught.value.causes] == [".spec.replicas"]


# Refusals


def test_a_config_with_managed_fields_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        applied(None, None, config=config({"replicas": 1}, managedFields=[]))

    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")
    assert caught.value.message == "metadata.managedFields must be nil"


def test_a_config_of_another_version_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        applied(None, {"replicas": 1}, api_version="apps/v2")

    assert caught.value.code == 400
    assert caught.value.message == (
        "Incorrect version specified in apply patch. Specified patch version: apps/v1, expected: apps/v2"
    )


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replica": 1}, ".spec.replica: field not declared in schema"),
        ({"replicas": "1"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"paused": "yes"}, ".spec.paused: expected boolean, got &{yes}"),
        ({"name": 1}, ".spec.name: expected string, got &value.valueUnstructured{Value:1}"),
        ({"containers": "web"}, ".spec.containers: expected list, got &{web}"),
        ({"nested": []}, ".spec.nested: expected map, got &{[]}"),
        ({"tags": ["a", "a"]}, '.spec.tags: duplicate entries for key [="a"]'),
        ({"tags": [None]}, ".spec.tags: element 0: associative list without keys has an element that's an explicit"),
        (
            {"containers": [{"name": "a"}, {"name": "a"}]},
            '.spec.containers: duplicate entries for key [name="a"]',
        ),
        (
            {"containers": [{"image": "a"}]},
            '.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"]',
        ),
        (
            {"containers": [{"name": "a", "ports": [{"port": "x"}]}]},
            '.spec.containers[name="a"].ports[port="x",protocol="TCP"].port: expected numeric (int or float), got',
        ),
        ({"name": 1, "replicas": "1"}, "errors:\n  .spec.name: expected string"),
    ],
)
def test_a_config_that_does_not_fit_the_schema_is_refused(spec: Any, problem: Any) -> None:
    with pytest.raises(ApiError) as caught:
        applied(None, spec)

    start = "failed to create typed patch object (web/shop; apps/v1, Kind=Thing): "
    assert caught.value.message.startswith(start + problem)


def test_what_may_be_a_number_or_text_may_be_either() -> None:
    assert applied(applied(None, {"size": 1}), {"size": "50%"})["spec"] == {"size": "50%"}


def test_duplicates_that_are_there_already_give_way_to_the_config() -> None:
    live = updated(None, {"tags": ["a", "a", "b"], "containers": [{"name": "x", "image": "1"}, {"name": "x"}]})

    after = applied(live, {"tags": ["a"], "containers": [{"name": "x"}]}, force=True)

    assert after["spec"] == {"tags": ["a", "b"], "containers": [{"name": "x"}]}


# What holds for any configs

_short = st.sampled_from(["a", "b", ""])
_containers = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("xyz")}, optional={"image": _short}),
    max_size=3,
    unique_by=lambda item: item["name"],
)
_free = st.recursive(
    st.integers(0, 2) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 2),
        "name": _short,
        "containers": _containers,
        "args": st.lists(_short, max_size=2),
        "tags": st.lists(_short, max_size=3, unique=True),
        "selector": st.dictionaries(st.sampled_from("ab"), _short, max_size=2),
        "limits": st.dictionaries(st.sampled_from("ab"), _short, max_size=2),
        "nested": st.fixed_dictionaries({}, optional={"deep": st.fixed_dictionaries({}, optional={"x": _short})}),
        "free": st.dictionaries(st.sampled_from("ab"), _free, max_size=2),
    },
)
histories = st.lists(st.tuples(st.sampled_from(["a", "b", "u"]), specs), max_size=4)


def labelled(live: Any, spec: Any, manager: str = "m", **more: Any) -> Any:
    """`applied`, with a label of the manager's own: who owns nothing at all is forgotten, and starts anew next time."""
    return applied(live, spec, manager, config=config(spec, labels={manager: ""}), **more)


def after_all(history: list[tuple[str, dict[str, Any]]]) -> Any:
    """An object that `a` and `b` applied to by force and `u` updated."""
    live = None
    for manager, spec in history:
        live = updated(live, spec) if manager == "u" else labelled(live, spec, manager, force=True)
    return live


@given(histories, specs)
def test_applying_the_same_config_twice_changes_nothing(history: Any, spec: Any) -> None:
    live = after_all(history)
    before = copy.deepcopy(live)

    once = labelled(live, spec, "a", force=True, day=2)

    assert live == before
    assert labelled(once, copy.deepcopy(spec), "a", day=3) == once


@given(histories, specs)
def test_after_a_forced_apply_all_that_is_applied_reads_as_applied(history: Any, spec: Any) -> None:
    after = labelled(after_all(history), spec, "a", force=True)

    wanted = owned(labelled(None, spec, "a")).get("a", [])
    assert owned(after).get("a", []) == wanted
    for key, value in spec.items():
        if isinstance(value, int | str) or (key in ("args", "selector")):
            assert after["spec"][key] == value
        elif key == "tags":
            assert set(value) <= set(after["spec"][key])
        elif key == "limits":
            assert value.items() <= after["spec"][key].items()


@given(specs, specs)
def test_managers_of_different_fields_never_conflict(first: Any, second: Any) -> None:
    second = {key: value for key, value in second.items() if key not in first}

    both = labelled(labelled(None, first, "a"), second, "b")

    assert both["spec"] == first | second
    assert labelled(both, first, "a", day=2) == both


@given(specs, specs)
def test_the_only_applier_gets_exactly_what_it_last_applied(first: Any, second: Any) -> None:
    after = labelled(labelled(None, first), second)

    assert _shown(after["spec"]) == _shown(second)
    assert labelled(after, second, day=2) == after


def _shown(value: Any) -> Any:
    """A value without what is empty, which an apply leaves or not depending on who owns it."""
    if isinstance(value, dict):
        shown = {key: _shown(item) for key, item in value.items()}
        return {key: item for key, item in shown.items() if item not in ({}, [], None)}
    return value
