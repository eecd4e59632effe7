"""What a Rollout is refused for, in the words of Argo Rollouts, with the path of the field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarium.kube.objects import Obj
from tests.rollouts.simulator import World, analysis, container, pause, rollout, set_weight, template

CANARY = "spec.strategy.canary"
STEP = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
STEP_FLAGS = "step.Experiment: {} step.Pause: {} step.SetWeight: {} step.Analysis: {}"


def with_spec(**spec: Any) -> Obj:
    made = rollout(steps=[set_weight(50)])
    made["spec"] = {key: value for key, value in (made["spec"] | spec).items() if value is not None}
    return made


CASES: dict[str, tuple[Obj, str]] = {
    "selector missing": (
        with_spec(selector=None),
        "spec.selector: Required value: Rollout has missing field '.spec.selector'",
    ),
    "selector empty": (
        with_spec(selector={}),
        "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    ),
    "selector does not match": (
        with_spec(selector={"matchLabels": {"app": "other"}}),
        'spec.template.metadata.labels: Invalid value: {"app":"shop"}: `selector` does not match template `labels`',
    ),
    "no containers": (
        with_spec(template={"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": []}}),
        "spec.template.spec.containers: Required value",
    ),
    "negative replicas": (
        with_spec(replicas=-1),
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    "deadline not after minReadySeconds": (
        with_spec(minReadySeconds=30, progressDeadlineSeconds=30),
        "spec.progressDeadlineSeconds: Invalid value: 30: must be greater than minReadySeconds",
    ),
    "an amount that is none": (
        with_spec(
            template={
                "metadata": {"labels": {"app": "shop"}},
                "spec": {"containers": [container("shop:1") | {"resources": {"limits": {"cpu": "lots"}}}]},
            }
        ),
        'spec.template.spec.containers[0].resources.limits.cpu: Invalid value: "lots": '
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    "no strategy": (
        with_spec(strategy={}),
        "spec.strategy.strategy: Required value: Rollout has missing field "
        "'.spec.strategy.canary or .spec.strategy.blueGreen'",
    ),
    "two strategies": (
        with_spec(strategy={"canary": {}, "blueGreen": {"activeService": "a"}}),
        'spec.strategy.strategy: Invalid value: "blueGreen: true canary: true": Multiple Strategies can not be listed',
    ),
    "no room to move": (
        rollout(canary={"maxSurge": 0, "maxUnavailable": "0%"}),
        f"{CANARY}.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero",
    ),
    "the same service twice": (
        rollout(canary={"canaryService": "shop", "stableService": "shop"}),
        f'{CANARY}.stableService: Invalid value: "shop": This rollout uses the same service for the stable and '
        "canary services, but two different services are required.",
    ),
    "a service that is not there": (
        rollout(canary={"canaryService": "shop"}),
        f'{CANARY}.canaryService: Invalid value: "shop": service "shop" not found',
    ),
    "scaleDownDelaySeconds": (
        rollout(canary={"scaleDownDelaySeconds": 5}),
        f"{CANARY}.scaleDownDelaySeconds: Invalid value: 5: "
        "Canary scaleDownDelaySeconds can only be used with traffic routing",
    ),
    "an empty step": (
        rollout(steps=[set_weight(50), {}]),
        f'{CANARY}.steps[1]: Invalid value: "{STEP_FLAGS.format("true", "true", "true", "true")} '
        f'step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true": {STEP}',
    ),
    "a step of two kinds": (
        rollout(steps=[set_weight(50) | pause()]),
        f'{CANARY}.steps[0]: Invalid value: "{STEP_FLAGS.format("false", "true", "true", "false")}": {STEP}',
    ),
    "too much weight": (
        rollout(steps=[set_weight(130)]),
        f"{CANARY}.steps[0].setWeight: Invalid value: 130: SetWeight needs to be between 0 and 100",
    ),
    "an unreadable duration": (
        rollout(steps=[pause("soon")]),
        f"{CANARY}.steps[0].pause.duration: Invalid value: -1: Duration needs to be greater than 0",
    ),
    "setCanaryScale without a router": (
        rollout(steps=[{"setCanaryScale": {"replicas": 1}}]),
        f"{CANARY}.trafficRouting: Required value: SetCanaryScale requires TrafficRouting to be set",
    ),
    "a weight that is text": (
        rollout(steps=[{"setWeight": "50"}]),
        f"{CANARY}.steps[0].setWeight: Invalid value: Expected `int | null`, got `str`",
    ),
    "a missing template": (
        rollout(steps=[set_weight(50), analysis("echo-analysis")]),
        f'{CANARY}.steps[1].analysis.templates: Invalid value: "echo-analysis": '
        "AnalysisTemplate 'echo-analysis' not found",
    ),
    "a missing cluster template": (
        rollout(
            canary={"analysis": {"templates": [{"templateName": "everywhere", "clusterScope": True}]}},
        ),
        f"{CANARY}.analysis.templates: Invalid value: \"everywhere\": ClusterAnalysisTemplate 'everywhere' not found",
    ),
    "a missing argument": (
        rollout(steps=[analysis("asks")]),
        f'{CANARY}.steps[0].analysis.templates: Invalid value: "templateNames: [asks]": '
        "args.namespace was not resolved",
    ),
    "an argument from nowhere": (
        rollout(
            steps=[
                analysis(
                    "asks", args=[{"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.colour"}}}]
                )
            ]
        ),
        f"{CANARY}.steps[0].analyses: Invalid value: "
        '[{"name":"namespace","valueFrom":{"fieldRef":{"fieldPath":"metadata.colour"}}}]: '
        "Analyses arguments must refer to valid object metadata supported by downwardAPI",
    ),
    "an endless metric": (
        rollout(steps=[analysis("endless")]),
        f'{CANARY}.steps[0].analysis.templates: Invalid value: "endless": AnalysisTemplate endless has metric errors '
        "which runs indefinitely. Invalid value for count: <nil>",
    ),
    "a background argument left open": (
        rollout(canary={"analysis": {"templates": [{"templateName": "asks"}]}}),
        f'{CANARY}.analysis.templates: Invalid value: "templateNames: [asks]": args.namespace was not resolved',
    ),
    "blue-green": (
        with_spec(strategy={"blueGreen": {"activeService": "shop"}}),
        "spec.strategy.blueGreen: Forbidden: the blue-green strategy is not built in canarium yet; use "
        "spec.strategy.canary",
    ),
    "traffic routing": (
        rollout(canary={"trafficRouting": {"nginx": {"stableIngress": "shop"}}}),
        f"{CANARY}.trafficRouting: Forbidden: traffic routing is not built in canarium yet; without it, "
        "weights become numbers of pods",
    ),
    "an experiment": (
        rollout(steps=[{"experiment": {"templates": []}}]),
        f"{CANARY}.steps[0].experiment: Forbidden: an experiment step is not built in canarium yet; "
        "leave the step out, or use an analysis step",
    ),
    "workloadRef": (
        with_spec(workloadRef={"kind": "Deployment", "name": "shop"}),
        "spec.workloadRef: Forbidden: a Rollout that takes its template from another workload is not built in "
        "canarium yet; write spec.template and spec.selector here",
    ),
}


def refused(made: Obj) -> World:
    endless = template("endless")
    endless["spec"]["metrics"][0]["interval"] = "1m"
    return World(made, templates=(template("asks", args=[{"name": "namespace"}]), endless))


@pytest.mark.parametrize("case", CASES)
def test_an_invalid_rollout_says_what_is_wrong_and_where(case: str) -> None:
    made, problem = CASES[case]
    world = refused(made)

    decision = world.step()

    message = f'The Rollout "shop" is invalid: {problem}'
    assert world.condition("InvalidSpec") == ("True", "InvalidSpec", message)
    assert world.phase == ("Degraded", f"InvalidSpec: {message}")
    assert world.status["observedGeneration"] == "1"
    assert not decision.actions
    assert decision.requeue == timedelta(seconds=20)
    assert world.replica_sets == {}


def test_a_refusal_is_told_once() -> None:
    world = refused(rollout(steps=[set_weight(130)])).settle()

    assert world.decisions[-1].status == world.status


def test_a_mended_rollout_goes_on() -> None:
    world = refused(rollout(steps=[analysis("late")])).settle()
    world.templates["late"] = template("late")

    world.settle()

    assert world.phase == ("Healthy", "")
    assert all(found["type"] != "InvalidSpec" for found in world.status["conditions"])


def test_a_template_that_goes_missing_in_mid_flight_stops_the_rollout() -> None:
    world = World(rollout(steps=[set_weight(50), analysis()]), templates=(template(),)).settle()
    world.set_image("shop:2")
    world.settle()
    world.templates.clear()

    world.settle()

    assert world.phase[0] == "Degraded"
    assert "AnalysisTemplate 'checks' not found" in world.phase[1]
    assert world.scale() == {"shop:1": 2, "shop:2": 2}
