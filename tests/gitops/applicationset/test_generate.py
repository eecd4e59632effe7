"""Which Applications an ApplicationSet asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from canarium.gitops.applicationset.generate import GenerationError, generate, problems
from canarium.gitops.applicationset.generators import folders_of, path_match, path_params, sanitize_name, select
from canarium.gitops.applicationset.template import InvalidTemplate, replace
from canarium.gitops.tree import MemoryTree

TREE = MemoryTree(
    {
        "README.md": "",
        "apps/shop/base/rollout.yaml": "",
        "apps/shop/overlays/staging/kustomization.yaml": "",
        "apps/shop/overlays/prod/kustomization.yaml": "",
        "apps/shop/overlays/.hidden/kustomization.yaml": "",
        ".github/workflows/ci.yaml": "",
    }
)


def folders(repo_url: str, revision: str) -> Sequence[str]:
    return folders_of(TREE)


def appset(*generators: dict[str, Any], template: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    default = {
        "metadata": {"name": "shop-{{ path.basename }}", "labels": {"env": "{{path.basename}}"}},
        "spec": {"project": "default", "destination": {"namespace": "shop-{{path.basename}}"}},
    }
    return {
        "metadata": {"name": "shop", "namespace": "argocd", "uid": "u"},
        "spec": {"generators": list(generators), "template": template or default, **spec},
    }


def git(*paths: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    items = [{"path": path} if isinstance(path, str) else path for path in paths]
    return {"git": {"repoURL": "/repo", "revision": "HEAD", "directories": items, **more}}


def names(made: list[dict[str, Any]]) -> list[str]:
    return [app["metadata"]["name"] for app in made]


def test_one_application_per_overlay_with_and_without_spaces_in_the_braces() -> None:
    prod, staging = generate(appset(git("apps/shop/overlays/*")), folders)

    assert prod == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": "shop-prod",
            "namespace": "argocd",
            "labels": {"env": "prod"},
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {"project": "default", "destination": {"namespace": "shop-prod"}},
    }
    assert staging["metadata"]["name"] == "shop-staging"


def test_folders_are_walked_parents_first_without_hidden_ones_and_without_the_root() -> None:
    assert folders_of(TREE) == [
        "apps",
        "apps/shop",
        "apps/shop/base",
        "apps/shop/overlays",
        "apps/shop/overlays/prod",
        "apps/shop/overlays/staging",
    ]
    assert folders_of(TREE, depth=2) == ["apps", "apps/shop"]


@pytest.mark.parametrize(
    ("directories", "expected"),
    [
        pytest.param([{"path": "apps/shop/overlays/*"}], ["prod", "staging"], id="a star is one level"),
        pytest.param([{"path": "apps/*"}], ["shop"], id="a star does not descend"),
        pytest.param(
            [{"path": "apps/shop/*/*"}, {"path": "apps/shop/overlays/prod", "exclude": True}],
            ["staging"],
            id="excluded wins, in any order",
        ),
        pytest.param(
            [{"path": "apps/shop/overlays/s*", "exclude": True}, {"path": "apps/shop/overlays/*"}],
            ["prod"],
            id="excluded first",
        ),
        pytest.param([{"path": "*"}], ["apps"], id="top level"),
        pytest.param([{"path": "."}], [], id="the root is never a folder"),
        pytest.param([{"path": "apps/**"}], ["shop"], id="two stars are one star"),
        pytest.param([{"path": "apps/["}], [], id="a malformed glob matches nothing"),
    ],
)
def test_which_folders_are_chosen(directories: list[dict[str, Any]], expected: list[str]) -> None:
    assert [path.rpartition("/")[2] for path in select(directories, folders_of(TREE))] == expected


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [  # known answers of Go's path.Match
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*", "ab/c", False),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a?b", "a☺b", True),
        ("a[^a]b", "a☺b", True),
        ("a???b", "a☺b", False),
        ("[a-ζ]*", "α", True),
        ("*[a-ζ]", "A", False),
        ("a?b", "a/b", False),
        ("a*b", "a/b", False),
        ("[\\]a]", "]", True),
        ("[\\-]", "-", True),
        ("[x\\-]", "x", True),
        ("[\\-x]", "a", False),
        ("[]a]", "]", False),
        ("[-]", "-", False),
        ("[a-", "a", False),
        ("[", "a", False),
        ("*x", "xxx", True),
    ],
)
def test_globs_match_as_in_go(pattern: str, name: str, matches: bool) -> None:
    assert path_match(pattern, name) is matches


def test_the_parameters_of_a_folder() -> None:
    assert path_params("apps/My_Shop") == {
        "path": "apps/My_Shop",
        "path.basename": "My_Shop",
        "path.basenameNormalized": "my-shop",
        "path[0]": "apps",
        "path[1]": "My_Shop",
    }
    assert path_params("a", "git") == {
        "git.path": "a",
        "git.path.basename": "a",
        "git.path.basenameNormalized": "a",
        "git.path[0]": "a",
    }
    assert sanitize_name("-_X.") == "x"


def test_values_may_use_the_path() -> None:
    template = {"metadata": {"name": "{{values.app}}"}, "spec": {}}

    made = generate(
        appset(git("apps/shop", values={"app": "{{ path.basename }}-{{path[0]}}"}), template=template), folders
    )

    assert names(made) == ["shop-apps"]


def test_list_elements_are_parameters_and_a_generator_may_fill_the_template() -> None:
    listed = {"list": {"elements": [{"env": "prod", "values": {"n": "4"}}], "template": {"spec": {"project": "mine"}}}}
    template = {"metadata": {"name": "x-{{env}}-{{values.n}}"}, "spec": {"project": "default", "info": [{"name": "a"}]}}

    (made,) = generate(appset(listed, template=template), folders)

    assert made["metadata"]["name"] == "x-prod-4"
    assert made["spec"] == {"project": "mine", "info": [{"name": "a"}]}


def test_resources_survive_when_they_should_be_preserved() -> None:
    (made,) = generate(appset(git("apps/shop"), syncPolicy={"preserveResourcesOnDeletion": True}), folders)

    assert "finalizers" not in made["metadata"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{x}}", "1"),
        ("{{ x }}{{x}}-{{  y}}", "11-2"),
        ("{{nobody}} {{ nobody }}", "{{nobody}} {{ nobody }}"),
        ("{{}}", "{{}}"),
        ("{{.x}}", "{{.x}}"),
        ("no braces", "no braces"),
        ("}}{{", "}}{{"),
    ],
)
def test_a_parameter_nobody_defined_stays_as_written(template: str, expected: str) -> None:
    assert replace(template, {"x": "1", "y": "2"}) == expected


def test_an_open_brace_is_an_error() -> None:
    with pytest.raises(InvalidTemplate, match="Cannot find end tag"):
        replace("{{x}} {{ y", {"x": "1"})


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (appset({"matrix": {}}), "spec.generators[0].matrix: the matrix generator is not built"),
        (
            appset({"git": {"repoURL": "/x", "files": [{}]}}),
            "spec.generators[0].git.files: the git generator for files",
        ),
        (appset({}), "spec.generators[0]: no generator that is known: none"),
        (appset(git("*"), goTemplate=True), "spec.goTemplate: goTemplate is not built"),
        (
            appset(git("*"), strategy={"type": "RollingSync", "rollingSync": {"steps": []}}),
            "spec.strategy.rollingSync: rollingSync is not built",
        ),
        (
            appset(git("*"), strategy={"deletionOrder": "Reverse"}),
            "spec.strategy.deletionOrder: deletionOrder is not built",
        ),
        (
            appset(git("*"), ignoreApplicationDifferences=[{"jqPathExpressions": [".spec.project"]}]),
            "spec.ignoreApplicationDifferences[0].jqPathExpressions: jqPathExpressions is not built",
        ),
        (appset({"list": {"elements": [{"n": 4}]}}), "spec.generators[0].list.elements[0].n: error parsing value as"),
    ],
)
def test_what_is_not_built_is_said_with_its_field(broken: dict[str, Any], says: str) -> None:
    with pytest.raises(GenerationError) as raised:
        generate(broken, folders)

    assert str(raised.value).startswith(says)
    assert "\n" in str(raised.value)


def test_what_may_not_exist_is_named() -> None:
    def app(name: str, **spec: Any) -> dict[str, Any]:
        server = {"server": "https://kubernetes.default.svc"}
        return {"metadata": {"name": name}, "spec": {"project": "default", "destination": server, **spec}}

    found = problems(
        "shop", [app("a"), app("b"), app("b"), app("c", project="nope"), app("d", destination={"server": "x"})], ()
    )

    assert found == {
        "b": "ApplicationSet shop contains applications with duplicate name: b",
        "c": "application references project nope which does not exist",
        "d": 'application destination spec is invalid: error getting cluster by server "x": '
        'rpc error: code = NotFound desc = cluster "x" not found',
    }
