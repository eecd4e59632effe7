"""Git, drift and what people do to a Rollout in the middle of it: the whole house at work, in virtual time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from canarium.gitops.kinds import APPLICATIONS
from canarium.kube.objects import annotations_of
from canarium.kube.resources import NAMESPACES, PODS, REPLICA_SETS, SERVICES
from canarium.lab.examples import MANIFESTS
from canarium.rollouts import commands
from canarium.rollouts.kinds import ANALYSIS_RUNS, ANALYSIS_TEMPLATES, ROLLOUTS
from tests.acceptance.lab import (
    BASE_FILE,
    NAME,
    NEW,
    OLD,
    PROD,
    PROD_FILE,
    ROLLOUT_FILE,
    STAGING,
    STAGING_FILE,
    Lab,
    in_lab,
)

HELD = {"        - setWeight: 66\n": "        - pause: {}\n        - setWeight: 66\n"}
"""A pause after the first analysis, for people to come in between."""
POLL = timedelta(minutes=3)


async def deploy_and_hold(lab: Lab) -> None:
    """6.8.0 is stable; 6.9.3 waits in a pause at 33 % in both environments."""
    lab.edit(ROLLOUT_FILE, HELD)
    await lab.deploy()
    await lab.update()
    for namespace in (STAGING, PROD):
        await lab.until_phase("Paused", namespace, step=2)


# git


def test_git_is_polled_within_three_minutes(tmp_path: Path) -> None:
    """Nobody asks for a refresh, and what was pushed arrives nevertheless."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        sha = lab.push_version()

        await lab.until_synced(sha, within=POLL)
        rollout = await lab.until_phase("Healthy", PROD)

        assert rollout["spec"]["template"]["spec"]["containers"][0]["image"] == "stefanprodan/podinfo:6.9.3"

    in_lab(tmp_path, scenario)


def test_a_refresh_has_git_looked_at_now(tmp_path: Path) -> None:
    """The annotation is taken off once it was heeded, and the other Application waits for its own poll."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        sha = lab.push_version()

        await lab.refresh("echo-server-staging")
        await lab.until_synced(sha, "staging", within=timedelta(seconds=5))

        assert "argocd.argoproj.io/refresh" not in annotations_of(lab.app("staging"))
        assert lab.app("prod")["status"]["sync"]["revision"] != sha

    in_lab(tmp_path, scenario)


def test_a_folder_added_under_overlays_becomes_an_environment(tmp_path: Path) -> None:
    """Application, namespace and Rollout come by themselves; with the folder goes what it brought."""
    qa_file = f"{MANIFESTS}/overlays/qa/kustomization.yaml"

    async def scenario(lab: Lab) -> None:
        await lab.deploy()

        lab.push({qa_file: lab.copy.read(STAGING_FILE).replace(STAGING, "echo-qa")})
        await lab.until(lambda: "echo-server-qa" in lab.names(APPLICATIONS, "argocd"), "an Application", POLL)
        await lab.until_phase("Healthy", "echo-qa")

        assert lab.find(NAMESPACES, "", "echo-qa")
        assert lab.pods("echo-qa") == {OLD: 1}
        assert await lab.version("echo-qa") == "6.8.0"

        lab.push(remove=(qa_file,))
        await lab.refresh_appset()
        await lab.until(lambda: not lab.names(ROLLOUTS, "echo-qa"), "the Rollout going")
        await lab.until(lambda: not lab.names(PODS, "echo-qa"), "the pods going")

        await lab.until(lambda: "echo-server-qa" not in lab.names(APPLICATIONS, "argocd"), "the Application going")

        assert lab.names(SERVICES, "echo-qa") == []
        assert lab.find(NAMESPACES, "", "echo-qa"), "Argo CD leaves a namespace that it made for a sync"
        assert lab.pods(STAGING) == {OLD: 1}

    in_lab(tmp_path, scenario)


def test_a_manifest_removed_from_git_is_pruned(tmp_path: Path) -> None:
    """Only that; what stays in git stays as it is."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        before = lab.rollout(PROD)["metadata"]

        lab.edit(BASE_FILE, {"  - service.yaml\n": ""})
        await lab.refresh()
        await lab.until(lambda: not lab.names(SERVICES, STAGING) and not lab.names(SERVICES, PROD), "the prune")
        await lab.until_synced(lab.copy.head or "")

        assert lab.rollout(PROD)["metadata"]["uid"] == before["uid"]
        assert lab.rollout(PROD)["metadata"]["generation"] == before["generation"]
        assert lab.names(ANALYSIS_TEMPLATES, PROD) == ["echo-analysis"]

    in_lab(tmp_path, scenario)


