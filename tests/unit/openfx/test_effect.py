"""The compiled plug-in in a host that checks its obedience, with a bridge that does what each test says."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.ofx_host import names, profiles
from tests.fakes.ofx_host.host import Host, why_not_here
from tests.fakes.ofx_host.images import Source
from tests.fakes.ofx_host.instance import Instance
from tests.fakes.ofx_host.profiles import Profile
from tests.fakes.ofx_host.rendering import RenderError
from tests.openfx_plugin import built_plugin
from tests.unit.openfx import scripted_bridge
from tests.unit.openfx.scripted_bridge import HEIGHT, RECORD, WIDTH

pytestmark = pytest.mark.skipif(bool(why_not_here()), reason=why_not_here() or "it runs here")

BOX = (0, 0, WIDTH, HEIGHT)
FRAMES = (1, 3)


def plate(frame: float) -> np.ndarray:
    return np.random.default_rng(int(frame) + 500).random((HEIGHT, WIDTH, 4), np.float32)


def matte(frame: float) -> np.ndarray:
    picture = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    picture[1, 1] = [0.25, 0.5, 1, int(frame) / 10]
    return picture


class Bridge:
    """The scripted bridge of one test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.plays("well")

    def plays(self, mode: str) -> None:
        """Says what the bridges do that are started from now on."""
        script = self.folder / "python"
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{scripted_bridge.__file__}" "{self.folder}" {mode} "$@"\n'
        )
        script.chmod(0o755)
        self._monkeypatch.setenv("VOID_OPENFX_PYTHON", str(script))

    @property
    def starts(self) -> list[int]:
        file = self.folder / "starts"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def messages(self, kind: str = "") -> list[dict[str, str]]:
        file = self.folder / "messages.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [one for one in map(json.loads, lines) if kind in ("", one["type"])]

    def handed_over(self, role: str, frame: int, kind: type = np.float16) -> np.ndarray:
        return np.frombuffer((self.folder / f"{role}.{frame}.raw").read_bytes(), kind)


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return Bridge(tmp_path, monkeypatch)


Open = Callable[..., Instance]


def comes(happens: Callable[[], object]) -> bool:
    """Whether something happens within ten seconds that the plug-in does not wait for."""
    deadline = time.monotonic() + 10
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(happens())


@pytest.fixture
def effect(bridge: Bridge) -> Iterator[Open]:
    """Opens the effect in a host, which is closed and asked for faults at the end."""
    hosts: list[Host] = []

    def open_effect(profile: Profile = profiles.NATRON, *, with_matte: bool = True, **more) -> Instance:
        host = Host(profile, built_plugin())
        hosts.append(host)
        sources = {"Source": Source(plate, BOX, FRAMES)}
        if with_matte:
            sources["Remove"] = Source(matte, BOX, FRAMES)
        sources |= more.pop("sources", {})
        return host.instance(sources, box=BOX, frames=FRAMES, **more)

    yield open_effect
    for host in hosts:
        host.close()
        host.check()
    assert [path.name for path in bridge.folder.glob("void-openfx-*.log")] == []


def replaced(frame: int, under: np.ndarray) -> np.ndarray:
    """The plate with the scripted bridge's picture over it."""
    expected = under.copy()
    for y in range(HEIGHT):
        for x in range(WIDTH):
            *values, weight = scripted_bridge.colour(frame, x, y)
            if weight:
                expected[y, x, :3] = values
    return expected


@pytest.mark.parametrize("profile", profiles.EVERY, ids=lambda profile: profile.label)
def test_nothing_is_started_before_it_is_needed(effect: Open, bridge: Bridge, profile: Profile) -> None:
    node = effect(profile)
    picture = node.render(2)

    assert bridge.starts == []
    assert np.allclose(picture / (255 if picture.dtype == np.uint8 else 1), plate(2), atol=2e-3)
    node.press("cancel")
    node.press("openFolder")
    node.press("refresh")
    assert bridge.starts == []
    assert "Nothing has been removed" in node.value("status")


