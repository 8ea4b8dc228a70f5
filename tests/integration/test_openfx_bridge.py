"""The bridge as a real process, spoken to by a stand-in for the plug-in, with a real server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.openfx_standin import Refused, Standin
from tests.integration.server_case import server_for, wait_until
from void_engine.plates.exr.file import read_frame
from void_protocol.keys import read_server_address, server_file
from void_server.demo.shot import demo_job, render_demo_shot
from void_server.operation.server_process import ServerProcess
from void_server.translate import shot_mattes

BOX = (0, 0, 16, 12)


def picture(frame: int, box: tuple[int, int, int, int] = BOX, components: int = 4) -> np.ndarray:
    """A host's plate from the bottom row: every pixel and frame has a value of its own."""
    width, height = box[2] - box[0], box[3] - box[1]
    pixels = np.ones((height, width, components), np.float32)
    pixels[..., :3] = np.random.default_rng(frame).random((height, width, min(3, components))) * 2
    return pixels


def hand_all(
    host: Standin,
    out: Path,
    *,
    first: int = 1,
    last: int = 4,
    box: tuple[int, int, int, int] = BOX,
    **begin: Any,
) -> dict[str, str]:
    """Press Remove: a square is marked on every frame."""
    x1, y1, x2, y2 = box
    begun = host.ask(
        "begin",
        folder=out,
        first=first,
        last=last,
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        **{"engine": "identity", **begin},
    )
    matte = np.zeros((y2 - y1, x2 - x1, 1), np.float32)
    matte[4:8, 5:9] = 1
    for frame in range(first, last + 1):
        host.hand(begun["removal"], "plate", frame, picture(frame, box), box)
        host.hand(begun["removal"], "remove", frame, matte, box)
    return host.ask("submit", removal=begun["removal"])


