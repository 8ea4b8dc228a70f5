from __future__ import annotations

from pathlib import Path

import msgspec
import opentimelineio as otio
import pytest

from tests.review_case import FIRST, LAST, reviewed_job
from void_server.review.catalogue import review_shots
from void_server.review.errors import ReviewError
from void_server.review.players import write_timeline


def test_a_timeline_has_plates_results_and_mattes(tmp_path: Path) -> None:
    first, second = reviewed_job(tmp_path, "one shot"), reviewed_job(tmp_path, "two", versions=1)
    second = msgspec.structs.replace(second, mattes=[])
    path = tmp_path / "review.otio"
    write_timeline(review_shots([first, second]), 24.0, path)
    read = otio.adapters.read_from_file(str(path))
    assert [track.name for track in read.tracks] == ["plate", "result", "matte"]
    plate, result, matte = ([*track] for track in read.tracks)
    assert [item.name for item in plate] == ["one shot", "two"]
    media = result[0].media_reference
    assert media.target_url_for_image_number(0) == (tmp_path / "one shot/clean_v002.1001.exr").as_posix()
    # What OpenRV's reader makes of it, and hands to the player as it is.
    sequence = media.abstract_target_url(symbol=f"%0{media.frame_zero_padding}d")
    assert sequence == (tmp_path / "one shot/clean_v002.%04d.exr").as_posix()
    assert media.frame_range_for_time_range(result[0].trimmed_range()) == (FIRST, LAST)
    assert media.end_frame() == LAST
    assert result[0].source_range.start_time == otio.opentime.RationalTime(FIRST, 24)
    assert isinstance(matte[1], otio.schema.Gap)
    assert {track.duration().value for track in read.tracks} == {2 * (LAST - FIRST + 1)}
    with pytest.raises(ReviewError, match="cannot be written"):
        write_timeline(review_shots([first]), 24.0, tmp_path / "no" / "review.otio")
