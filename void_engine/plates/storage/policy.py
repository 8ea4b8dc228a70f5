"""What this process reads and writes at all: folders, and how large a frame may be.

A server's worker is told so once, at its start, by whoever runs the server; a job cannot change it. Elsewhere
the defaults hold: any folder, and frames of a size that no picture has.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.errors import RefusedFileError, SettingError
from void_engine.geometry import Box

MOST_PARTS = 256
MOST_CHANNELS = 1024
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Policy:
    """Resolved folders, and limits of one frame.

    Raises:
        SettingError: for a limit below 1.
    """

    read_roots: tuple[Path, ...] | None = None
    """Files are read only below these; None for anywhere."""
    output_roots: tuple[Path, ...] | None = None
    """Files are written only below these; None for anywhere."""
    frame_pixels: int = 1 << 28
    """The most pixels in a frame's data window or display window: 16384 x 16384."""
    frame_bytes: int = 2 << 30
    """The most memory that a frame's pixels take, all channels decoded."""

    def __post_init__(self) -> None:
        for name in ("frame_pixels", "frame_bytes"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")


_current = Policy()


def current_policy() -> Policy:
    """What holds in this process now."""
    return _current


def set_policy(policy: Policy) -> None:
    """Set the policy of the whole process, from now on."""
    global _current
    _current = policy
    # OpenImageIO looks at a header's claims itself, before it makes room for anything.
    oiio.attribute("limits:imagesize_MB", max(1, policy.frame_bytes // _MIB))
    oiio.attribute("limits:channels", MOST_CHANNELS)
    # What its reader for EXR refuses would go to all others: some read the whole file, some take anything.
    oiio.attribute("try_all_readers", 0)


def check_size(window: Box, display_size: tuple[int, int], bytes_a_pixel: int, described: str) -> None:
    """Refuse a frame that would take too much, from its header alone.

    Args:
        window: the data window over all parts.
        bytes_a_pixel: of all channels of all parts.
        described: the frame, for the message.

    Raises:
        RefusedFileError: naming the limit.
    """
    policy = _current
    width, height = display_size
    pixels = max(window.width * window.height, width * height)
    if pixels > policy.frame_pixels:
        raise RefusedFileError(
            f"{described} is too large: data window {window.width}x{window.height}, display window "
            f"{width}x{height}; at most {policy.frame_pixels} pixels (frame_pixels)"
        )
    size = window.width * window.height * bytes_a_pixel
    if size > policy.frame_bytes:
        raise RefusedFileError(
            f"{described} is too large: decoded it has {size} bytes; at most {policy.frame_bytes} "
            "(frame_bytes): leave out channels or crop its data window"
        )


set_policy(_current)
