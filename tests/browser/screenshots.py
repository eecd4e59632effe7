"""The pictures of the documentation: `make screenshots` plays the Silent Canary and photographs its chapters.

Owns: which moments are shown, in which sizes and colours, and which of the pictures the documentation keeps. Must not
know: how the story goes on by itself, what the page draws. Needs git, kubectl, chromium and the built page.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

from canarium.lab.examples import MANIFESTS
from tests.acceptance.engineer import (
    CANARY,
    PROD,
    ROLLOUT,
    STAGING,
    TEMPLATE,
    WRITTEN,
    Engineer,
    query_of,
    refresh_and_retry,
)
from tests.browser.conftest import ROOT, STATIC, address
from tests.peers import PeerMissing, kubectl

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
COLOURS = ("light", "dark")
KEPT = (
    "wall-wide-light",
    "wall-narrow-dark",
    "rollout-wide-light",
    "rollout-narrow-light",
    "track-wide-dark",
    "analysis-wide-light",
    "query-wide-light",
    "graph-wide-dark",
    "tree-wide-light",
    "application-wide-light",
    "walk-wide-light",
    "end-narrow-dark",
)
"""What the documentation keeps; `--all` keeps every picture."""

READY = """sum by (version) (
  label_replace(
    kube_pod_container_status_ready{namespace="echo-prod", pod=~"echo-server-.*"},
    "version", "$1", "pod", "echo-server-(.*)-.*"
  )
)"""
"""Ready pods of each version."""
SCRAPES_MILLISECONDS = 12_000
"""Until Prometheus has seen the end."""
Prepare = Callable[[Page], None]


class Camera:
    """Four tabs, a size and a colour scheme each, that see the same page."""

    def __init__(self, browser: Browser, start: str, kept: tuple[str, ...] | None) -> None:
        self._origin = f"http://{urlsplit(start).netloc}"
        self._kept = kept
        self._pages: dict[str, Page] = {}
        self._taken: dict[str, bytes] = {}
        for size, (width, height) in SIZES.items():
            for colours in COLOURS:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    device_scale_factor=1,
                    color_scheme="dark" if colours == "dark" else "light",
                    reduced_motion="reduce",
                    timezone_id="UTC",
                    locale="en-GB",
                )
                page = context.new_page()
                page.goto(start)
                self._pages[f"{size}-{colours}"] = page

    def open(self, path: str, prepare: Prepare) -> None:
        """Bring all tabs to a place."""
        for page in self._pages.values():
            page.goto(f"{self._origin}{path}")
            prepare(page)

    def wait(self, prepare: Prepare) -> None:
        """Do the same on all tabs, where they are."""
        for page in self._pages.values():
            prepare(page)

    def take(self, name: str) -> None:
        """A picture of each tab as it is now."""
        for kind, page in self._pages.items():
            picture = f"{name}-{kind}"
            if self._kept is None or picture in self._kept:
                self._taken[picture] = page.screenshot(caret="initial", animations="disabled")

    def write(self, folder: Path, tab: Page) -> None:
        """Write what was taken: afterwards, because the story does not wait."""
        for picture, png in self._taken.items():
            (folder / f"{picture}.png").write_bytes(reduced(png, tab))


REDUCE = """
async (png) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob())
  const {width, height} = image
  const context = new OffscreenCanvas(width, height).getContext("2d")
  context.drawImage(image, 0, 0)
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)
  const counts = new Map()
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1)
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255]
  const colours = [...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => parts(colour).concat(colour))
  const away = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2
  let palette = []
  for (let near = 4; ; near *= 1.5) {
    palette = []
    for (const colour of colours) {
      if (palette.length > 256) break
      if (palette.every((one) => away(one, colour) >= near)) palette.push(colour)
    }
    if (palette.length <= 256) break
  }
  const index = new Map()
  for (const colour of colours) {
    let best = 0
    palette.forEach((one, at) => { if (away(one, colour) < away(palette[best], colour)) best = at })
    index.set(colour[3], best)
  }
  const indices = Uint8Array.from(pixels, (pixel) => index.get(pixel))
  let text = ""
  for (let at = 0; at < indices.length; at += 32768) text += String.fromCharCode(...indices.subarray(at, at + 32768))
  return {width, height, palette: palette.map((colour) => colour.slice(0, 3)), indices: btoa(text)}
}
"""
"""At most 256 colours: the most frequent, as far apart as it takes. A page has few that matter."""


def reduced(png: bytes, tab: Page) -> bytes:
    """The picture with a palette, a third of the size. tab: an empty one, which reads the PNG."""
    found = tab.evaluate(REDUCE, base64.b64encode(png).decode())
    width, height = found["width"], found["height"]
    indices = base64.b64decode(found["indices"])
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, len(indices), width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", bytes(part for colour in found["palette"] for part in colour)),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


# -- what is waited for ------------------------------------------------------------------------------------------------


def says(*texts: str) -> Prepare:
    """Until the page's main part contains the texts."""

    def wait(page: Page) -> None:
        for text in texts:
            expect(page.get_by_role("main")).to_contain_text(text)

    return wait


