from __future__ import annotations

import pytest

from void_engine.diffusion.framing import latent_frames, padded_length, padding_indices, pixel_frames


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


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        padded_length(0, 85)


def test_padding_is_a_palindrome_with_repeated_ends() -> None:
    assert padding_indices(3, 13) == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
