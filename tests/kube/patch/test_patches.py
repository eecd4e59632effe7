"""Merge, JSON and strategic merge patches: what each may say, and what it does to an object."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.patch import PatchError, json_patch, merge, strategic

DEPLOYMENT = ("apps", "Deployment")

json_values = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        pytest.param({"a": "b"}, {"a": "c"}, {"a": "c"}, id="replace a value"),
        pytest.param({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}, id="null removes"),
        pytest.param({"a": ["b"]}, {"a": "c"}, {"a": "c"}, id="list to scalar"),
        pytest.param({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}, id="lists are replaced"),
        pytest.param({"e": None}, {"a": 1}, {"e": None, "a": 1}, id="nulls of the target stay"),
        pytest.param([1, 2], {"a": "b", "c": None}, {"a": "b"}, id="not an object becomes one"),
        pytest.param({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}, id="nested nulls leave nothing"),
    ],
)
def test_merge_patch_follows_the_examples_of_rfc_7396(target: Any, patch: Any, result: Any) -> None:
    assert merge.apply(target, patch) == result


@given(json_objects, json_objects)
@settings(max_examples=80, deadline=None)
def test_a_merge_diff_turns_the_old_object_into_the_new_one(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert merge.equal(merge.apply(old, merge.diff(old, new)), new)
    assert merge.diff(new, new) == {}


def test_true_and_one_are_different_values() -> None:
    assert merge.diff({"a": 1}, {"a": True}) == {"a": True}


def test_three_way_merge_removes_only_what_was_applied_before() -> None:
    current = {"kept": 1, "gone": 1, "theirs": 1, "same": 2}

    patch = merge.three_way({"kept": 1, "gone": 1}, {"kept": 5, "same": 2}, current)

    assert patch == {"gone": None, "kept": 5}


@pytest.mark.parametrize(
    ("op", "result"),
    [
        pytest.param({"op": "add", "path": "/a/1", "value": 9}, {"a": [1, 9, 2], "b": {"x": 1}}, id="insert"),
        pytest.param({"op": "add", "path": "/a/-", "value": 9}, {"a": [1, 2, 9], "b": {"x": 1}}, id="append"),
        pytest.param({"op": "add", "path": "/c", "value": 9}, {"a": [1, 2], "b": {"x": 1}, "c": 9}, id="new key"),
        pytest.param({"op": "replace", "path": "/a/-1", "value": 9}, {"a": [1, 9], "b": {"x": 1}}, id="from the end"),
        pytest.param(
            {"op": "replace", "path": "/c", "value": 9}, {"a": [1, 2], "b": {"x": 1}, "c": 9}, id="replace nothing"
        ),
        pytest.param({"op": "remove", "path": "/b/x"}, {"a": [1, 2], "b": {}}, id="remove"),
        pytest.param({"op": "move", "from": "/b/x", "path": "/y~1z"}, {"a": [1, 2], "b": {}, "y/z": 1}, id="move"),
        pytest.param({"op": "copy", "from": "/a/0", "path": "/b/y"}, {"a": [1, 2], "b": {"x": 1, "y": 1}}, id="copy"),
        pytest.param({"op": "test", "path": "/b/x", "value": 1}, {"a": [1, 2], "b": {"x": 1}}, id="test"),
        pytest.param({"op": "test", "path": "/nope", "value": None}, {"a": [1, 2], "b": {"x": 1}}, id="test absence"),
    ],
)
def test_json_patch_operations(op: dict[str, Any], result: Any) -> None:
    target = {"a": [1, 2], "b": {"x": 1}}
    before = copy.deepcopy(target)

    assert json_patch.apply(target, [op]) == result
    assert target == before


@pytest.mark.parametrize(
    ("op", "message"),
    [
        pytest.param({"op": "remove", "path": "/b/y"}, "/b/y does not exist", id="remove what is absent"),
        pytest.param({"op": "replace", "path": "/c/y", "value": 1}, "/c does not exist", id="replace below nothing"),
        pytest.param({"op": "add", "path": "/c/d", "value": 1}, "/c does not exist", id="add below nothing"),
        pytest.param({"op": "add", "path": "/a/5", "value": 1}, "/a/5 does not exist", id="index beyond the end"),
        pytest.param({"op": "remove", "path": "/a/-9"}, "/a/-9 does not exist", id="index before the start"),
        pytest.param({"op": "add", "path": "c", "value": 1}, "does not start with '/'", id="no slash"),
        pytest.param({"op": "ad", "path": "/c"}, "unknown op 'ad'", id="unknown op"),
        pytest.param({"op": "add", "path": "/c"}, "has no value", id="no value"),
        pytest.param({"op": "add", "value": 1}, "has no path", id="no path"),
        pytest.param({"op": "test", "path": "/a/0", "value": 7}, "tests for 7, but there is 1", id="failed test"),
        pytest.param({"op": "test", "path": "/b/x/y", "value": 7}, "/b/x/y does not exist", id="test below a scalar"),
    ],
)
def test_json_patch_says_which_operation_does_not_fit(op: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchError) as caught:
        json_patch.apply({"a": [1, 2], "b": {"x": 1}}, [{"op": "test", "path": "/b/x", "value": 1}, op])

    assert message in str(caught.value)
    assert "operation 2" in str(caught.value)


def deployment(**pod: Any) -> dict[str, Any]:
    return {"metadata": {"name": "shop"}, "spec": {"replicas": 2, "template": {"spec": pod}}}


def test_containers_merge_by_name_in_the_order_of_the_patch_before_those_it_does_not_name() -> None:
    was = deployment(containers=[{"name": "app", "image": "v1", "args": ["x"]}, {"name": "log"}])

    now = strategic.apply(
        was, deployment(containers=[{"name": "new"}, {"name": "app", "image": "v2", "args": None}]), DEPLOYMENT
    )

    assert now == deployment(containers=[{"name": "new"}, {"name": "app", "image": "v2"}, {"name": "log"}])


def test_lists_of_custom_resources_are_replaced() -> None:
    was = deployment(containers=[{"name": "app", "image": "v1"}])

    now = strategic.apply(was, deployment(containers=[{"name": "log"}]), ("argoproj.io", "Rollout"))

    assert now == deployment(containers=[{"name": "log"}])


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        pytest.param({"$patch": "replace", "a": 1}, {"a": 1}, id="replace the map"),
        pytest.param({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}, {"type": "Recreate"}, id="retain"),
    ],
)
def test_directives_of_maps(patch: dict[str, Any], result: Any) -> None:
    was = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}

    now = strategic.apply({"spec": was}, {"spec": patch}, DEPLOYMENT)["spec"]

    assert now == result or now["strategy"] == result


def test_directives_of_lists() -> None:
    was = deployment(containers=[{"name": "a"}, {"name": "b"}], volumes=[{"name": "v"}])

    now = strategic.apply(
        was,
        deployment(containers=[{"name": "a", "$patch": "delete"}], volumes=[{"$patch": "replace"}, {"name": "w"}]),
        DEPLOYMENT,
    )

    assert now == deployment(containers=[{"name": "b"}], volumes=[{"name": "w"}])


def test_primitive_lists_merge_as_sets() -> None:
    was = {"metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}

    assert strategic.apply(was, patch, ("", "Pod")) == {"metadata": {"finalizers": ["c", "b"]}}


def test_the_order_that_was_asked_for_wins_and_others_keep_their_neighbours() -> None:
    was = deployment(containers=[{"name": "a"}, {"name": "theirs"}, {"name": "b"}])
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
                    "containers": [{"name": "c"}],
                }
            }
        }
    }

    now = strategic.apply(was, patch, DEPLOYMENT)["spec"]["template"]["spec"]["containers"]

    assert [item["name"] for item in now if item["name"] != "theirs"] == ["c", "b", "a"]


def test_three_way_keeps_what_others_added_and_removes_what_was_dropped() -> None:
    original = deployment(containers=[{"name": "app", "image": "v1"}, {"name": "old"}])
    modified = deployment(containers=[{"name": "app", "image": "v2"}])
    current = deployment(
        containers=[{"name": "app", "image": "v1", "terminationMessagePath": "x"}, {"name": "old"}, {"name": "sidecar"}]
    )

    now = strategic.apply(current, strategic.three_way(original, modified, current, DEPLOYMENT), DEPLOYMENT)

    assert now == deployment(
        containers=[{"name": "app", "image": "v2", "terminationMessagePath": "x"}, {"name": "sidecar"}]
    )


def test_changing_the_strategy_drops_the_defaults_of_the_other() -> None:
    current = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}}}
    modified = {"spec": {"strategy": {"type": "Recreate"}}}

    now = strategic.apply(current, strategic.three_way(None, modified, current, DEPLOYMENT), DEPLOYMENT)

    assert now == modified


def test_a_default_of_another_strategy_is_dropped_even_when_nothing_else_changes() -> None:
    """kubectl sends $retainKeys whenever the server has more keys than the manifest."""
    modified = {"spec": {"strategy": {"type": "RollingUpdate"}}}
    current = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}}}

    assert strategic.three_way(modified, modified, current, DEPLOYMENT) == {
        "spec": {"strategy": {"$retainKeys": ["type"]}}
    }


containers = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcd")},
        optional={"image": st.sampled_from(["v1", "v2"]), "stdin": st.booleans()},
    ),
    max_size=4,
    unique_by=lambda item: item["name"],
)


@given(containers, containers, containers)
@settings(max_examples=100, deadline=None)
def test_applying_twice_asks_for_nothing_new(original: Any, modified: Any, current: Any) -> None:
    was, want, have = (deployment(containers=items) for items in (original, modified, current))
    untouched = copy.deepcopy(have)

    now = strategic.apply(have, strategic.three_way(was, want, have, DEPLOYMENT), DEPLOYMENT)

    assert have == untouched
    assert strategic.three_way(want, want, now, DEPLOYMENT) == {}
    found = {item["name"]: item for item in now["spec"]["template"]["spec"]["containers"]}
    for item in modified:
        assert found[item["name"]].items() >= item.items()
    for item in original:
        assert item["name"] not in found or item["name"] in [wanted["name"] for wanted in modified]


def test_an_item_without_its_merge_key_is_refused() -> None:
    with pytest.raises(PatchError, match="does not contain the merge key name"):
        strategic.apply(deployment(containers=[]), deployment(containers=[{"image": "x"}]), DEPLOYMENT)