def typed(text: str) -> Prepare:
    """An expression begun in the editor, and what it offers."""

    def type_it(page: Page) -> None:
        editor = page.get_by_role("textbox", name="Expression")
        editor.click()
        page.keyboard.press("Control+a")
        page.keyboard.type(text)
        expect(page.get_by_role("listbox")).to_contain_text("kube_pod_container_status_ready")

    return type_it


def scrolled(region: str) -> Prepare:
    """Until a region begins below the head of the page."""

    def scroll(page: Page) -> None:
        page.get_by_role("region", name=region).evaluate("(it) => scrollBy(0, it.getBoundingClientRect().top - 70)")

    return scroll


def drawer(text: str) -> Prepare:
    """Until a drawer contains the text."""

    def wait(page: Page) -> None:
        expect(page.get_by_role("dialog")).to_contain_text(text)

    return wait


def drawn(page: Page) -> None:
    """Until a graph is there."""
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(300)  # the axes settle


# -- the story ---------------------------------------------------------------------------------------------------------


def play(engineer: Engineer, camera: Camera) -> None:
    """From the update that hangs to the end, with a picture where there is something to see."""
    rollout = f"/rollouts/{STAGING}/echo-server"
    engineer.edit(ROLLOUT, "podinfo:6.8.0", "podinfo:6.9.3")
    for namespace in (STAGING, PROD):
        engineer.wait(namespace, "{.status.phase}", "Degraded")
    camera.open("/rollouts", says("no such host"))
    camera.take("wall")
    camera.open(rollout, says("no such host", "prometheus-server"))
    camera.take("rollout")
    camera.wait(scrolled("Steps"))
    camera.take("track")

    engineer.edit(TEMPLATE, "http://prom-server.", "http://prometheus-server.")
    refresh_and_retry(engineer)
    for namespace in (PROD, STAGING):
        engineer.wait_for_run(namespace, "1.1", "Failed")
        engineer.wait(namespace, "{.status.phase}", "Degraded")
    engineer.edit(TEMPLATE, "result[0] > 0", "result[0] == 0")
    refresh_and_retry(engineer)
    for namespace in (PROD, STAGING):
        engineer.wait_for_run(namespace, "1.2", "Error")
        engineer.wait(namespace, "{.status.phase}", "Degraded")
    run = f"echo-server-{CANARY}-2-1.2"
    camera.open(f"{rollout}/analysis/{run}?metric=ready-containers", says("nothing but comments"))
    camera.take("analysis")
    camera.open("/query", typed("sum(kube_pod_container_status_"))
    camera.take("query")

    # With automated sync, a difference is gone before it is seen.
    sets = "kubectl -n argocd patch applicationset echo-server --type=json -p"
    automated = "/spec/template/spec/syncPolicy/automated"
    engineer.run(f"""{sets} '[{{"op": "replace", "path": "{automated}/enabled", "value": false}}]'""")
    for application in ("echo-server-staging", "echo-server-prod"):
        engineer.run(
            f"kubectl -n argocd wait application/{application} --timeout=60s "
            "--for=jsonpath='{.spec.syncPolicy.automated.enabled}'=false"
        )
    engineer.edit(TEMPLATE, query_of(engineer), WRITTEN)
    engineer.run("kubectl -n argocd annotate application echo-server-staging argocd.argoproj.io/refresh=normal")
    application = "/applications/argocd/echo-server-staging"
    camera.open(application, says("OutOfSync", "AnalysisTemplate"))
    camera.wait(scrolled("Resources"))
    camera.take("tree")
    template = engineer.get(f"-n {STAGING} get analysistemplates")["items"][0]["metadata"]["name"]
    resource = quote(f"argoproj.io/AnalysisTemplate/{STAGING}/{template}", safe="")
    camera.open(f"{application}?resource={resource}", drawer("How many containers are ready?"))
    camera.take("application")
    engineer.run(f"""{sets} '[{{"op": "replace", "path": "{automated}/enabled", "value": true}}]'""")

    camera.open(f"/rollouts/{PROD}/echo-server", says("echo-server"))
    refresh_and_retry(engineer)
    camera.wait(says("set to 66 %"))
    camera.take("walk")
    for namespace in (STAGING, PROD):
        engineer.wait(namespace, "{.status.phase}", "Healthy")
    camera.wait(says("5 of 5 done"))
    camera.take("end")
    camera.wait(lambda page: page.wait_for_timeout(SCRAPES_MILLISECONDS / len(SIZES) / len(COLOURS)))
    panel = {"g0.expr": READY, "g0.tab": "graph", "g0.range_input": "90s"}
    camera.open(f"/query?{urlencode(panel)}", drawn)
    camera.take("graph")


