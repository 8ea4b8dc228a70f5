"""Which things of a proposal are accepted, and how, as it is typed after options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from void_protocol.errors import FrameListError
from void_protocol.frame_list import parse_frame_range
from void_protocol.job import Matte
from void_protocol.proposal import ProposalReport, Thing
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError


def accepted_mattes(
    report: ProposalReport,
    *,
    accept: Sequence[str] = (),
    reject: Sequence[str] = (),
    extend: Sequence[str] = (),
    grow: Sequence[str] = (),
) -> list[Matte]:
    """Make the mattes that a job gets of a proposal.

    Args:
        report: the report on the proposal.
        accept: numbers of things, kinds, or ``all``, with commas between; nothing for all.
        reject: the same, taken out again.
        extend: ``NUMBER=WAY``, of the ways that the thing has, or ``NUMBER=WAY@1010-1020`` for some frames.
        grow: ``NUMBER=PIXELS``.

    Returns:
        One matte for each accepted thing; where nothing is said of single things, the whole proposal as one,
        and each belonging of the object as what is removed with it.

    Raises:
        CommandError: when there is no such thing, kind or way.
    """
    if not (accept or reject or extend or grow):
        belongings = [thing.number for thing in report.things if thing.role == "remove"]
        return [
            Matte(role="affected", pattern=report.matte),
            *(Matte(role="remove", pattern=report.matte, channel=f"thing{one}.A") for one in belongings),
        ]
    by_number = {thing.number: thing for thing in report.things}
    ways: dict[int, _Extension] = {}
    for number, thing, text in _pairs("--extend", extend, by_number):
        way, _, frames = text.partition("@")
        ways[number] = _Extension(way, _range(number, text, frames) if frames else UNSET)
        if way not in thing.extensions:
            known = ", ".join(thing.extensions) or "none"
            raise _wrong("--extend", f"{number}={way}", f"one of the ways that thing {number} has: {known}")
    growths = {number: _pixels(number, text) for number, _, text in _pairs("--grow", grow, by_number)}
    wanted = _named("--accept", accept, by_number) if accept else set(by_number)
    wanted |= set(ways) | set(growths)
    wanted -= _named("--reject", reject, by_number)
    made = []
    for number in sorted(wanted):
        thing = by_number[number]
        layers: list[tuple[str, _Frames]] = []
        extension = ways.get(number)
        if extension is None or extension.frames is not UNSET:
            layers.append((f"thing{number}", UNSET))
        if extension is not None:
            layers.append((f"thing{number}_{extension.way}", extension.frames))
        made += [
            Matte(
                role="remove" if thing.role == "remove" else "affected",
                pattern=report.matte,
                channel=f"{layer}.A",
                growth_px=growths.get(number, 0.0),
                frames=frames,
            )
            for layer, frames in layers
        ]
    return made


_Frames = tuple[int, int] | UnsetType


@dataclass(frozen=True)
class _Extension:
    """How a thing is extended, and on which frames; unset for all."""

    way: str
    frames: _Frames


def _range(number: int, text: str, frames: str) -> tuple[int, int]:
    try:
        return parse_frame_range(frames)
    except FrameListError as error:
        raise _wrong("--extend", f"{number}={text}", f"frames after @ such as 1010-1020 ({error})") from None


def _named(option: str, texts: Sequence[str], things: dict[int, Thing]) -> set[int]:
    found: set[int] = set()
    kinds = {thing.kind for thing in things.values()}
    for text in (part.strip() for each in texts for part in each.split(",")):
        if text == "all":
            found |= set(things)
        elif text in kinds:
            found |= {number for number, thing in things.items() if thing.kind == text}
        elif text.isdecimal() and int(text) in things:
            found.add(int(text))
        else:
            raise _wrong(option, text, f"all, a number of {_numbers(things)}, or {_listed(kinds)}")
    return found


def _pairs(option: str, texts: Sequence[str], things: dict[int, Thing]) -> list[tuple[int, Thing, str]]:
    found = []
    for text in (part.strip() for each in texts for part in each.split(",")):
        number, equals, value = (word.strip() for word in text.partition("="))
        if not (equals and value and number.isdecimal() and int(number) in things):
            raise _wrong(option, text, f"NUMBER=VALUE with a number of {_numbers(things)}")
        found.append((int(number), things[int(number)], value))
    return found


def _pixels(number: int, text: str) -> float:
    try:
        matte = {"role": "affected", "pattern": "m.exr", "growth_px": text}
        return msgspec.convert(matte, Matte, strict=False).growth_px
    except msgspec.ValidationError:
        raise _wrong("--grow", f"{number}={text}", "a number of pixels from -256 to 256") from None


def _numbers(things: dict[int, Thing]) -> str:
    return f"1 to {max(things)}" if things else "the things, of which there are none"


def _listed(kinds: set[str]) -> str:
    return "a kind that is there" + (f": {', '.join(sorted(kinds))}" if kinds else "")


def _wrong(option: str, text: str, what: str) -> CommandError:
    return CommandError(f"{option} has {text!r}; give {what}", ExitCode.INVALID_JOB)