@pytest.mark.parametrize("profile", profiles.EVERY, ids=lambda profile: profile.label)
def test_remove_hands_over_and_the_result_takes_the_plates_place(
    effect: Open, bridge: Bridge, profile: Profile
) -> None:
    node = effect(profile)
    node.press("remove")

    assert node.value("record") == RECORD, node.value("status")
    assert len(bridge.starts) == 1
    assert node.value("status").startswith("Frame 0 of 3.")
    begin = bridge.messages("begin")[0]
    assert (begin["first"], begin["last"], begin["x2"], begin["y2"]) == ("1", "3", str(WIDTH), str(HEIGHT))
    assert {(one["role"], one["frame"]) for one in bridge.messages("frame")} == {
        (role, str(frame)) for role in ("plate", "remove") for frame in (1, 2, 3)
    }
    mask = bridge.handed_over("remove", 2).reshape(HEIGHT, WIDTH)
    assert np.isclose(mask[1, 1], 0.2, atol=2e-3)
    assert np.count_nonzero(mask) == 1

    picture = node.render(2).astype(np.float32)
    if picture.max() > 100:
        picture /= 255
    expected = replaced(2, plate(2))
    if names.BYTE in profile.depths and names.FLOAT not in profile.depths:
        expected = np.clip(expected, 0, 1)
    assert np.allclose(picture, expected, atol=2e-3)
    assert comes(lambda: bridge.messages("release"))


def test_pixels_without_weight_are_the_hosts_own_bits(effect: Open) -> None:
    node = effect(profiles.NUKE)
    node.press("remove")

    picture = node.render(3)

    assert np.array_equal(picture, replaced(3, plate(3)))


@pytest.mark.parametrize(("space", "kind"), [("", np.float16), ("ACEScct", np.float32)])
def test_every_frame_is_as_the_host_has_it(effect: Open, bridge: Bridge, space: str, kind: type) -> None:
    """Plates are stored as halves; only where colours are converted does the bridge get all of a float."""
    node = effect(profiles.NUKE)
    node.set("colourSpace", space)
    node.press("remove")

    for frame in (1, 2, 3):
        handed = bridge.handed_over("plate", frame, kind).reshape(HEIGHT, WIDTH, 4)
        assert np.array_equal(handed, plate(frame).astype(kind))


def test_what_the_artist_sets_is_told(effect: Open, bridge: Bridge) -> None:
    node = effect()
    for name, value in {
        "engine": 3,
        "engineName": "studio_flat",
        "prompt": "Eine grüne Wiese",
        "range": 1,
        "first": 2,
        "last": 2,
        "handles": 5,
        "growAuto": 0,
        "grow": 1.5,
        "soften": 7.25,
        "seed": 99,
        "folder": "/shots/sh010",
        "version": 4,
        "motion": 1,
        "grain": 0.5,
        "colourSpace": "ACEScct",
        "engineOptions": "passes=2",
    }.items():
        node.set(name, value)
    node.set("quality", 0)
    assert node.value("scale") == 2  # a preview works at a quarter
    node.press("remove")

    begin = bridge.messages("begin")[0]
    expected = {
        "engine": "studio_flat",
        "prompt": "Eine grüne Wiese",
        "first": "1",
        "last": "3",
        "grow": "1.5",
        "soften": "7.25",
        "seed": "99",
        "folder": "/shots/sh010",
        "version": "4",
        "quality": "preview",
        "scale": "0.25",
        "option.propagation.motion": "locked-off",
        "option.propagation.sources": "balanced",
        "option.propagation.grain": "0.5",
        "colour_space": "ACEScct",
        "options": "passes=2",
    }
    assert {name: begin.get(name) for name in expected} == expected


def test_roles_and_where_their_mattes_come_from(effect: Open, bridge: Bridge) -> None:
    node = effect(sources={"Affected": Source(matte, BOX, FRAMES), "HoldOut": Source(matte, BOX, FRAMES)})
    node.set("removeFrom", 2)
    node.set("affectedFrom", 1)
    node.press("remove")

    assert np.array_equal(bridge.handed_over("remove", 1), plate(1)[..., 3].ravel().astype(np.float16))
    luminance = bridge.handed_over("affected", 1).reshape(HEIGHT, WIDTH)[1, 1]
    assert np.isclose(luminance, 0.2126 * 0.25 + 0.7152 * 0.5 + 0.0722, atol=5e-4)
    assert np.isclose(bridge.handed_over("ignore", 3).reshape(HEIGHT, WIDTH)[1, 1], 0.3, atol=5e-4)


