"""Reads values of a job that are typed after options: growth, region, engine options, clean frames.

Each error names the option as it is typed, and what to give.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from void_protocol.errors import FrameListError
from void_protocol.frame_list import parse_frames
from void_protocol.job import Anchors, Compression, Growth, MatteSettings, RegionSettings
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError


def growth_of(text: str) -> Literal["auto"] | float:
    """Read a growth of mattes.

    Raises:
        CommandError: when it is neither ``auto`` nor a number of pixels that a job takes.
    """
    try:
        growth: Literal["auto"] | float = msgspec.convert(text, Growth, strict=False)
    except msgspec.ValidationError:
        raise _wrong("--grow", text, "a number of pixels from -256 to 256, or auto") from None
    return growth


def softness_of(pixels: float) -> float:
    """Check the width of the ramp outside the mattes, in pixels.

    Raises:
        CommandError: when a job does not take it.
    """
    try:
        return msgspec.convert({"softness_px": pixels}, MatteSettings, strict=False).softness_px
    except msgspec.ValidationError:
        raise _wrong("--soften", f"{pixels:g}", "a number of pixels from 0 to 256") from None


def compression_of(text: str) -> Compression:
    """Read the name of an EXR compression.

    Raises:
        CommandError: when there is no such compression.
    """
    try:
        compression: Compression = msgspec.convert(text.lower(), Compression)
    except msgspec.ValidationError:
        *known, last = get_args(Compression)
        raise _wrong("--compression", text, f"{', '.join(known)} or {last}") from None
    return compression


def region_of(text: str) -> RegionSettings:
    """Read the part of the frame that the engine works on: ``auto``, ``full`` or a box in pixels, y up.

    Raises:
        CommandError: when it is none of these.
    """
    if text in ("auto", "full"):
        return RegionSettings(mode="auto" if text == "auto" else "full")
    try:
        left, bottom, right, top = (int(number) for number in text.split(","))
    except ValueError:
        raise _wrong("--region", text, "auto, full, or LEFT,BOTTOM,RIGHT,TOP in pixels, y up") from None
    if left >= right or bottom >= top:
        raise _wrong("--region", text, "LEFT,BOTTOM,RIGHT,TOP with left below right and bottom below top")
    return RegionSettings(mode="box", box=(left, bottom, right, top))


def anchors_of(text: str) -> Anchors:
    """Read clean frames, ``FRAMES:PATTERN`` such as ``1001,1040:clean.%04d.exr``.

    Raises:
        CommandError: when it is not of that form.
    """
    from void_engine.plates.sequence.typed import canonical

    frames, colon, pattern = text.partition(":")
    if not (colon and frames.strip() and pattern.strip()):
        raise _wrong("--anchor", text, "FRAMES:PATTERN, such as 1001,1040:clean.%04d.exr")
    try:
        numbers = parse_frames(frames)
    except FrameListError as error:
        raise CommandError(f"--anchor is {text!r}: {error}", ExitCode.INVALID_JOB) from error
    return Anchors(pattern=canonical(pattern.strip(), Path.cwd()), frames=numbers)


def options_of(texts: Sequence[str]) -> dict[str, str]:
    """Read engine options. The engine turns each text into its option's own type.

    Raises:
        CommandError: when a part is no ``NAME=VALUE``.
    """
    options: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value):
            raise CommandError(
                f"--engine-option has {part.strip()!r}; give NAME=VALUE, several with commas between",
                ExitCode.INVALID_JOB,
            )
        options[name] = value
    return options


def _wrong(option: str, text: str, what: str) -> CommandError:
    return CommandError(f"{option} is {text!r}; give {what}", ExitCode.INVALID_JOB)
