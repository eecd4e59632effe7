"""Field sets, their FieldsV1 form, and metadata.managedFields after creates, updates and patches."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.kube.patch import managed
from canarium.kube.patch.managed import Fields, InvalidManagedFields
from canarium.kube.patch.server_side import track_update, without_new_times

STRING = {"type": "string"}
NAMED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {"type": "object", "properties": {"name": STRING, "image": STRING}},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "default": {},
            "properties": {
                "replicas": {"type": "integer"},
                "selector": {"type": "object", "x-kubernetes-map-type": "atomic"},
                "strategy": {"type": "object", "default": {}, "properties": {"type": STRING}},
                "containers": NAMED,
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {
                        "type": "object",
                        "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}},
                    },
                },
                "args": {"type": "array", "items": STRING},
                "tags": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
                "mergedByPatchStrategy": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"ip": STRING}},
                    "x-kubernetes-patch-strategy": "merge",
                    "x-kubernetes-patch-merge-key": "ip",
                },
            },
        },
        "status": {"type": "object", "default": {}, "properties": {"replicas": {"type": "integer"}}},
    },
}


def shop(spec: dict[str, Any], entries: list[Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """A Thing named shop."""
    meta = {"name": "shop", "namespace": "web", **metadata}
    if entries is not None:
        meta["managedFields"] = entries
    return {"apiVersion": "apps/v1", "kind": "Thing", "metadata": meta, "spec": spec}


def tracked(before: Any, after: Any, manager: str = "m", day: int = 1, **more: Any) -> dict[str, Any]:
    """track_update on that day of January."""
    more = {"schema": SCHEMA, "api_version": "apps/v1", **more}
    return track_update(before, after, more.pop("schema"), manager=manager, at=f"2026-01-{day:02}T00:00:00Z", **more)


def entries(obj: dict[str, Any]) -> list[dict[str, Any]]:
    """metadata.managedFields."""
    found: list[dict[str, Any]] = obj["metadata"].get("managedFields", [])
    return found


def owned(obj: dict[str, Any]) -> dict[str, list[str]]:
    """Per manager, the fields it owns, as people read them."""
    return {
        entry["manager"]: sorted(map(managed.path_text, managed.paths(managed.from_fields_v1(entry["fieldsV1"]))))
        for entry in entries(obj)
    }


# Sets and their JSON

_elements = st.one_of(
    st.sampled_from(["f:a", "f:b.c", "f:", "i:0", "i:12"]),
    st.builds(managed.value_element, st.sampled_from(["", "x", "<&>", 'q"', "ü", 1, 2, True])),
    st.builds(managed.key_element, st.dictionaries(st.sampled_from("ab"), st.sampled_from(["x", 1]), min_size=1)),
)
_paths = st.lists(_elements, min_size=1, max_size=3).map(tuple)
field_sets = st.lists(_paths, max_size=6)


def set_of(paths: list[tuple[str, ...]]) -> Fields:
    """The set with exactly these members."""
    result: Fields = {}
    for path in paths:
        one: Fields = {}
        for element in reversed(path):
            one = {element: one}
        result = managed.union(result, one)
    return result


@given(field_sets)
def test_a_set_survives_its_json_form(paths: Any) -> None:
    fields = set_of(paths)

    written = managed.to_fields_v1(fields)

    assert managed.from_fields_v1(written) == fields
    assert managed.to_fields_v1(managed.from_fields_v1(written)) == written
    assert set(managed.paths(fields)) == set(paths)


@given(field_sets, field_sets)
def test_sets_are_combined_member_by_member(left: Any, right: Any) -> None:
    a, b = set_of(left), set_of(right)

    assert set(managed.paths(managed.union(a, b))) == set(left) | set(right)
    assert set(managed.paths(managed.intersection(a, b))) == set(left) & set(right)
    assert set(managed.paths(managed.difference(a, b))) == set(left) - set(right)
    below = {path for path in left if any(path[: len(other)] == other for other in right)}
    assert set(managed.paths(managed.without(a, b))) == set(left) - below


@given(field_sets, _paths)
def test_a_member_is_found_by_its_path(paths: Any, path: Any) -> None:
    assert managed.has(set_of(paths), path) == (path in paths)


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("f:spec", ".spec"),
        ('k:{"name":"x"}', '[name="x"]'),
        ('k:{"port":80,"protocol":"TCP"}', '[port=80,protocol="TCP"]'),
        ('v:"x"', '[="x"]'),
        ("v:true", "[=true]"),
        ("i:3", "[3]"),
    ],
)
def test_an_element_reads_like_a_path(element: Any, text: Any) -> None:
    assert managed.element_text(element) == text


def test_json_is_in_upstreams_order_and_spelling() -> None:
    fields = set_of([('v:"b"',), ("v:1",), ("i:0",), ('k:{"name":"x"}',), ("f:b",), ("f:a", "f:c"), ("f:a",)])

    assert list(managed.to_fields_v1(fields)) == ["f:a", "f:b", 'k:{"name":"x"}', "v:1", 'v:"b"', "i:0"]
    assert managed.to_fields_v1(fields)["f:a"] == {".": {}, "f:c": {}}
    assert managed.key_element({"protocol": "TCP", "port": 80}) == 'k:{"port":80,"protocol":"TCP"}'
    assert managed.value_element("a<b") == 'v:"a\\u003cb"'


def test_elements_are_read_however_they_are_spelled() -> None:
    read = managed.from_fields_v1({'k:{ "b": 1, "a": "x" }': {".": {}}, "x:from the future": {}})

    assert read == {'k:{"a":"x","b":1}': {}}


@pytest.mark.parametrize("element", ["", "f", "fspec", "k:{", "v:", "i:x"])
def test_an_illegible_element_is_refused(element: Any) -> None:
    with pytest.raises(ValueError):
        managed.from_fields_v1({element: {}})


# Entries


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"operation": "Patch"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "FieldsV2"}, 'invalid fieldsType "FieldsV2" in managed fields entry 0'),
        ({"fieldsV1": {"spec": {}}}, "error decoding set: missing colon: spec"),
    ],
)
def test_entries_nobody_could_have_written_are_refused(change: Any, problem: Any) -> None:
    entry = {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}

    with pytest.raises(InvalidManagedFields, match=problem.replace("(", "\\(")):
        managed.from_entries([entry | change])


def test_entries_are_sorted_by_operation_time_manager_version_and_subresource() -> None:
    def entry(manager: str, operation: str, time: str, version: str = "v1", subresource: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {"manager": manager, "operation": operation, "apiVersion": version, "time": time}
        found |= {"fieldsType": "FieldsV1", "fieldsV1": {"f:a": {}}}
        return found | ({"subresource": subresource} if subresource else {})

    late, early = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"
    ordered = [
        entry("z", "Apply", late),
        entry("z", "Update", early),
        entry("a", "Update", late),
        entry("b", "Update", late, "v1"),
        entry("b", "Update", late, "v1", "status"),
        entry("b", "Update", late, "v2"),
    ]

    assert managed.to_entries(managed.from_entries(ordered[::-1])) == ordered


def test_an_applier_has_one_entry_whatever_version_it_spoke() -> None:
    assert managed.id_of("m", "Apply", "v1", "") == managed.id_of("m", "Apply", "v2", "")
    assert managed.id_of("m", "Update", "v1", "") != managed.id_of("m", "Update", "v2", "")
    assert managed.id_of("", "Update", "v1", "").manager == "unknown"


# Updates


def test_a_create_owns_what_it_set() -> None:
    spec = {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "shop"}},
        "strategy": {"type": "Recreate"},
        "containers": [{"name": "web", "image": "shop:1"}],
        "ports": [{"port": 80}],
        "args": ["a", "b"],
        "tags": ["x"],
        "mergedByPatchStrategy": [{"ip": "::1"}],
    }

    created = tracked(None, shop(spec, labels={"app": "shop"}, uid="1", generation=1, finalizers=["f"]))

    assert entries(created) == [
        {
            "manager": "m",
            "operation": "Update",
            "apiVersion": "apps/v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {
                    "f:finalizers": {".": {}, 'v:"f"': {}},
                    "f:labels": {".": {}, "f:app": {}},
                },
                "f:spec": {
                    "f:args": {},
                    "f:containers": {".": {}, 'k:{"name":"web"}': {".": {}, "f:image": {}, "f:name": {}}},
                    "f:mergedByPatchStrategy": {".": {}, 'k:{"ip":"::1"}': {".": {}, "f:ip": {}}},
                    "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
                    "f:replicas": {},
                    "f:selector": {},
                    "f:strategy": {"f:type": {}},
                    "f:tags": {".": {}, 'v:"x"': {}},
                },
            },
        }
    ]


def test_without_a_schema_maps_are_granular_and_lists_atomic() -> None:
    created = tracked(None, shop({"a": {"b": 1, "c": []}, "d": [{"e": 1}]}), schema=None)

    assert owned(created) == {"m": [".spec", ".spec.a", ".spec.a.b", ".spec.a.c", ".spec.d"]}


def test_a_changed_field_goes_to_who_changed_it() -> None:
    created = tracked(None, shop({"replicas": 1, "args": ["a"]}), "creator")

    scaled = tracked(created, {**created, "spec": {"replicas": 2, "args": ["a"]}}, "scaler", 2)

    assert owned(scaled) == {"creator": [".spec.args"], "scaler": [".spec.replicas"]}
    assert [entry["time"][:10] for entry in entries(scaled)] == ["2026-01-01", "2026-01-02"]


def test_a_removed_field_leaves_every_set_and_no_time_changes() -> None:
    created = tracked(None, shop({"replicas": 1, "args": ["a"]}), "creator")

    shrunk = tracked(created, {**created, "spec": {"args": ["a"]}}, "other", 2)

    assert owned(shrunk) == {"creator": [".spec.args"]}
    assert entries(shrunk)[0]["time"] == "2026-01-01T00:00:00Z"


def test_a_manager_left_without_fields_is_forgotten() -> None:
    created = tracked(None, shop({"replicas": 1}), "creator")

    scaled = tracked(created, {**created, "spec": {"replicas": 2}}, "scaler", 2)

    assert owned(scaled) == {"scaler": [".spec.replicas"]}


def test_an_update_without_changes_changes_nothing() -> None:
    created = tracked(None, shop({"replicas": 1, "tags": ["x"]}))

    again = tracked(created, copy.deepcopy(created), "other", 2)

    assert again == created


def test_what_the_server_writes_into_metadata_is_nobodys() -> None:
    created = tracked(None, shop({"replicas": 1}))
    renewed = {**created, "metadata": {**created["metadata"], "generation": 2, "resourceVersion": "7"}}

    again = tracked(created, renewed, "other", 2)

    assert entries(again) == entries(created)


def test_a_boolean_is_not_a_number() -> None:
    created = tracked(None, shop({"a": 1, "b": {"c": [1]}}), "creator", schema=None)

    changed = tracked(created, {**created, "spec": {"a": True, "b": {"c": [True]}}}, "other", 2, schema=None)

    assert owned(changed)["other"] == [".spec.a", ".spec.b.c"]


def test_items_of_list_maps_have_owners_of_their_own() -> None:
    created = tracked(None, shop({"containers": [{"name": "web", "image": "1"}, {"name": "log", "image": "1"}]}), "a")

    after = {**created, "spec": {"containers": [{"name": "new"}, {"name": "web", "image": "2"}]}}
    changed = tracked(created, after, "b", 2)

    assert owned(changed) == {
        "a": [".spec.containers", '.spec.containers[name="web"]', '.spec.containers[name="web"].name'],
        "b": [
            '.spec.containers[name="new"]',
            '.spec.containers[name="new"].name',
            '.spec.containers[name="web"].image',
        ],
    }


def test_duplicate_items_are_owned_as_one() -> None:
    created = tracked(None, shop({"containers": [{"name": "web", "image": "1"}, {"name": "web", "image": "2"}]}))

    assert owned(created) == {"m": [".spec.containers", '.spec.containers[name="web"]']}


def test_items_that_cannot_be_told_apart_leave_the_managers_as_they_were() -> None:
    created = tracked(None, shop({"replicas": 1}))

    changed = tracked(created, {**created, "spec": {"replicas": 2, "containers": [{"image": "x"}]}}, "other", 2)

    assert entries(changed) == entries(created)


def test_subresources_have_entries_of_their_own_and_ignore_what_the_client_says() -> None:
    created = tracked(None, shop({"replicas": 1}))
    with_status = {**shop({"replicas": 1}, []), "status": {"replicas": 1}}

    reported = tracked(created, with_status, "m", 2, subresource="status")

    assert [(entry.get("subresource"), entry["fieldsV1"]) for entry in entries(reported)] == [
        (None, {"f:spec": {"f:replicas": {}}}),
        ("status", {"f:status": {"f:replicas": {}}}),
    ]


def test_fields_that_an_endpoint_resets_are_not_taken() -> None:
    before = tracked(None, {**shop({"replicas": 1}), "status": {"replicas": 1}}, reset_fields={"f:status": {}})

    assert owned(before) == {"m": [".spec.replicas"]}


@pytest.mark.parametrize("reset", [[], [{}]], ids=["an empty list", "an empty entry"])
def test_a_client_can_make_the_server_forget_all_managers(reset: Any) -> None:
    created = tracked(None, shop({"replicas": 1}))

    forgotten = tracked(created, shop({"replicas": 2}, reset), "m", 2)

    assert "managedFields" not in forgotten["metadata"]


def test_an_object_that_nobody_tracks_stays_untracked() -> None:
    assert "managedFields" not in tracked(shop({"replicas": 1}), shop({"replicas": 2}))["metadata"]


def test_a_client_that_knows_no_managed_fields_does_not_delete_them() -> None:
    created = tracked(None, shop({"replicas": 1, "args": []}), "creator")

    changed = tracked(created, shop({"replicas": 2, "args": []}), "other", 2)

    assert owned(changed) == {"creator": [".spec.args"], "other": [".spec.replicas"]}


def test_a_client_can_rewrite_the_entries_as_kubectl_does_when_it_migrates() -> None:
    created = tracked(None, shop({"replicas": 1, "args": []}), "kubectl-client-side-apply")
    migrated = [{**entries(created)[0], "manager": "kubectl", "operation": "Apply"}]

    changed = tracked(created, shop({"replicas": 1, "args": []}, migrated), "kubectl", 2)

    assert entries(changed) == migrated


def test_entries_that_cannot_be_read_are_as_if_they_had_not_been_sent() -> None:
    created = tracked(None, shop({"replicas": 1}))

    changed = tracked(created, shop({"replicas": 1}, [{"manager": "x"}]), "m", 2)

    assert entries(changed) == entries(created)


def test_the_oldest_of_many_updaters_become_one() -> None:
    obj = tracked(None, shop({"f0": 0}), "m0", schema=None)
    for n in range(1, 12):
        obj = tracked(obj, {**obj, "spec": {**obj["spec"], f"f{n}": n}}, f"m{n}", n + 1, schema=None)

    assert [entry["manager"] for entry in entries(obj)] == ["ancient-changes", *(f"m{n}" for n in range(3, 12))]
    assert owned(obj)["ancient-changes"] == [".spec", ".spec.f0", ".spec.f1", ".spec.f2"]
    assert entries(obj)[0]["time"] == "2026-01-03T00:00:00Z"


def test_new_times_alone_are_no_change() -> None:
    old = tracked(None, shop({"replicas": 1}))
    new = tracked(None, shop({"replicas": 1}), day=2)
    other = tracked(None, shop({"replicas": 2}), day=2)

    assert without_new_times(old, new) == old
    assert without_new_times(old, other) == other


_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_specs = st.dictionaries(st.sampled_from("abc"), _values, max_size=3)


@given(_specs, _specs)
def test_every_change_has_an_owner_and_nobody_edits_what_they_were_handed(first: Any, second: Any) -> None:
    before = tracked(None, shop(first), "a", schema=None)
    after = {**before, "spec": second}
    copies = copy.deepcopy((before, after))

    changed = tracked(before, after, "b", 2, schema=None)

    assert (before, after) == copies
    everything = set_of([path for entry in entries(changed) for path in managed.paths(entry["fieldsV1"])])
    fresh = tracked(None, shop(second), "c", schema=None)
    assert everything == (entries(fresh)[0]["fieldsV1"] if entries(fresh) else {})