def test_the_box_is_all_that_the_plate_has_in_pixels(effect: Open, bridge: Bridge) -> None:
    """An anamorphic plate with data left of and below its format, and a matte that lies beside it too."""
    wide, marked = (-2, -1, 4, 4), (2, 1, 9, 3)
    source = Source(lambda frame: np.full((5, 6, 4), frame, np.float32), wide, FRAMES, pixel_aspect=2.0)
    roto = Source(lambda _frame: np.ones((2, 7, 4), np.float32), marked, FRAMES, pixel_aspect=2.0)
    node = effect(profiles.NUKE, sources={"Source": source, "Remove": roto})
    node.press("remove")

    begin = bridge.messages("begin")[0]
    assert [begin[edge] for edge in ("x1", "y1", "x2", "y2")] == ["-2", "-1", "4", "4"]
    assert begin["pixel_aspect"] == "2"
    frame = next(one for one in bridge.messages("frame") if one["role"] == "remove")
    overlap = [frame[edge] for edge in ("x1", "y1", "x2", "y2")]
    assert overlap == ["2", "1", "4", "3"]
    picture = node.render(2)
    assert picture.shape[:2] == (5, 6)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            *values, weight = scripted_bridge.colour(2, x, y)
            assert picture[y + 1, x + 2, :3].tolist() == (values if weight else [2, 2, 2])
    assert (picture[0] == 2).all()
    assert (picture[:, :2] == 2).all()


def test_a_proxy_shows_the_result_smaller(effect: Open) -> None:
    node = opened(effect)
    picture = node.render(2, scale=0.5)

    values = [scripted_bridge.colour(2, x, y)[:3] for y in (0, 1) for x in (0, 1)]
    assert np.allclose(picture[0, 0, :3], np.mean(values, axis=0))


def test_a_file_that_the_host_names_is_handed_over_by_name(effect: Open, bridge: Bridge) -> None:
    named = Source(plate, BOX, FRAMES, path="/clips/sh010.%04d.exr")
    node = effect(profiles.RESOLVE, sources={"Source": named})
    node.press("remove")

    said = [(one["frame"], one["path"]) for one in bridge.messages("source")]
    assert [frame for frame, _ in said] == ["1", "2", "3"]
    assert all(path.startswith("/clips/sh010.") for _, path in said)
    assert [one["frame"] for one in bridge.messages("frame") if one["role"] == "plate"] == ["1"]


def test_a_file_that_is_not_what_is_seen_comes_as_pixels(effect: Open, bridge: Bridge) -> None:
    bridge.plays("graded")
    named = Source(plate, BOX, FRAMES, path="/clips/sh010.%04d.exr")
    node = effect(profiles.RESOLVE, sources={"Source": named})
    node.press("remove")

    assert len(bridge.messages("source")) == 1
    plates = [one["frame"] for one in bridge.messages("frame") if one["role"] == "plate"]
    assert plates == ["1", "2", "3"]


def test_inputs_that_only_look_connected_are_no_mattes(effect: Open, bridge: Bridge) -> None:
    node = effect(profiles.RESOLVE)
    node.press("remove")

    assert {one["role"] for one in bridge.messages("frame")} == {"plate", "remove"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda node: node.connect("Remove", None), "connect a matte to the input Remove"),
        (lambda node: node.connect("Source", None), "Connect a plate"),
        (
            lambda node: (node.set("range", 1), node.set("first", 9), node.set("last", 1)),
            "First comes after Last",
        ),
    ],
)
def test_an_order_that_is_none_is_explained(
    effect: Open, bridge: Bridge, change: Callable[[Instance], object], said: str
) -> None:
    node = effect()
    change(node)
    node.press("remove")

    assert said in node.value("status")
    assert node.value("record") == ""
    assert bridge.starts == []


def test_mattes_that_mark_nothing_are_told_before_anything_runs(effect: Open, bridge: Bridge) -> None:
    black = Source(lambda _frame: np.zeros((HEIGHT, WIDTH, 4), np.float32), BOX, FRAMES)
    node = effect(sources={"Remove": black, "HoldOut": Source(matte, BOX, FRAMES)})
    node.press("remove")

    assert "mark nothing" in node.value("status")
    assert {one["role"] for one in bridge.messages("frame")} == {"plate", "ignore"}
    assert not bridge.messages("submit")


def test_cancelling_the_hand_over_leaves_nothing(effect: Open, bridge: Bridge) -> None:
    node = effect()
    node.cancel_progress_at = 0.3
    node.press("remove")

    assert "Stopped before" in node.value("status")
    assert node.value("record") == ""
    assert comes(lambda: bridge.messages("abandon"))
    assert not list((bridge.folder / "pixels").iterdir())
    node.cancel_progress_at = 2
    node.press("remove")
    assert node.value("record") == RECORD


