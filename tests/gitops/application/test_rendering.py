"""An Application renders with what its folder and its source ask for."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.errors import CanariumError
from canarium.gitops.source import render_source
from canarium.gitops.tree import MemoryTree

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
TREE = MemoryTree(
    {
        "plain/a.yaml": CONFIG % "a",
        "plain/deep/b.yaml": CONFIG % "b",
        "tailored/kustomization.yaml": "namePrefix: x-\nresources: [a.yaml]\n",
        "tailored/a.yaml": CONFIG % "a",
    }
)


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("plain", {}, ["a"]),
        ("plain", {"directory": {"recurse": True}}, ["a", "b"]),
        ("plain", {"directory": {"recurse": True, "exclude": "deep/*"}}, ["a"]),
        ("tailored", {}, ["x-a"]),
    ],
)
def test_what_is_rendered(path: str, source: dict[str, Any], expected: list[str]) -> None:
    assert [one.obj["metadata"]["name"] for one in render_source(TREE, path, source)] == expected


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"kustomize": {"images": ["a:b"]}}, "spec.source.kustomize.images"),
        ({"helm": {"values": "x"}}, "spec.source.helm.values"),
        ({"directory": {"jsonnet": {"extVars": []}}}, "spec.source.directory.jsonnet"),
    ],
)
def test_an_option_that_is_not_built_is_named(source: dict[str, Any], field: str) -> None:
    with pytest.raises(CanariumError) as raised:
        render_source(TREE, "tailored", source)

    assert raised.value.field == field
    assert raised.value.next_step
