"""The file policy of this process: the folders that it may read and write, how large a frame may be, and how
much room results may take.

A worker of a server sets the policy before each job: a job reads and writes its own files only. Elsewhere the
defaults hold: any folder, and frames larger than any real picture.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.errors import NoRoomError, RefusedFileError, SettingError
from void_engine.geometry import Box

MOST_PARTS = 256
"""The most parts that a file may have."""
MOST_CHANNELS = 1024
"""The most channels that a frame may have."""
_MIB = 1 << 20


class Room:
    """How many bytes of results a run may still write. Several threads may share it."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, size: int, described: str) -> None:
        """Take ``size`` bytes for the result that is ``described``.

        Raises:
            NoRoomError: when fewer are left.
        """
        with self._lock:
            if size > self._left:
                raise NoRoomError(
                    f"{described} has {size} bytes, and there is room for {self._left} more bytes of results"
                )
            self._left -= size


@dataclass(frozen=True, slots=True)
class Policy:
    """The folders that may be used, links resolved, and the limits of one frame and of all results.

    Raises:
        SettingError: for a limit below 1.
    """

    read_folders: frozenset[Path] | None = None
    """Files are read only directly in these; None for anywhere."""
    output_folder: Path | None = None
    """Files are written only directly in this one; None for anywhere."""
    room: Room | None = None
    """The room for results; None for any amount."""
    frame_pixels: int = 1 << 28
    """The most pixels in a frame's data window or display window: 16384 x 16384."""
    frame_bytes: int = 2 << 30
    """The most memory in bytes that a frame's pixels may take, all channels decoded."""

    def __post_init__(self) -> None:
        for name in ("frame_pixels", "frame_bytes"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")


_current = Policy()


def current_policy() -> Policy:
    """The policy that holds in this process now."""
    return _current


def set_policy(policy: Policy) -> None:
    """Set the policy of the whole process from now on."""
    global _current
    _current = policy
    # OpenImageIO itself checks the size that a header claims before it allocates anything.
    oiio.attribute("limits:imagesize_MB", max(1, policy.frame_bytes // _MIB))
    oiio.attribute("limits:channels", MOST_CHANNELS)
    # A file that the EXR reader refuses would otherwise be tried with all other readers, of which some read
    # the whole file and some accept anything.
    oiio.attribute("try_all_readers", 0)


def check_size(window: Box, display_size: tuple[int, int], bytes_a_pixel: int, described: str) -> None:
    """Refuse a frame that is too large, from its header alone.

    Args:
        window: the box around the data windows of all parts.
        display_size: ``(width, height)`` of the display window.
        bytes_a_pixel: bytes of one pixel in all channels of all parts.
        described: the name of the frame in the message.

    Raises:
        RefusedFileError: when a limit is exceeded; the message names it.
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
