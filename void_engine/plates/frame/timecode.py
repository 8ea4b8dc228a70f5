"""SMPTE timecode as EXR stores it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_TEXT = re.compile(r"(\d{2}):(\d{2}):(\d{2})([:;.])(\d{2})")


@dataclass(frozen=True, slots=True)
class Timecode:
    """A timecode ``HH:MM:SS:FF``, which counts the whole number of frames nearest to the frame rate."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop_frame: bool = False

    @classmethod
    def parse(cls, text: str) -> Timecode | None:
        """Read a text like ``01:00:00:00`` (``;`` before the frames means drop frame); None for others."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            return None
        hours, minutes, seconds, separator, frames = match.groups()
        return cls(int(hours), int(minutes), int(seconds), int(frames), separator != ":")

    @classmethod
    def at(cls, frame_count: int, rate: Fraction, drop_frame: bool = False) -> Timecode:
        """The timecode ``frame_count`` frames after midnight; the clock starts again after 24 hours.

        Drop frame (SMPTE ST 12-1) skips the first two numbers (four at 60 frames a second) of every minute
        that is no multiple of ten, so that the label keeps pace with the clock at 29.97 and 59.94.
        """
        nominal = round(rate)
        if drop_frame:
            dropped = nominal // 15
            ten_minutes = nominal * 600 - 9 * dropped
            tens, rest = divmod(frame_count, ten_minutes)
            minutes = max(0, rest - nominal * 60) // (nominal * 60 - dropped)
            if rest >= nominal * 60:
                minutes += 1
            frame_count += dropped * (9 * tens + minutes)
        seconds, frames = divmod(frame_count, nominal)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return cls(hours % 24, minutes, seconds, frames, drop_frame)

    def frame_count(self, rate: Fraction) -> int:
        """The number of frames since midnight, the inverse of :meth:`at`."""
        nominal = round(rate)
        minutes = self.hours * 60 + self.minutes
        count = (minutes * 60 + self.seconds) * nominal + self.frames
        if self.drop_frame:
            count -= nominal // 15 * (minutes - minutes // 10)
        return count

    @property
    def packed(self) -> int:
        """The 32 bits of time and flags, binary-coded decimal as in SMPTE ST 12-1 (the layout EXR uses)."""
        return (
            _bcd(self.frames)
            | int(self.drop_frame) << 6
            | _bcd(self.seconds) << 8
            | _bcd(self.minutes) << 16
            | _bcd(self.hours) << 24
        )

    def __str__(self) -> str:
        separator = ";" if self.drop_frame else ":"
        return f"{self.hours:02d}:{self.minutes:02d}:{self.seconds:02d}{separator}{self.frames:02d}"


def _bcd(value: int) -> int:
    return value // 10 << 4 | value % 10
