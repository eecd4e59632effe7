"""Bad input through the whole house: told with place, field and next step; nothing half done; mended, it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from canarium.gitops.git.working_copy import init_origin
from canarium.gitops.kinds import APPLICATION_SETS, APPLICATIONS
from canarium.kube.objects import Obj, condition
from canarium.kube.resources import NAMESPACES, REPLICA_SETS, SERVICES
from canarium.lab.silent_canary import REPO_URL
from canarium.rollouts.kinds import ANALYSIS_RUNS, ROLLOUTS
from tests.acceptance.lab import (
    BASE_FILE,
    NAME,
    OLD,
    PROD,
    ROLLOUT_FILE,
    SERVICE_FILE,
    STAGING,
    STAGING_FILE,
    Lab,
    in_lab,
    without_times,
)

BOTH = ("staging", "prod")
NAMESPACE = {"staging": STAGING, "prod": PROD}
PODS = {"staging": {OLD: 1}, "prod": {OLD: 4}}
UPDATE = {"podinfo:6.8.0": "podinfo:6.9.3"}
PATCH = "- op: replace\n        path: /spec/replicas\n        value: 1"
LAST_ARG = "                    fieldPath: metadata.namespace\n        - setWeight: 66"


@dataclass(frozen=True)
class Bad:
    """A mistake and what is told of it.

    tells: the message, or its beginning where a next step follows. hits: the environments it concerns.
    """

    id: str
    path: str
    edits: Mapping[str, str]
    tells: str
    next_step: str = ""
    hits: tuple[str, ...] = BOTH


MANIFESTS_BAD = [
    Bad(
        "a resource that is not there",
        BASE_FILE,
        {"- service.yaml": "- services.yaml"},
        f"{BASE_FILE}:5:5: resources: accumulating resources: 'services.yaml' does not exist: no such file or"
        " directory",
        "there is: analysis-template.yaml, rollout.yaml, service.yaml",
    ),
    Bad(
        "a base that is not there",
        STAGING_FILE,
        {"../../base": "../../bases"},
        f"{STAGING_FILE}:5:5: resources: accumulating resources: '../../bases' does not exist: no such file or"
        " directory",
        "there is: appset.yaml, base, overlays",
        ("staging",),
    ),
    Bad(
        "a patch of a field that is not there",
        STAGING_FILE,
        {"path: /spec/replicas": "path: /spec/scale/replicas"},
        f"{STAGING_FILE}:11: /spec/scale: the JSON patch (replace) does not apply: /spec/scale does not exist in"
        f" Rollout echo-server, which is at {ROLLOUT_FILE}:1:1",
        "op: add",
        ("staging",),
    ),
    Bad(
        "a patch with an unknown operation",
        STAGING_FILE,
        {"op: replace": "op: change"},
        f"{STAGING_FILE}:11: the JSON patch has an unknown op 'change'",
        "add, remove, replace, move, copy, test",
        ("staging",),
    ),
    Bad(
        "a patch that is a sentence",
        STAGING_FILE,
        {PATCH: "one replica, please"},
        f"{STAGING_FILE}:11: ",
        "A manifest is a mapping",
        ("staging",),
    ),
    Bad(
        "a cycle",
        BASE_FILE,
        {"- service.yaml\n": "- service.yaml\n  - ../overlays/staging\n"},
        f"{BASE_FILE}:6:5: cycle detected: ",
        "Remove this entry",
        ("staging",),
    ),
    Bad(
        "a path that leaves the repository",
        STAGING_FILE,
        {"- ../../base\n": "- ../../base\n  - ../../../../../../../secrets\n"},
        f"{STAGING_FILE}:6:5: '../../../../../../../secrets' leaves the repository",
        "Keep the path inside it",
        ("staging",),
    ),
    Bad(
        "an absolute path",
        STAGING_FILE,
        {"- ../../base\n": "- ../../base\n  - /etc/passwd\n"},
        f"{STAGING_FILE}:6:5: '/etc/passwd' is absolute",
        "relative to this file",
        ("staging",),
    ),
    Bad(
        "a manifest that is not YAML",
        ROLLOUT_FILE,
        {"  replicas: 2\n": "  replicas: 2\n   paused: true\n"},
        f"{ROLLOUT_FILE}:7:10: not YAML: mapping values are not allowed in this context",
        "Check the indentation",
    ),
    Bad(
        "a kustomization that is not YAML",
        STAGING_FILE,
        {"resources:\n": "resources\n"},
        f"{STAGING_FILE}:6:1: not YAML: could not find expected ':'",
        "it starts in line 4",
        ("staging",),
    ),
    Bad(
        "a key given twice",
        SERVICE_FILE,
        {"  selector:\n": "  selector: {}\n  selector:\n"},
        f"{SERVICE_FILE}:7:3: key 'selector' is already defined in this mapping",
        "Remove one of the two",
    ),
    Bad(
        "an object without a kind",
        SERVICE_FILE,
        {"kind: Service\n": ""},
        f"{SERVICE_FILE}:1:1: kind: the object has no kind",
        "Add apiVersion and kind",
    ),
    Bad(
        "an unknown field of a kustomization",
        BASE_FILE,
        {"resources:": "resource:"},
        f'{BASE_FILE}:3:1: resource: invalid Kustomization: unknown field "resource"',
        "resources",
    ),
    Bad(
        "the same manifest twice",
        BASE_FILE,
        {"- service.yaml\n": "- service.yaml\n  - service.yaml\n"},
        f"{SERVICE_FILE}:1:1: may not add resource with an already registered id:"
        " Service.v1.[noGrp]/echo-server.[noNs]",
        "list the file once",
    ),
]
"""What cannot be rendered: a ComparisonError of the Application."""

REFUSED = [
    Bad(
        "a value that the API refuses",
        SERVICE_FILE,
        {"port: 80\n": "port: 80000\n"},
        'Service "echo-server" is invalid: spec.ports[0].port: Invalid value: 80000: must be between 1 and 65535,'
        " inclusive",
    ),
    Bad(
        "a weight that is no number",
        ROLLOUT_FILE,
        {"setWeight: 66": "setWeight: 66%", **UPDATE},
        'Rollout.argoproj.io "echo-server" is invalid: spec.strategy.canary.steps[2].setWeight: Invalid value:'
        ' "string": spec.strategy.canary.steps[2].setWeight in body must be of type integer: "string"',
    ),
    Bad(
        "a kind that the cluster does not know",
        SERVICE_FILE,
        {"apiVersion: v1\n": "apiVersion: v7\n"},
        "The Kubernetes API could not find v7/Service for requested resource echo-staging/echo-server.",
        hits=("staging",),
    ),
]
"""What renders and is refused: the sync fails, and nothing of it was applied."""

INVALID = [
    Bad(
        "a weight over 100",
        ROLLOUT_FILE,
        {"setWeight: 66": "setWeight: 130", **UPDATE},
        "spec.strategy.canary.steps[2].setWeight: Invalid value: 130: SetWeight needs to be between 0 and 100",
    ),
    Bad(
        "a step that does two things",
        ROLLOUT_FILE,
        {"        - setWeight: 66\n": "        - setWeight: 66\n          pause: {}\n", **UPDATE},
        "spec.strategy.canary.steps[2]: Invalid value: ",
    ),
    Bad(
        "no strategy",
        ROLLOUT_FILE,
        {"    canary:\n": "    canaries:\n", **UPDATE},
        "spec.strategy.strategy: Required value: Rollout has missing field"
        " '.spec.strategy.canary or .spec.strategy.blueGreen'",
    ),
    Bad(
        "neither surge nor unavailable pods",
        ROLLOUT_FILE,
        {"    canary:\n": "    canary:\n      maxSurge: 0\n      maxUnavailable: 0\n", **UPDATE},
        "spec.strategy.canary.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero",
    ),
    Bad(
        "a selector that does not select the pods",
        ROLLOUT_FILE,
        {"      app: echo-server\n  strategy": "      app: echo\n  strategy", **UPDATE},
        'spec.template.metadata.labels: Invalid value: {"app":"echo-server"}: `selector` does not match template'
        " `labels`",
    ),
    Bad(
        "an empty selector",
        ROLLOUT_FILE,
        {"    matchLabels:\n      app: echo-server\n  strategy": "    {}\n  strategy", **UPDATE},
        "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    ),
    Bad(
        "an AnalysisTemplate that is not there",
        ROLLOUT_FILE,
        {
            "              - templateName: echo-analysis\n" + part: "              - templateName: echo-analyses\n"
            + part
            for part in [
                "            args:\n              - name: namespace\n                valueFrom:\n"
                "                  fieldRef:\n" + LAST_ARG
            ]
        }
        | UPDATE,
        'spec.strategy.canary.steps[1].analysis.templates: Invalid value: "echo-analyses": AnalysisTemplate'
        " 'echo-analyses' not found",
    ),
    Bad(
        "an argument that nobody gives",
        ROLLOUT_FILE,
        {
            "              - name: namespace\n                valueFrom:\n                  fieldRef:\n"
            + LAST_ARG: "              - name: place\n                valueFrom:\n                  fieldRef:\n"
            + LAST_ARG,
            **UPDATE,
        },
        'spec.strategy.canary.steps[1].analysis.templates: Invalid value: "templateNames: [echo-analysis]":'
        " args.namespace was not resolved",
    ),
    Bad(
        "an argument from a field that is not there",
        ROLLOUT_FILE,
        {LAST_ARG: LAST_ARG.replace("metadata.namespace", "metadata.nonsense"), **UPDATE},
        "spec.strategy.canary.steps[1].analyses: Invalid value: ",
    ),
    Bad(
        "an amount of CPU that is none",
        ROLLOUT_FILE,
        {"cpu: 10m": "cpu: ten", **UPDATE},
        'spec.template.spec.containers[0].resources.requests.cpu: Invalid value: "ten": quantities must match',
    ),
]
"""What the API takes and Argo Rollouts does not: Degraded, InvalidSpec. Each comes with an update that must wait."""


@dataclass
class Seen:
    """What one environment looked like while a mistake was in git."""

    app: Obj
    rollout: Obj
    pods: dict[str, int]
    version: str
    replica_sets: list[str]
    services: list[str]
    runs: list[str]
    is_untouched: bool


@dataclass
class Outcome:
    """What came of a mistake: by environment; and whether all was well again once it was mended."""

    seen: dict[str, Seen] = field(default_factory=dict)
    is_mended: bool = False


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every mistake made, looked at, and mended, one after the other in one world."""
    found: dict[str, Outcome] = {}

    async def scenario(lab: Lab) -> None:
        await lab.deploy()
        for bad in (*MANIFESTS_BAD, *REFUSED, *INVALID):
            found[bad.id] = await make_and_mend(lab, bad)

    in_lab(tmp_path_factory.mktemp("bad"), scenario)
    return found


