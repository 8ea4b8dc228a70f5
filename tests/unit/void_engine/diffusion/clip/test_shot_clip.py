from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.colour.picture import plan_picture
from void_engine.colour.primaries import UNCHANGED
from void_engine.diffusion.clip.anchored_shot import AnchoredShot
from void_engine.diffusion.clip.shot_clip import ShotClip, plan_size, survey
from void_engine.diffusion.settings import read_settings
from void_engine.engines.interface import ShotFrame
from void_engine.errors import MatteError, PlateError, SettingError


def clip_of(shot: Any, monitor: Any, **options: Any) -> ShotClip:
    settings = read_settings({"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, **options})
    picture = plan_picture(survey(shot, UNCHANGED, monitor).light, encoding=settings.encoding)
    return ShotClip(AnchoredShot(shot), picture, plan_size(shot, settings, 1.0), settings, 42)


def test_a_shot_without_mattes_is_refused(shot: Any, monitor: Any) -> None:
    shot.mattes = lambda index: (np.zeros((32, 48), np.float32), np.zeros((32, 48), np.float32))
    with pytest.raises(MatteError, match="no frame has a matte"):
        survey(shot, UNCHANGED, monitor)


def test_a_shot_of_nothing_but_matte_is_refused(shot: Any, monitor: Any) -> None:
    shot.mattes = lambda index: (np.ones((32, 48), np.float32), np.zeros((32, 48), np.float32))
    with pytest.raises(MatteError, match="inverted"):
        survey(shot, UNCHANGED, monitor)


def test_a_shot_too_short_for_motion_is_refused(make_shot: Any, monitor: Any) -> None:
    with pytest.raises(SettingError, match="3 frames"):
        survey(make_shot(frames=3), UNCHANGED, monitor)


def test_a_plate_with_holes_is_named(shot: Any, monitor: Any) -> None:
    broken = shot.base.copy()
    broken[3, 3, 1] = np.nan
    shot.plate = lambda index: broken if index == 4 else shot.base
    with pytest.raises(PlateError, match="frame 1005"):
        survey(shot, UNCHANGED, monitor)


def test_what_goes_does_not_set_the_exposure(shot: Any, monitor: Any) -> None:
    before = survey(shot, UNCHANGED, monitor).light.key
    plain = shot.frame

    def brighter(number: int) -> ShotFrame:
        frame = plain(number)
        plate = np.where(frame.quadmask[..., None] == 255, frame.plate, 5.0).astype(np.float32)
        return ShotFrame(number, plate, frame.remove, frame.affected, frame.replaced, frame.quadmask)

    shot.frame = brighter
    assert survey(shot, UNCHANGED, monitor).light.key == pytest.approx(before)


@pytest.mark.slow
def test_canvases_keep_the_aspect_within_the_trained_tokens(make_shot: Any) -> None:
    settings = read_settings({})
    assert plan_size(make_shot(height=1080, width=1920), settings, 1.0) == (384, 672)
    assert plan_size(make_shot(height=1080, width=1920), settings, 0.5) == (192, 336)
    for height, width in ((1920, 1080), (858, 2048), (500, 500)):
        rows, columns = plan_size(make_shot(height=height, width=width), settings, 1.0)
        assert rows % 16 == columns % 16 == 0
        assert rows * columns <= 384 * 672
        assert columns / rows == pytest.approx(width / height, rel=0.03)
    assert plan_size(make_shot(), read_settings({"mode": "published"}), 1.0) == (384, 672)


def test_the_clip_is_padded_and_read_in_ranges(shot: Any, monitor: Any) -> None:
    clip = clip_of(shot, monitor)
    assert (clip.covered, clip.frames) == (9, 13)
    video, removal = clip.video(7, 13), clip.removal(7, 13)
    assert video.shape == (1, 3, 6, 32, 48)
    assert removal.shape == (1, 1, 6, 32, 48)
    np.testing.assert_array_equal(video[0, :, 1], video[0, :, 2])  # Frame 8 comes twice in a row.
    np.testing.assert_array_equal(video[0, :, 0], video[0, :, 3])  # Frame 7 comes on the way there and back.
    assert float(video.min()) >= 0
    assert float(video.max()) <= 1


def test_roles_are_sampled_without_a_ring_of_affected(make_shot: Any, monitor: Any) -> None:
    """Averaging levels makes a false border between remove and keep; sampling roles does not."""
    big = make_shot(height=120, width=180)
    nothing = np.zeros((120, 180), np.float32)
    disc = (np.hypot(*(np.mgrid[:120, :180] - np.array([60, 90])[:, None, None])) < 33).astype(np.float32)
    big.mattes = lambda index: (disc, nothing)
    ours = set(np.unique(clip_of(big, monitor).canvas_frame(1).removal))
    averaged = set(np.unique(clip_of(big, monitor, mask_sampling="area").canvas_frame(1).removal))
    assert ours == {np.float32(0), np.float32(1)}
    assert len(averaged) == 4


def test_a_wire_survives_the_shrinking(make_shot: Any, monitor: Any) -> None:
    big = make_shot(height=320, width=480)
    wire, nothing = np.zeros((320, 480), np.float32), np.zeros((320, 480), np.float32)
    wire[:, 200] = 1
    big.mattes = lambda index: (wire, nothing)
    removal = clip_of(big, monitor).canvas_frame(0).removal
    assert (removal.max(axis=1) == 1).all()


def test_codes_come_back_as_the_plate_where_nothing_is_scaled(shot: Any, monitor: Any) -> None:
    clip = clip_of(shot, monitor)
    assert clip.canvas == (32, 48)
    for index in (0, 5):
        frame = shot.frame(1001 + index)
        back = clip.to_scene(index, clip.canvas_frame(index).code)
        kept = frame.remove == 0
        error = np.abs(back - frame.plate)[kept] / np.maximum(np.abs(frame.plate[kept]), 1e-2)
        assert error.max() < 1e-3


def test_the_published_clip_is_eight_bit_and_squashed(shot: Any, monitor: Any) -> None:
    clip = clip_of(shot, monitor, mode="published", longest=197)
    code = clip.canvas_frame(0).code
    assert code.shape == (384, 672, 3)
    np.testing.assert_allclose(code * 255, np.rint(code * 255), atol=1e-3)


def test_anything_is_read_again_rather_than_kept(make_shot: Any, monitor: Any) -> None:
    long = make_shot(frames=40)
    clip = clip_of(long, monitor)
    for index in range(40):
        clip.canvas_frame(index)
    assert len(clip._kept) < 10
