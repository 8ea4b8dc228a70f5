from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.settings import read_settings
from void_engine.errors import SettingError


def test_the_defaults_set_the_quirks_right() -> None:
    settings = read_settings({})
    assert settings.exact_transitions
    assert settings.pass2_mask == "three"
    assert settings.longest == 0
    assert settings.crossing_ramps == "smaller"
    assert (settings.window, settings.overlap) == (22, 4)
    assert math.isnan(settings.exposure_stops)


def test_published_brings_every_quirk_back_and_can_still_be_changed() -> None:
    settings = read_settings({"mode": "published", "pass2_mask": "three"})
    assert not settings.exact_transitions
    assert settings.longest == 197
    assert settings.fit == "squash"
    assert settings.warped_noise == "bilinear"
    assert settings.pass2_mask == "three"


@pytest.mark.parametrize(
    ("given", "window", "overlap"),
    [((9, 4), 2, 1), ((1, 0), 1, 0), ((12, 6), 2, 1), ((21, 20), 6, 5), ((13, 16), 4, 4)],
)
def test_only_published_takes_any_window_and_overlap(
    given: tuple[int, int], window: int, overlap: int
) -> None:
    options: dict[str, str | int | float | bool] = {"window_frames": given[0], "overlap_frames": given[1]}
    settings = read_settings({"mode": "published", "longest": 3, **options})
    assert (settings.window, settings.overlap, settings.crossing_ramps) == (window, overlap, "later")
    with pytest.raises(SettingError):
        read_settings(options)


def test_text_is_understood_as_command_lines_give_it() -> None:
    settings = read_settings(
        {"passes": "2", "guidance": "1.5", "exact_transitions": "no", "exposure_stops": "auto"}
    )
    assert (settings.passes, settings.guidance, settings.exact_transitions) == (2, 1.5, False)
    assert math.isnan(settings.exposure_stops)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stepz": 3}, "did you mean 'steps'"),
        ({"xyzzy": 3}, "choose one of mode"),
        ({"steps": "many"}, "takes a whole number"),
        ({"steps": 2.5}, "takes a whole number"),
        ({"steps": True}, "takes a whole number"),
        ({"compile": 1}, "takes true or false"),
        ({"passes": 3}, "must be in 1..2"),
        ({"mode": "best"}, "choose one of default, published"),
        ({"window_frames": 84}, "must be 5, 13, 21"),
        ({"overlap_frames": 4}, "multiple of 8"),
        ({"overlap_frames": 96}, "below the window"),
        ({"longest": 20}, "at least the window"),
        ({"view": "Raw"}, "need encoding 'view'"),
        ({"encoding": "log"}, "choose one of shoulder"),
        ({"step_cache": "taylor"}, "set speed to"),
        ({"speed": "fast", "step_cache": "magic"}, "choose one of auto, first-block"),
        ({"models": "/elsewhere"}, "cannot be set by a job: the machine"),
        ({"exposure_stops": 30}, "must be in -20..20"),
    ],
)
def test_what_cannot_be_honoured_is_refused(options: dict[str, str | int | float | bool], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        read_settings(options)