# drift


def test_drift_made_by_hand_is_healed(tmp_path: Path) -> None:
    """Whatever git says is put back: fields, and whole objects."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()

        await lab.patch(ROLLOUTS, STAGING, NAME, {"spec": {"replicas": 3}})
        await lab.until(lambda: lab.rollout()["spec"]["replicas"] == 1, "the replicas being healed")
        await lab.until(lambda: lab.pods() == {OLD: 1}, "the extra pods going")

        await lab.patch(SERVICES, STAGING, NAME, {"spec": {"selector": {"app": "nobody"}}})
        await lab.until(
            lambda: lab.find(SERVICES, STAGING, NAME)["spec"]["selector"] == {"app": NAME}, "the selector being healed"
        )
        await lab.world.sleep(1)  # the endpoints follow
        assert await lab.version() == "6.8.0"

        template = lab.find(ANALYSIS_TEMPLATES, STAGING, "echo-analysis")
        await lab.world.cluster.delete(ANALYSIS_TEMPLATES, STAGING, "echo-analysis")
        await lab.until(lambda: lab.names(ANALYSIS_TEMPLATES, STAGING) or None, "the template coming back")
        assert lab.find(ANALYSIS_TEMPLATES, STAGING, "echo-analysis")["spec"] == template["spec"]

        assert lab.names(ANALYSIS_RUNS, STAGING) == [], "none of this was an update"
        assert lab.names(REPLICA_SETS, STAGING) == [f"{NAME}-{OLD}"]

    in_lab(tmp_path, scenario)


def test_an_image_set_by_hand_is_set_back_before_it_goes_far(tmp_path: Path) -> None:
    """Self-heal meets the canary in mid-flight: going back to stable needs no steps."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()

        await lab.send(commands.set_image(lab.rollout(PROD), "*", "stefanprodan/podinfo:6.9.3"))
        await lab.until(lambda: f"{NAME}-{NEW}" in lab.names(REPLICA_SETS, PROD), "the canary coming into being")
        rollout = await lab.until_phase("Healthy", PROD)
        await lab.until(lambda: lab.pods(PROD) == {OLD: 4}, "the canary's pods going")

        assert rollout["status"]["stableRS"] == rollout["status"]["currentPodHash"] == OLD

    in_lab(tmp_path, scenario)


