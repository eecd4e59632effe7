"""What goes wrong around the page, and what is put into it: no token, deleted objects, a dead server, markup."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.local_cluster import Api, LocalCluster
from tests.browser.conftest import Tab, address
from tests.browser.worlds import ARGO, SHOP, Hand, Obj, metric, namespace, origin, rollout, talker, until, write

HELP: Final = "canarium status"
LOST: Final = "Connection lost"
NOT_REACHED: Final = "error: Failed to load resource: net::ERR_"
"""What the browser itself writes while nobody answers."""


def card(page: Page, name: str) -> Locator:
    """Of a Rollout."""
    return page.locator(f'[data-key="{SHOP}/{name}"]')


def banner(page: Page) -> Locator:
    """That the connection is lost."""
    return page.get_by_role("alert").filter(has_text=LOST)


def free_ports() -> list[str]:
    """Arguments of `canarium up` for ports that are the same after a restart; nobody had them just now."""
    arguments = []
    with ExitStack() as held:
        for name in ("api", "applications", "rollouts", "metrics"):
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            arguments += [f"--{name}-port", str(one.getsockname()[1])]
    return arguments


@pytest.fixture(scope="module")
def cluster(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    home = tmp_path_factory.mktemp("outages")
    names = ("stays", "goes", "changes", "leaves")
    wanted = [namespace(SHOP), *(rollout(name, [{"pause": {}}], image="web:1", is_probed=False) for name in names)]
    chosen = ("--controllers", "rollouts,workloads", "--apply", str(write(home / "shop.yaml", wanted)))
    with LocalCluster(home, *chosen, *free_ports()) as cluster:
        with cluster.api() as api:
            for name in names:
                Hand(api).wait(name, "Healthy")
        yield cluster
        assert cluster.stop() == 0
    assert "Traceback" not in cluster.said, cluster.said


@pytest.fixture
def stranger(browser: Browser, cluster: LocalCluster) -> Iterator[Tab]:
    """A tab without a token."""
    context = browser.new_context(reduced_motion="reduce")
    yield Tab(context, origin(cluster))
    context.close()


@pytest.fixture
def tab(stranger: Tab, cluster: LocalCluster) -> Tab:
    """A tab that is logged in."""
    stranger.page.goto(address(cluster.said, "Rollouts"))
    expect(card(stranger.page, "stays")).to_be_visible()
    return stranger


# -- no token ---------------------------------------------------------------------------------------------------------


def test_without_a_token_there_is_help_and_a_field_for_it(stranger: Tab, cluster: LocalCluster) -> None:
    page = stranger.open(f"/rollouts/{SHOP}/stays")
    field = page.get_by_label("Token", exact=True)
    expect(page.get_by_role("main")).to_contain_text(HELP)
    expect(page.get_by_role("main")).not_to_contain_text("stays")

    field.fill("nobody's")
    page.keyboard.press("Enter")
    expect(field).to_have_accessible_description(re.compile("token"))
    expect(page.get_by_role("main")).to_contain_text("not this cluster's")

    field.fill(f" {address(cluster.said, 'Rollouts').partition('?token=')[2]} ")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("stays")
    assert page.url == f"{stranger.origin}/rollouts/{SHOP}/stays"
    assert not stranger.complaints, "\n".join(stranger.complaints)


def test_a_link_with_a_wrong_token_says_so(stranger: Tab, cluster: LocalCluster) -> None:
    page = stranger.open("/rollouts?token=nobodys")
    expect(page.locator("body")).to_contain_text("not this cluster's")
    expect(page.locator("body")).to_contain_text(HELP)

    # and: who is known is not put out by an old link
    page.goto(address(cluster.said, "Rollouts"))
    expect(card(page, "stays")).to_be_visible()
    stranger.open(f"/rollouts/{SHOP}/stays?token=nobodys")
    expect(page.get_by_role("heading", level=1)).to_have_text("stays")
    assert "token" not in page.url
    assert not stranger.complaints, "\n".join(stranger.complaints)


# -- what is gone -----------------------------------------------------------------------------------------------------


def test_a_rollout_that_is_deleted_stays_readable_and_leaves_the_list(tab: Tab, cluster: LocalCluster) -> None:
    beside = tab.page.context.new_page()
    beside.goto(f"{tab.origin}/rollouts")
    expect(card(beside, "goes")).to_be_visible()
    page = tab.open(f"/rollouts/{SHOP}/goes")
    expect(page.get_by_role("group", name="Actions").get_by_role("button").first).to_be_visible()
    assert page.get_by_role("heading", level=1).evaluate(IS_FADED) is False

    with cluster.api() as api:
        Hand(api).delete("rollouts", "goes")

    expect(page.get_by_role("alert")).to_contain_text(f"{SHOP}/goes was deleted")
    expect(page.get_by_role("heading", level=1)).to_have_text("goes")
    expect(page.locator("main")).to_contain_text("web:1")
    expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_count(0)
    assert page.get_by_role("heading", level=1).evaluate(IS_FADED) is True
    expect(card(beside, "goes")).to_have_count(0)
    expect(card(beside, "stays")).to_be_visible()
    assert not tab.complaints, "\n".join(tab.complaints)


IS_FADED: Final = """
one => {
  for (; one !== null; one = one.parentElement) {
    const { opacity, filter } = getComputedStyle(one)
    if (Number(opacity) < 1 || filter.includes("grayscale") || filter.includes("saturate")) return true
  }
  return false
}
"""


def test_a_dead_server_leaves_what_was_known_and_the_page_goes_on_by_itself(tab: Tab, cluster: LocalCluster) -> None:
    # given: a page of a Rollout, and the wall, both open
    wall, page = tab.page.context.new_page(), tab.open(f"/rollouts/{SHOP}/changes")
    wall.goto(f"{tab.origin}/rollouts")
    expect(card(wall, "changes")).to_contain_text("Healthy")
    expect(page.locator("main")).to_contain_text("web:1")
    for one in (page, wall):
        one.evaluate("window.isSamePage = true")

    # when: the server is gone from one moment to the next
    cluster.kill()

    # then: they say so, and what was known stays
    for one in (page, wall):
        expect(banner(one)).to_be_visible()
        expect(one.locator("main")).to_contain_text("changes")
    expect(page.locator("main")).to_contain_text("web:1")
    expect(card(wall, "leaves")).to_be_visible()

    # when: it is there again, and changes are made before the page can know
    tab.page.context.set_offline(True)
    cluster.start()
    with cluster.api() as api:
        hand = Hand(api)
        hand.wait("changes", "Healthy")
        hand.update("changes", "web:2")
        hand.wait("changes", "Paused")
        hand.create(rollout("comes", [], image="web:1", is_probed=False))
        hand.delete("rollouts", "leaves")
        expect(banner(page)).to_be_visible()
        tab.page.context.set_offline(False)

        # then: without a reload the banner goes, and nothing was missed
        for one in (page, wall):
            expect(banner(one)).to_have_count(0)
        expect(page.locator("main")).to_contain_text("web:2")
        expect(card(wall, "changes")).to_contain_text("Paused")
        expect(card(wall, "comes")).to_be_visible()
        expect(card(wall, "leaves")).to_have_count(0)

        # and: what happens from then on is shown too
        hand.delete("rollouts", "comes")
        expect(card(wall, "comes")).to_have_count(0)
    assert all(one.evaluate("window.isSamePage") is True for one in (page, wall))
    complaints = [line for line in tab.complaints if not line.startswith(NOT_REACHED)]
    assert not complaints, "\n".join(complaints)


# -- markup in everything ---------------------------------------------------------------------------------------------

EVIL: Final = '<img src=x onerror="window.__pwned=1"><script>window.__pwned=2</script>'
NOW: Final = "2026-01-05T09:00:00Z"
SET: Final = "evil-1"
RUN: Final = "evil-1-1-0"
MARKUP: Final = "<img src=x onerror="
IS_READ: Final = """
([within, text, times]) =>
  (document.querySelector(within)?.innerText ?? "").split(text).length > times