async def make_and_mend(lab: Lab, bad: Bad) -> Outcome:
    """Push a mistake, wait until it is told, look, push the mended file, wait until all is well."""
    outcome = Outcome()
    before = {environment: lab.rollout(NAMESPACE[environment]) for environment in BOTH}
    right = lab.copy.read(bad.path)
    lab.edit(bad.path, bad.edits)
    await lab.refresh()
    await lab.until(lambda: all(is_told(lab, one) for one in bad.hits), f"{bad.id} being told")
    await lab.world.sleep(5)
    for environment in bad.hits:
        namespace = NAMESPACE[environment]
        rollout = lab.rollout(namespace)
        outcome.seen[environment] = Seen(
            app=lab.app(environment),
            rollout=rollout,
            pods=lab.pods(namespace),
            version=await lab.version(namespace),
            replica_sets=lab.names(REPLICA_SETS, namespace),
            services=lab.names(SERVICES, namespace),
            runs=lab.names(ANALYSIS_RUNS, namespace),
            is_untouched=rollout["spec"] == before[environment]["spec"],
        )
    sha = lab.push({bad.path: right})
    await lab.refresh()
    await lab.until_synced(sha)
    for namespace in (STAGING, PROD):
        await lab.until_phase("Healthy", namespace)
    await lab.until(lambda: len(lab.apps("Synced", "Healthy")) == 2, f"all being well after {bad.id}")
    outcome.is_mended = not lab.complaint("staging") and not lab.complaint("prod")
    return outcome