@contextmanager
def cluster(home: Path, binary: Path) -> Iterator[Engineer]:
    """The first version, running in both environments."""
    engineer = Engineer(home, binary)
    with engineer.cluster:
        engineer.run(f"kubectl apply -f {MANIFESTS}/appset.yaml")
        for namespace in (STAGING, PROD):
            engineer.run(f"kubectl wait namespace/{namespace} --for=create --timeout=60s")
            engineer.run(f"kubectl -n {namespace} wait rollout/echo-server --for=create --timeout=60s")
            engineer.wait(namespace, "{.status.phase}", "Healthy")
        yield engineer


def main() -> int:
    """Play, photograph, say where the pictures are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images", help="the folder for the pictures")
    parser.add_argument("--all", action="store_true", help="every size and colour of every picture")
    parser.add_argument(
        "--home", type=Path, default=Path("/tmp/demo"), help="made, and removed; its name is in pictures"
    )
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return _refuse("chromium is not on PATH: install it, or name one with CHROMIUM=")
    if not (STATIC / "index.html").is_file():
        return _refuse("the page is not built: make ui")
    if options.home.exists():
        return _refuse(f"{options.home} exists: remove it, or name another folder with --home")
    options.home.mkdir(parents=True)
    try:
        binary = kubectl(options.home / "cache")
        options.to.mkdir(parents=True, exist_ok=True)
        with cluster(options.home, binary) as engineer, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            start = address(engineer.cluster.said, "Rollouts")
            camera = Camera(browser, start, None if options.all else KEPT)
            try:
                play(engineer, camera)
            finally:
                camera.write(options.to, browser.new_page())
            browser.close()
    except PeerMissing as missing:
        return _refuse(str(missing))
    finally:
        shutil.rmtree(options.home)
    print(f"The pictures are in {options.to}.")
    return 0


def _refuse(problem: str) -> int:
    print(problem, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
