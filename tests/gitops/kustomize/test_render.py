"""Kustomizations rendered: provenance, messages, and the rules that are easiest to get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.errors import CanariumError
from canarium.gitops.kustomize import Rendered, RenderError, render
from canarium.gitops.kustomize.transformers import split_image
from canarium.gitops.tree import MemoryTree
from tests.gitops.kustomize.cases import BROKEN, CASES, ECHO, SERVICE, SHOP, files, inline, on


def built(case: dict[str, str]) -> dict[str, Rendered]:
    """What `root` renders to, by kind."""
    return {rendered.obj["kind"]: rendered for rendered in render(MemoryTree(case), "root")}


def test_every_field_knows_the_line_that_decided_it() -> None:
    """Through a base, a namespace, an image, labels and a JSON patch."""
    rollout = built(
        on(
            ECHO,
            """
            namespace: echo-staging
            labels: [{pairs: {team: a}}]
            images: [{name: stefanprodan/podinfo, newTag: 6.9.3}]
            patches:
              - target: {kind: Rollout}
                patch: |-
                  - op: replace
                    path: /spec/replicas
                    value: 1
            """,
        )
    )["Rollout"]
    container: list[str | int] = ["spec", "template", "spec", "containers", 0]

    def place(*path: str | int) -> str:
        return str(rollout.provenance.place(path))

    assert rollout.obj["spec"]["replicas"] == 1
    assert rollout.provenance.origin == "base/rollout.yaml"
    assert place("spec", "replicas") == "root/kustomization.yaml:10"
    assert place("metadata", "namespace") == "root/kustomization.yaml:2:12"
    assert place("metadata", "labels", "team") == "root/kustomization.yaml:3:25"
    assert place(*container, "image") == "root/kustomization.yaml:4:10"
    assert place(*container, "ports", 0, "containerPort") == "base/rollout.yaml:22:30"
    assert place("spec", "strategy", "canary", "steps", 1, "analysis") == "base/rollout.yaml:35:13"
    assert place("spec", "no", "such") == "base/rollout.yaml:6:3", "the nearest ancestor"


def test_a_merge_patch_in_a_file_is_named_for_what_it_sets() -> None:
    case = on(
        SHOP,
        "patches: [{path: p.yaml}]\n",
        root__p_y="""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: shop}
            spec:
              template:
                spec:
                  containers:
                  - name: app
                    image: other
        """,
    )
    deployment = built(case)["Deployment"]
    container: list[str | int] = ["spec", "template", "spec", "containers", 0]

    assert str(deployment.provenance.place([*container, "image"])) == "root/p.yaml:9:16"
    assert str(deployment.provenance.place([*container, "args", 0])).startswith("base/d.yaml:")


def test_generated_objects_point_at_their_sources() -> None:
    case = files(
        root_k="configMapGenerator:\n- name: a\n  literals:\n  - x=1\n  envs: [app.env]\n  files: [notes.txt]\n",
        **{"root__app.env": "# c\nY=2\n", "root__notes.txt": "hello\n"},
    )
    made = built(case)["ConfigMap"].provenance

    assert str(made.place(["data", "x"])) == "root/kustomization.yaml:4:5"
    assert str(made.place(["data", "Y"])) == "root/app.env:2"
    assert str(made.place(["data", "notes.txt"])) == "root/notes.txt:1"


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_gives_a_place_and_a_next_step(name: str) -> None:
    with pytest.raises(CanariumError) as caught:
        render(MemoryTree(BROKEN[name]), "root")

    assert caught.value.at is not None
    assert caught.value.next_step
    assert str(caught.value).startswith(("root", "base", "sub", "a/", "c/"))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        pytest.param(
            BROKEN["missing resource"],
            "root/kustomization.yaml:1:13: resources: accumulating resources: 'nope.yaml' does not exist: "
            "no such file or directory\n  In root there is: nothing. Add the file or correct the path.",
            id="missing resource",
        ),
        pytest.param(
            BROKEN["a patch with the wrong version"],
            "root/kustomization.yaml:4: no resource matches strategic merge patch Service.v2.[noGrp]/shop.[noNs]\n"
            "  There is Service shop with apiVersion 'v1'; use that one.",
            id="patch for nothing",
        ),
        pytest.param(
            BROKEN["a JSON patch path that is not there"],
            "root/kustomization.yaml:4: /spec/nope: the JSON patch (replace) does not apply: /spec/nope does not exist "
            "in Service shop, which is at base/s.yaml:1:1\n  Use op: add to create it.",
            id="JSON patch path",
        ),
        pytest.param(
            files(root_k="resources: [../../other]\n"),
            "root/kustomization.yaml:1:13: '../../other' leaves the repository\n  Keep the path inside it.",
            id="leaving the repository",
        ),
        pytest.param(
            files(root_k="resources: [/etc/passwd]\n"),
            "root/kustomization.yaml:1:13: '/etc/passwd' is absolute\n  Use a path relative to this file.",
            id="absolute path",
        ),
        pytest.param(
            files(root_k="resources:\n- https://github.com/a/b//c?ref=v1\n"),
            "root/kustomization.yaml:2:3: resources: 'https://github.com/a/b//c?ref=v1' is a "
            "remote base, and canarium fetches none\n  Copy it into the repository and refer to it by path.",
            id="remote base",
        ),
        pytest.param(
            files(root_k="helmCharts: [{name: x}]\n"),
            "root/kustomization.yaml:1:1: helmCharts: canarium does not build this field of Kustomize\n"
            "  Render the chart first and list its output under resources.",
            id="not built",
        ),
    ],
)
def test_messages_read_as_meant(case: dict[str, str], message: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(MemoryTree(case), "root")

    assert str(caught.value) == message


def test_rendering_twice_gives_the_same_and_inputs_do_not_leak_between_overlays() -> None:
    case = CASES["two overlays of one base, each with its names"]

    first, second = (render(MemoryTree(case), "root") for _ in range(2))

    assert [a.obj for a in first] == [b.obj for b in second]
    names = [(rendered.obj["kind"], rendered.obj["metadata"]["name"]) for rendered in first]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "", "")),
        ("nginx:1", ("nginx", "1", "")),
        ("host:5000/nginx", ("host:5000/nginx", "", "")),
        ("host:5000/nginx:1@sha256:a", ("host:5000/nginx", "1", "sha256:a")),
        ("nginx@sha256:a", ("nginx", "", "sha256:a")),
    ],
)
def test_images_split_at_the_tag_not_at_the_port(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


def test_known_answer_of_the_content_hash() -> None:
    """`kubectl kustomize` 5.8.1 prints this name."""
    case = files(root_k="configMapGenerator: [{name: a, literals: ['a b=c']}]\n")

    assert built(case)["ConfigMap"].obj["metadata"]["name"] == "a-g2b85hm7m8"


def test_a_merge_leaves_the_manifests_own_nulls() -> None:
    case = on(
        {"base_k": "resources: [s.yaml]\n", "base__s_y": SERVICE + "      clusterIP: null\n"},
        inline("apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {type: NodePort, externalName: null}\n"),
    )
    spec: dict[str, Any] = built(case)["Service"].obj["spec"]

    assert spec["clusterIP"] is None
    assert "externalName" not in spec
