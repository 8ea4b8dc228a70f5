"""The review in a real browser: a headless Chromium of this machine opens what ``void review`` made."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.integration.command_case import void
from tests.integration.farm_case import farm_job
from tests.review_case import FIRST, plate_pixels, result_pixels, reviewed_job, write_job
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.errors import ProtocolError
from void_protocol.job import RemovalJob
from void_server.cli.exit_codes import ExitCode
from void_server.review.catalogue import review_shots
from void_server.review.matte_orders import MatteOrders
from void_server.review.notes import read_review, write_review
from void_server.review.page import ReviewPage
from void_server.review.serving import ReviewServer
from void_server.review.shown import ReviewView

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
CHROMIUM = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium from the system's packages"),
]


class Tab:
    """A page in the browser, and what went wrong in it."""

    def __init__(self, page: object) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _told(self, message: object) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_selector(".card")

    def open_shot(self) -> None:
        self.page.click(".card >> nth=0")
        self.page.wait_for_selector("#pane-b img.picture[src]:not([hidden])")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shown(self, pane: str = "b") -> str:
        """What a pane's picture is, without the address's beginning."""
        source = self.page.eval_on_selector(
            f"#pane-{pane} img.picture", "image => image.hidden ? '' : image.src"
        )
        return source.partition("shots/")[2]

    def wait_for(self, part: str, pane: str = "b") -> None:
        self.page.wait_for_selector(f"#pane-{pane} img.picture[src$='{part}']", state="attached")

    def picture(self, pane: str = "b") -> np.ndarray:
        """The pixels on the screen where a pane's picture is, (H, W, 3) RGB."""
        box = self.page.locator(f"#pane-{pane} .sheet").bounding_box()
        left, top = round(box["x"]), round(box["y"])
        assert (left, top) == (box["x"], box["y"]), "the picture does not lie on the screen's pixels"
        data = self.page.screenshot()
        screen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        return screen[top : top + round(box["height"]), left : left + round(box["width"])]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: object) -> Iterator[Tab]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(15_000)
    tab = Tab(page)
    yield tab
    page.close()
    assert tab.problems == []


def test_a_page_opens_from_the_disk(tab: Tab, tmp_path: Path) -> None:
    job = reviewed_job(tmp_path, "<i>glass</i>")
    ran = void("review", write_job(job, tmp_path / "job.json"), "-o", tmp_path / "page")
    assert ran.code == 0, ran.err
    tab.open((tmp_path / "page" / "index.html").as_uri())
    assert tab.page.inner_text(".card strong") == "<i>glass</i>"
    assert "at fault" in tab.page.inner_text(".card")
    tab.open_shot()
    assert tab.shown() == "i_glass_i/v002/result/1001.png"
    tab.press("ArrowRight", "ArrowRight")
    tab.wait_for("result/1003.png")
    assert tab.page.inner_text("#frame") == "1003"
    tab.press("End", "ArrowLeft", "ArrowLeft", "Home", "1")
    tab.wait_for("plate/1001.png", "a")
    # At one to one the picture on the screen is what the OCIO view makes of the light, to one code.
    tab.press("z")
    view = ReviewView.named()
    for key, pixels in (("1", plate_pixels(FIRST)), ("2", result_pixels(FIRST, 2))):
        tab.press(key)
        screen = tab.picture()
        assert screen.shape == pixels.shape
        assert np.abs(screen.astype(int) - view.shown(pixels)).max() <= 1, key
    tab.press("r")
    screen = tab.picture()
    assert (screen == screen[..., :1]).all()
    assert np.abs(screen[..., 0].astype(int) - view.shown(pixels)[..., 0]).max() <= 1
    tab.press("r", "d")
    difference = tab.picture().max(axis=2)
    assert difference[:7].max() == 0
    assert difference[10:22, 18:30].min() > 100
    tab.press("w", "[", "]", "]")
    assert tab.page.get_attribute("#wipe", "aria-valuenow") == "52"
    assert "52%" in tab.page.get_attribute("#pane-b", "style")
    tab.press("m", "c")
    tab.page.wait_for_selector("#pane-b .overlay:not([hidden]) + .overlay:not([hidden])")
    # The graph's click, the finding and the strip lead to their frames.
    tab.page.evaluate("document.getElementById('graph').emit('plotly_click', {points: [{x: 1002}]})")
    assert tab.page.inner_text("#frame") == "1002"
    tab.page.click("#findings button")
    assert tab.page.inner_text("#frame") == "1003"
    box = tab.page.locator("#strip").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] - 3, box["y"] + 5)
    assert tab.page.inner_text("#frame") == "1004"
    assert tab.page.locator("#strip i.absent").count() == 1
    assert tab.page.get_attribute("#strip", "aria-valuetext") == "1004: not there"
    tab.press("ArrowLeft")
    assert tab.page.get_attribute("#strip", "aria-valuetext") == "1003: outline"
    tab.press("ArrowRight")
    # Notes stay in the browser, and leave as a file.
    tab.press("n")
    tab.page.keyboard.type("the <b>edge</b>, m c w")
    tab.page.click("text=Add note")
    tab.page.wait_for_selector("#notes li")
    tab.page.reload()
    tab.page.wait_for_selector("#notes li")
    assert "the <b>edge</b>, m c w" in tab.page.inner_text("#notes")
    with tab.page.expect_download() as download:
        tab.page.click("#export-csv")
    assert "the <b>edge</b>, m c w" in Path(download.value.path()).read_text()
    tab.press("Escape")
    assert tab.page.is_visible("#list")