def test_news_are_shown_at_the_next_change_and_redraw(effect: Open, bridge: Bridge) -> None:
    node = effect()
    node.press("remove")
    node.picture(2)
    before = node.value("revision")
    # By the event after submit, or by the answer to the question of the first picture: what comes last.
    assert comes(lambda: node.go_to(2) or "Frame 0" not in node.value("status"))
    assert node.value("revision") != before
    assert node.cache == {}
    node.press("refresh")
    assert "about 40 s left" in node.value("status")
    assert node.value("log") == "a\nb"
    node.press("cancel")
    assert node.value("status") == "Cancelled after frame 1."


@pytest.mark.parametrize("profile", [profiles.NATRON, profiles.RESOLVE], ids=lambda profile: profile.label)
def test_a_pointer_over_the_viewer_brings_what_has_come(effect: Open, profile: Profile) -> None:
    """Where the host asks the effect about its pointer; elsewhere nothing promises that."""
    node = effect(profile)
    node.press("remove")
    node.picture(2)
    before = node.value("revision")
    asked = node.move_pen()
    assert (asked is not None) == profile.overlays
    assert ("move the pointer over the viewer" in node.value("status")) == profile.overlays
    if profile.overlays:
        assert asked == names.REPLY_DEFAULT  # the pointer is not kept from anybody
        assert comes(lambda: node.move_pen() and "Frame 0" not in node.value("status"))
        assert node.value("revision") != before
        assert node.cache == {}
        revision = node.value("revision")
        node.move_pen(names.GAIN_FOCUS)
        node.move_pen("OfxInteractActionDraw")
        assert node.value("revision") == revision


def test_a_pointer_over_an_effect_without_a_result_does_nothing(effect: Open, bridge: Bridge) -> None:
    node = effect()
    for _ in range(3):
        assert node.move_pen() == names.REPLY_DEFAULT
    assert bridge.starts == []


def test_of_a_field_only_its_rows_are_written(effect: Open) -> None:
    """The host looks whether others are touched. The second field is that of the same frame."""
    node = opened(effect)
    whole = node.render(2)
    for time_, field, first in ((2.0, "OfxFieldLower", 0), (2.5, "OfxFieldUpper", 1)):
        rows = node.render(time_, field=field)[first::2]
        if time_ == 2.0:
            assert np.array_equal(rows, whole[first::2])
        else:  # the plate is that of half a frame later, the result that of the frame
            assert np.array_equal(rows, replaced(2, plate(2.5))[first::2])
    assert np.array_equal(node.render(2, field="OfxFieldBoth"), whole)


@pytest.mark.parametrize(
    ("button", "at_once"), [("refresh", "Press Refresh again"), ("cancel", "told to cancel")]
)
def test_a_button_does_not_wait_for_a_bridge_to_start(
    effect: Open, bridge: Bridge, button: str, at_once: str
) -> None:
    bridge.plays("slow-start")
    node = opened(effect)
    started = time.monotonic()
    node.press(button)
    node.press(button)
    took = time.monotonic() - started

    assert at_once in node.value("status")
    assert took < 0.9  # the bridge takes a second
    kind = "status" if button == "refresh" else button
    assert comes(lambda: bridge.messages(kind))
    assert len(bridge.starts) == 1
    if button == "refresh":
        assert comes(lambda: node.go_to(2) or "about 40 s left" in node.value("status"))


def test_a_bridge_that_cannot_start_is_told_at_the_next_press(effect: Open, bridge: Bridge) -> None:
    bridge.plays("no-module")
    node = opened(effect)
    node.press("refresh")

    assert comes(lambda: node.press("refresh") or "No module named void_server" in node.value("status"))
    assert len(bridge.starts) == 1


def test_a_host_that_ends_while_a_bridge_starts_does_not_wait_for_it(bridge: Bridge) -> None:
    bridge.plays("mute")
    host = Host(profiles.NUKE, built_plugin())
    node = host.instance(
        {"Source": Source(plate, BOX, FRAMES)}, box=BOX, frames=FRAMES, values={"record": [RECORD]}
    )
    node.press("refresh")
    assert comes(lambda: bridge.starts)
    started = time.monotonic()
    host.close()

    assert time.monotonic() - started < 5
    host.check()


