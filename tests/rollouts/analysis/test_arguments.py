"""`{{args.x}}` in metrics. Known answers: Argo Rollouts' utils/template and utils/analysis tests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canarium.kube.objects import Obj
from canarium.rollouts.analysis.arguments import UnresolvedArgument, resolve_metric, with_placeholders

PROVIDER = {"prometheus": {"query": "up"}}


def resolved(text: str, **args: str) -> str:
    given_args = [{"name": name.replace("_", "-"), "value": value} for name, value in args.items()]
    return str(
        resolve_metric({"name": "m", "successCondition": text, "provider": PROVIDER}, given_args)["successCondition"]
    )


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("test", {}, "test"),
        ("test-{{args.var}}", {"var": "foo"}, "test-foo"),
        ("test-{{ args.var }}", {"var": "foo"}, "test-foo"),
        ("result > {{args.metric-name}}", {"metric_name": "0.9"}, "result > 0.9"),
        ("{{args.var}}", {"var": 'double quotes"newline\nand tab\t\\'}, 'double quotes"newline\nand tab\t\\'),
        ("{{args.a}}{{args.b}}", {"a": "{{args.b}}", "b": "x"}, "{{args.b}}x"),
        ("a < b && c > d", {}, "a < b && c > d"),
        ("a < {{args.a}} && c", {"a": "<&>"}, "a < <&> && c"),
        ('pod=~"x-.*" {{args.a}}', {"a": "y"}, 'pod=~"x-.*" y'),
    ],
)
def test_arguments_are_filled_in(text: str, args: dict[str, str], expected: str) -> None:
    assert resolved(text, **args) == expected


def test_an_unknown_argument_is_named_as_it_was_written() -> None:
    with pytest.raises(UnresolvedArgument) as caught:
        resolved("{{ args.nope }}")

    assert caught.value.problem == "failed to resolve {{ args.nope }}"
    assert "named nope" in caught.value.next_step


def test_an_argument_without_value_spoils_every_substitution() -> None:
    """Even one that nobody uses, as upstream has it."""
    with pytest.raises(UnresolvedArgument, match='argument "y" was not supplied'):
        resolve_metric({"name": "{{args.x}}"}, [{"name": "x", "value": "1"}, {"name": "y"}])


def test_an_argument_without_value_spoils_a_metric_without_any() -> None:
    with pytest.raises(UnresolvedArgument, match='argument "y" was not supplied'):
        resolve_metric({"name": "x"}, [{"name": "y"}])


def test_a_tag_that_is_never_closed_is_refused() -> None:
    with pytest.raises(UnresolvedArgument) as caught:
        resolve_metric({"name": "test-{{args.var"}, [])

    assert caught.value.problem.startswith('Cannot find end tag="}}" in the template="{\\"name\\":\\"test-{{args.var')


def test_a_stray_brace_runs_on_to_the_end_of_the_provider() -> None:
    """The template is the metric's JSON, and that is full of closing braces."""
    with pytest.raises(UnresolvedArgument) as caught:
        resolved("{{")

    assert caught.value.problem == (
        'failed to resolve {{","provider":{"prometheus":{"query":"up",'
        '"authentication":{"sigv4":{},"oauth2":{},"basicAuth":{}}'
    )


def test_a_control_character_cannot_be_an_argument() -> None:
    with pytest.raises(UnresolvedArgument, match="invalid character 'a' in string escape code"):
        resolved("{{args.a}}", a="\x07")


def test_secrets_have_stand_ins_while_rules_look_at_a_metric() -> None:
    args: list[Obj] = [
        {"name": "key", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "x", "value": "1"},
    ]

    assert with_placeholders(args) == [{"name": "key", "value": "temp-for-secret"}, {"name": "x", "value": "1"}]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0xFFFF), max_size=20))
def test_any_printable_value_arrives_unchanged(value: str) -> None:
    assert resolved("[{{args.a}}]", a=value) == f"[{value}]"