def test_versions_are_compared_in_every_way_and_channel_by_channel(tab: Tab, tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    ran = void("review", write_job(job, tmp_path / "job.json"), "-o", tmp_path / "page")
    assert ran.code == 0, ran.err
    tab.open((tmp_path / "page" / "index.html").as_uri())
    tab.open_shot()
    tab.page.select_option("#source-a", "v001")
    tab.wait_for("v001/result/1001.png", "a")
    view = ReviewView.named()
    first, second = (view.shown(result_pixels(FIRST, version)).astype(int) for version in (1, 2))
    tab.press("z", "2")
    for key, channel in (("g", 1), ("b", 2)):
        tab.press(key)
        assert np.abs(tab.picture().astype(int) - second[..., channel, None]).max() <= 1, key
        tab.press(key)
    tab.press("y")
    luma = second @ (0.2126, 0.7152, 0.0722)
    assert np.abs(tab.picture().astype(int) - luma[..., None]).max() <= 1
    tab.press("y", "5")
    assert tab.page.inner_text("#gain-value") == "8"
    assert np.abs(tab.picture().astype(int) - np.minimum(255, 8 * np.abs(second - first))).max() <= 8
    tab.press("3", "z")
    assert [np.abs(tab.picture(pane).astype(int) - shown).max() <= 1 for pane, shown in (
        ("a", first), ("b", second),
    )] == [True, True]  # fmt: skip
    left, right = (tab.page.locator(f"#pane-{pane}").bounding_box() for pane in "ab")
    assert left["x"] + left["width"] <= right["x"]
    tab.press("t")
    for pane in "abab":
        tab.page.wait_for_function(
            "pane => getComputedStyle(document.getElementById(`pane-${pane}`)).visibility === 'visible' && "
            "['a', 'b'].filter(one => getComputedStyle(document.getElementById(`pane-${one}`)).visibility "
            "=== 'visible').length === 1",
            arg=pane,
        )
    # Zoomed in, each pixel is a square of its own light.
    tab.press("2", "z", "+", "+", "+", "+")
    scale = tab.page.evaluate("voidReview.viewer.scale")
    assert scale > 4
    assert tab.page.eval_on_selector("#pane-b .sheet", "sheet => sheet.className") == "sheet pixels"


def test_playing_goes_round_and_round_both_ways_and_stops(tab: Tab, tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    ran = void("review", write_job(job, tmp_path / "job.json"), "-o", tmp_path / "page")
    assert ran.code == 0, ran.err
    tab.open((tmp_path / "page" / "index.html").as_uri())
    tab.open_shot()
    assert tab.page.inner_text("#rate") == "12 fps"
    tab.page.evaluate(
        "window.seen = [1001]; new MutationObserver(() => seen.push(Number(frame.textContent)))"
        ".observe(frame, {childList: true})"
    )
    tab.press("l", "k", "l")
    tab.page.wait_for_function("seen.length > 6")
    tab.press("j")
    tab.page.wait_for_function("window.turned ??= seen.length, seen.length > turned + 6")
    tab.press("k")
    assert tab.page.inner_text("#play") == "Play"
    steps = [(after - before) % 4 for before, after in pairwise(tab.page.evaluate("seen"))]
    assert set(steps) == {1, 3}
    assert steps == sorted(steps), "first all forwards, then all backwards"
    tab.press("Space")
    assert tab.page.inner_text("#play") == "Stop"
    tab.press("Space")
    stopped = tab.page.evaluate("seen.length")
    tab.press("ArrowRight")
    tab.page.wait_for_function(f"seen.length > {stopped}")


LATE_FIRST = """
(() => {
  const load = voidReview.load;
  voidReview.load = (shot) => shot.key !== "sh010" ? load(shot) : new Promise((go) => {
    window.letGo = () => {
      voidReview.load = load;
      go(load(shot));
      return new Promise((after) => setTimeout(after, 100));
    };
  });
  location.hash = "sh010";
})()
"""
"""Opens the first shot, whose notes come when they are let go."""


def test_forty_shots_of_a_batch_are_reviewed_at_once(tab: Tab, tmp_path: Path) -> None:
    names = [f"sh{number:03d}" for number in range(10, 410, 10)]
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name in names:
        farm_job(tmp_path, name=name, frames=1).rename(jobs / f"{name}.json")
    ran = void("batch", jobs)
    assert ran.code == 0, ran.err
    at_fault = tmp_path / "sh070" / "out" / "r_v001.1001.exr"
    frame = read_frame(at_fault, 1001)
    spoilt = frame.read_channels(("R", "G", "B"), frame.data_window)
    spoilt[0, 0] += 1.0
    write_frame(Frame.from_pixels(1001, ("R", "G", "B"), spoilt), at_fault, overwrite=True)
    assert void("check", jobs).code == ExitCode.NOT_GOOD
    ran = void("review", jobs, "-o", tmp_path / "page")
    assert ran.code == 0, ran.err
    tab.open((tmp_path / "page" / "index.html").as_uri())
    assert tab.page.locator(".card strong").all_inner_texts() == names
    for state, count in (("red", 1), ("green", 39), ("undecided", 40), ("unchecked", 0)):
        tab.page.select_option("#only", state)
        assert tab.page.locator(".card").count() == count, state
    tab.page.select_option("#only", "")
    tab.open_shot()
    for name in names:
        tab.page.wait_for_function("name => document.getElementById('title').textContent === name", arg=name)
        tab.wait_for(f"{name}/v001/result/1001.png")
        tab.page.click("#redo" if name == "sh070" else "#approve")
        tab.page.wait_for_selector("#approve[aria-pressed=true], #redo[aria-pressed=true]")
        if name == "sh070":
            tab.page.fill("#reason", "a pixel, outside")
        tab.page.focus("#stage")
        tab.press("ArrowDown")
    # A shot that comes late does not take the place of the one that was chosen since.
    tab.page.evaluate(LATE_FIRST)
    tab.page.wait_for_function("Boolean(window.letGo)")
    tab.page.evaluate("location.hash = 'sh020'")
    tab.wait_for("sh020/v001/result/1001.png")
    tab.page.evaluate("letGo()")
    assert tab.page.evaluate("voidReview.viewer.shot.key") == "sh020"
    tab.press("Escape")
    tab.page.select_option("#only", "approved")
    assert tab.page.locator(".card").count() == 39
    with tab.page.expect_download() as download:
        tab.page.click("#export-json")
    kept = json.loads(Path(download.value.path()).read_text())
    assert [one["shot"] for one in kept] == names
    assert [(one["decision"], one["reason"]) for one in kept if one["shot"] == "sh070"] == [
        ("redo", "a pixel, outside")
    ]


NAMELESS = """
[...document.querySelectorAll("button, input, select, textarea, [role=slider], [role=img], [role=group]")]
  .filter(one => one.checkVisibility())
  .filter(one => !(one.ariaLabel || one.labels?.[0]?.textContent || one.textContent).trim())
  .map(one => one.outerHTML)
"""
"""What has no name that a screen reader could say."""
FAINT = """
(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const linear = code => code / 255 <= 0.03928 ? code / 255 / 12.92 : ((code / 255 + 0.055) / 1.055) ** 2.4;
  const light = colour => colour.slice(0, 3).map(linear)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll("header *, main *")) {
    const says = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!says || !one.checkVisibility() || one.closest("#stage, #graph, option")) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`${one.outerHTML.slice(0, 120)}: ${contrast.toFixed(2)}`);
  }
  return found;
})()
"""
"""Text that stands out less from what is behind it than accessibility guidelines ask for, 4.5 to 1."""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_keys_reach_everything_and_what_is_there_has_a_name_and_can_be_read(
    browser: object, tmp_path: Path, scheme: str
) -> None:
    job = reviewed_job(tmp_path)
    ran = void("review", write_job(job, tmp_path / "job.json"), "-o", tmp_path / "page")
    assert ran.code == 0, ran.err
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    page.set_default_timeout(15_000)
    page.goto((tmp_path / "page" / "index.html").as_uri())
    page.wait_for_selector(".card")
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(FAINT) == []
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.card')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#pane-b img.picture[src]:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "stage"
    page.keyboard.press("w")
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(FAINT) == []
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.value"))
    wanted = {
        "approve",
        "redo",
        "reason",
        "note-text",
        "strip",
        "wipe",
        "exposure",
        "gamma",
        "play",
        "difference",
    }
    assert wanted <= reached
    page.evaluate(
        "document.getElementById('title').style.color = getComputedStyle(document.body).backgroundColor"
    )
    assert len(page.evaluate(FAINT)) == 1
    page.close()


def test_a_served_review_keeps_notes_and_shows_any_exposure(tab: Tab, tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    with ReviewPage(tmp_path / "page", review_shots([job]), ReviewView.named()) as page:
        page.prepare(server=True)
        server = ReviewServer(page, "anna")
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            tab.open(server.url)
            tab.open_shot()
            tab.page.locator("#exposure").fill("2")
            tab.wait_for("result/1001.png?exposure=2&gamma=1")
            tab.press("Escape", ".", ".", ",", ")", "(", "(")
            tab.wait_for("result/1001.png?exposure=2.25&gamma=0.95")
            tab.page.click("#approve")
            tab.page.wait_for_selector("#approve[aria-pressed=true]")
            stage = tab.page.locator("#stage").bounding_box()
            x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
            tab.page.keyboard.down("Shift")
            tab.page.mouse.move(x - 40, y - 40)
            tab.page.mouse.down()
            tab.page.mouse.move(x + 40, y + 40)
            tab.page.mouse.up()
            tab.page.keyboard.up("Shift")
            tab.page.locator("#note-text").fill("look here")
            tab.page.click("text=Add note")
            tab.page.wait_for_selector("#notes li")
            kept = read_review(job.output.versioned_pattern)
            assert (kept.decision, kept.notes[0].author, kept.notes[0].text) == (
                "approved",
                "anna",
                "look here",
            )
            left, top, right, bottom = kept.notes[0].box
            assert 0 < left < right < 1
            assert 0 < top < bottom < 1
            assert tab.page.locator("#pane-b .box").count() == 1
            # A reason, and a button pressed right after it: both are kept.
            tab.page.fill("#reason", "too soft")
            tab.page.click("#redo")
            tab.page.wait_for_selector("#redo[aria-pressed=true]")
            kept = read_review(job.output.versioned_pattern)
            assert (kept.decision, kept.reason) == ("redo", "too soft")
            assert tab.page.inner_text("#message") == ""
            tab.page.click("#approve")
            tab.page.wait_for_selector("#approve[aria-pressed=true]")
            # Somebody else was here meanwhile: what was written stays, to be added again.
            write_review(job.output.versioned_pattern, read_review(job.output.versioned_pattern))
            tab.page.fill("#note-text", "and here")
            tab.page.click("text=Add note")
            tab.page.wait_for_selector("#message:has-text('somebody else')")
            assert "409" in tab.problems.pop()
            assert tab.page.input_value("#note-text") == "and here"
            tab.page.click("text=Add note")
            tab.page.wait_for_selector("#notes li >> nth=1")
            assert len(read_review(job.output.versioned_pattern).notes) == 2
            tab.page.click("#notes li:has-text('look here') button:has-text('remove')")
            tab.page.wait_for_selector("#notes:not(:has-text('look here'))")
            assert [note.text for note in read_review(job.output.versioned_pattern).notes] == ["and here"]
            tab.page.keyboard.press("Escape")
            tab.page.wait_for_selector(".card:has-text('approved')")
        finally:
            server.stop()
            thread.join()
            server.close()


def test_a_click_in_the_picture_asks_the_server_for_a_matte(tab: Tab, tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    sent: list[tuple[RemovalJob, Callable[[str], None]]] = []

    def send(made: RemovalJob, told: Callable[[str], None]) -> None:
        if len(sent) == 1:
            sent.append((made, told))
            raise ProtocolError("the server has gone")
        sent.append((made, told))

    with ReviewPage(tmp_path / "page", review_shots([job]), ReviewView.named()) as page:
        assert page.prepare(server=True) == []
        server = ReviewServer(page, "anna", orders=MatteOrders(send))
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            tab.open(server.url)
            tab.open_shot()
            tab.page.click("#make-matte")
            tab.page.wait_for_selector("#message:has-text('shift and click')")
            stage = tab.page.locator("#stage").bounding_box()
            middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2

            def mark() -> None:
                tab.page.keyboard.down("Shift")
                tab.page.mouse.click(*middle)
                tab.page.keyboard.up("Shift")

            mark()
            tab.page.click("#make-matte")
            tab.page.wait_for_selector("#matte-said:has-text('asked for')")
            made, told = sent[0]
            point = made.task.objects[0].points[0]
            assert point.frame == FIRST
            assert abs(point.x - made.shot.format.width / 2) < 1
            assert abs(point.y - made.shot.format.height / 2) < 1
            told("the matte is there")
            tab.page.wait_for_selector("#matte-said:has-text('is there')")
            assert tab.problems == []
            mark()
            tab.page.click("#make-matte")
            tab.page.wait_for_selector("#message:has-text('has gone')")
            assert "503" in tab.problems.pop()  # the browser tells of every refusal
        finally:
            server.stop()
            thread.join()
            server.close()


def test_dark_and_narrow_pages_and_two_hundred_shots(browser: object, tmp_path: Path) -> None:
    job = reviewed_job(tmp_path, versions=1)
    with ReviewPage(tmp_path / "page", review_shots([job]), ReviewView.named()) as page:
        page.prepare()
    data = tmp_path / "page" / "review_data.js"
    many = (
        "Array.from({length: 200}, (_, at) => ({...voidReview.data.shots[0], name: `s${at}`, key: `s${at}`}))"
    )
    data.write_text(f"{data.read_text()} voidReview.list({{...voidReview.data, shots: {many}}});")
    shown = browser.new_page(viewport={"width": 420, "height": 800}, color_scheme="dark")
    shown.goto((tmp_path / "page" / "index.html").as_uri())
    shown.wait_for_selector(".card >> nth=199")
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 23, 26)"
    shown.fill("#find", "s19")
    assert shown.locator(".card").count() == 11
    shown.select_option("#only", "approved")
    assert shown.locator(".card").count() == 0
    shown.close()