def is_told(lab: Lab, environment: str) -> bool:
    """Whether the Application or the Rollout complains of anything."""
    app = lab.app(environment)
    message = ((app.get("status") or {}).get("operationState") or {}).get("message", "")
    has_failed = "failed" in message or "not valid" in message
    is_invalid = condition(lab.rollout(NAMESPACE[environment]), "InvalidSpec") is not None
    return bool(lab.complaint(environment)) or has_failed or is_invalid


@pytest.mark.parametrize("bad", MANIFESTS_BAD, ids=lambda bad: bad.id)
def test_what_cannot_be_rendered_is_a_comparison_error(outcomes: dict[str, Outcome], bad: Bad) -> None:
    """With file, line and next step; the cluster stays as it was, and runs on when git is mended."""
    outcome = outcomes[bad.id]

    for seen in outcome.seen.values():
        [told] = seen.app["status"]["conditions"]
        prefix = "Failed to load target state: failed to generate manifest for source 1 of 1: "
        assert told["type"] == "ComparisonError"
        assert told["message"].startswith(prefix + bad.tells)
        assert bad.next_step in told["message"].removeprefix(prefix + bad.tells)
        assert seen.app["status"]["sync"]["status"] == "Unknown"
    assert_untouched(outcome)
    assert outcome.is_mended


