"""Timelines made here with OpenTimelineIO, and what of the media each of their shots is made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command_case import write_shot
from void_protocol.job import RemovalJob
from void_server.batch.errors import ManifestError
from void_server.batch.listed import Listed
from void_server.batch.manifest_row import ManifestRow
from void_server.batch.timeline import TimelineOptions, read_timeline

otio: Any = pytest.importorskip("opentimelineio")

FIRST, FRAMES = 1001, 40
ON_DISK = range(FIRST, FIRST + FRAMES)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots of 40 frames; every frame is the same file under another name."""
    folder = tmp_path_factory.mktemp("media")
    for name in ("sh010", "sh020"):
        write_shot(folder / name, range(FIRST, FIRST + 1))
        first = folder / name / f"plate.{FIRST}.exr"
        for number in ON_DISK[1:]:
            (folder / name / f"plate.{number}.exr").hardlink_to(first)
    return folder


def time_range(first: float, frames: float, rate: float = 24) -> Any:
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(frames, rate)
    )


def clip(
    media: Path, name: str, first: int, frames: int, *effects: Any, folder: str = "", **words: Any
) -> Any:
    reference = otio.schema.ImageSequenceReference(
        target_url_base=str(media / (folder or name)), name_prefix="plate.", name_suffix=".exr",
        start_frame=FIRST, rate=24, frame_zero_padding=4, available_range=time_range(FIRST, FRAMES),
    )  # fmt: skip
    made = otio.schema.Clip(name, reference, time_range(first, frames))
    made.effects.extend(effects)
    return made


def read(
    tmp_path: Path, *items: Any, kind: str = "Video", options: TimelineOptions | None = None, **row: str
) -> Listed:
    track = otio.schema.Track("v1", kind=kind)
    track.extend(items)
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track)
    path = tmp_path / "cut.otio"
    otio.adapters.write_to_file(timeline, str(path))
    defaults = ManifestRow(**{"remove": "matte.%04d.exr", "output": "{shot}/r.%04d.exr", **row})
    return read_timeline(path, defaults, options or TimelineOptions())


def frames_of(listed: Listed) -> list[tuple[str, int, int]]:
    return [(job.shot.name, job.shot.first_frame, job.shot.last_frame) for job in listed.jobs]


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (1.0, (1010, 1014)),
        (2.0, (1010, 1019)),  # five frames of the cut show ten of the media
        (-2.0, (1010, 1019)),
        (0.5, (1010, 1014)),  # as written by those who give the range in frames of the media
        (10.0, (1010, 1040)),  # to the media's end
    ],
)
def test_a_retimed_clip_covers_what_it_shows(
    tmp_path: Path, media: Path, scalar: float, expected: tuple[int, int]
) -> None:
    warp = otio.schema.LinearTimeWarp(time_scalar=scalar)
    listed = read(tmp_path, clip(media, "sh010", 1010, 5, warp))
    assert frames_of(listed) == [("sh010", *expected)]


def test_a_dissolve_covers_the_frames_of_both_clips(tmp_path: Path, media: Path) -> None:
    dissolve = otio.schema.Transition(
        transition_type="SMPTE_Dissolve",
        in_offset=otio.opentime.RationalTime(3, 24),
        out_offset=otio.opentime.RationalTime(4, 24),
    )
    listed = read(tmp_path, clip(media, "sh010", 1005, 10), dissolve, clip(media, "sh020", 1020, 10))
    assert frames_of(listed) == [("sh010", 1005, 1018), ("sh020", 1017, 1029)]


@pytest.mark.parametrize(("handles", "expected"), [(0, (1003, 1036)), (2, (1001, 1038)), (8, (1001, 1040))])
def test_handles_end_where_the_media_does(
    tmp_path: Path, media: Path, handles: int, expected: tuple[int, int]
) -> None:
    options = TimelineOptions(handles=handles)
    listed = read(tmp_path, clip(media, "sh010", 1003, 34), options=options)
    assert frames_of(listed) == [("sh010", *expected)]


def test_handles_end_where_the_files_do_when_the_media_does_not_say(tmp_path: Path, media: Path) -> None:
    other = otio.schema.Clip("sh020", otio.schema.MissingReference(), time_range(1038, 2))
    plate = str(media / "{shot}" / "plate.%04d.exr")
    listed = read(tmp_path, other, options=TimelineOptions(handles=8), plate=plate)
    assert frames_of(listed) == [("sh020", 1030, 1040)]


