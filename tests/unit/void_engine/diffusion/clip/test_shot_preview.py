from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.colour.picture import plan_picture  # noqa: E402
from void_engine.colour.primaries import UNCHANGED  # noqa: E402
from void_engine.diffusion.clip.anchored_shot import AnchoredShot  # noqa: E402
from void_engine.diffusion.clip.shot_clip import ShotClip, survey  # noqa: E402
from void_engine.diffusion.clip.shot_preview import ShotPreview  # noqa: E402
from void_engine.diffusion.sampling.windows import Window  # noqa: E402
from void_engine.diffusion.settings import read_settings  # noqa: E402


@pytest.fixture
def clip(make_shot: Any, monitor: Any) -> ShotClip:
    """A clip of 17 frames from 1001, padded to 21: six latents, of which five lie within the shot."""
    shot = make_shot(frames=17)
    settings = read_settings({"window_frames": 13, "overlap_frames": 8})
    picture = plan_picture(survey(shot, UNCHANGED, monitor).light, encoding=settings.encoding)
    return ShotClip(AnchoredShot(shot), picture, (32, 48), settings, 42)


def averages(clip: ShotClip) -> Any:
    """Latents (1, 16, 6, 4, 6) whose first three channels are the frames' codes over 8 x 8 pixels."""
    latents = torch.zeros(1, 16, 6, 4, 6)
    for latent in range(6):
        code = clip.canvas_frame(clip.last_index(latent)).code
        latents[0, :3, latent] = torch.from_numpy(code.reshape(4, 8, 6, 8, 3).mean((1, 3))).permute(2, 0, 1)
    return latents


def test_a_clips_latents_lie_where_its_frames_are(clip: ShotClip) -> None:
    assert clip.frames == 21
    assert [clip.first_frame(latent) for latent in range(5)] == [1001, 1002, 1006, 1010, 1014]
    assert [clip.last_index(latent) for latent in range(5)] == [0, 4, 8, 12, 16]
    # The padding runs backwards over frames 16 to 13.
    assert (clip.first_frame(5), clip.last_index(5)) == (1017, 13)


@pytest.mark.parametrize(
    ("window", "number", "latent"),
    [(Window(0, 4), 1009, 2), (Window(2, 6), 1017, 4), (Window(4, 6), 1017, 4)],
)
def test_a_preview_shows_the_middle_of_a_window_within_the_shot(
    clip: ShotClip, window: Window, number: int, latent: int
) -> None:
    video = averages(clip)
    clean = video[:, :, window.start : window.stop].permute(0, 2, 1, 3, 4)
    shown, picture = ShotPreview(clip, video).of_window(window, clean)
    assert shown == number
    expected = video[0, :3, latent].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(clip.picture.encode(picture)[0], expected, atol=0.03)
