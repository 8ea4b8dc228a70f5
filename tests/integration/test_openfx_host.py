"""A host that checks obedience, the compiled plug-in, the real bridge, a real server, and a shot whose
truth is known.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.ofx_host import names, profiles
from tests.fakes.ofx_host.host import Host, why_not_here
from tests.fakes.ofx_host.images import Source, from_depth, to_components, to_depth
from tests.fakes.ofx_host.profiles import Profile, in_background
from tests.fakes.ofx_host.rendering import RenderError
from tests.integration import openfx_case as case
from tests.integration.openfx_case import SHOW, Footage
from tests.openfx_plugin import built_plugin
from tests.small_volume import small_volume
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings

pytestmark = pytest.mark.skipif(bool(why_not_here()), reason=why_not_here() or "it runs here")


TWO_FRAMES = {"range": [1], "first": [1001], "last": [1002]}


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Footage:
    return case.render_footage(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("home")
    with ServerProcess(ServerSettings(home=home, endpoint="tcp://127.0.0.1:0")) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _home(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOID_HOME", str(server.settings.home))
        patch.setenv(
            "VOID_OPENFX_PYTHON", str(case.python_of_this_checkout(tmp_path_factory.mktemp("python")))
        )
        yield


@pytest.fixture(scope="module")
def binary() -> Path:
    return built_plugin()


@pytest.fixture
def natron(binary: Path) -> Iterator[Host]:
    host = case.session_of(profiles.NATRON, binary)
    yield host
    host.close()
    host.check()


@pytest.fixture(scope="module")
def removed(binary: Path, footage: Footage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """A saved project whose removal has been made, by the engine that makes one."""
    host = case.session_of(profiles.NATRON, binary)
    made = case.effect(host, footage, tmp_path_factory.mktemp("removed"))
    case.remove(made)
    saved = made.save()
    host.close()
    host.check()
    return saved


def weights_of(made: object, time: float) -> np.ndarray:
    """The matte as the effect shows it: what may differ from the plate."""
    made.set("show", SHOW["matte"])  # type: ignore[attr-defined]
    shown = made.picture(time)[..., 0]  # type: ignore[attr-defined]
    made.set("show", SHOW["result"])  # type: ignore[attr-defined]
    return shown


@pytest.mark.parametrize("depth", [names.FLOAT, names.HALF])
def test_the_result_is_near_the_truth_and_outside_the_matte_the_plates_own_bits(
    binary: Path, footage: Footage, removed: dict[str, list], depth: str
) -> None:
    """Opened in other hosts, with other layouts of memory: the result comes with the project."""
    for profile in (profiles.NATRON, profiles.NUKE, profiles.LETTER):
        host = case.session_of(dataclasses.replace(profile, depths=(depth,)), binary)
        made = host.instance(footage.sources(), box=footage.format_box, frames=footage.frames, values=removed)
        before = after = 0.0
        for time, plate in footage.plates.items():
            result, given = made.render(time), to_depth(plate, depth)
            # A value that no removal has: where it comes back bit for bit, the pixel was never touched.
            untouched = (
                result.view(np.uint8).reshape(*result.shape[:2], -1)
                == given.view(np.uint8).reshape(*given.shape[:2], -1)
            ).all(axis=2)
            outside = weights_of(made, time) == 0
            assert outside.any()
            assert untouched[outside].all()
            hole = footage.mattes[time][..., 0] > 0
            truth = footage.truths[time][..., :3]
            before += float(np.square(plate[..., :3] - truth)[hole].sum())
            after += float(np.square(from_depth(result, depth)[..., :3] - truth)[hole].sum())
            np.testing.assert_array_equal(result[..., 3], given[..., 3])
        assert after < 0.4 * before
        host.close()
        host.check()


def test_tiles_and_threads_show_the_same_result(
    natron: Host, footage: Footage, removed: dict[str, list]
) -> None:
    made = natron.instance(footage.sources(), box=footage.format_box, frames=footage.frames, values=removed)
    wholes = {time: made.render(time) for time in footage.plates}
    together = made.render_together([*footage.plates] * 3)
    for time, picture in zip([*footage.plates] * 3, together, strict=True):
        np.testing.assert_array_equal(picture, wholes[time])
    time = 1003.0
    left, low, right, top = footage.box
    middle = (left + right) // 2
    for window in ((left, low, middle, top), (middle, low, right, 31), (middle, 31, right, top)):
        part = made.render(time, window=window)
        x, y = window[0] - left, window[1] - low
        np.testing.assert_array_equal(part, wholes[time][y : y + part.shape[0], x : x + part.shape[1]])
    small = made.render(time, scale=0.5)
    assert small.shape[0] == pytest.approx(wholes[time].shape[0] / 2, abs=1)


@pytest.mark.parametrize("profile", profiles.EVERY, ids=lambda profile: profile.label)
def test_every_host_gets_back_what_it_handed_over(
    binary: Path, footage: Footage, tmp_path: Path, profile: Profile
) -> None:
    """The engine gives the plate back, so that only the ways there and back are looked at."""
    host = case.session_of(profile, binary)
    first = float(profile.first_frame)
    plates = {first + index: footage.plates[1001.0 + index] for index in range(3)}
    mattes = {first + index: footage.mattes[1001.0 + index] for index in range(3)}
    frames = (first, first + 2)
    sources = {
        "Source": Source(plates.get, footage.box, frames),
        "Remove": Source(mattes.get, footage.box, frames),
    }
    made = case.effect(host, footage, tmp_path, sources=sources, frames=frames, values=case.identity())
    made.render(first)
    case.remove(made)
    fetched = {(name, time) for name, time in made.fetched if name != "Output"}
    assert {("Source", time) for time in plates} <= fetched
    assert {("Remove", time) for time in plates} <= fetched
    assert made.progress or "OfxProgressSuite" not in profile.suites
    output = made.clips["Output"]
    for time, plate in plates.items():
        result = made.render(time)
        given = to_depth(to_components(plate, output.components), output.depth)
        weights = weights_of(made, time)
        assert (weights[footage.mattes[1001.0][..., 0] * 0 + mattes[time][..., 0] > 0] > 0.9).all()
        assert (weights == 0).any()
        np.testing.assert_array_equal(result[weights == 0], given[weights == 0])
        step = {names.BYTE: 1 / 255, names.SHORT: 1 / 65535}.get(output.depth, 0)
        difference = np.abs(from_depth(result, output.depth) - from_depth(given, output.depth))
        # Half floats have eleven bits; what an eight-bit host shows may be rounded once more.
        assert (difference <= np.abs(from_depth(given, output.depth)) / 1024 + step + 1e-6).all()
    host.close()
    host.check()


def test_frames_that_are_missing_are_the_plate_before_a_person_and_an_error_in_a_farm(
    binary: Path, footage: Footage, removed: dict[str, list], tmp_path: Path
) -> None:
    record = json.loads(removed["record"][0])
    folder = shutil.copytree(record["folder"], tmp_path / Path(record["folder"]).name)
    [gone] = folder.glob("*.1003.exr")
    gone.unlink()
    moved = {**removed, "folder": [str(tmp_path)]}
    for profile in (profiles.NUKE, in_background(profiles.NUKE)):
        host = case.session_of(profile, binary)
        made = host.instance(footage.sources(), box=footage.format_box, frames=footage.frames, values=moved)
        there = made.render(1002)
        assert not np.array_equal(there, footage.plates[1002.0])
        if profile.background:
            with pytest.raises(RenderError):
                made.render(1003)
            made.set("missing", 2)
        np.testing.assert_array_equal(made.render(1003), footage.plates[1003.0])
        np.testing.assert_array_equal(made.render(1003), footage.plates[1003.0])
        said = [text for _kind, text in made.persistent_messages]
        assert len([text for text in said if "plate is shown" in text]) == 1, said
        host.close()
        host.check()


def test_two_effects_copies_and_undo(natron: Host, footage: Footage, tmp_path: Path) -> None:
    """A copy shares the result until it removes for itself; undo brings the earlier result back."""
    one = case.effect(natron, footage, tmp_path, values=case.identity(**TWO_FRAMES))
    case.remove(one)
    first = one.value("record")
    other = case.effect(natron, footage, tmp_path, values=one.save(), label="VOIDRemove2")
    assert other.value("record") == first
    np.testing.assert_array_equal(other.picture(1002), one.picture(1002))
    other.set("engine", case.PROPAGATION)
    one.set("seed", 7)
    other.press("remove")
    one.press("remove")
    case.wait(other)
    case.wait(one)
    records = {first, one.value("record"), other.value("record")}
    assert len(records) == 3
    assert len({json.loads(record)["folder"] for record in records}) == 3
    assert np.abs(other.picture(1002) - one.picture(1002)).max() > 0.05
    while one.undo_steps and one.value("record") != first:
        one.undo()
    assert one.value("record") == first
    one.picture(1002)


def shaded_walk(count: int = 10) -> tuple[dict[float, np.ndarray], dict[float, np.ndarray], np.ndarray]:
    """A bright box that walks over grey ground with its shadow before it: plates, mattes of the box alone,
    and where its shadow is on frame 1005."""
    height, width = 96, 160
    ground = np.random.default_rng(5).uniform(0.2, 0.5, (height // 4, width // 4)).repeat(4, 0).repeat(4, 1)
    plates, mattes, shaded = {}, {}, np.zeros((height, width), bool)
    for index in range(count):
        picture, matte = np.ones((height, width, 4), np.float32), np.zeros((height, width, 4), np.float32)
        picture[..., :3] = ground[..., None]
        left = 8 + 12 * index
        shadow = np.s_[26:42, left + 4 : left + 24]
        picture[(*shadow, slice(3))] *= 0.5
        picture[42:66, left : left + 20, :3] = (0.9, 0.8, 0.3)
        matte[42:66, left : left + 20] = 1
        plates[1001.0 + index], mattes[1001.0 + index] = picture, matte
        if index == 4:
            shaded[shadow] = True
    return plates, mattes, shaded


def test_what_is_proposed_is_shown_used_and_rejected(natron: Host, tmp_path: Path) -> None:
    plates, mattes, shaded = shaded_walk()
    box, frames = (0, 0, 160, 96), (1001.0, 1010.0)
    sources = {"Source": Source(plates.get, box, frames), "Remove": Source(mattes.get, box, frames)}
    exact = case.identity(folder=[str(tmp_path)], growAuto=[0], grow=[0.0], soften=[0.0])
    made = natron.instance(sources, box=box, frames=frames, values=exact)

    made.set("useProposal", 1)
    made.press("remove")
    assert "Nothing has been proposed yet" in made.value("status")
    made.press("propose")
    proposal = made.value("proposal")
    assert (proposal != "", made.value("record")) == (True, ""), made.value("status")
    case.wait(made)
    assert made.value("status").startswith("Proposal: Finished: set Show to Proposal"), made.value("status")
    assert json.loads(proposal)["task"] == "propose"

    # The plate shows the proposal in the colour of shadows, and nothing else of it is changed.
    made.set("show", SHOW["proposal"])
    drawn = made.render(1005.0)
    tinted = (drawn != plates[1005.0]).any(axis=2)
    assert tinted[shaded].mean() > 0.7
    assert tinted[~shaded].mean() < 0.05
    assert (drawn[..., 2] - drawn[..., 0])[shaded & tinted].mean() > 0.1
    made.set("show", SHOW["result"])

    # The next removal takes it as affected.
    case.remove(made)
    assert [line.split(":")[0] for line in made.value("status").split("\n")] == [
        "Finished, 10 frames",
        "Proposal",
    ]
    weights = weights_of(made, 1005.0)
    assert (weights > 0)[shaded].mean() > 0.7
    made.set("useProposal", 0)
    case.remove(made)
    assert not (weights_of(made, 1005.0) > 0)[shaded].any()

    # Frames that were never proposed are told before anything is fetched; the result stays.
    made.set("useProposal", 1)
    for name, value in (("range", 1), ("first", 1001), ("last", 1011)):
        made.set(name, value)
    record = made.value("record")
    made.press("remove")
    assert "frames 1001 to 1010" in made.value("status")
    assert made.value("record") == record

    made.press("rejectProposal")
    assert (made.value("proposal"), made.value("useProposal")) == ("", 0)
    assert "Proposal" not in made.value("status")
    made.undo()
    assert made.value("proposal") == proposal


def test_a_killed_bridge_is_started_again(natron: Host, footage: Footage, removed: dict[str, list]) -> None:
    made = natron.instance(footage.sources(), box=footage.format_box, frames=footage.frames, values=removed)
    before = made.render(1002)
    for _ in range(2):
        [bridge] = case.bridges()
        os.kill(bridge, signal.SIGKILL)
        np.testing.assert_array_equal(made.render(1002), before)
    made.press("refresh")
    assert made.value("status")


def test_a_matte_of_another_size_lies_where_it_lies(natron: Host, footage: Footage, tmp_path: Path) -> None:
    """Smaller than the plate, and reaching out of it: pixels are matched by where they are."""
    spot = np.ones((20, 30, 4), np.float32)
    frames = footage.frames
    beyond = Source(lambda _time: spot, (footage.box[2] - 10, 40, footage.box[2] + 20, 60), frames)
    sources = footage.sources(Remove=beyond)
    made = case.effect(
        natron, footage, tmp_path, sources=sources,
        values=case.identity(growAuto=[0], grow=[0.0], soften=[0.0], range=[1], first=[1001], last=[1002]),
    )  # fmt: skip
    case.remove(made)
    weights = weights_of(made, 1001)
    wanted = np.zeros_like(weights)
    wanted[40 - footage.box[1] : 60 - footage.box[1], -10:] = 1
    np.testing.assert_array_equal(weights > 0.5, wanted > 0.5)


def test_what_is_wrong_is_said_before_anything_is_started(
    natron: Host, footage: Footage, tmp_path: Path
) -> None:
    made = case.effect(natron, footage, tmp_path, sources={"Source": footage.sources()["Source"]})
    made.press("remove")
    assert "connect a matte" in made.value("status")
    made.connect("Remove", footage.sources()["Remove"])
    made.cancel_progress_at = 0.5
    made.press("remove")
    assert "Stopped" in made.value("status")
    made.cancel_progress_at = 2.0
    made.set("engine", case.OTHER_ENGINE)
    made.set("engineName", "nosuchengine")
    made.press("remove")
    assert "nosuchengine" in made.value("status")
    assert not [path for path in tmp_path.rglob("*.exr") if "export" not in path.parts]


def in_another_host(footage_folder: Path, spec: dict) -> dict:
    """Run a session of another host process, and return what it said."""
    command = [sys.executable, "-m", "tests.integration.openfx_session", str(footage_folder)]
    ran = subprocess.run(
        command, input=json.dumps(spec), capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == spec.get("exit", 0), ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_a_host_that_closes_loses_nothing_and_two_hosts_share_a_server(
    binary: Path, natron: Host, footage: Footage, tmp_path: Path
) -> None:
    """The other process dies in the middle of its removal; this one opens its project and takes it up."""
    other = in_another_host(
        footage.folder,
        {"binary": str(binary), "folder": str(tmp_path), "values": case.identity(), "die": True, "exit": -9},
    )
    assert other["record"]
    mine = case.effect(natron, footage, tmp_path, values=case.identity())
    case.remove(mine)
    assert json.loads(mine.value("record"))["folder"] != json.loads(other["record"])["folder"]
    opened = case.effect(natron, footage, tmp_path, values=other["values"])
    case.wait(opened)
    weights = weights_of(opened, 1002)
    np.testing.assert_array_equal(opened.render(1002)[weights == 0], footage.plates[1002.0][weights == 0])
    assert len([*Path(json.loads(other["record"])["folder"]).glob("*.exr")]) == len(footage.plates)


def serving(home: Path) -> list[int]:
    """The process ids of the servers of a home folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"serve" in words and os.fsencode(home) in words:
                found.append(int(process.name))
    return found