@pytest.mark.parametrize("bad", REFUSED, ids=lambda bad: bad.id)
def test_what_the_api_refuses_fails_the_sync_as_a_whole(outcomes: dict[str, Outcome], bad: Bad) -> None:
    """In the API server's words, per resource; what would have been accepted was not applied either."""
    outcome = outcomes[bad.id]

    for seen in outcome.seen.values():
        operation = seen.app["status"]["operationState"]
        failed = [one["message"] for one in operation["syncResult"]["resources"] if one["status"] == "SyncFailed"]
        assert [message.startswith(bad.tells) for message in failed] == [True]
        is_unknown = "API could not find" in bad.tells
        how = "synchronization tasks are not valid:" if is_unknown else "objects failed to apply, reason:"
        assert operation["message"].startswith(f"one or more {how} {bad.tells}")
        assert seen.app["status"]["sync"]["status"] == "OutOfSync"
    assert_untouched(outcome)
    assert outcome.is_mended


@pytest.mark.parametrize("bad", INVALID, ids=lambda bad: bad.id)
def test_an_invalid_rollout_is_degraded_and_waits(outcomes: dict[str, Outcome], bad: Bad) -> None:
    """InvalidSpec with the path of the field; the update that came with it does not begin."""
    outcome = outcomes[bad.id]

    for environment, seen in outcome.seen.items():
        message = f'The Rollout "echo-server" is invalid: {bad.tells}'
        told = without_times(condition(seen.rollout, "InvalidSpec") or {})
        assert told.pop("message").startswith(message)
        assert told == {"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec"}
        assert seen.rollout["status"]["phase"] == "Degraded"
        assert seen.rollout["status"]["message"].startswith(f"InvalidSpec: {message}")
        assert seen.rollout["status"]["stableRS"] == OLD
        assert seen.pods == PODS[environment]
        assert seen.replica_sets == [f"{NAME}-{OLD}"]
        assert seen.runs == []
        assert seen.version == "6.8.0"
        assert seen.app["status"]["health"]["status"] == "Degraded"
    assert outcome.is_mended


def assert_untouched(outcome: Outcome) -> None:
    """Everything is as it was before the mistake."""
    assert outcome.seen
    for environment, seen in outcome.seen.items():
        assert seen.is_untouched
        assert seen.rollout["status"]["phase"] == "Healthy"
        assert seen.pods == PODS[environment]
        assert seen.services == [NAME]
        assert seen.version == "6.8.0"


# repositories


@pytest.mark.parametrize(
    ("address", "tells"),
    [
        pytest.param(
            "https://git.example.com/team/echo-server.git",
            "is on the network, and reading from there is not built (Clone it, and set repoURL to the clone:",
            id="a repository that cannot be reached",
        ),
        pytest.param("{folder}/nowhere", "nowhere does not exist (Set repoURL to a git repository:", id="no folder"),
        pytest.param("{folder}/plain", "plain is not a git repository (Set repoURL to", id="a folder without git"),
        pytest.param("{folder}/empty.git", "has no commits (Push a commit first.)", id="a repository without commits"),
        pytest.param("../echo-server", "is not an absolute path (Set repoURL to", id="a relative path"),
    ],
)
def test_a_bad_repo_url_is_told_by_the_application_set(tmp_path: Path, address: str, tells: str) -> None:
    """Nothing is generated; with the address mended everything is."""

    async def scenario(lab: Lab) -> None:
        (tmp_path / "plain").mkdir()
        init_origin(tmp_path / "empty.git")

        await lab.apply_appset({REPO_URL: address.format(folder=tmp_path)})
        message = await lab.until(lambda: appset_error(lab), "the complaint")

        assert tells in message
        assert lab.names(APPLICATIONS) == []
        assert STAGING not in lab.names(NAMESPACES)

        await lab.apply_appset({REPO_URL: str(tmp_path / "echo-server.git")})
        await lab.until(lambda: len(lab.names(APPLICATIONS)) == 2, "the Applications")
        await lab.until(lambda: appset_error(lab) is None, "the complaint being taken back")

    in_lab(tmp_path, scenario, clones=False)


