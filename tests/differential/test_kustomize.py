"""Our renderer against the real Kustomize, as it comes in kubectl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canarium.errors import CanariumError
from canarium.gitops.kustomize import render
from canarium.gitops.tree import MemoryTree
from canarium.text import yaml
from tests import peers
from tests.gitops.kustomize.cases import BROKEN, CASES


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Path:
    assert request.config.cache is not None
    try:
        return peers.kubectl(request.config.cache.mkdir("peers"))
    except peers.PeerMissing as missing:
        pytest.skip(str(missing))


def build(kubectl: Path, folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """`kubectl kustomize` over files in a folder; `root` is what is built."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run(
        [kubectl, "kustomize", folder / "root"], capture_output=True, check=False, timeout=60, cwd=folder
    )


def ours(files: dict[str, str]) -> list[dict[str, Any]]:
    return [rendered.obj for rendered in render(MemoryTree(files), "root")]


@pytest.mark.peer("kustomize")
@pytest.mark.parametrize("name", CASES)
def test_renders_what_kustomize_renders(name: str, kubectl: Path, tmp_path: Path) -> None:
    done = build(kubectl, tmp_path, CASES[name])
    assert done.returncode == 0, done.stderr.decode()
    wanted = [document.value for document in yaml.load_all(done.stdout, "kustomize")]

    assert ours(CASES[name]) == wanted


@pytest.mark.peer("kustomize")
@pytest.mark.parametrize("name", BROKEN)
def test_refuses_what_kustomize_refuses(name: str, kubectl: Path, tmp_path: Path) -> None:
    done = build(kubectl, tmp_path, BROKEN[name])

    assert done.returncode != 0, done.stdout.decode()
    with pytest.raises(CanariumError):
        ours(BROKEN[name])


names = st.sampled_from(["shop", "web", "db"])
words = st.sampled_from(["a", "b-1", "yes", "1", "x.y"])
labels = st.dictionaries(st.sampled_from(["app", "team", "tier"]), words, min_size=1, max_size=2)


def container(name: str) -> st.SearchStrategy[dict[str, Any]]:
    ports = st.lists(
        st.fixed_dictionaries({"containerPort": st.sampled_from([80, 90])}, optional={"name": words}),
        max_size=2,
        unique_by=lambda port: port["containerPort"],
    )
    env = st.lists(
        st.fixed_dictionaries({"name": words, "value": words}), max_size=2, unique_by=lambda item: item["name"]
    )
    return st.fixed_dictionaries(
        {"name": st.just(name)},
        optional={
            "image": st.sampled_from(["nginx:1", "host:5000/app", "app@sha256:0"]),
            "args": st.lists(words, max_size=2),
            "env": env,
            "ports": ports,
        },
    )


def pods(min_size: int = 1) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(names, min_size=min_size, max_size=3, unique=True).flatmap(
        lambda chosen: st.tuples(*map(container, chosen)).map(list)
    )


kinds = st.sampled_from([("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("argoproj.io/v1alpha1", "Rollout")])


@st.composite
def workloads(draw: st.DrawFn) -> dict[str, Any]:
    version, kind = draw(kinds)
    metadata: dict[str, Any] = {"name": draw(names)}
    if draw(st.booleans()):
        metadata["labels"] = draw(labels)
    selected = draw(labels)
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        "spec": {
            "replicas": draw(st.integers(0, 3)),
            "selector": {"matchLabels": selected},
            "template": {"metadata": {"labels": selected}, "spec": {"containers": draw(pods())}},
        },
    }


@st.composite
def kustomizations(draw: st.DrawFn) -> dict[str, str]:
    """A base of workloads, and an overlay that changes them in several ways at once."""
    objects = draw(
        st.lists(workloads(), min_size=1, max_size=3, unique_by=lambda o: (o["kind"], o["metadata"]["name"]))
    )
    overlay: dict[str, Any] = {"resources": ["../base"]}
    if draw(st.booleans()):
        overlay["namespace"] = draw(st.sampled_from(["one", "two"]))
    for field in ("namePrefix", "nameSuffix"):
        if draw(st.booleans()):
            overlay[field] = draw(st.sampled_from(["a-", "-b", "x"]))
    if draw(st.booleans()):
        overlay["labels"] = [{"pairs": draw(labels), "includeSelectors": draw(st.booleans())}]
    if draw(st.booleans()):
        overlay["commonAnnotations"] = draw(labels)
    if draw(st.booleans()):
        image = {"name": draw(st.sampled_from(["nginx", "host:5000/app", "app"]))}
        overlay["images"] = [image | draw(st.sampled_from([{"newTag": "2"}, {"newName": "z"}, {"digest": "sha256:1"}]))]
    patches: list[dict[str, Any]] = []
    for target in objects:
        if draw(st.booleans()):
            spec: dict[str, Any] = {"template": {"spec": {"containers": draw(pods(0))}}}
            if draw(st.booleans()):
                spec["replicas"] = draw(st.sampled_from([None, 7]))
            merge = {key: target[key] for key in ("apiVersion", "kind")} | {
                "metadata": {"name": target["metadata"]["name"]},
                "spec": spec,
            }
            patches.append({"patch": yaml.dump(merge)})
    if draw(st.booleans()):
        operation = draw(
            st.sampled_from(
                [
                    {"op": "add", "path": "/metadata/annotations", "value": {"x": "y"}},
                    {"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "first"},
                    {"op": "remove", "path": "/spec/template/metadata/labels"},
                    {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "last"}},
                ]
            )
        )
        pattern = draw(st.sampled_from(["shop", "s.*", "shop|web", ".*"]))
        patches.append({"target": {"name": pattern}, "patch": yaml.dump([operation])})
    if patches:
        overlay["patches"] = patches
    return {
        "base/all.yaml": yaml.dump_all(objects),
        "base/kustomization.yaml": "resources: [all.yaml]\n",
        "root/kustomization.yaml": yaml.dump(overlay),
    }


@pytest.mark.peer("kustomize")
@given(case=kustomizations())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mix_of_transformers_renders_the_same(
    case: dict[str, str], kubectl: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    done = build(kubectl, tmp_path_factory.mktemp("mix"), case)

    if done.returncode != 0:
        with pytest.raises(CanariumError):
            ours(case)
        return
    assert ours(case) == [document.value for document in yaml.load_all(done.stdout, "kustomize")]
