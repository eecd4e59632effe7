"""Every view of the page on one running cluster: for who cannot see it, on a small screen, by keyboard, live."""

from __future__ import annotations

import re
import shutil
import urllib.error
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as TooLate

from canarium.lab.examples import MANIFESTS
from tests.acceptance.engineer import Engineer
from tests.acceptance.local_cluster import LocalCluster
from tests.browser.conftest import Tab, address
from tests.browser.worlds import SHOP, Hand, origin, rollout, shop, talker, until, write

UNDERLINED = ".cm-lintRange-error, .cm-lintPoint-error"
DESKTOP, PHONE, SMALL_PHONE = 1440, 390, 380
HEIGHT = 900
STAGING = "/applications/argocd/echo-server-staging"
DEPLOYED = "argoproj.io/Rollout/echo-staging/echo-server"
UP = "/query?g0.expr=up&g0.tab="


class World(NamedTuple):
    """A running cluster with the shop and the Silent Canary, and who changes it. run: a failed AnalysisRun;
    pods: one each by the Rollout's name, the newest."""

    engineer: Engineer
    hand: Hand
    run: str
    pods: dict[str, str]


@pytest.fixture(scope="module")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if shutil.which("git") is None:
        pytest.skip("git is not on PATH")
    home = tmp_path_factory.mktemp("views")
    ticking = rollout("ticking", [], image="talker", args=["lines", "20"], is_probed=False)
    file = write(home / "shop.yaml", [*shop(), ticking])
    appset = home / "repo" / MANIFESTS / "appset.yaml"
    engineer = Engineer(home, None, "--apply", str(file), "--apply", str(appset), *talker())
    with engineer.cluster as cluster, cluster.api() as api:
        hand = Hand(api)
        for name in ("judged", "web", "crash", "quiet"):
            hand.wait(name, "Healthy")
        hand.update("judged")
        hand.update("web")
        hand.update("crash", chaos={"crash_after_seconds": 0.2})
        hand.wait("web", "Paused")
        until(lambda: "CrashLoopBackOff" in str(hand.pods("crash")), "a pod crashes again and again")
        until(lambda: answers(engineer), "Prometheus has scraped")
        until(lambda: bool(hand.runs()), "there is an analysis")
        pods = {name: hand.pods(name)[-1]["metadata"]["name"] for name in ("web", "crash", "ticking")}
        yield World(engineer, hand, hand.runs()[0], pods)
        assert cluster.stop() == 0
    assert "Traceback" not in cluster.said, cluster.said


def answers(engineer: Engineer) -> bool:
    """Whether Prometheus knows of targets yet."""
    try:
        return bool(engineer.query("up"))
    except urllib.error.HTTPError:
        return False


@pytest.fixture(scope="module")
def shared(browser: Browser, world: World) -> Iterator[Tab]:
    """A tab that is logged in. Views are opened in it one after the other."""
    context = browser.new_context(viewport={"width": DESKTOP, "height": HEIGHT}, reduced_motion="reduce")
    tab = Tab(context, origin(world.engineer.cluster))
    tab.page.goto(address(world.engineer.cluster.said, "Rollouts"))
    yield tab
    context.close()


@pytest.fixture
def tab(shared: Tab) -> Iterator[Tab]:
    """The shared tab, as wide as a desk has it, in light colours, with nothing remembered and no complaints."""
    shared.page.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
    shared.page.emulate_media(color_scheme="light")
    shared.page.evaluate("localStorage.clear()")
    yield shared
    complaints, shared.complaints[:] = list(shared.complaints), []
    assert not complaints, "\n".join(complaints)


# -- how every view is ------------------------------------------------------------------------------------------------


class View(NamedTuple):
    """path: may name `{run}` and pods. shows: a text that is there once it is whole. within: where.
    act: what opens the rest of it."""

    path: str
    shows: str
    within: str = "main"
    act: Callable[[Page], None] | None = None


def drawer_of_resource(page: Page) -> None:
    """Its manifests are there."""
    expect(page.get_by_role("dialog")).to_contain_text("apiVersion")


def explorer(page: Page) -> None:
    """A metric with its labels."""
    page.get_by_role("button", name="Explore metrics").click()
    dialog = page.get_by_role("dialog", name="Metrics")
    dialog.get_by_role("textbox", name="Search metrics").fill("up")
    dialog.get_by_role("button", name=re.compile(r"^up\b")).first.click()
    dialog.locator("summary").first.click()
    expect(dialog.locator("details li").first).to_be_visible()