def stop_server(home: Path) -> None:
    """Stop the server that a bridge has started for a home, if any."""
    if server_file(home).exists():
        os.kill(read_server_address(home).pid, signal.SIGTERM)
        wait_until(lambda: not server_file(home).exists(), 60)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home without a server; one that a bridge starts is stopped at the end."""
    yield tmp_path / "home"
    stop_server(tmp_path / "home")


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server the first bridge starts and all others find."""
    folder = tmp_path_factory.mktemp("openfx") / "home"
    yield folder
    stop_server(folder)


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that copies frames, slowly where the prompt says so."""
    with server_for(tmp_path / "home") as running:
        yield running


def test_the_demo_shot_comes_back_without_its_ball(shared_home: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    shot = render_demo_shot(tmp_path / "demo", width=128, height=72, frames=6, overscan_px=0)
    box = (0, 0, shot.width, shot.height)
    plates, truths, marked = {}, {}, {}
    with ExitStack() as files:
        mattes = shot_mattes(demo_job(shot, str(tmp_path / "x.%04d.exr")), files)
        for number in shot.frame_numbers:
            at = read_frame(shot.plate_pattern % number, number)
            plates[number] = at.read_rgb(at.display_window)[::-1]
            truth = read_frame(shot.truth_pattern % number, number)
            truths[number] = truth.read_rgb(truth.display_window)[::-1]
            roles = mattes.at(number, at.display_window)
            marked[number] = {
                "remove": roles.remove[::-1, :, None],
                "affected": roles.affected[::-1, :, None],
            }
    with Standin(shared_home) as host:
        begun = host.ask(
            "begin", folder=tmp_path / "out", engine="propagation", first=1001, last=1006,
            x1=0, y1=0, x2=shot.width, y2=shot.height, **{"option.propagation.grain": "0.5"},
        )  # fmt: skip
        for number, plate in plates.items():
            host.hand(begun["removal"], "plate", number, np.ascontiguousarray(plate), box, pad=8)
            for role, matte in marked[number].items():
                host.hand(begun["removal"], role, number, np.ascontiguousarray(matte, np.float32), box)
        record = host.ask("submit", removal=begun["removal"])["record"]
        said = host.wait_until_ended(record)

        assert said["state"] == "finished", said
        assert (said["ready"], said["total"]) == ("6", "6")
        assert sum(float(said[name]) for name in ("real", "guessed", "invented")) == pytest.approx(
            1, abs=1e-3
        )
        before, after = [], []
        for number, plate in plates.items():
            result = host.picture(record, number)
            assert result is not None
            is_own = result[..., 3] == 0
            assert (result[is_own][:, :3] == plate[is_own]).all()  # a half plate comes back bit by bit
            inside = marked[number]["remove"][..., 0] > 0.5
            assert (~is_own)[inside].all()
            before.append(abs(plate[inside] - truths[number][inside]).mean())
            after.append(abs(result[inside][:, :3] - truths[number][inside]).mean())
        assert np.mean(after) < 0.35 * np.mean(before)
        for show in ("matte", "quadmask", "confidence"):
            shown = host.picture(record, shot.first_frame, show)
            assert shown is not None
            assert (shown[..., 3] == 1).all()
            assert 0 <= shown[..., :3].min() < shown[..., :3].max() <= 1

        def told() -> list[str]:
            host.ask("status", record=record)  # takes in what was said meanwhile
            return [event["text"] for event in host.events if event["record"] == record]

        wait_until(lambda: told()[-1].startswith("Finished, 6 frames"))
        assert any(text.startswith("Frame ") and " of 6" in text for text in told())
        assert (
            json.loads((tmp_path / "out/removal_v001/job.json").read_text())["settings"]["engine"]
            == "propagation"
        )
        assert not (tmp_path / "out/removal_v001/export").exists()
        folder = host.folder
    assert not folder.exists()


def test_every_depth_box_and_colour_space_comes_back(shared_home: Path, tmp_path: Path) -> None:
    box = (-3, 5, 13, 17)
    codes = np.random.default_rng(5).integers(0, 256, (12, 16, 4), np.uint8)
    codes[..., 3] = np.random.default_rng(6).integers(1, 256, (12, 16))
    codes[..., :3] = np.minimum(codes[..., :3], codes[..., 3:])
    matte = np.zeros((12, 16, 1), np.float32)
    matte[4:8, 5:9] = 1
    with Standin(shared_home) as host:
        begun = host.ask(
            "begin", folder=tmp_path / "out", engine="identity", first=-2, last=-1, x1=-3, y1=5, x2=13, y2=17,
            colour_space="srgb", premultiplied=1, pixel_aspect=2, fps=23.976, grow=0, name="Über plate/1",
        )  # fmt: skip
        removal = begun["removal"]
        host.hand(removal, "plate", -2, codes, box)
        host.hand(removal, "plate", -1, (codes.astype(np.uint16) * 257), box)
        host.hand(removal, "remove", -1, matte, box)
        record = host.ask("submit", removal=removal)["record"]
        assert host.wait_until_ended(record)["state"] == "finished"

        for frame in (-2, -1):
            result = host.picture(record, frame)
            assert result is not None
            assert result[..., :3] == pytest.approx(codes[..., :3] / 255, abs=2e-3)
        weights = host.picture(record, -2)[..., 3], host.picture(record, -1)[..., 3]  # type: ignore[index]
        assert not weights[0].any()
        assert weights[1][4:8, 5:9].min() == 1
        assert weights[1][0, 0] == 0
        assert json.loads(record)["box"] == list(box)
    (made,) = (tmp_path / "out").iterdir()
    assert made.name == "ber_plate_1_v001"
    frame = read_frame(made / "ber_plate_1_v001.-001.exr", -1)
    assert frame.display_size == (16, 12)
    assert frame.pixel_aspect == 2
    assert str(frame.metadata["FramesPerSecond"]) in ("24000/1001", "(24000, 1001)")


def test_a_host_that_ends_leaves_its_removal_to_the_next(slow_server: ServerProcess, tmp_path: Path) -> None:
    home = slow_server.settings.home
    with Standin(home) as host:
        record = hand_all(host, tmp_path / "out", prompt="slow", last=6)["record"]
        wait_until(lambda: int(host.ask("status", record=record)["ready"]) >= 1)
    with Standin(home) as host:
        assert host.wait_until_ended(record)["text"] == "Finished, 6 frames"
        assert "copying" in host.ask("log", record=record)["text"]  # it was said to the first bridge
        assert {event["record"] for event in host.events} <= {record}


def test_a_host_that_ends_at_once_leaves_its_removal_to_the_server(shared_home: Path, tmp_path: Path) -> None:
    with Standin(shared_home) as host:
        hand_all(host, tmp_path / "out")
    assert server_file(shared_home).exists()
    wait_until(lambda: len(list((tmp_path / "out/removal_v001").glob("*.exr"))) == 4, 120)


def test_a_killed_bridge_loses_nothing(slow_server: ServerProcess, tmp_path: Path) -> None:
    home = slow_server.settings.home
    host = Standin(home)
    record = hand_all(host, tmp_path / "out", prompt="slow", last=4)["record"]
    wait_until(lambda: (tmp_path / "out/removal_v001/job.json").exists())
    left = host.folder
    host.kill()
    with Standin(home) as host:
        assert host.wait_until_ended(record)["state"] == "finished"
        assert not left.exists()
        assert host.picture(record, 3) is not None
    assert not (tmp_path / "out/removal_v001/export").exists()


def test_what_a_killed_bridge_had_not_written_is_said_and_tidied_away(home: Path, tmp_path: Path) -> None:
    host = Standin(home)
    begun = host.ask(
        "begin", folder=tmp_path / "out", engine="identity", first=1, last=2, x1=0, y1=0, x2=16, y2=12
    )
    host.hand(begun["removal"], "plate", 1, picture(1), BOX)
    host.kill()
    assert (tmp_path / "out/removal_v001/export").exists()
    record = json.dumps(json.loads((tmp_path / "out/removal_v001/removal.json").read_text())["record"])
    with Standin(home) as host:
        said = host.ask("status", record=record)
        assert (said["state"], said["ready"]) == ("failed", "0")
        assert "press Remove again" in said["text"]
        begun = host.ask("begin", folder=tmp_path / "out", first=1, last=2, x1=0, y1=0, x2=16, y2=12)
        assert begun["version"] == "2"
        host.ask("abandon", removal=begun["removal"])
        assert not (tmp_path / "out/removal_v002").exists()
    assert not server_file(home).exists()  # nothing of it needed a server


def test_a_bridge_killed_while_it_writes_the_plate_loses_nothing(home: Path, tmp_path: Path) -> None:
    """Before the last word the next bridge is asked once more; after it, it begins by itself."""
    records = []
    for is_submitted in (False, True):
        host = Standin(home)
        fields = {"folder": tmp_path / "out", "engine": "identity", "first": 1, "last": 4}
        begun = host.ask("begin", x1=0, y1=0, x2=16, y2=12, **fields)
        matte = np.zeros((12, 16, 1), np.float32)
        matte[4:8, 5:9] = 1
        for frame in range(1, 5):
            host.hand(begun["removal"], "plate", frame, picture(frame), BOX, given=frame % 2 == 0)
            host.hand(begun["removal"], "remove", frame, matte, BOX, marks=1)
        os.kill(host.process.pid, signal.SIGSTOP)  # it writes nothing more, as it may happen
        if is_submitted:
            host.send({"type": "submit", "id": "last", "removal": begun["removal"]})
            os.kill(host.process.pid, signal.SIGCONT)
            records.append(host.answer("last")["record"])
        host.kill()
        if not is_submitted:
            with Standin(home) as host:
                records.append(host.ask("submit", removal=begun["removal"])["record"])
                with pytest.raises(Refused, match="not begun"):
                    host.ask("submit", removal="0" * 32)
    with Standin(home) as host:
        pixels = host.folder.parent
        for record in records:
            assert host.wait_until_ended(record)["state"] == "finished"
            for frame in range(1, 5):
                made = host.picture(record, frame)
                assert made is not None
                assert (made[..., :3] == picture(frame)[..., :3].astype(np.float16)).all()
                assert made[5, 6, 3] > 0
    assert len(set(records)) == 2
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert not list((tmp_path / "out").glob("*/export"))
    jobs = [json.loads(record)["job"] for record in records]
    assert not [path for path in pixels.glob("handed-*") if path.name.removeprefix("handed-") in jobs]


def test_a_server_that_dies_is_started_again_and_goes_on(home: Path, tmp_path: Path) -> None:
    with Standin(home) as host:
        record = hand_all(host, tmp_path / "out", last=12)["record"]
        wait_until(lambda: server_file(home).exists())
        os.kill(read_server_address(home).pid, signal.SIGKILL)
        said = host.wait_until_ended(record)
        assert (said["state"], said["ready"]) == ("finished", "12")


def test_rendering_needs_no_server_and_finds_a_project_that_has_moved(home: Path, tmp_path: Path) -> None:
    out, moved = tmp_path / "out", tmp_path / "moved"
    with Standin(home) as host:
        record = hand_all(host, out)["record"]
        assert host.wait_until_ended(record)["state"] == "finished"
        plate = host.picture(record, 2)
    stop_server(home)
    out.rename(moved)
    (moved / "removal_v001/removal_v001.0003.exr").unlink()
    (moved / "removal_v001/removal_v001.0004.exr").write_bytes(b"damaged")
    with Standin(home, background=True) as host:
        again = host.picture(record, 2, folder=str(moved))
        assert again is not None
        assert plate is not None
        assert (again == plate).all()
        said = {
            frame: host.ask("picture", record=record, folder=moved, frame=frame, show="result")
            for frame in (0, 3, 5)
        }
        assert [said[frame]["state"] for frame in (0, 3, 5)] == ["outside", "missing", "outside"]
        assert said[3]["text"] == "Frame 3 is not there yet (3 of 4 are)."
        with pytest.raises(Refused, match="frame 4"):
            host.picture(record, 4, folder=str(moved))
        assert host.ask("status", record=record, folder=moved)["ready"] == "3"
        gone = host.ask("picture", record=record, folder=out, frame=1, show="result")
        assert (gone["state"], "Folder" in gone["text"]) == ("missing", True)
        lost = host.ask("status", record=record, folder=out)
        assert lost["state"] == "lost"
        assert str(out) in lost["text"]
        other = json.loads(record) | {"job": "0" * 32}
        assert host.ask("status", record=json.dumps(other), folder=moved)["state"] == "lost"
    assert not server_file(home).exists()


def test_a_removal_is_cancelled_and_its_frames_stay(slow_server: ServerProcess, tmp_path: Path) -> None:
    with Standin(slow_server.settings.home) as host:
        record = hand_all(host, tmp_path / "out", prompt="slow", last=40)["record"]
        wait_until(lambda: int(host.ask("status", record=record)["ready"]) >= 1)
        assert host.ask("cancel", record=record)["text"] == "Stopping"
        said = host.wait_until_ended(record)
        assert said["state"] == "cancelled"
        assert 1 <= int(said["ready"]) < 40
        assert said["text"] == f"Cancelled; {said['ready']} of 40 frames are there and stay"
        assert host.picture(record, 1) is not None
        assert "was cancelled" in host.ask("picture", record=record, frame=40, show="result")["text"]
    with Standin(slow_server.settings.home) as host:  # and stays so
        assert host.ask("status", record=record)["state"] == "cancelled"
        assert "copying" in host.ask("log", record=record)["text"]


def test_two_hosts_that_press_at_once_get_versions_of_their_own(home: Path, tmp_path: Path) -> None:
    fields = {"folder": tmp_path / "out", "engine": "identity", "first": 1, "last": 1}
    fields |= {"x1": 0, "y1": 0, "x2": 16, "y2": 12}
    with Standin(home) as one, Standin(home) as other:
        versions = [host.ask("begin", **fields)["version"] for host in (one, other, one, other)]
        assert versions == ["1", "2", "3", "4"]
        with pytest.raises(Refused, match="version 2 of removal already"):
            one.ask("begin", version=2, **fields)
        assert one.ask("begin", version=9, **fields)["version"] == "9"
    assert list((tmp_path / "out").iterdir()) == []  # what was only begun is tidied away


def test_exr_files_behind_the_plate_are_read_in_place(shared_home: Path, tmp_path: Path) -> None:
    with Standin(shared_home) as host:
        first = hand_all(host, tmp_path / "shots")["record"]
        assert host.wait_until_ended(first)["state"] == "finished"
        shots = tmp_path / "shots/removal_v001"
        for frame in range(1, 5):
            shutil.copy(shots / f"removal_v001.{frame:04d}.exr", shots / f"plate.{frame + 1000}.exr")
        for graded in (False, True):
            begun = host.ask(
                "begin", folder=tmp_path / "out", engine="identity", first=1, last=4, x1=0, y1=0, x2=16, y2=12
            )
            matte = np.ones((12, 16, 1), np.float32)
            for frame in range(1, 5):
                path = shots / f"plate.{frame + 1000}.exr"
                taken = (
                    "0"
                    if frame == 1
                    else host.ask("source", removal=begun["removal"], frame=frame, path=path)["taken"]
                )
                if taken == "0":
                    host.hand(begun["removal"], "plate", frame, picture(frame) * (1 + graded), BOX)
                    taken = host.ask("source", removal=begun["removal"], frame=frame, path=path)["taken"]
                assert taken == ("0" if graded else "1")
                host.hand(begun["removal"], "remove", frame, matte, BOX)
            record = host.ask("submit", removal=begun["removal"])["record"]
            assert json.loads(record)["offset"] == (0 if graded else 1000)
            assert host.wait_until_ended(record)["state"] == "finished"
            result = host.picture(record, 3)
            assert result is not None
            expected = (picture(3) * (1 + graded))[..., :3]
            assert result[..., :3] == pytest.approx(expected, rel=2e-3, abs=1e-3)
    assert (tmp_path / "out/removal_v001/removal_v001.1003.exr").exists()
    assert (tmp_path / "out/removal_v002/removal_v002.0003.exr").exists()
    assert (
        "plate.%04d.exr" in json.loads((tmp_path / "out/removal_v001/job.json").read_text())["shot"]["plate"]
    )


def test_wrong_requests_are_answered_and_the_bridge_lives(home: Path, tmp_path: Path) -> None:
    good = {
        "folder": tmp_path / "out",
        "engine": "identity",
        "first": 1,
        "last": 2,
        "x1": 0,
        "y1": 0,
        "x2": 16,
        "y2": 12,
    }
    with Standin(home, says_hello=False) as host:
        with pytest.raises(Refused, match="hello"):
            host.ask("begin", **good)
        with pytest.raises(Refused, match="version 2 of the protocol"):
            host.ask("hello", protocol=2)
        host.folder = Path(host.ask("hello", protocol=1)["folder"])
        for kind, fields, said in (
            ("dance", {}, "no request 'dance'"),
            ("begin", good | {"first": 3}, "no range"),
            ("begin", good | {"engine": "magic"}, "no engine 'magic'"),
            ("begin", good | {"engine": "propagation", "options": "grains=1"}, "'grains'"),
            ("begin", good | {"engine": "propagation", "options": "grain=9"}, "grain"),
            ("begin", good | {"engine": "propagation", "options": "grain"}, "NAME=VALUE"),
            ("begin", good | {"colour_space": "mauve"}, "mauve"),
            ("begin", good | {"folder": "results"}, "not absolute"),
            ("begin", good | {"folder": "/proc/none"}, "cannot be used"),
            ("begin", good | {"x2": 100_000}, "65536"),
            ("begin", good | {"scale": "0.3"}, "scale"),
            ("frame", {"removal": "x"}, "not begun"),
            ("submit", {}, "removal"),
            ("status", {"record": ""}, "press Remove"),
            ("status", {"record": "{}"}, "cannot be read"),
            ("status", {"record": "[" * 4000}, "cannot be read"),
            ("picture", {"record": "{", "frame": 1}, "cannot be read"),
            ("picture", {"record": "{}", "frame": 1, "show": "plate"}, "show"),
            ("picture", {"record": "{}", "frame": "one"}, "frame"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=said):
                host.ask(kind, **fields)
        begun = host.ask("begin", **good)["removal"]
        for given in (0, 1):
            gone = {"file": "gone.raw", "x1": 0, "y1": 0, "x2": 16, "y2": 12, "given": given}
            with pytest.raises(Refused, match="cannot be read"):
                host.ask("frame", removal=begun, role="plate", frame=1, **gone)
        with pytest.raises(Refused, match="none of 1 to 2"):
            host.hand(begun, "plate", 3, picture(3), BOX)
        with pytest.raises(Refused, match="role"):
            host.hand(begun, "holdout", 1, picture(1), BOX)
        with pytest.raises(Refused, match="plate of frames 1-2"):
            host.ask("submit", removal=begun)
        for frame in (1, 2):
            host.hand(begun, "plate", frame, picture(frame), BOX)
            host.hand(begun, "remove", frame, np.zeros((12, 16, 1), np.float32), BOX)
        with pytest.raises(Refused, match="has come before"):
            host.hand(begun, "plate", 1, picture(1), BOX)
        with pytest.raises(Refused, match="black on all frames"):
            host.ask("submit", removal=begun)
        host.send({"type": "hello"})  # without an id: no answer
        host.ask("abandon", removal=begun)
        assert host.ask("abandon", removal=begun)["ok"] == "1"
    assert list((tmp_path / "out").iterdir()) == []


def test_bytes_that_are_no_message_end_the_bridge_cleanly(home: Path) -> None:
    host = Standin(home)
    folder = host.folder
    with closing(host.socket):
        host.socket.sendall(struct.pack("<IHI", 6, 0, 0))
        assert host.process.wait(30) == 2
    assert not folder.exists()
    assert "the conversation is lost" in (home / "logs/openfx-bridge.log").read_text()


def test_the_bridge_ends_with_a_host_that_is_killed(home: Path, tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("a process is forked as the host")
    script = tmp_path / "host.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom tests.fakes.openfx_standin import Standin\n"
        "host = Standin(Path(sys.argv[1]))\nprint(host.folder, flush=True)\ntime.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    path = os.pathsep.join((str(root), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(
        [sys.executable, str(script), str(home)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().decode()
        process.kill()
        limit = time.monotonic() + 30
        while Path(folder.strip()).exists():
            assert time.monotonic() < limit, "the bridge outlives its host"
            time.sleep(0.05)
