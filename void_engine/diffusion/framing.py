"""Fits a clip to the model in time: padding, latent frames and the lengths of published VOID.

The symbols in the shapes of this whole package are: ``n`` frames of the shot, ``F`` padded frames,
``T = (F - 1) // 4 + 1`` latent frames, ``H`` x ``W`` pixels of the model's canvas, and ``h = H // 8`` x
``w = W // 8`` latents.
"""

from __future__ import annotations

TEMPORAL_COMPRESSION = 4
"""How many pixel frames the VAE puts into one latent frame."""
SPATIAL_COMPRESSION = 8
"""How many pixels along each side the VAE puts into one latent."""
# The transformer folds two latent frames into one token, so the number of latent frames must be even.
TEMPORAL_PATCH = 2

PUBLISHED_WINDOW = 85
"""The number of frames that the model was trained to see at once."""
PUBLISHED_LONGEST = 197
"""The number of frames after which the published program stops."""


def latent_frames(frames: int) -> int:
    """The number of latent frames of ``frames`` pixel frames: one for the first, then one for every four."""
    return (frames - 1) // TEMPORAL_COMPRESSION + 1


def pixel_frames(latents: int) -> int:
    """The number of pixel frames that ``latents`` latent frames decode to."""
    return (latents - 1) * TEMPORAL_COMPRESSION + 1


def published_window(frames: int) -> int:
    """The latent frames of the window that the published program makes of ``frames`` pixel frames.

    It gives up the last latent of an odd number, so that the transformer can fold them into pairs. A window
    of one latent stays, and every call then pairs it with a black one.
    """
    latents = latent_frames(frames)
    return latents if latents == 1 else latents - latents % TEMPORAL_PATCH


def published_longest(frames: int) -> int:
    """The number of frames at which the published program cuts a clip whose limit is ``frames``: 4j + 1."""
    return pixel_frames(latent_frames(frames))


def padded_length(frames: int, window: int, longest: int | None = None) -> int:
    """The padded length of a clip in pixel frames: an even number of latents, and at least one window.

    A limit may end it at an odd number of latents. A window above the limit is filled up all the same.

    Args:
        frames: the clip's number of frames.
        window: the model's temporal window in pixel frames.
        longest: the most frames that count, 197 in published VOID; None for no limit.

    Raises:
        ValueError: when the clip has no frames.
    """
    if frames < 1:
        raise ValueError(f"a clip has at least one frame, not {frames}")
    latents = -(-(frames - 1) // TEMPORAL_COMPRESSION) + 1
    latents += latents % TEMPORAL_PATCH
    padded = pixel_frames(latents)
    return max(padded if longest is None else min(padded, longest), window)


def padding_indices(frames: int, window: int, longest: int | None = None) -> list[int]:
    """The index into the clip of each frame of the padded clip, which runs forwards and backwards by turns.

    The end frames are repeated where the direction changes: 0 1 2 2 1 0 0 1 2 ...
    """
    period = list(range(frames)) + list(range(frames - 1, -1, -1))
    return [period[index % len(period)] for index in range(padded_length(frames, window, longest))]