def test_a_server_is_started_and_its_death_hides_no_result(
    binary: Path, footage: Footage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("VOID_HOME", str(home))
    host = case.session_of(profiles.RESOLVE, binary)
    made = case.effect(host, footage, tmp_path / "out", values=case.identity(**TWO_FRAMES))
    try:
        case.remove(made)
        shown = made.render(1002)
    finally:
        for process in serving(home):
            os.kill(process, signal.SIGKILL)
    np.testing.assert_array_equal(made.render(1002), shown)
    made.press("refresh")
    np.testing.assert_array_equal(made.render(1001)[..., 3], footage.plates[1001.0][..., 3])
    saved = made.save()
    host.close()
    host.check()

    farm = case.session_of(in_background(profiles.RESOLVE), binary)
    opened = case.effect(farm, footage, tmp_path / "out", values=saved)
    np.testing.assert_array_equal(opened.render(1002), shown)
    assert not serving(home)
    farm.close()
    farm.check()


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with small_volume(tmp_path / "volume", "600k") as folder:
        yield folder


def test_a_full_disk_is_said_and_the_host_goes_on(natron: Host, footage: Footage, volume: Path) -> None:
    made = case.effect(natron, footage, volume, values=case.identity())
    made.press("remove")
    if made.value("record"):
        case.wait(made)
    assert "full" in made.value("status") or "space" in made.value("status"), made.value("status")
    np.testing.assert_array_equal(made.render(1006), footage.plates[1006.0])