def test_what_git_does_not_speak_of_is_left_alone(tmp_path: Path) -> None:
    """A pause and a note made by hand are no drift."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()

        await lab.send(commands.pause(lab.rollout()))
        note = {"metadata": {"annotations": {"example.com/asked-by": "ada"}}}
        await lab.patch(SERVICES, STAGING, NAME, note)
        await lab.world.sleep(POLL.total_seconds() + 10)

        assert lab.rollout()["spec"]["paused"] is True
        assert annotations_of(lab.find(SERVICES, STAGING, NAME))["example.com/asked-by"] == "ada"
        assert "echo-server-staging" in lab.apps("Synced", "Suspended")

    in_lab(tmp_path, scenario)


# in mid-flight


def test_a_newer_revision_takes_over_from_a_canary_in_mid_flight(tmp_path: Path) -> None:
    """It starts from the first step; stable stays what it was until the newest is through."""

    async def scenario(lab: Lab) -> None:
        await deploy_and_hold(lab)
        assert lab.pods(PROD) == {OLD: 3, NEW: 2}

        await lab.update("6.9.4", before="6.9.3")
        rollout = await lab.until_phase("Paused", PROD, step=2)
        newest = rollout["status"]["currentPodHash"]
        await lab.until(lambda: lab.pods(PROD) == {OLD: 3, newest: 2}, "the middle revision going")

        assert newest not in (OLD, NEW)
        assert rollout["status"]["stableRS"] == OLD
        assert lab.image(newest, PROD) == "stefanprodan/podinfo:6.9.4"
        assert f"{NAME}-{newest}-3-1" in lab.names(ANALYSIS_RUNS, PROD)

        await lab.send(commands.promote(rollout))
        rollout = await lab.until_phase("Healthy", PROD)

        assert rollout["status"]["stableRS"] == newest
        assert await lab.version(PROD) == "6.9.4"

    in_lab(tmp_path, scenario)


def test_a_revert_in_git_goes_back_to_stable_at_once(tmp_path: Path) -> None:
    """No step is needed towards what runs already."""

    async def scenario(lab: Lab) -> None:
        await deploy_and_hold(lab)

        await lab.update("6.8.0", before="6.9.3")
        rollout = await lab.until_phase("Healthy", PROD)
        await lab.until(lambda: lab.pods(PROD) == {OLD: 4}, "the canary's pods going")

        assert rollout["status"]["stableRS"] == rollout["status"]["currentPodHash"] == OLD
        assert lab.names(ANALYSIS_RUNS, PROD) == [f"{NAME}-{NEW}-2-1"]

    in_lab(tmp_path, scenario)


def test_scaling_in_mid_flight_keeps_the_weight(tmp_path: Path) -> None:
    """More replicas in git are no new revision: both sides grow, and the canary stays where it is."""

    async def scenario(lab: Lab) -> None:
        await deploy_and_hold(lab)

        sha = lab.edit(PROD_FILE, {"value: 4": "value: 9"})
        await lab.refresh()
        await lab.until_synced(sha)
        await lab.until(lambda: lab.pods(PROD) == {OLD: 6, NEW: 3}, "nine pods, a third of them canary")
        rollout = await lab.until_phase("Paused", PROD, step=2)

        assert rollout["status"]["currentPodHash"] == NEW
        assert lab.names(ANALYSIS_RUNS, PROD) == [f"{NAME}-{NEW}-2-1"]

        await lab.send(commands.promote(rollout))
        await lab.until_phase("Healthy", PROD)
        assert lab.pods(PROD) == {NEW: 9}

    in_lab(tmp_path, scenario)


# what people do


def test_promote_ends_a_pause(tmp_path: Path) -> None:
    """The canary goes on with the next step; the other environment waits on."""

    async def scenario(lab: Lab) -> None:
        await deploy_and_hold(lab)

        await lab.send(commands.promote(lab.rollout(STAGING)))
        await lab.until_phase("Healthy", STAGING)

        assert lab.pods(STAGING) == {NEW: 1}
        assert lab.names(ANALYSIS_RUNS, STAGING) == [f"{NAME}-{NEW}-2-1", f"{NAME}-{NEW}-2-4"]
        assert lab.rollout(PROD)["status"]["phase"] == "Paused"

    in_lab(tmp_path, scenario)


def test_promote_full_skips_the_analyses_that_are_left(tmp_path: Path) -> None:
    """Straight to the new version, in all replicas."""

    async def scenario(lab: Lab) -> None:
        await deploy_and_hold(lab)

        await lab.send(commands.promote_full(lab.rollout(PROD)))
        rollout = await lab.until_phase("Healthy", PROD)

        assert rollout["status"]["stableRS"] == NEW
        assert "promoteFull" not in rollout["status"]
        assert lab.pods(PROD) == {NEW: 4}
        assert lab.names(ANALYSIS_RUNS, PROD) == [f"{NAME}-{NEW}-2-1"]

    in_lab(tmp_path, scenario)


def test_abort_returns_to_stable_and_retry_begins_again(tmp_path: Path) -> None:
    """Git still asks for 6.9.3, so the Rollout is Degraded until somebody retries."""

    async def scenario(lab: Lab) -> None:
        await deploy_and_hold(lab)

        await lab.send(commands.abort(lab.rollout(PROD)))
        rollout = await lab.until_phase("Degraded", PROD)
        await lab.until(lambda: lab.pods(PROD) == {OLD: 4}, "the canary's pods going")
        await lab.until(lambda: "echo-server-prod" in lab.apps("Synced", "Degraded"), "Argo CD seeing it")
        await lab.world.sleep(1)  # the Service follows its endpoints a little later

        assert rollout["status"]["message"] == "RolloutAborted: Rollout aborted update to revision 2"
        assert await lab.version(PROD) == "6.8.0"

        await lab.send(commands.retry(lab.rollout(PROD)))
        await lab.until_phase("Paused", PROD, step=2)
        assert lab.pods(PROD) == {OLD: 3, NEW: 2}
        assert lab.names(ANALYSIS_RUNS, PROD) == [f"{NAME}-{NEW}-2-1", f"{NAME}-{NEW}-2-1.1"]

    in_lab(tmp_path, scenario)


def test_a_paused_rollout_waits_with_an_update(tmp_path: Path) -> None:
    """spec.paused holds whatever comes from git; lifting it lets it begin."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        await lab.send(commands.pause(lab.rollout()))

        await lab.update()
        rollout = await lab.until_phase("Paused")
        await lab.world.sleep(60)
        assert lab.pods() == {OLD: 1}
        assert rollout["status"]["stableRS"] == OLD
        assert rollout["status"]["message"] == "manually paused"

        await lab.send(commands.resume(lab.rollout()))
        await lab.until_phase("Healthy")
        assert lab.pods() == {NEW: 1}

    in_lab(tmp_path, scenario)