VIEWS = {
    "rollouts": View("/rollouts?view=cards", "CrashLoopBackOff"),
    "rollouts-table": View("/rollouts?view=table", "crash"),
    "rollouts-none": View("/rollouts?q=nobody", "No Rollout matches"),
    "rollout": View(f"/rollouts/{SHOP}/web", "Promoted"),
    "rollout-crashes": View(f"/rollouts/{SHOP}/crash", "CrashLoopBackOff"),
    "rollout-missing": View(f"/rollouts/{SHOP}/nobody", "There is no such Rollout"),
    "pod": View(f"/rollouts/{SHOP}/crash/pods/{{crash}}", "Containers", "[role=dialog]"),
    "pod-logs": View(f"/rollouts/{SHOP}/ticking/pods/{{ticking}}?tab=logs", "line", "[role=log]"),
    "analysis": View(f"/rollouts/{SHOP}/judged/analysis/{{run}}", "vector(3)"),
    "applications": View("/applications", "echo-server-staging"),
    "applications-table": View("/applications?view=table", "echo-server-staging"),
    "applicationsets": View("/applicationsets", "echo-server"),
    "application": View(STAGING, "Source and destination"),
    "resource-diff": View(f"{STAGING}?resource={DEPLOYED}", "Nothing differs", "[role=dialog]"),
    "resource-live": View(f"{STAGING}?resource={DEPLOYED}&tab=live", "Rollout", "[role=dialog]", drawer_of_resource),
    "query-table": View(f"{UP}table", "instance="),
    "query-graph": View(f"{UP}graph&g0.range_input=5m", "a point each"),
    "query-tree": View("/query?g0.expr=sum(up)%20%2B%201&g0.tab=explain", "Every part"),
    "query-error": View("/query?g0.expr=sum(&g0.tab=table", "The query is not right"),
    "explorer": View("/query", "Query", act=explorer),
    "targets": View("/targets", "prometheus"),
    "service-discovery": View("/service-discovery", "kubernetes-pods"),
    "rules": View("/rules", "Rules"),
    "alerts": View("/alerts", "Alerts"),
    "status": View("/status", "Status"),
    "not-found": View("/nowhere", "There is no such page"),
    "not-found-deep": View("/no/such/page", "There is no such page"),
}


def open_view(tab: Tab, world: World, view: View) -> Page:
    """Its address, directly."""
    page = tab.open(view.path.format(run=world.run, **world.pods))
    expect(page.locator(view.within).first).to_contain_text(view.shows)
    if view.act is not None:
        view.act(page)
    return page


def overflow(page: Page) -> list[str]:
    """What is wider than the window although nothing around it scrolls; empty where all fits."""
    found: list[str] = page.evaluate(
        """() => {
          const { scrollWidth } = document.scrollingElement
          if (scrollWidth <= innerWidth) return []
          const isWide = (one) => one.getBoundingClientRect().right > innerWidth + 1
          const wide = [...document.querySelectorAll('body *')].filter(isWide)
          return [`${scrollWidth} of ${innerWidth}`, ...wide.slice(0, 8).map((one) => one.outerHTML.slice(0, 120))]
        }"""
    )
    return found


def found_wrong(tab: Tab) -> list[str]:
    """All that is wrong with the page as it is: light and dark, wide and narrow."""
    page, wrong = tab.page, []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        wrong += [f"{scheme}: {one}" for one in tab.axe()]
    for width in (PHONE, SMALL_PHONE):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        tab.settle()
        with suppress(TooLate):  # what follows the width a moment later may take it
            page.wait_for_function("document.scrollingElement.scrollWidth <= innerWidth", timeout=5000)
        wrong += [f"at {width} px: {one}" for one in overflow(page)]
    levels = [
        int(name[1]) for name in page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => one.tagName)")
    ]
    if levels.count(1) != 1:
        wrong.append(f"{levels.count(1)} headings of the first level")
    return wrong


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_usable_by_all_in_all_colours_and_widths(tab: Tab, world: World, name: str) -> None:
    open_view(tab, world, VIEWS[name])

    wrong = found_wrong(tab)
    assert not wrong, "\n".join(wrong)