"""
IS_HARMLESS: Final = """
() => window.__pwned === undefined
  && document.querySelector("img[src='x'], [onerror]") === null
  && [...document.scripts].every((one) => !one.textContent.includes("__pwned"))
"""


class Evil(NamedTuple):
    """A running cluster full of markup. pods: one that is placed nowhere, one that writes."""

    cluster: LocalCluster
    sick: str
    loud: str


def of(owner: Obj) -> list[Obj]:
    """References to a controller."""
    name, uid = owner["metadata"]["name"], owner["metadata"]["uid"]
    found = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name, "uid": uid}
    return [{**found, "controller": True, "blockOwnerDeletion": True}]


class Writer:
    """Writes objects, status and all."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, path: str, manifest: Mapping[str, Any]) -> Obj:
        """In a namespaced collection such as `/api/v1 pods`; as it was stored."""
        root, _, plural = path.partition(" ")
        where = f"{root}/namespaces/{manifest['metadata']['namespace']}/{plural}"
        code, stored = self._api("POST", where, manifest)
        assert code == 201, stored
        if "status" not in manifest or stored.get("status") == manifest["status"]:
            return dict(stored)
        code, answer = self._api(
            "PUT", f"{where}/{stored['metadata']['name']}/status", {**stored, "status": manifest["status"]}
        )
        assert code == 200, answer
        return dict(answer)


