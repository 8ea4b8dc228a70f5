from __future__ import annotations

import pytest

from void_engine.diffusion.framing import (
    latent_frames,
    padded_length,
    padding_indices,
    pixel_frames,
    published_longest,
    published_window,
)


@pytest.mark.parametrize(
    ("frames", "window", "padded"),
    [(1, 5, 5), (5, 5, 5), (6, 5, 13), (13, 5, 13), (14, 85, 85), (85, 85, 85), (86, 85, 93), (197, 85, 197)],
)
def test_lengths_are_the_shortest_legal_ones(frames: int, window: int, padded: int) -> None:
    assert padded_length(frames, window) == padded
    assert latent_frames(padded) % 2 == 0
    assert pixel_frames(latent_frames(padded)) == padded


def test_no_length_is_too_long_unless_a_limit_is_given() -> None:
    assert padded_length(400, 85) == 405
    assert padded_length(400, 85, 197) == 197


def test_a_window_above_the_limit_is_filled_up_as_published() -> None:
    assert padded_length(400, 85, 45) == 85
    assert padding_indices(3, 5, 1)[:5] == [0, 1, 2, 2, 1]


def test_published_windows_are_pairs_of_latents_or_a_single_one() -> None:
    assert [published_window(frames) for frames in (1, 4, 5, 8, 9, 12, 13, 16, 17, 85, 88, 89)] == [
        1, 1, 2, 2, 2, 2, 4, 4, 4, 22, 22, 22,
    ]  # fmt: skip


def test_a_published_limit_ends_at_whole_latents() -> None:
    assert [published_longest(frames) for frames in (1, 4, 5, 100, 196, 197)] == [1, 1, 5, 97, 193, 197]


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        padded_length(0, 85)


def test_padding_is_a_palindrome_with_repeated_ends() -> None:
    assert padding_indices(3, 13) == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
