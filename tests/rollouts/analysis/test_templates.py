"""AnalysisRuns made from templates. Known answers: Argo Rollouts' own tests (utils/analysis, v1.10)."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.analysis.templates import (
    InvalidTemplate,
    build_run,
    collect_templates,
    merge_args,
    resolve_args,
    same_run,
)

SECRET = {"secretKeyRef": {"name": "name", "key": "key"}}


def template(
    *metrics: str, args: list[Any] | None = None, dry_run: tuple[str, ...] = (), keep: tuple[str, ...] = ()
) -> Obj:
    return {
        "metadata": {"name": "-".join(metrics) or "empty"},
        "spec": {
            "metrics": [{"name": name, "successCondition": "true"} for name in metrics],
            "args": args or [],
            "dryRun": [{"metricName": name} for name in dry_run],
            "measurementRetention": [{"metricName": name, "limit": 5} for name in keep],
        },
    }


def run_of(*templates: Obj, **more: Any) -> Obj:
    return build_run(
        name="foo-run", namespace="my-ns", labels={}, annotations={}, owner=None, templates=templates, **more
    )


def test_a_run_carries_what_its_template_says_and_the_arguments_it_was_given() -> None:
    owner = {"kind": "Rollout", "name": "r", "uid": "u", "controller": True}

    run = build_run(
        name="foo-run",
        namespace="my-ns",
        labels={"foo": "bar"},
        annotations={"rollout.argoproj.io/revision": "2"},
        owner=owner,
        templates=[template("success-rate", args=[{"name": "my-arg"}, {"name": "my-secret"}])],
        args=[{"name": "my-arg", "value": "my-val"}, {"name": "my-secret", "valueFrom": SECRET}, {"name": "extra"}],
    )

    assert run == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "name": "foo-run",
            "namespace": "my-ns",
            "labels": {"foo": "bar"},
            "annotations": {"rollout.argoproj.io/revision": "2"},
            "ownerReferences": [owner],
        },
        "spec": {
            "metrics": [{"name": "success-rate", "successCondition": "true"}],
            "args": [{"name": "my-arg", "value": "my-val"}, {"name": "my-secret", "valueFrom": SECRET}],
        },
    }


def test_templates_are_merged_in_order_and_the_rollouts_rules_come_first() -> None:
    run = run_of(
        template("foo", dry_run=("foo",), keep=("foo",)),
        cluster_templates=[template("bar", dry_run=("bar",))],
        dry_run=[{"metricName": "mine"}],
        measurement_retention=[{"metricName": "bar", "limit": 2}],
    )

    assert [metric["name"] for metric in run["spec"]["metrics"]] == ["foo", "bar"]
    assert [rule["metricName"] for rule in run["spec"]["dryRun"]] == ["mine", "foo", "bar"]
    assert [rule["metricName"] for rule in run["spec"]["measurementRetention"]] == ["bar", "foo"]


@pytest.mark.parametrize(
    ("templates", "more", "message"),
    [
        pytest.param([template("foo"), template("foo")], {}, "two metrics have the same name 'foo'", id="metric twice"),
        pytest.param(
            [template("foo", dry_run=("foo",)), template("bar", dry_run=("foo",))],
            {},
            "two Dry-Run metric rules have the same name 'foo'",
            id="dry-run rule twice",
        ),
        pytest.param(
            [template("foo", dry_run=("foo",))],
            {"dry_run": [{"metricName": "foo"}]},
            "two Dry-Run metric rules have the same name 'foo'",
            id="dry-run rule in the rollout too",
        ),
        pytest.param(
            [template("foo", keep=("foo",)), template("bar", keep=("foo",))],
            {},
            "two Measurement Retention metric rules have the same name 'foo'",
            id="retention rule twice",
        ),
        pytest.param(
            [
                template("a", args=[{"name": "foo", "value": "true"}]),
                template(args=[{"name": "foo", "value": "false"}]),
            ],
            {},
            "Argument `foo` specified multiple times with different values: 'true', 'false'",
            id="two values",
        ),
        pytest.param(
            [template("a", args=[{"name": "unresolved"}])], {}, "args.unresolved was not resolved", id="no value"
        ),
    ],
)
def test_templates_that_make_no_run_are_refused_in_upstreams_words(
    templates: list[Obj], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        run_of(*templates, **more)

    assert caught.value.problem == message
    assert caught.value.next_step


def test_of_two_arguments_with_one_name_the_one_with_a_value_counts() -> None:
    with_value, without = {"name": "foo", "value": "true"}, {"name": "foo"}

    assert run_of(template(args=[with_value]), template(args=[without]))["spec"]["args"] == [with_value]
    assert run_of(template(args=[without]), template(args=[with_value]))["spec"]["args"] == [with_value]


@pytest.mark.parametrize(
    ("incoming", "wanted", "merged"),
    [
        pytest.param([], [{"name": "foo", "value": "bar"}], [{"name": "foo", "value": "bar"}], id="default"),
        pytest.param(
            [{"name": "foo", "value": "new"}],
            [{"name": "foo", "value": "bar"}],
            [{"name": "foo", "value": "new"}],
            id="overwritten",
        ),
        pytest.param(
            [{"name": "foo", "value": ""}], [{"name": "foo"}], [{"name": "foo", "value": ""}], id="empty is a value"
        ),
        pytest.param(
            [{"name": "x", "value": "1"}], [{"name": "x", "valueFrom": SECRET}],
            [{"name": "x", "value": "1", "valueFrom": SECRET}], id="a secret stays beside the value",
        ),
        pytest.param([{"name": "x", "value": "1"}], [], [], id="unknown argument is dropped"),
    ],
)  # fmt: skip
def test_merged_arguments(incoming: list[Any], wanted: list[Any], merged: list[Any]) -> None:
    assert merge_args(incoming, wanted) == merged


ROLLOUT: Obj = {
    "metadata": {
        "name": "test",
        "namespace": "default",
        "uid": "u-1",
        "labels": {"app": "app", "env": "test"},
        "annotations": {"rollout.argoproj.io/revision": "1"},
    },
    "spec": {"replicas": 4, "paused": True, "template": {"metadata": {"labels": {"version": "v1"}}}},
    "status": {"pauseConditions": [{"reason": "test-reason"}]},
}


def resolved(source: dict[str, Any]) -> str:
    [arg] = resolve_args([{"name": "x", "valueFrom": source}], ROLLOUT, stable_hash="abcdef", latest_hash="123456")
    return str(arg["value"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "test"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "app"),
        ("metadata.labels['absent']", ""),
        ("metadata.annotations['rollout.argoproj.io/revision']", "1"),
        ("metadata.labels", 'app="app"\nenv="test"'),
        ("status.pauseConditions[0].reason", "test-reason"),
        ("spec.template.metadata.labels.version", "v1"),
        ("spec.replicas", "4"),
        ("spec.paused", "true"),
    ],
)
def test_field_ref_reads_the_rollout(path: str, value: str) -> None:
    assert resolved({"fieldRef": {"fieldPath": path}}) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("metadata.labels.app", "unsupported fieldPath: metadata.labels.app"),
        ("metadata.name['x']", "fieldPath \"metadata.name['x']\" does not support subscript"),
        (
            "metadata.labels['X/']",
            "invalid key subscript in metadata.labels['X/']: prefix part a lowercase RFC 1123 subdomain must consist "
            "of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
            "(e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*');name part must be non-empty;"
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
        ("status.pauseConditions[blah].reason", "invalid index 'blah'"),
        ("status.pauseConditions[12].reason", "index 12 out of range"),
        (
            "status.pauseConditions[0].startTime",
            "invalid path status.pauseConditions[0].startTime in rollout",
        ),
        ("some.invalid[2].non.existing.path", "invalid path some.invalid[2].non.existing.path in rollout"),
        (
            "status.pauseConditions[0]",
            "path status.pauseConditions[0] in rollout must terminate in a primitive value",
        ),
    ],
)
def test_a_field_ref_that_leads_nowhere_is_refused(path: str, message: str) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        resolved({"fieldRef": {"fieldPath": path}})

    assert caught.value.problem == message


def test_pod_template_hashes_and_secrets() -> None:
    assert resolved({"podTemplateHashValue": "Stable"}) == "abcdef"
    assert resolved({"podTemplateHashValue": "Latest"}) == "123456"
    left = [{"name": "x", "valueFrom": SECRET}]
    assert resolve_args(left, ROLLOUT, stable_hash="a", latest_hash="b") == left


def test_nested_templates_are_collected_once() -> None:
    def ref(name: str, cluster: bool = False) -> dict[str, Any]:
        return {"templateName": name, "clusterScope": cluster}

    objects: dict[str, Obj] = {
        "a": {"metadata": {"name": "a"}, "spec": {"templates": [ref("b"), ref("c", cluster=True)]}},
        "b": {"metadata": {"name": "b"}, "spec": {"templates": [ref("a")]}},
        "c": {"metadata": {"name": "c"}, "spec": {}},
    }

    own, cluster = collect_templates(
        [ref("a"), ref("b")], template=objects.__getitem__, cluster_template=objects.__getitem__
    )

    assert [obj["metadata"]["name"] for obj in own] == ["a", "b"]
    assert [obj["metadata"]["name"] for obj in cluster] == ["c"]


def test_two_runs_are_the_same_when_they_measure_the_same() -> None:
    left, right = run_of(template("foo")), run_of(template("foo"))
    right["metadata"]["name"] = "other"
    right["spec"]["terminate"] = True

    assert same_run(left, right)
    assert not same_run(left, run_of(template("bar")))
