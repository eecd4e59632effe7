"""The three hangs of the Silent Canary are explained to the letter, with what to do about each."""

from __future__ import annotations

import pytest

from canarium.kube.objects import Obj, ObjectKey
from canarium.kube.resources import EVENTS, PODS, SERVICES
from canarium.lab.explain.explanation import Explanation
from canarium.lab.explain.rollout import Around, explain_rollout, rollout_sentence
from canarium.rollouts.kinds import ANALYSIS_TEMPLATES
from canarium.rollouts.reconciler import RolloutSight
from tests.acceptance.lab import NAME, PROD, STAGING
from tests.lab.explain.stories import FixedListers, chapter

in_both = pytest.mark.parametrize("namespace", [STAGING, PROD])

ABORTED = (
    "The canary of revision 2 (stefanprodan/podinfo:6.9.3) was aborted at step 2 of 5; "
    "revision 1 (stefanprodan/podinfo:6.8.0) is stable."
)
COMMENTS = "Metric ready-containers needs a look too: its query has nothing but comments."


def around(listers: FixedListers, namespace: str) -> Around:
    """What else is known of the chapter."""
    return Around(
        pods=listers(PODS).list(namespace),
        events=lambda: listers(EVENTS).list(namespace),
        services=lambda: listers(SERVICES).list(),
    )


def explained(listers: FixedListers, namespace: str) -> Explanation:
    """Why the Rollout of an environment is where it is."""
    observed = RolloutSight(listers).look(ObjectKey(namespace, NAME))
    assert observed is not None
    return explain_rollout(observed, listers.clock.now(), around(listers, namespace))


def sentence(listers: FixedListers, namespace: str) -> str:
    """The one sentence of a row."""
    observed = RolloutSight(listers).look(ObjectKey(namespace, NAME))
    assert observed is not None
    return rollout_sentence(observed, listers.clock.now(), around(listers, namespace))


def retry(namespace: str) -> str:
    """The command that tries again."""
    return f"kubectl argo rollouts retry rollout {NAME} -n {namespace}"


@in_both
def test_a_host_that_does_not_exist_is_named_with_the_service_that_does(namespace: str) -> None:
    """First hang: the address of Prometheus."""
    why = explained(chapter(1), namespace)

    assert why.tone == "bad"
    assert why.lines == (
        ABORTED,
        "AnalysisRun echo-server-5478f49d8b-2-1 ended Error: metric container-restarts could not be measured: "
        "no such host prom-server.prometheus.svc.cluster.local.",
        "There is no Service prom-server in namespace prometheus; "
        "there is prometheus-server.prometheus.svc.cluster.local, with port 80.",
    )
    assert why.next_step == (
        "Set spec.metrics[0].provider.prometheus.address of AnalysisTemplate echo-analysis to "
        f"http://prometheus-server.prometheus.svc.cluster.local, commit, push, and retry. {COMMENTS}"
    )
    assert why.commands == ("kubectl get service -n prometheus", retry(namespace))
    assert [(fact.kind, fact.about.part) for fact in why.evidence if fact.about and fact.kind == "measurement"] == [
        ("measurement", "container-restarts"),
        ("measurement", "ready-containers"),
    ]
    assert "RolloutAborted" in why.reasons


@in_both
def test_a_condition_that_is_likely_inverted_is_told_as_likely(namespace: str) -> None:
    """Second hang: no restarts counts as a failure."""
    why = explained(chapter(2), namespace)

    assert why.lines == (
        ABORTED,
        "AnalysisRun echo-server-5478f49d8b-2-1.1 ended Failed: metric container-restarts failed: the result was [0], "
        "which does not meet the success condition `result[0] > 0`.",
        "The canary's pods were available then, and 0 restarts is as good as it gets: "
        "the condition is likely the wrong way round.",
    )
    assert why.next_step == (
        "Turn spec.metrics[0].successCondition of AnalysisTemplate echo-analysis round, to `result[0] <= 0` for "
        f"example, commit, push, and retry. {COMMENTS}"
    )
    assert why.commands == (retry(namespace),)


@in_both
def test_a_query_of_comments_is_recognised(namespace: str) -> None:
    """Third hang: the query was never written."""
    why = explained(chapter(3), namespace)

    assert why.lines == (
        ABORTED,
        "AnalysisRun echo-server-5478f49d8b-2-1.2 ended Error: metric ready-containers could not be measured: "
        "its query has nothing but comments.",
        'Prometheus answered: bad_data: invalid parameter "query": 1:1: parse error: no expression found in input.',
    )
    assert why.next_step == (
        "Write the query in spec.metrics[1].provider.prometheus.query of AnalysisTemplate echo-analysis, "
        "commit, push, and retry."
    )


@pytest.mark.parametrize(
    ("number", "namespace", "line"),
    [
        (0, STAGING, "Its pod runs stefanprodan/podinfo:6.8.0; revision 1 is stable."),
        (0, PROD, "All 4 pods run stefanprodan/podinfo:6.8.0; revision 1 is stable."),
        (5, PROD, "All 4 pods run stefanprodan/podinfo:6.9.3; revision 2 is stable."),
    ],
)
def test_what_is_well_is_told_in_one_line(number: int, namespace: str, line: str) -> None:
    """Before the first hang, and after the last."""
    listers = chapter(number)

    why = explained(listers, namespace)

    assert (why.tone, why.lines, why.next_step) == ("good", (line,), "")
    assert sentence(listers, namespace) == ""


def test_a_row_tells_the_cause_and_not_that_it_was_aborted() -> None:
    """The phase is beside it already."""
    assert sentence(chapter(3), STAGING) == (
        "AnalysisRun echo-server-5478f49d8b-2-1.2 ended Error: metric ready-containers could not be measured: "
        "its query has nothing but comments."
    )


def test_a_template_that_was_mended_since_asks_for_a_retry() -> None:
    """The run that failed is of the template as it was."""
    listers = chapter(1)

    def mend(template: Obj) -> None:
        prometheus = template["spec"]["metrics"][0]["provider"]["prometheus"]
        prometheus["address"] = "http://prometheus-server.prometheus.svc.cluster.local"

    listers.edit(ANALYSIS_TEMPLATES, STAGING, "echo-analysis", mend)
    why = explained(listers, STAGING)

    assert why.next_step == (
        f"AnalysisTemplate echo-analysis was changed since (provider.prometheus.address): retry. {COMMENTS}"
    )
    assert retry(STAGING) in why.commands


def test_without_a_service_that_looks_alike_none_is_proposed() -> None:
    """A guess that is not near helps nobody."""
    listers = chapter(1)
    listers.objects[SERVICES].objects = [
        one for one in listers(SERVICES).list() if one["metadata"]["namespace"] != "prometheus"
    ]

    why = explained(listers, STAGING)

    assert why.lines[2] == "There is no Service prom-server in namespace prometheus."
    assert why.next_step.startswith(
        "Set spec.metrics[0].provider.prometheus.address of AnalysisTemplate echo-analysis to where Prometheus is, "
    )
