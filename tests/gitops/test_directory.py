"""Directory sources: which files count, and what is in them."""

from __future__ import annotations

import pytest

from canarium.errors import CanariumError
from canarium.gitops.directory import glob, render_directory
from canarium.gitops.tree import MemoryTree


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"


TREE = MemoryTree(
    {
        "app/b.yaml": config_map("b"),
        "app/a.yml": config_map("a") + "---\n" + config_map("a2"),
        "app/c.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}',
        "app/notes.txt": "not YAML: [",
        "app/values.yaml": "x: {{ template }}\n",
        "app/skipped.yaml": "# +argocd:skip-file-rendering\n" + config_map("skipped"),
        "app/sub/d.yaml": "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: d1}}\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: d2}}\n",
    }
)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        pytest.param({}, ["a", "a2", "b", "c"], id="files in order, folders not"),
        pytest.param({"recurse": True}, ["a", "a2", "b", "c", "d1", "d2"], id="recurse"),
        pytest.param({"recurse": True, "include": "*.yaml"}, ["b", "d1", "d2"], id="a star crosses folders"),
        pytest.param({"include": "{a,c}.*"}, ["a", "a2", "c"], id="alternatives"),
        pytest.param({"exclude": "a*"}, ["b", "c"], id="exclude"),
        pytest.param({"include": "*.yaml", "exclude": "b.yaml"}, [], id="exclude wins"),
    ],
)
def test_files_that_count(options: dict[str, str | bool], names: list[str]) -> None:
    found = render_directory(TREE, "app", **options)  # type: ignore[arg-type]  # a table of keyword arguments

    assert [rendered.obj["metadata"]["name"] for rendered in found] == names


def test_objects_know_their_lines() -> None:
    second = render_directory(TREE, "app")[1]

    assert str(second.provenance.place(["metadata", "name"])) == "app/a.yml:9:9"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n"}, "app/a.yaml:4:1: not YAML"),
        ({"app/a.yaml": "just: data\n"}, "app/a.yaml:1:1: Object 'Kind' is missing"),
        ({"app/a.json": "{"}, "app/a.json:2:1: not YAML"),
        ({"app/a.jsonnet": "{}"}, "app/a.jsonnet: canarium does not evaluate jsonnet"),
        ({"other/a.yaml": ""}, "app: app path does not exist"),
    ],
)
def test_bad_input_says_where(files: dict[str, str], says: str) -> None:
    with pytest.raises(CanariumError) as caught:
        render_directory(MemoryTree(files), "app")

    assert str(caught.value).startswith(says)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*.yaml", "a/b.yaml", True),
        ("?.yaml", "ab.yaml", False),
        ("[a-c].yaml", "b.yaml", True),
        ("[!a-c].yaml", "b.yaml", False),
        ("{a,b{1,2}}.yaml", "b2.yaml", True),
        (r"\*.yaml", "a.yaml", False),
        ("config/**", "config/x/y", True),
    ],
)
def test_globs(pattern: str, text: str, fits: bool) -> None:
    compiled = glob(pattern)

    assert compiled is not None
    assert bool(compiled.fullmatch(text)) is fits