def test_the_login_view_is_usable_by_all(browser: Browser, world: World) -> None:
    context = browser.new_context(viewport={"width": DESKTOP, "height": HEIGHT})
    tab = Tab(context, origin(world.engineer.cluster))
    expect(tab.open("/rollouts").get_by_label("Token")).to_be_visible()

    wrong = found_wrong(tab)
    assert not wrong, "\n".join(wrong)
    context.close()


def actions(page: Page) -> Locator:
    """The buttons of what can be done."""
    return page.get_by_role("group", name="Actions").get_by_role("button")


@pytest.mark.parametrize("path", [f"/rollouts/{SHOP}/web", STAGING])
def test_every_dialog_is_usable_by_all_and_closes_with_escape(tab: Tab, path: str) -> None:
    page = tab.open(path)
    expect(actions(page).first).to_be_visible()

    opened, wrong = 0, []
    for button in actions(page).all():
        if button.get_attribute("aria-disabled") == "true":
            continue
        button.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wrong += tab.axe("[role=dialog]")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
        opened += 1

    assert wrong == []
    assert opened >= 3


# -- by keyboard ------------------------------------------------------------------------------------------------------


def test_the_rollouts_are_reached_by_keyboard_alone(tab: Tab) -> None:
    page = tab.open("/rollouts")
    names = page.locator("a.rollout-name")
    expect(names.nth(4)).to_be_visible()

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    search = page.get_by_role("searchbox")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("web")
    expect(names).to_have_count(1)
    expect(page).to_have_url(re.compile(r"[?&]q=web"))
    page.keyboard.press("Escape")
    expect(search).to_have_value("")
    expect(names.nth(4)).to_be_visible()
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()

    page.keyboard.press("j")
    expect(names.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(names.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(names.nth(0)).to_be_focused()
    name = page.locator(":focus").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert tab.axe("[role=dialog]") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    for key, path in (("a", "applications"), ("m", "query"), ("r", "rollouts")):
        if key == "r":  # the editor has the focus in Metrics
            page.locator("main").focus()
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(rf"/{path}\b"))


# -- lists ------------------------------------------------------------------------------------------------------------


def cards(page: Page) -> Locator:
    """Of the wall."""
    return page.locator("[data-key]")


def card(page: Page, name: str) -> Locator:
    """Of a Rollout."""
    return page.locator(f'[data-key="{SHOP}/{name}"]')


def test_a_namespace_is_chosen_and_remembered(tab: Tab) -> None:
    page = tab.open("/rollouts")
    expect(page.locator('[data-key="echo-prod/echo-server"]')).to_be_visible()

    page.get_by_role("combobox", name="Namespace").click()
    page.get_by_role("option", name=SHOP, exact=True).click()

    expect(page).to_have_url(re.compile(rf"[?&]ns={SHOP}"))
    expect(page.locator('[data-key="echo-prod/echo-server"]')).to_have_count(0)
    expect(card(page, "web")).to_be_visible()
    page.goto(tab.origin + "/rollouts")
    expect(card(page, "web")).to_be_visible()
    expect(page.locator('[data-key="echo-prod/echo-server"]')).to_have_count(0)


def test_counters_filter_and_the_address_holds_it(tab: Tab) -> None:
    page = tab.open("/rollouts")
    counter = page.get_by_role("group", name="Show only").get_by_role("button", name=re.compile("Paused"))

    counter.click()

    expect(counter).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("phase=Paused"))
    expect(card(page, "web")).to_be_visible()
    expect(card(page, "ticking")).to_have_count(0)
    page.reload()
    expect(counter).to_have_attribute("aria-pressed", "true")
    expect(card(page, "web")).to_be_visible()
    expect(card(page, "ticking")).to_have_count(0)
    page.get_by_role("button", name="Show all").click()
    expect(card(page, "ticking")).to_be_visible()


def test_favourites_survive_a_reload(tab: Tab) -> None:
    page = tab.open("/rollouts")
    star = card(page, "web").get_by_role("button")

    star.click()
    page.reload()

    expect(star).to_have_attribute("aria-pressed", "true")
    expect(cards(page).first).to_contain_text("web")
    page.get_by_role("button", name=re.compile("Favourites")).click()
    expect(cards(page)).to_have_count(1)


# -- live -------------------------------------------------------------------------------------------------------------