def meta(name: str, **more: Any) -> Obj:
    """Metadata with markup where it may be."""
    return {"name": name, "namespace": SHOP, "annotations": {"note": EVIL}, **more}


def condition(kind: str) -> Obj:
    """Of a status."""
    return {"type": kind, "status": "False", "reason": EVIL, "message": EVIL, "lastTransitionTime": NOW}


def evil_rollout() -> Obj:
    """Its controller does not run: the status stays."""
    made = rollout(
        "evil",
        [{"setWeight": 50}, {"pause": {}}, {"analysis": {"templates": [{"templateName": EVIL}]}}],
        image=EVIL,
        annotations={"note": EVIL, "rollout.argoproj.io/revision": "1"},
        pod_annotations={"note": EVIL},
    )
    conditions = [{**condition(kind), "lastUpdateTime": NOW} for kind in ("Progressing", "Available", "InvalidSpec")]
    status = {
        "phase": "Degraded",
        "message": EVIL,
        "currentPodHash": "1",
        "stableRS": "1",
        "currentStepIndex": 1,
        "observedGeneration": "1",
        "conditions": conditions,
        "pauseConditions": [{"reason": EVIL, "startTime": NOW}],
        "canary": {"currentStepAnalysisRunStatus": {"name": RUN, "status": "Failed", "message": EVIL}},
    }
    return {**made, "status": status}


def evil_run(owner: Obj) -> Obj:
    """An AnalysisRun that is over."""
    measurement = {"phase": "Failed", "message": EVIL, "value": EVIL, "startedAt": NOW, "finishedAt": NOW}
    asked = metric(EVIL, f'vector(1) or up{{a="{EVIL.replace(chr(34), chr(39))}"}}', f"result[0] < 1 && '{EVIL}' != ''")
    result = {"name": EVIL, "phase": "Failed", "message": EVIL, "failed": 1, "count": 1, "measurements": [measurement]}
    return {
        "apiVersion": ARGO,
        "kind": "AnalysisRun",
        "metadata": meta(
            RUN, ownerReferences=of(owner), labels={"rollout-type": "Step", "rollouts-pod-template-hash": "1"}
        ),
        "spec": {"args": [{"name": EVIL, "value": EVIL}], "metrics": [asked]},
        "status": {"phase": "Failed", "message": EVIL, "startedAt": NOW, "metricResults": [result]},
    }


def evil_set(owner: Obj) -> Obj:
    """Its pods: the one below, and one that writes markup and has it as a label of a metric."""
    labels = {"app": "evil", "rollouts-pod-template-hash": "1"}
    loud = {"name": "web", "image": "talker", "args": ["say", EVIL], "ports": [{"containerPort": 9898}]}
    scraped = {"note": EVIL, "prometheus.io/scrape": "true", "prometheus.io/port": "9898"}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": meta(SET, labels=labels, ownerReferences=of(owner)),
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": scraped}, "spec": {"containers": [loud]}},
        },
    }


def evil_pod() -> Obj:
    """On a node that nobody is: its status stays. The ReplicaSet takes it for its own."""
    waiting = {"state": {"waiting": {"reason": EVIL, "message": EVIL}}}
    ended = {"lastState": {"terminated": {"reason": EVIL, "message": EVIL, "exitCode": 1, "finishedAt": NOW}}}
    one = {"name": "web", "image": EVIL, "imageID": EVIL, "ready": False, "restartCount": 3, **waiting, **ended}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta("evil-1-sick", labels={"app": "evil", "rollouts-pod-template-hash": "1"}),
        "spec": {
            "schedulerName": "nobodys",
            "containers": [
                {"name": "web", "image": EVIL, "command": [EVIL], "readinessProbe": {"exec": {"command": [EVIL]}}}
            ],
        },
        "status": {
            "phase": "Pending",
            "reason": EVIL,
            "message": EVIL,
            "conditions": [{**condition("Ready"), "lastProbeTime": None}],
            "containerStatuses": [one],
        },
    }