def test_a_removal_can_be_undone_and_a_copy_shares_it(effect: Open, bridge: Bridge) -> None:
    node = effect()
    node.press("remove")
    copy = node.host.instance(
        {"Source": Source(plate, BOX, FRAMES)}, box=BOX, frames=FRAMES, values=node.saved()
    )
    assert np.array_equal(copy.render(1), replaced(1, plate(1)))

    node.undo()
    assert node.value("record") == ""
    assert node.value("status") == "Nothing has been removed here yet."
    assert np.array_equal(node.render(1), plate(1))
    assert np.array_equal(copy.render(1), replaced(1, plate(1)))
    assert len(bridge.starts) == 1


def test_asking_how_it_goes_is_no_step_to_undo(effect: Open, bridge: Bridge) -> None:
    node = effect()
    node.press("remove")
    steps = len(node.undo_steps)
    for _ in range(3):
        node.press("refresh")
    assert len(node.undo_steps) == steps
    assert bridge.messages("status")


def opened(effect: Open, profile: Profile = profiles.NUKE, **values: object) -> Instance:
    """The effect of a project that has a result."""
    return effect(profile, values={"record": [RECORD], **{name: [value] for name, value in values.items()}})


def test_a_saved_project_shows_its_result(effect: Open, bridge: Bridge) -> None:
    node = opened(effect, folder="/elsewhere")

    assert bridge.starts == []
    assert np.array_equal(node.render(2), replaced(2, plate(2)))
    asked = bridge.messages("picture")[0]
    assert (asked["record"], asked["folder"], asked["show"]) == (RECORD, "/elsewhere", "result")


def test_an_opened_project_hears_of_its_removal_again(effect: Open, bridge: Bridge) -> None:
    node = opened(effect)
    node.render(1)
    node.render(2)

    assert comes(lambda: node.go_to(2) or "about 40 s left" in node.value("status"))
    assert len(bridge.messages("status")) == 1


def test_a_render_without_a_person_follows_no_removal(effect: Open, bridge: Bridge) -> None:
    opened(effect, profiles.in_background(profiles.NUKE)).render(1)
    assert bridge.messages("picture")
    assert not bridge.messages("status")


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (1, lambda under: under),
        (2, lambda under: np.abs(replaced(2, under) - under) * [1, 1, 1, 0] + under * [0, 0, 0, 1]),
    ],
)
def test_plate_and_difference(effect: Open, show: int, expected: Callable[[np.ndarray], np.ndarray]) -> None:
    node = opened(effect, show=show)
    assert np.allclose(node.render(2), expected(plate(2)))


def test_parts_are_asked_for_by_name(effect: Open, bridge: Bridge) -> None:
    node = opened(effect)
    for index, name in ((3, "quadmask"), (4, "matte"), (5, "confidence")):
        node.set("show", index)
        picture = node.render(2)
        assert bridge.messages("picture")[-1]["show"] == name
        assert np.array_equal(picture[..., 0], [[2, 2.25, 2.5, 2.75]] * HEIGHT)


def test_the_plate_is_shown_with_one_message_while_a_frame_is_missing(effect: Open) -> None:
    node = opened(effect)
    for _ in range(3):
        assert np.array_equal(node.render(60), plate(3))  # the host holds its last frame
    said = "Frame 50 is still being made. The plate is shown."
    assert node.persistent_messages == [("OfxMessageWarning", said)]
    assert node.persistent is not None
    node.render(2)
    assert node.persistent is None


@pytest.mark.parametrize(
    ("missing", "background", "fails"), [(0, True, True), (1, False, True), (2, True, False)]
)
def test_missing_frames_can_be_errors(effect: Open, missing: int, background: bool, fails: bool) -> None:
    profile = profiles.in_background(profiles.NUKE) if background else profiles.NUKE
    node = opened(effect, profile, missing=missing)
    if fails:
        with pytest.raises(RenderError):
            node.render(60)
    else:
        node.render(60)
    assert np.array_equal(node.render(120), plate(3))  # no frame of this result: nothing is missing


