"""One Rollout on its page, from a world in which it hangs and goes on, and from plain objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.objects import Obj
from canarium.kube.resources import EVENTS, PODS, REPLICA_SETS
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from canarium.web.history import RolloutHistory
from canarium.web.model import Why
from canarium.web.views.rollout import RolloutValue
from canarium.web.views.rollout_actions import READ_ONLY
from canarium.web.views.timeline import TimelineValue
from tests.acceptance.lab import NAME, STAGING, Lab, in_lab
from tests.web.views.objects import START, Shelves, Still, event, pod, replica_set, rollout


def test_a_canary_that_fails_its_analysis_is_told_from_the_first_pod_to_the_abort(tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        listers = lab.world.listers
        history = RolloutHistory(listers, lab.clock)
        value = RolloutValue(listers, lab.clock, STAGING, NAME)
        timeline = TimelineValue(listers, lab.clock, history, STAGING, NAME)
        await lab.deploy(mended=False)
        await lab.update()
        await lab.until_phase("Progressing", step=0)
        await lab.world.sleep(1)

        under_way = value.value()

        assert under_way is not None
        assert [step.state for step in under_way.track] == ["current", "next", "next", "next", "next"]
        assert (under_way.row.set_weight, under_way.row.actual_weight) == (33, 0)
        assert under_way.application == "argocd/echo-server-staging"
        assert under_way.row.replica_sets[0].tags == ("canary",)
        assert not under_way.is_aborted

        await lab.until_phase("Degraded")
        await lab.world.sleep(5)
        aborted = value.value()
        history_told = timeline.value()

        assert aborted is not None
        assert aborted.is_aborted
        assert (aborted.track[1].run, aborted.track[1].run_phase) == ("echo-server-5478f49d8b-2-1", "Error")
        assert "current" not in [step.state for step in aborted.track]
        assert aborted.why.tone == "bad"
        assert aborted.why.lines[0].startswith("Degraded: RolloutAborted")
        assert [(one.revision, one.can_roll_back) for one in aborted.revisions] == [(2, False), (1, True)]
        assert [(run.label, run.phase, run.kind) for run in aborted.revisions[0].runs] == [
            ("Analysis 2-1", "Error", "Step")
        ]
        retry = next(one for one in aborted.actions if one.name == "retry")
        assert retry.refused == ""
        assert "podinfo:6.9.3 (5478f49d8b) begins again at step 1 of 5: setWeight 33 %" in retry.consequence
        assert {one.about.split("/")[0] for one in aborted.events} >= {"Rollout", "ReplicaSet", "AnalysisRun"}
        assert history_told is not None
        assert history_told.points[-1].phase == "Degraded"
        assert {mark.phase for mark in history_told.marks if mark.kind == "measurement"} == {"Error"}

    in_lab(tmp_path, scenario)


def shown(listers: Shelves, **more: Any) -> RolloutValue:
    return RolloutValue(listers, Still(), "web", "shop", **more)


def test_a_pause_without_an_end_is_shown_with_its_beginning() -> None:
    listers = Shelves()
    listers.put(ROLLOUTS, rollout(phase="Paused", pauseConditions=[{"reason": "CanaryPauseStep", "startTime": START}]))

    detail = shown(listers, is_read_only=True).value()

    assert detail is not None
    assert (detail.paused_since, detail.row.since) == (START, START)
    assert detail.track[1].ends == ""
    assert {one.refused for one in detail.actions} == {READ_ONLY}
    assert [(one.name, one.image, one.is_init) for one in detail.containers] == [("shop", "repo/shop:2", False)]
    assert (detail.why.tone, detail.why.lines) == ("attention", ("Paused: waiting",))


def test_the_explanation_is_the_one_that_is_handed_in() -> None:
    listers = Shelves()
    listers.put(ROLLOUTS, rollout())
    told = Why(tone="waiting", lines=("Two of two.",), evidence=(), next_step="", commands=(), reasons=())

    detail = shown(
        listers,
        why=lambda namespace, name: told if (namespace, name) == ("web", "shop") else None,
        sentence=lambda obj: f"{obj['metadata']['name']} waits.",
    ).value()

    assert detail is not None
    assert detail.why == told
    assert detail.row.why == "shop waits."


def tracked(**annotations: str) -> Obj:
    made = rollout()
    made["metadata"]["annotations"].update(annotations)
    return made


def test_the_application_that_tracks_it_is_found_by_annotation_or_label() -> None:
    app = {"metadata": {"name": "app", "namespace": "argocd", "uid": "a"}, "spec": {}}
    listers = Shelves()
    value = shown(listers)
    listers.put(ROLLOUTS, tracked(**{"argocd.argoproj.io/tracking-id": "app:argoproj.io/Rollout:web/shop"}))

    assert getattr(value.value(), "application", None) == ""
    assert value.is_concerned(APPLICATIONS, app)

    listers.put(APPLICATIONS, app)
    assert getattr(value.value(), "application", None) == "argocd/app"

    labelled = rollout()
    labelled["metadata"]["labels"] = {"app.kubernetes.io/instance": "app"}
    listers.put(ROLLOUTS, labelled)
    assert getattr(value.value(), "application", None) == "argocd/app"

    copied = tracked(**{"argocd.argoproj.io/tracking-id": "app:apps/Deployment:web/other"})
    listers.put(ROLLOUTS, copied)
    assert getattr(value.value(), "application", None) == ""


def test_only_what_is_of_this_rollout_concerns_it() -> None:
    listers = Shelves()
    listers.put(ROLLOUTS, rollout())
    ours, theirs = replica_set("shop", "bbb", 2, "i", 1), replica_set("other", "ccc", 1, "i", 1)
    listers.put(REPLICA_SETS, ours, theirs)
    mine = pod("shop-bbb", "p")
    listers.put(PODS, mine)
    value = shown(listers)

    assert value.is_concerned(ROLLOUTS, rollout())
    assert value.is_concerned(REPLICA_SETS, ours)
    assert value.is_concerned(PODS, mine)
    assert value.is_concerned(EVENTS, event(mine, "Pulled", ""))
    assert value.is_concerned(EVENTS, event(rollout(), "RolloutPaused", ""))
    assert not value.is_concerned(ROLLOUTS, rollout("other"))
    assert not value.is_concerned(REPLICA_SETS, theirs)
    assert not value.is_concerned(PODS, pod("other-ccc", "q"))
    assert not value.is_concerned(EVENTS, event(rollout("other"), "RolloutPaused", ""))
    assert not value.is_concerned(ANALYSIS_RUNS, {"metadata": {"name": "r", "namespace": "elsewhere"}})


def test_a_rollout_that_is_gone_is_none() -> None:
    assert shown(Shelves()).value() is None