def test_a_repository_that_goes_away_takes_nothing_with_it(tmp_path: Path) -> None:
    """No Application is deleted and nothing pruned; when it is back, git counts again."""
    origin, aside = tmp_path / "echo-server.git", tmp_path / "aside.git"

    async def scenario(lab: Lab) -> None:
        await lab.deploy(mended=False)

        origin.rename(aside)
        await lab.refresh()
        await lab.refresh_appset()
        message = await lab.until(lambda: lab.complaint() or None, "the complaint")
        await lab.until(lambda: appset_error(lab), "the ApplicationSet's complaint")
        await lab.world.sleep(200)

        assert message.endswith("does not exist (Set repoURL to a git repository: a working copy or a bare one.)")
        assert lab.names(APPLICATIONS) == ["echo-server-prod", "echo-server-staging"]
        assert lab.pods(PROD) == {OLD: 4}
        assert lab.names(SERVICES, PROD) == [NAME]

        aside.rename(origin)
        await lab.refresh()
        await lab.until(lambda: len(lab.apps("Synced", "Healthy")) == 2, "all being well")
        assert lab.complaint() == ""

    in_lab(tmp_path, scenario)


@pytest.mark.parametrize(
    ("edits", "tells"),
    [
        pytest.param(
            {"path: '{{path}}'": "path: nowhere/at/all"},
            "spec.source.path: nowhere/at/all: app path does not exist (Set it to a folder that this revision",
            id="a path that is not in the repository",
        ),
        pytest.param(
            {"targetRevision: HEAD": "targetRevision: release-9"},
            "unable to resolve 'release-9' to a commit SHA",
            id="a revision that is not in the repository",
        ),
    ],
)
def test_a_source_that_is_not_there_is_told_by_the_application(
    tmp_path: Path, edits: dict[str, str], tells: str
) -> None:
    """Nothing is deployed from it."""

    async def scenario(lab: Lab) -> None:
        await lab.apply_appset(edits)
        message = await lab.until(lambda: lab.complaint() or None, "the complaint")

        assert tells in message
        assert lab.names(ROLLOUTS) == []

        await lab.apply_appset()
        await lab.until_phase("Healthy")
        assert lab.complaint() == ""

    in_lab(tmp_path, scenario)


@pytest.mark.parametrize(
    ("edits", "tells"),
    [
        pytest.param(
            {"directories:": "folders:"},
            "spec.generators[0].git.directories: the git generator has no directories (Write git.directories:",
            id="a generator without folders",
        ),
        pytest.param(
            {"project: default": "project: nowhere"},
            "application references project nowhere which does not exist (and 1 more)",
            id="a project that is not there",
        ),
        pytest.param(
            {"https://kubernetes.default.svc": "https://elsewhere"},
            'application destination spec is invalid: error getting cluster by server "https://elsewhere"',
            id="a cluster that is not there",
        ),
    ],
)
def test_a_bad_application_set_generates_nothing(tmp_path: Path, edits: dict[str, str], tells: str) -> None:
    """Its conditions tell why; what runs already is left as it is, and the mended one takes it up again."""

    async def scenario(lab: Lab) -> None:
        await lab.deploy(mended=False)
        before = lab.names(APPLICATIONS)

        await lab.apply_appset(edits)
        message = await lab.until(lambda: appset_error(lab), "the complaint")
        await lab.world.sleep(10)

        assert message.startswith(tells)
        assert lab.pods(PROD) == {OLD: 4}
        assert set(before) <= set(lab.names(APPLICATIONS))

        await lab.apply_appset()
        await lab.until(lambda: appset_error(lab) is None, "the complaint being taken back")
        await lab.until(lambda: len(lab.apps("Synced", "Healthy")) == 2, "all being well")

    in_lab(tmp_path, scenario)


def appset_error(lab: Lab) -> str | None:
    """What the ApplicationSet complains of; the complaint stands in all its conditions."""
    appset = lab.find(APPLICATION_SETS, "argocd", NAME)
    told = condition(appset, "ErrorOccurred") if appset.get("status") else None
    if told is None or told["status"] != "True":
        return None
    assert (condition(appset, "ResourcesUpToDate") or {})["status"] == "False"
    return str(told["message"])
