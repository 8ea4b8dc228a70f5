"""The command ``void matte``, on files, with a small random model of the real class."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.integration.command_case import void  # noqa: E402
from void_engine.plates.exr.file import read_frame, write_frame  # noqa: E402
from void_engine.plates.frame.frame import Frame  # noqa: E402
from void_engine.segmentation.errors import SegmentationError  # noqa: E402
from void_engine.segmentation.subjects import SubjectMattes  # noqa: E402
from void_engine.segmentation.tiny import make_tiny_sam3, make_tiny_tracker  # noqa: E402
from void_protocol.job_file import read_job  # noqa: E402
from void_protocol.proposal import note_of_frame  # noqa: E402
from void_protocol.task import MakeMattes, PointPrompt, PromptedObject  # noqa: E402
from void_server.cli.exit_codes import ExitCode  # noqa: E402
from void_server.cli.matte import prompted_objects  # noqa: E402
from void_server.mattes import layer_room, matting  # noqa: E402
from void_server.mattes.files import FilesRun  # noqa: E402
from void_server.mattes.pictures import proposal_patterns  # noqa: E402

HEIGHT, WIDTH = 30, 44


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _plate(folder: Path) -> Path:
    chance = np.random.default_rng(2)
    for number in range(1001, 1005):
        pixels = chance.random((HEIGHT, WIDTH, 3)).astype(np.float16)
        frame = Frame.from_pixels(number, ("R", "G", "B"), pixels)
        write_frame(frame, folder / f"plate.{number}.exr")
    return folder / "plate.%04d.exr"


@pytest.mark.slow
def test_mattes_are_made_by_clicks_and_boxes_and_become_a_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = _plate(tmp_path)
    monkeypatch.setenv("VOID_MODELS", str(tmp_path / "models"))
    words = ("matte", plate, "-o", tmp_path / "m.%04d.exr", "--at", "a=1002:20,10.5", "--at", "a=1002:1,1:-")
    ran = void(*words)
    assert ran.code != 0
    assert "void models fetch DIR --for tracker" in ran.err
    assert not list(tmp_path.glob("m.*"))
    make_tiny_tracker(tmp_path / "models")
    ran = void(*words, "--box", "b=1004:0,0,20,20", "--job", tmp_path / "job.json", "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert [each["frame"] for each in report["frames"]] == [1001, 1002, 1003, 1004]
    assert report["sources"] == ["segmentation"]
    frame = read_frame(tmp_path / "m.1003.exr", 1003)
    assert sorted(frame.channel_names) == ["A", "a.A", "b.A"]
    planes = frame.read_channels(("A", "a.A", "b.A"), frame.display_window)
    np.testing.assert_array_equal(planes[..., 0], planes[..., 1:].max(axis=2))
    job = read_job(tmp_path / "job.json")
    assert [(matte.role, matte.pattern) for matte in job.mattes] == [("remove", str(tmp_path / "m.%04d.exr"))]
    # They are of no kind by which a picture could be tinted.
    assert proposal_patterns(job) == []
    again = void(*words)
    assert again.code == ExitCode.BAD_OUTPUT


@pytest.mark.slow
def test_the_same_job_gives_the_same_bytes_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.void_server.mattes.test_proposing import _StoppedAt
    from void_server.shot_files import ShotFiles, job_from_files

    plate = _plate(tmp_path)
    monkeypatch.setenv("VOID_MODELS", str(tmp_path / "models"))
    make_tiny_tracker(tmp_path / "models")
    task = MakeMattes(objects=[PromptedObject(points=[PointPrompt(frame=1001, x=20, y=HEIGHT - 4)])])
    shot = job_from_files(ShotFiles(plate=str(plate), output=str(tmp_path / "x.%04d.exr")))
    made = []
    for name in ("one", "two"):
        job = matting.matte_job(shot, str(tmp_path / name / "m.%04d.exr"), task)
        matting.run_mattes(job, _StoppedAt(99))
        made.append(
            [
                read_frame(tmp_path / name / f"m.{number}.exr", number)
                .read_channels(("A",), read_frame(tmp_path / name / f"m.{number}.exr", number).display_window)
                .tobytes()
                for number in range(1001, 1005)
            ]
        )
    assert made[0] == made[1]
    done = _StoppedAt(99)
    matting.run_mattes(job, done, FilesRun(resume=True))
    assert done.left == 99 - 4


def test_several_things_of_one_name_have_a_layer_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole SAM 3 is enough: it finds and follows. What the random one finds is said for it."""
    from void_engine.segmentation import shot as segmentation_shot
    from void_engine.segmentation.finder import Found

    left, right = np.zeros((2, HEIGHT, WIDTH), bool)
    left[5:20, :15], right[5:20, 30:] = True, True
    found = Found(1, (0.9, 0.8), (left, right))
    monkeypatch.setattr(segmentation_shot, "find_by_words", lambda *about, device: {0: [found]})
    monkeypatch.setenv("VOID_MODELS", str(tmp_path / "models"))
    make_tiny_sam3(tmp_path / "models")
    ran = void("matte", _plate(tmp_path), "-o", tmp_path / "m.%04d.exr", "--words", "ball=ball")
    assert ran.code == 0, ran.err
    frame = read_frame(tmp_path / "m.1002.exr", 1002)
    assert sorted(frame.channel_names) == ["A", "ball.A", "ball_1.A", "ball_2.A"]
    planes = frame.read_channels(("A", "ball.A", "ball_1.A", "ball_2.A"), frame.display_window)
    np.testing.assert_array_equal(planes[..., 0], planes[..., 1])
    np.testing.assert_array_equal(planes[..., 1], planes[..., 2:].max(axis=2))
    # On their own frame the masks come back.
    assert ((planes[..., 2] > 0.5) & left).sum() > 0.7 * left.sum()
    assert ((planes[..., 3] > 0.5) & right).sum() > 0.7 * right.sum()
    assert "ball_2: in" in ran.out
    # Overlays draw outlines from the header; y counts upwards there.
    note = note_of_frame(tmp_path / "m.1002.exr")
    assert note is not None
    assert {"ball", "ball_1", "ball_2"} <= set(note.outlines)
    xs, ys = note.outlines["ball_1"][0][::2], note.outlines["ball_1"][0][1::2]
    assert max(xs) < 30
    assert HEIGHT - 22 < sum(ys) / len(ys) < HEIGHT