@pytest.mark.slow
@pytest.mark.parametrize(
    "mode", ["no-module", "refuses", "garbage", "dies-always", "short-file", "path-out", "huge", "negative"]
)
def test_a_bridge_that_does_not_work_leaves_the_plate(effect: Open, bridge: Bridge, mode: str) -> None:
    bridge.plays(mode)
    node = opened(effect)

    assert np.array_equal(node.render(2), plate(2))

    [(_kind, said)] = node.persistent_messages
    assert said.startswith(("VOID's bridge", "a picture of VOID's bridge"))
    if mode == "no-module":
        assert "No module named void_server" in said
    if mode == "refuses":
        assert "speaks version 9" in said
    node.press("remove")  # is refused in words too
    assert node.value("status")


def test_a_dead_bridge_is_started_again(effect: Open, bridge: Bridge) -> None:
    node = opened(effect)
    node.render(1)
    for _ in range(3):
        os.kill(bridge.starts[-1], 9)
        assert np.array_equal(node.render(2), replaced(2, plate(2)))
    assert len(bridge.starts) == 4


def test_a_bridge_that_dies_over_a_picture_is_asked_once_more(effect: Open, bridge: Bridge) -> None:
    bridge.plays("dies-once")
    node = opened(effect)

    assert np.array_equal(node.render(2), replaced(2, plate(2)))
    assert len(bridge.starts) == 2


@pytest.mark.parametrize(
    ("mode", "said"),
    [("dies-at-frame", "has ended"), ("disk-full", "The disk of the result is full: free 3 GB.")],
)
def test_a_hand_over_that_breaks_is_told(effect: Open, bridge: Bridge, mode: str, said: str) -> None:
    bridge.plays(mode)
    node = effect()
    node.press("remove")

    assert said in node.value("status")
    assert node.value("record") == ""
    assert not list((bridge.folder / "pixels").glob("plate-*"))


@pytest.mark.parametrize("mode", ["dies-at-first-frame", "dies-at-submit"])
def test_a_bridge_that_dies_over_a_hand_over_is_replaced(effect: Open, bridge: Bridge, mode: str) -> None:
    """Over the frames, all are handed over once more; over the last word, the next bridge has them."""
    bridge.plays(mode)
    node = effect()
    node.press("remove")

    assert node.value("record") == RECORD, node.value("status")
    assert len(bridge.starts) == 2
    assert len(bridge.messages("begin")) == (2 if mode == "dies-at-first-frame" else 1)
    assert not list((bridge.folder / "pixels").glob("plate-*"))


def test_many_threads_share_one_bridge(effect: Open, bridge: Bridge) -> None:
    node = opened(effect)
    times = [float(1 + number % 3) for number in range(24)]

    pictures = node.render_together(times)

    assert len(bridge.starts) == 1
    for frame, picture in zip(times, pictures, strict=True):
        assert np.array_equal(picture, replaced(int(frame), plate(frame)))


def test_the_bridge_gets_a_clean_process(
    effect: Open, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/the/hosts")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/the/hosts")
    monkeypatch.setenv("VOID_HOME", "/the/artists")
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        opened(effect).render(1)
    finally:
        os.close(read_end)
        os.close(write_end)

    environment = json.loads((bridge.folder / "environment.json").read_text())
    assert "PYTHONHOME" not in environment
    assert "LD_LIBRARY_PATH" not in environment
    assert environment["VOID_HOME"] == "/the/artists"
    assert json.loads((bridge.folder / "arguments.json").read_text()) == [
        "-I",
        "-m",
        "void_server",
        "openfx-bridge",
    ]
    assert write_end not in json.loads((bridge.folder / "descriptors.json").read_text())
    assert os.getpgid(bridge.starts[0]) != os.getpgid(0)


def test_a_bridge_that_has_work_is_left_to_it_when_the_host_ends(bridge: Bridge) -> None:
    bridge.plays("lingers")
    host = Host(profiles.NATRON, built_plugin())
    node = host.instance(
        {"Source": Source(plate, BOX, FRAMES)}, box=BOX, frames=FRAMES, values={"record": [RECORD]}
    )
    node.render(1)
    host.close(wait=0.1)
    host.check()

    assert not (bridge.folder / "finished").exists()  # the host did not wait for it
    assert comes(lambda: (bridge.folder / "finished").exists())


def test_unloading_ends_the_bridge(bridge: Bridge) -> None:
    host = Host(profiles.NATRON, built_plugin())
    node = host.instance(
        {"Source": Source(plate, BOX, FRAMES)}, box=BOX, frames=FRAMES, values={"record": [RECORD]}
    )
    node.render(1)
    host.close()
    host.check()

    with pytest.raises(ProcessLookupError):
        os.kill(bridge.starts[0], 0)