def evil_event(about: Obj) -> Obj:
    """Of an object."""
    involved = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        **{key: about["metadata"][key] for key in ("name", "namespace", "uid")},
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": meta(f"{about['metadata']['name']}.{about['kind'].lower()}"),
        "involvedObject": involved,
        "type": "Warning",
        "reason": EVIL,
        "message": EVIL,
        "source": {"component": EVIL},
        "count": 3,
        "firstTimestamp": NOW,
        "lastTimestamp": NOW,
    }


def evil_application() -> Obj:
    """No controller syncs it."""
    source = {"repoURL": f"https://example.com/{EVIL}", "path": EVIL, "targetRevision": EVIL}
    health = {"status": "Degraded", "message": EVIL}
    resource = {
        "group": "argoproj.io",
        "version": "v1alpha1",
        "kind": "Rollout",
        "namespace": SHOP,
        "name": "evil",
        "status": "OutOfSync",
        "health": health,
    }
    state = {
        "phase": "Failed",
        "message": EVIL,
        "startedAt": NOW,
        "finishedAt": NOW,
        "operation": {"initiatedBy": {"username": EVIL}, "sync": {"revision": EVIL}},
        "syncResult": {
            "revision": EVIL,
            "source": source,
            "resources": [
                {
                    **{key: resource[key] for key in ("group", "version", "kind", "namespace", "name")},
                    "status": "SyncFailed",
                    "message": EVIL,
                }
            ],
        },
    }
    status = {
        "sync": {"status": "OutOfSync", "revision": EVIL, "comparedTo": {"source": source, "destination": {}}},
        "health": health,
        "conditions": [
            {"type": kind, "message": EVIL, "lastTransitionTime": NOW} for kind in (EVIL, "ComparisonError")
        ],
        "resources": [resource],
        "operationState": state,
        "history": [
            {"id": 1, "revision": EVIL, "deployedAt": NOW, "source": source, "initiatedBy": {"username": EVIL}}
        ],
        "summary": {"images": [EVIL]},
    }
    return {
        "apiVersion": ARGO,
        "kind": "Application",
        "metadata": {**meta("evil"), "namespace": "argocd"},
        "spec": {
            "project": EVIL,
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": SHOP},
        },
        "status": status,
    }


@pytest.fixture(scope="module")
def evil(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evil]:
    home = tmp_path_factory.mktemp("evil")
    chosen = ("--controllers", "workloads", "--scrape-interval", "1s", *talker())
    chosen += ("--apply", str(write(home / "shop.yaml", [namespace(SHOP), namespace("argocd")])))
    with LocalCluster(home, *chosen) as cluster, cluster.api() as api:
        writer, hand, argo = Writer(api), Hand(api), f"/apis/{ARGO}"
        owner = writer.create(f"{argo} rollouts", evil_rollout())
        sick = writer.create("/api/v1 pods", evil_pod())
        made = writer.create("/apis/apps/v1 replicasets", evil_set(owner))
        run = writer.create(f"{argo} analysisruns", evil_run(owner))
        app = writer.create(f"{argo} applications", evil_application())
        for about in (owner, sick, made, run, app):
            writer.create("/api/v1 events", evil_event(about))
        until(lambda: len(hand.pods("evil")) == 2, "both pods are there")
        names = {pod["metadata"]["name"] for pod in hand.pods("evil")}
        yield Evil(cluster, sick["metadata"]["name"], (names - {sick["metadata"]["name"]}).pop())
        assert cluster.stop() == 0
    assert "Traceback" not in cluster.said, cluster.said


