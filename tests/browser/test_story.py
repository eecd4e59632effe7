"""The Silent Canary, clicked through on the page: what an engineer sees, opens, tries, and mends."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from canarium.lab.examples import MANIFESTS
from tests.acceptance.engineer import PROD, ROLLOUT, STAGING, TEMPLATE, WRITTEN, Engineer, query_of
from tests.browser.conftest import Tab, address

NAME = "echo-server"
ENVIRONMENTS = {STAGING: "echo-server-staging", PROD: "echo-server-prod"}
NO_SUCH_HOST = re.compile("no such host")
NEVER_TRUE = re.compile("container-restarts")
QUERY = 'sum(kube_pod_container_status_ready{namespace="echo-staging", pod=~"echo-server-.*"})'
ONLY_COMMENTS = re.compile("nothing but comments")


@pytest.fixture
def engineer(tmp_path: Path) -> Iterator[Engineer]:
    if shutil.which("git") is None:
        pytest.skip("git is not on PATH")
    someone = Engineer(tmp_path, None, "--apply", str(tmp_path / "repo" / MANIFESTS / "appset.yaml"))
    with someone.cluster as cluster:
        yield someone
        assert cluster.stop() == 0
    assert "Traceback" not in cluster.said, cluster.said


def card(page: Page, namespace: str) -> Locator:
    """The card of the example's Rollout in a namespace."""
    return page.get_by_role("list", name="Rollouts").get_by_role("listitem").filter(has_text=namespace)


def confirm(page: Page, action: str, says: str) -> None:
    """Click a button, read what it says that will happen, and agree."""
    page.get_by_role("group", name="Actions").get_by_role("button", name=action, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(says)
    dialog.get_by_role("button", name=action, exact=True).click()
    expect(dialog).to_be_hidden()


def refresh_and_retry(page: Page, origin: str) -> None:
    """For both environments: let Argo CD look at git now, and try the update again."""
    for namespace, application in ENVIRONMENTS.items():
        page.goto(f"{origin}/applications/argocd/{application}")
        confirm(page, "Refresh", "git")
        expect(page.get_by_role("main")).to_contain_text("Change analysis-template.yaml")
        expect(page.locator("h1 ~ *", has_text="Synced").first).to_be_visible()
        page.goto(f"{origin}/rollouts/{namespace}/{NAME}")
        confirm(page, "Retry", "step 1 of 5")


def test_the_story_is_seen_understood_and_mended_on_the_page(browser: Browser, engineer: Engineer) -> None:
    """Three faults are found by looking, and the rollout is watched on its way to 100 % in both environments."""
    start = address(engineer.cluster.said, "Applications")
    origin = f"http://{urlsplit(start).netloc}"
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = Tab(context, origin)
    page = tab.page

    # The first version is deployed.
    page.goto(start)
    for application in ENVIRONMENTS.values():
        tile = page.get_by_role("listitem").filter(has_text=application)
        expect(tile).to_contain_text("Synced")
        expect(tile).to_contain_text("Healthy")
    assert "token" not in page.url

    # An update hangs, and the card says why.
    engineer.edit(ROLLOUT, "podinfo:6.8.0", "podinfo:6.9.3")
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Rollouts").click()
    for namespace in ENVIRONMENTS:
        expect(card(page, namespace)).to_contain_text("Degraded")
        expect(card(page, namespace)).to_contain_text(NO_SUCH_HOST)
    card(page, STAGING).get_by_role("link", name=NAME).click()
    why = page.get_by_test_id("why")
    expect(why).to_contain_text(NO_SUCH_HOST)
    expect(why).to_contain_text("prometheus-server")  # the Service that does exist

    engineer.edit(TEMPLATE, "http://prom-server.", "http://prometheus-server.")
    refresh_and_retry(page, origin)

    # The condition is the wrong way round.
    page.goto(f"{origin}/rollouts/{STAGING}/{NAME}")
    page.get_by_role("link", name=re.compile(r"Analysis 2-1\.1 : Failed")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Analysis 2-1.1")
    metric = page.get_by_role("region", name="container-restarts")
    expect(metric).to_contain_text("result[0] > 0")
    expect(metric).to_contain_text("[0]")
    page.goto(f"{origin}/rollouts/{PROD}/{NAME}")
    expect(page.get_by_test_id("why")).to_contain_text(NEVER_TRUE)

    engineer.edit(TEMPLATE, "result[0] > 0", "result[0] == 0")
    refresh_and_retry(page, origin)

    # The query is only comments.
    page.goto(f"{origin}/rollouts/{STAGING}/{NAME}")
    page.get_by_role("link", name=re.compile(r"Analysis 2-1\.2 : Error")).click()
    page.get_by_role("navigation", name="Metrics").get_by_role("link", name=re.compile("ready-containers")).click()
    metric = page.get_by_role("region", name="ready-containers")
    expect(metric).to_contain_text(ONLY_COMMENTS)
    expect(metric).to_contain_text("# The kube_pod_container_status_* metrics know.")

    # The query is tried in Metrics before it is written.
    metric.get_by_role("link", name="Open in Metrics").click()
    expect(page).to_have_url(re.compile(r"/query\?"))
    editor = page.get_by_role("textbox", name="Expression")
    expect(editor).to_contain_text("How many containers are ready?")
    expect(page.get_by_role("main")).to_contain_text("no expression found in input")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(QUERY[:30])
    offered = page.get_by_role("listbox")
    expect(offered).to_contain_text("kube_pod_container_status_ready")
    expect(offered).to_contain_text("kube_pod_init_container_status_ready")
    page.keyboard.type(QUERY[30:-1])  # the editor closes the brackets itself
    page.keyboard.press("Escape")
    expect(editor).to_contain_text(
        'sum(kube_pod_container_status_ready{namespace="echo-staging", pod=~"echo-server-.*"})'
    )
    asking = page.get_by_role("button", name="Now")
    asking.click()
    execute = page.get_by_role("button", name="Execute")
    row = page.get_by_role("region", name="Result").get_by_role("row").nth(1)
    for _ in range(20):  # Prometheus forgets the aborted canary once its last pod has ended and it has scraped again
        execute.click()
        expect(row).to_contain_text("{}")
        if row.get_by_role("cell").nth(1).inner_text() == "1":
            break
        page.wait_for_timeout(1000)
    expect(row.get_by_role("cell").nth(1)).to_have_text("1")

    # Back, mended, retried, and watched.
    engineer.edit(TEMPLATE, query_of(engineer), WRITTEN)
    refresh_and_retry(page, origin)
    for namespace in ENVIRONMENTS:
        page.goto(f"{origin}/rollouts/{namespace}/{NAME}")
        expect(page.locator("h1 ~ *", has_text="Healthy").first).to_be_visible()
        steps = page.get_by_role("region", name="Steps")
        expect(steps).to_contain_text("5 of 5 done")
        expect(steps).to_contain_text("100 %")
        expect(page.get_by_role("region", name="Summary")).to_contain_text("podinfo:6.9.3")
    assert not tab.complaints, "\n".join(tab.complaints)
    context.close()
