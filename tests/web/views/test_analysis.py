"""An AnalysisRun on the page: what was asked, what came back, what became of it, and where evidence leads."""

from __future__ import annotations

import pytest

from canarium.kube.objects import Obj
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.web.model import AnalysisDetail, MetricResult, Requirement, Threshold
from canarium.web.views.analysis import AnalysisValue, numbers_of
from canarium.web.views.explained import analysis_why, rollout_sentence, rollout_why
from tests.acceptance.lab import NAME, STAGING
from tests.lab.explain.stories import FixedListers, chapter

RUN = "echo-server-5478f49d8b-2-1.2"
PAGE = f"/rollouts/{STAGING}/{NAME}/analysis/{RUN}"


def detail(listers: FixedListers, name: str = RUN) -> AnalysisDetail:
    """A run as the page gets it."""
    found = AnalysisValue(listers, listers.clock, STAGING, name).value()
    assert found is not None
    return found


def metrics(found: AnalysisDetail) -> dict[str, MetricResult]:
    """Its metrics by name."""
    return {metric.name: metric for metric in found.metrics}


def test_a_run_tells_whose_it_is_and_when_it_was() -> None:
    """Label, rollout, revision and kind follow from name, owner and labels."""
    found = detail(chapter(3))

    assert (found.label, found.rollout, found.revision, found.kind) == ("Analysis 2-1.2", NAME, 2, "Step")
    assert (found.phase, found.args) == ("Error", (("namespace", STAGING),))
    assert found.started
    assert found.completed


def test_a_query_is_shown_as_it_was_sent() -> None:
    """Arguments are filled in."""
    query = metrics(detail(chapter(3)))["container-restarts"].query

    assert f'namespace="{STAGING}"' in query
    assert "{{" not in query


def test_a_query_of_comments_is_told_as_such() -> None:
    """No error has to be read for that."""
    metric = metrics(detail(chapter(3)))["ready-containers"]

    assert metric.query_problem == "The query has nothing but comments, so there is no expression to evaluate."
    assert (metric.phase, metric.saw, metric.told) == ("Error", "", "")
    assert metric.measurements[0].message.endswith("no expression found in input")
    assert Requirement(says="no errors: 1 now", state="broken") in metric.requirements


def test_a_metric_tells_the_value_that_its_condition_saw() -> None:
    """With what the condition made of it, its threshold and its requirements."""
    metric = metrics(detail(chapter(2), "echo-server-5478f49d8b-2-1.1"))["container-restarts"]

    assert metric.saw == "[0]"
    assert metric.told == "The result was [0], which does not meet the success condition `result[0] > 0`."
    assert metric.measurements[0].numbers == (0.0,)
    assert metric.thresholds == (Threshold(condition="success", operator=">", value=0.0, index=0),)
    assert metric.query_problem == ""
    assert metric.requirements == (
        Requirement(says="measured once: 1 so far", state="met"),
        Requirement(says="no failed measurements: 1 so far", state="broken"),
        Requirement(says="no inconclusive measurements: none so far", state="met"),
        Requirement(says="no errors: none now", state="met"),
    )


def test_secrets_are_not_shown() -> None:
    """Neither as an argument nor in what is asked."""
    listers = chapter(3)

    def hide(run: Obj) -> None:
        ref = {"secretKeyRef": {"name": "token", "key": "token"}}
        run["spec"]["args"].append({"name": "token", "valueFrom": ref})
        run["spec"]["metrics"][0]["provider"] = {"web": {"url": "http://x/?token={{args.token}}"}}

    listers.edit(ANALYSIS_RUNS, STAGING, RUN, hide)
    found = detail(listers)

    assert ("token", "*****") in found.args
    assert metrics(found)["container-restarts"].query == "http://x/?token=*****"


def test_an_argument_without_a_value_is_a_problem_of_the_query() -> None:
    """The query is shown as it is written."""
    listers = chapter(3)

    def lose(run: Obj) -> None:
        run["spec"]["args"] = []

    listers.edit(ANALYSIS_RUNS, STAGING, RUN, lose)
    metric = metrics(detail(listers))["container-restarts"]

    assert metric.query_problem == "The arguments cannot be filled in: failed to resolve {{args.namespace}}."
    assert "{{args.namespace}}" in metric.query


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("[0.97]", (0.97,)),
        ("[1,NaN,+Inf,2.5e+06]", (1.0, None, None, 2.5e6)),
        ("0.5", (0.5,)),
        ("NaN", (None,)),
        ('"12.5"', (12.5,)),
        ("[]", ()),
        ("", ()),
        ("null", (None,)),
        ('{"a": 1}', ()),
        ('["NaN", true, {"a": 1}]', (None, None, None)),
        ("true", ()),
        ("some text", ()),
    ],
)
def test_numbers_are_read_from_any_value(value: str, numbers: tuple[float | None, ...]) -> None:
    """What is no number leaves a gap."""
    assert numbers_of(value) == numbers


def test_a_run_that_is_gone_has_no_page() -> None:
    """None, and no error."""
    listers = chapter(3)

    assert AnalysisValue(listers, listers.clock, STAGING, "gone").value() is None
    assert rollout_why(listers, listers.clock, STAGING, "gone") is None


def test_evidence_leads_to_the_pages_that_show_it() -> None:
    """The measurement to its metric, the template to its Application, the condition to the rollout."""
    listers = chapter(3)

    why = rollout_why(listers, listers.clock, STAGING, NAME)

    assert why is not None
    assert [(fact.kind, fact.href) for fact in why.evidence] == [
        ("measurement", f"{PAGE}?metric=ready-containers"),
        (
            "object",
            "/applications/argocd/echo-server-staging?resource="
            "argoproj.io%2FAnalysisTemplate%2Fecho-staging%2Fecho-analysis",
        ),
        ("condition", f"/rollouts/{STAGING}/{NAME}"),
    ]


def test_a_run_is_explained_like_its_rollout() -> None:
    """The page of the run says the same."""
    listers = chapter(3)
    run = listers(ANALYSIS_RUNS).get(STAGING, RUN)
    assert run is not None

    why = analysis_why(run, listers, listers.clock)

    of_rollout = rollout_why(listers, listers.clock, STAGING, NAME)
    assert of_rollout is not None
    assert why.lines == of_rollout.lines[1:]
    assert why.next_step == of_rollout.next_step
    assert detail(listers).why == why


def test_rows_have_a_sentence_only_when_there_is_something_to_tell() -> None:
    """Healthy rollouts are quiet."""
    hung, well = chapter(1), chapter(5)

    [in_trouble, *_] = (rollout_sentence(hung, hung.clock)(one) for one in rollouts_of(hung))
    quiet = [rollout_sentence(well, well.clock)(one) for one in rollouts_of(well)]

    assert in_trouble.endswith("no such host prom-server.prometheus.svc.cluster.local.")
    assert quiet == ["", ""]


def rollouts_of(listers: FixedListers) -> list[Obj]:
    """All Rollouts."""
    return list(listers(ROLLOUTS).list())