def test_undo_lasts_until_self_heal_looks(tmp_path: Path) -> None:
    """With self-heal git wins over `undo`; without it, undo is an update of its own, with the old ReplicaSet."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        await lab.update()
        await lab.until_phase("Healthy", STAGING)

        await lab.send(commands.undo(lab.rollout(), lab.world.all(REPLICA_SETS, STAGING)))
        assert lab.rollout()["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":6.8.0")
        await lab.until(lambda: lab.rollout()["metadata"]["generation"] >= 4, "git winning")
        rollout = await lab.until_phase("Healthy", STAGING)
        assert rollout["status"]["stableRS"] == NEW

        await lab.apply_appset({"selfHeal: true": "selfHeal: false"})
        await lab.until(lambda: not lab.app()["spec"]["syncPolicy"]["automated"].get("selfHeal"), "self-heal being off")
        await lab.send(commands.undo(lab.rollout(), lab.world.all(REPLICA_SETS, STAGING)))
        await lab.until(lambda: lab.rollout()["status"]["currentPodHash"] == OLD, "the undo being seen")
        rollout = await lab.until_phase("Healthy", STAGING)

        assert rollout["status"]["stableRS"] == OLD
        assert await lab.version() == "6.8.0"
        await lab.until(lambda: "echo-server-staging" in lab.apps("OutOfSync", "Healthy"), "Argo CD seeing it")

    in_lab(tmp_path, scenario)


def test_restart_replaces_every_pod(tmp_path: Path) -> None:
    """`restart` is no update: the same ReplicaSet, new pods, never fewer than the promise."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        before = set(lab.names(PODS, PROD))

        await lab.send(commands.restart(lab.rollout(PROD), lab.clock.now()))
        await lab.until(lambda: not before & set(lab.names(PODS, PROD)), "all pods being replaced")
        await lab.until_phase("Healthy", PROD)

        assert lab.pods(PROD) == {OLD: 4}
        assert lab.names(REPLICA_SETS, PROD) == [f"{NAME}-{OLD}"]

    in_lab(tmp_path, scenario)