@pytest.fixture(scope="module")
def reader(browser: Browser, evil: Evil) -> Iterator[Tab]:
    """A tab that is logged in there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    tab = Tab(context, origin(evil.cluster))
    tab.page.goto(address(evil.cluster.said, "Rollouts"))
    yield tab
    context.close()


class Place(NamedTuple):
    """path: may name pods. within: where the markup can be read. act: what opens the rest. times: how often it can be
    read at least, so that a text that is not shown any more is missed."""

    path: str
    within: str = "main"
    act: Callable[[Page], None] | None = None
    times: int = 1


def opened(page: Page) -> None:
    """What is folded, and what only shows itself under the mouse."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    for folded in page.get_by_role("button", name=re.compile(r"^\d+ result")).all():
        folded.click()
    for one in page.locator("main").locator("canvas, [data-tone][title], .square, abbr").all()[:8]:
        one.hover(force=True)


def asked_for_actions(page: Page) -> None:
    """The dialogs of what can be done, and all else."""
    opened(page)
    for button in page.get_by_role("group", name="Actions").get_by_role("button").all():
        if button.get_attribute("aria-disabled") != "true":
            button.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            assert page.evaluate(IS_HARMLESS) is True
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_be_hidden()


def completed(page: Page) -> None:
    """The values of a label are proposed."""
    page.get_by_role("textbox", name="Expression").click()
    page.keyboard.type('said{text="')
    expect(page.get_by_role("listbox")).to_contain_text(MARKUP)


def explored(page: Page) -> None:
    """A metric with its help and its labels."""
    page.get_by_role("button", name="Explore metrics").click()
    dialog = page.get_by_role("dialog", name="Metrics")
    dialog.get_by_role("textbox", name="Search metrics").fill("said")
    dialog.get_by_role("button", name=re.compile(r"^said\b")).first.click()
    for summary in dialog.locator("summary").all():
        summary.click()
    expect(dialog).to_contain_text(MARKUP)


EVERYWHERE: Final = {
    "wall": Place("/rollouts?view=cards", act=opened),
    "table": Place("/rollouts?view=table"),
    "rollout": Place(f"/rollouts/{SHOP}/evil", act=asked_for_actions, times=12),
    "analysis": Place(f"/rollouts/{SHOP}/evil/analysis/{RUN}", act=opened, times=12),
    "pod": Place(f"/rollouts/{SHOP}/evil/pods/{{sick}}", "[role=dialog]", times=12),
    "logs": Place(f"/rollouts/{SHOP}/evil/pods/{{loud}}?tab=logs", "[role=log]"),
    "applications": Place("/applications?view=cards"),
    "applications-table": Place("/applications?view=table"),
    "application": Place("/applications/argocd/evil", act=asked_for_actions, times=12),
    "resource": Place(f"/applications/argocd/evil?resource=argoproj.io/Rollout/{SHOP}/evil&tab=live", "[role=dialog]"),
    "query-table": Place("/query?g0.expr=said&g0.tab=table"),
    "query-graph": Place("/query?g0.expr=said&g0.tab=graph&g0.range_input=5m", act=opened),
    "query-error": Place(f"/query?g0.expr={EVIL.replace('=', '%3D').replace(' ', '%20')}&g0.tab=table"),
    "query-tree": Place("/query?g0.expr=sum%20by%20(text)%20(said)&g0.tab=explain", act=opened),
    "completion": Place("/query", "body", completed),
    "explorer": Place("/query", "body", explored),
    "targets": Place("/targets", act=opened),
    "service-discovery": Place("/service-discovery", act=opened),
    "not-found": Place("/rollouts/shop/%3Cimg%20src=x%20onerror=alert(1)%3E"),
}


@pytest.mark.parametrize("name", EVERYWHERE)
def test_markup_in_the_clusters_texts_is_shown_as_it_is_written(reader: Tab, evil: Evil, name: str) -> None:
    place = EVERYWHERE[name]
    if place.path.startswith(("/query", "/targets")):
        until(lambda: "<img" in json.dumps(asked(reader, "said")), "the metric is scraped")
    page = reader.open(place.path.format(sick=evil.sick, loud=evil.loud))

    if place.act is not None:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        place.act(page)
    page.wait_for_function(IS_READ, arg=[place.within, MARKUP, place.times])

    reader.settle()
    assert page.evaluate(IS_HARMLESS) is True
    complaints, reader.complaints[:] = list(reader.complaints), []
    assert not complaints, "\n".join(complaints)


def asked(tab: Tab, query: str) -> Any:
    """Of Prometheus."""
    return tab.page.request.get(f"{tab.origin}/api/v1/query", params={"query": query}).json()