def _opened(width: int, height: int) -> Any:
    from void_engine.geometry import Box

    return SimpleNamespace(shot=SimpleNamespace(box=Box.from_size(width, height)), display=(width, height))


def _task(*names: str) -> MakeMattes:
    return MakeMattes(objects=[PromptedObject(name=name, words=name) for name in names])


def test_as_many_objects_are_taken_as_a_frame_has_room_for() -> None:
    names = [f"crowd{number}" for number in range(16)]
    matting._Layers(_task(*names), _opened(4096, 2160))
    with pytest.raises(
        SegmentationError, match=r"16 objects are too many .* 8192x4320 pixels: ask for at most 6"
    ):
        matting._Layers(_task(*names), _opened(8192, 4320))
    matting._Layers(_task(*names[:6]), _opened(8192, 4320))
    matting._Layers(_task("one"), _opened(32768, 32768))


def test_things_have_layers_as_long_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monitor: Any = SimpleNamespace(log=said.append)
    monkeypatch.setattr(layer_room, "MOST_LAYER_BYTES", 2 * 9 * 7 * 10)
    layers = matting._Layers(_task("crowd", "horses", "cup", "birds"), _opened(9, 7))
    # Ten layers: all together, four objects, and five things of two of them.
    things = layers.names_of_things([3, 4, 1, 2], monitor)
    assert things == [["crowd_1", "crowd_2", "crowd_3"], [], [], ["birds_1", "birds_2"]]
    assert len(said) == 1
    assert said[0].startswith("horses: its 4 things have no layers of their own")
    held: list[int] = []

    def thing(value: float) -> Any:
        def make() -> Any:
            held.append(len(held))
            return np.full((7, 9), value, np.float32)

        return make

    found = SubjectMattes(
        1,
        (
            (thing(0.1), thing(0.2), thing(0.3)),
            (thing(0.6), thing(0.5), thing(0.4), thing(0.0)),
            (thing(0.0),),
            (thing(0.0), thing(1.0)),
        ),
    )
    planes, outlines = layers.of_frame(found, things)
    assert len(held) == 10, "each is made once"
    assert [(name, round(float(plane[0, 0]), 2)) for name, plane in planes.items()] == [
        ("", 1.0),
        ("crowd", 0.3),
        ("crowd_1", 0.1),
        ("crowd_2", 0.2),
        ("crowd_3", 0.3),
        ("horses", 0.6),
        ("cup", 0.0),
        ("birds", 1.0),
        ("birds_1", 0.0),
        ("birds_2", 1.0),
    ]
    assert set(outlines) == {"horses", "birds", "birds_2"}


def test_a_thing_does_not_take_another_objects_name() -> None:
    layers = matting._Layers(_task("cup", "cup_1"), _opened(9, 7))
    things = layers.names_of_things([2, 1], SimpleNamespace(log=print))  # type: ignore[arg-type] # it says nothing
    empty = np.zeros((7, 9), np.float32)
    found = SubjectMattes(1, ((lambda: empty, lambda: empty + 1), (lambda: empty + np.float32(0.5),)))
    planes, _ = layers.of_frame(found, things)
    assert {name: float(plane[0, 0]) for name, plane in planes.items()} == {
        "": 1.0,
        "cup": 1.0,
        "cup_2": 1.0,
        "cup_1": 0.5,
    }


def test_positions_of_a_host_are_turned_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """y counts upwards in a job and downwards in the engine, from the corner of the data window."""
    from void_engine.geometry import Box
    from void_server.shot_files import ShotFiles, job_from_files

    job = job_from_files(ShotFiles(plate=str(_plate(tmp_path)), output=str(tmp_path / "x.%04d.exr")))
    one = prompted_objects(["1002:5,4"], ["1001:2,3,10,20"], [])[0]
    subject = matting._subject(one, job, Box(1, 2, WIDTH, HEIGHT))
    click, box = subject.clicks[0], subject.bounds[0]
    assert (click.frame, click.x, click.y, click.inside) == (1, 4.0, HEIGHT - 4 - 2, True)
    assert (box.frame, box.left, box.top, box.right, box.bottom) == (0, 1, HEIGHT - 20 - 2, 9, HEIGHT - 3 - 2)


def test_prompts_are_read_from_the_command_line() -> None:
    found = prompted_objects(
        ["1001:960,540", "cup=1003:1.5,2:-", "cup=1001:7,8"], ["cup=1001:1,2,3,4"], ["ball=red ball, left"]
    )
    assert [one.name for one in found] == ["object", "cup", "ball"]
    assert found[1].points[0].outside
    assert not found[1].points[1].outside
    assert found[1].boxes[0].top == 4
    assert found[2].words == "red ball, left"


@pytest.mark.parametrize(
    ("at", "box", "words"),
    [
        ([], [], []),
        (["1001:1"], [], []),
        (["1001:1,2:+"], [], []),
        (["1e3:1,2"], [], []),
        ([], ["1:1,2,3"], []),
        (["../x=1:1,2"], [], []),
    ],
)
def test_what_cannot_be_read_is_refused(at: list[str], box: list[str], words: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        prompted_objects(at, box, words)
