"""The JSONPath of printer columns, by the rules of client-go's jsonpath."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.server.table.jsonpath import JsonPathError, find

THING: dict[str, Any] = {
    "metadata": {"name": "a", "annotations": {"a.b/c": "dotted"}},
    "spec": {"list": [10, 20, 30], "none": None, "flag": True, "deep": [{"x": 1}, {"x": 2, "y": [7]}]},
    "status": {
        "conditions": [
            {"type": "Synced", "status": "False", "n": 1},
            {"type": "Ready", "status": "True", "n": 5},
        ]
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".metadata.name", ["a"]),
        ("metadata.name", ["a"]),
        ("$.metadata.name", ["a"]),
        (".metadata.missing.more", []),
        (".metadata.name.more", []),
        (".metadata.annotations['a.b/c']", ["dotted"]),
        ('.metadata.annotations["a.b/c"]', ["dotted"]),
        (r".metadata.annotations.a\.b/c", ["dotted"]),
        (".spec.list", [[10, 20, 30]]),
        (".spec.list[0]", [10]),
        (".spec.list[-1]", [30]),
        (".spec.list[0:2]", [10, 20]),
        (".spec.list[-2:]", [20, 30]),
        (".spec.list[::2]", [10, 30]),
        (".spec.list[0,2]", [10, 30]),
        (".spec.list[*]", [10, 20, 30]),
        (".spec.none", [None]),
        (".spec.none.more", []),
        (".spec.none[0]", []),
        (".spec.deep[*].x", [1, 2]),
        (".spec.deep[*].y[0]", [7]),
        (".spec.deep..x", [1, 2]),
        (".metadata.*", [{"a.b/c": "dotted"}, "a"]),
        (".metadata['name','missing']", ["a"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type == 'Ready')].status", ["True"]),
        ('.status.conditions[?(@.type!="Ready")].status', ["False"]),
        ('.status.conditions[?(@.type=="[odd]")].status', []),
        (".status.conditions[?(@.n>=2)].type", ["Ready"]),
        (".status.conditions[?(@.n)].n", [1, 5]),
        (".status.conditions[?(@.m)].n", []),
        (".status.conditions[?(@.m==1)].n", []),
        (".status.missing[?(@.m==1)].n", []),
    ],
)
def test_what_a_path_finds(path: str, found: list[Any]) -> None:
    assert find(path, THING) == found


@pytest.mark.parametrize(
    "path",
    [".spec.list[", ".spec.list[x]", ".spec.list[]", ".spec.list[9]", ".spec.flag[0]", ".spec.flag[?(@.x)]", ".a b"],
)
def test_what_a_path_cannot_ask_for(path: str) -> None:
    with pytest.raises(JsonPathError):
        find(path, THING)