def generated(media: Path) -> Any:
    return otio.schema.Clip(
        "bars", otio.schema.GeneratorReference(generator_kind="SMPTEBars"), time_range(0, 5)
    )


def still(media: Path) -> Any:
    reference = otio.schema.ExternalReference("file:///stills/logo.png", time_range(0, 100))
    return otio.schema.Clip("logo", reference, time_range(0, 50))


def one_frame(media: Path) -> Any:
    reference = otio.schema.ExternalReference("/stills/logo.0001.exr", time_range(1, 1))
    return otio.schema.Clip("logo", reference, time_range(1, 1))


def disabled(media: Path) -> Any:
    made = clip(media, "sh020", 1001, 5)
    made.enabled = False
    return made


def in_a_disabled_stack(media: Path) -> Any:
    stack = otio.schema.Stack("old", children=[clip(media, "sh020", 1001, 5)])
    stack.enabled = False
    return stack


@pytest.mark.parametrize("made", [generated, still, one_frame, disabled, in_a_disabled_stack])
def test_what_is_no_shot_is_passed_over_and_told(
    tmp_path: Path, media: Path, made: Callable[[Path], Any]
) -> None:
    plate = str(media / "sh010" / "plate.%04d.exr")  # as on a command line, for every clip
    listed = read(tmp_path, made(media), clip(media, "sh010", 1001, 5), plate=plate)
    assert frames_of(listed) == [("sh010", 1001, 1005)]
    assert len(listed.notes) == 1
    assert "passed over" in listed.notes[0]


def test_sound_is_no_shot(tmp_path: Path, media: Path) -> None:
    listed = read(tmp_path, clip(media, "sh010", 1001, 5), kind="Audio")
    assert (listed.shots, listed.notes) == ([], [])


def test_two_clips_of_one_name_and_other_media_are_refused_alone(tmp_path: Path, media: Path) -> None:
    listed = read(
        tmp_path,
        clip(media, "sh010", 1001, 5),
        clip(media, "sh020", 1001, 5),
        clip(media, "sh010", 1011, 5, folder="sh020"),
    )
    assert frames_of(listed) == [("sh020", 1001, 1005)]
    (bad,) = listed.bad
    assert bad.name == "sh010"
    assert str(media / "sh010") in str(bad.error)
    assert str(media / "sh020") in str(bad.error)


def test_the_same_media_again_is_one_shot_over_both_ranges(tmp_path: Path, media: Path) -> None:
    listed = read(tmp_path, clip(media, "sh010", 1011, 5), clip(media, "sh010", 1003, 2))
    assert frames_of(listed) == [("sh010", 1003, 1015)]


def test_a_retime_that_is_not_linear_is_the_failure_of_its_shot(tmp_path: Path, media: Path) -> None:
    curve = otio.schema.TimeEffect(name="speed ramp")
    listed = read(tmp_path, clip(media, "sh010", 1001, 5, curve), clip(media, "sh020", 1001, 5))
    assert [job.shot.name for job in listed.jobs] == ["sh020"]
    assert "speed ramp is not linear" in str(listed.bad[0].error)


def test_a_range_outside_of_the_media_is_the_failure_of_its_shot(tmp_path: Path, media: Path) -> None:
    listed = read(tmp_path, clip(media, "sh010", 2001, 5))
    assert "its media has 1001-1040" in str(listed.bad[0].error)


def test_an_edl_needs_its_rate_and_reads_timecodes_at_it(tmp_path: Path, media: Path) -> None:
    pytest.importorskip("otio_cmx3600_adapter")
    path = tmp_path / "cut.edl"
    path.write_text(
        "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
        "001  AX       V     C        00:00:40:02 00:00:40:06 01:00:00:00 01:00:00:04\n"
        "* FROM CLIP NAME: sh010\n"
    )
    row = ManifestRow(
        plate=str(media / "{shot}" / "plate.%04d.exr"), remove="m.%04d.exr", output="{shot}.%04d.exr"
    )
    with pytest.raises(ManifestError, match="--fps"):
        read_timeline(path, row, TimelineOptions())
    first_of = {}
    for fps in (24.0, 25.0):
        (job,) = read_timeline(path, row, TimelineOptions(fps=fps)).shots
        first_of[fps] = job.shot.first_frame if isinstance(job, RemovalJob) else str(job.error)
    assert first_of[25.0] == 1002
    assert "frame 962" in str(first_of[24.0]) or first_of[24.0] == 962