def test_what_happens_is_shown_without_a_reload(tab: Tab, world: World) -> None:
    page = tab.open("/rollouts")
    expect(card(page, "quiet")).to_contain_text("Healthy")
    page.evaluate("window.isSamePage = true")

    world.hand.update("quiet")

    expect(card(page, "quiet")).to_contain_text("Paused")
    card(page, "quiet").get_by_role("link", name="quiet").click()
    actions(page).filter(has_text=re.compile(r"^Promote$")).click()
    page.get_by_role("dialog").get_by_role("button", name="Promote", exact=True).click()
    expect(page.locator("h1 ~ *", has_text="Healthy").first).to_be_visible()
    assert page.evaluate("window.isSamePage") is True


def test_a_log_is_followed_and_held(tab: Tab, world: World) -> None:
    page = open_view(tab, world, VIEWS["pod-logs"])
    log = page.get_by_role("log")

    expect(log).to_contain_text(re.compile(r"line \d+ of many"))
    seen = last_line(log)
    page.wait_for_function("seen => window.lastLine() > seen", arg=seen)
    page.get_by_role("checkbox", name="Follow").uncheck()
    expect(page.get_by_role("dialog")).to_contain_text("Held")
    page.get_by_role("checkbox", name="Follow").check()
    page.wait_for_function("seen => window.lastLine() > seen", arg=last_line(log))
    page.get_by_role("textbox", name="Filter").fill("no such words")
    expect(log).to_contain_text("No line contains this text.")
    page.keyboard.press("Escape")
    expect(log).to_contain_text(re.compile(r"line \d+ of many"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(f"/rollouts/{SHOP}/ticking$"))


def last_line(log: Locator) -> int:
    """The number of the newest line that is drawn."""
    number: int = log.evaluate(
        """log => {
          window.lastLine = () => Math.max(...[...log.querySelectorAll('.log-line')]
            .map((one) => Number(/line (\\d+)/.exec(one.textContent)?.[1] ?? -1)))
          return window.lastLine()
        }"""
    )
    return number


# -- queries ----------------------------------------------------------------------------------------------------------


def test_a_query_is_completed_and_its_errors_are_underlined(tab: Tab) -> None:
    page = tab.open("/query")
    editor = page.get_by_role("textbox", name="Expression")
    editor.click()

    page.keyboard.type("kube_pod_container_status_r")
    expect(page.get_by_role("listbox")).to_contain_text("kube_pod_container_status_ready")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    page.keyboard.type("sum(up) +")
    expect(page.locator(UNDERLINED)).not_to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.type(" 1")
    expect(page.locator(UNDERLINED)).to_have_count(0)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"g0\.expr=" + re.escape(urllib.parse.quote_plus("sum(up) + 1"))))
    expect(page.get_by_role("region", name="Result").get_by_role("row").nth(1)).to_contain_text("{}")


def test_the_address_holds_what_is_open(tab: Tab, world: World) -> None:
    page = tab.open(STAGING)
    page.locator(f'[data-node="{DEPLOYED}"]').click()
    page.get_by_role("dialog").get_by_role("tab", name="Live").click()
    expect(page).to_have_url(re.compile("resource=.*&tab=live"))
    opened = page.url

    page.goto(opened)
    expect(page.get_by_role("dialog").get_by_role("tab", name="Live")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(re.escape(STAGING) + "$"))

    page.goto(f"{tab.origin}/rollouts/{SHOP}/judged/analysis/{world.run}?metric=is-small")
    expect(page.get_by_role("region", name="is-small")).to_be_visible()
    expect(page.get_by_role("region", name="is-small")).to_contain_text("vector(3)")


# -- a page that only shows -------------------------------------------------------------------------------------------


def test_a_page_that_only_shows_tells_that_it_refuses(browser: Browser, tmp_path: Path) -> None:
    file = write(tmp_path / "shop.yaml", shop())
    context = browser.new_context()
    with LocalCluster(tmp_path, "--read-only", "--controllers", "rollouts,workloads", "--apply", str(file)) as cluster:
        tab = Tab(context, origin(cluster))
        page = tab.page
        page.goto(address(cluster.said, "Rollouts"))
        expect(page.locator("header")).to_contain_text("read-only")
        card(page, "web").get_by_role("link", name="web").click()

        expect(actions(page).first).to_be_visible()
        for button in actions(page).all():
            expect(button).to_have_attribute("aria-disabled", "true")
        actions(page).first.focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("tooltip")).to_contain_text("read-only")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert tab.axe() == []
        assert not tab.complaints, "\n".join(tab.complaints)
        context.close()
