"""Checks of a job beyond its types. Every problem names the field by its JSON path and says what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from msgspec.structs import astuple

from void_protocol.errors import JobError
from void_protocol.frame_list import describe_frames
from void_protocol.job import (
    AUTO_GROWTH,
    MAX_COORDINATE_PX,
    MAX_FRAMES,
    PROXY_SCALES,
    Output,
    RegionSettings,
    RemovalJob,
    RotoShape,
    Settings,
    ShapeFrame,
    Shot,
)
from void_protocol.task import MakeMattes, Propose
from void_protocol.task_check import prompt_problems

FRAME_TOKEN = re.compile(r"%0?\d*d|#+")
"""The two ways to write a frame number into a file's name."""
_FOLDER_TOKEN = re.compile(r"%0?\d*d")
_LAST_SEPARATOR = re.compile(r".*[/\\]", re.DOTALL)

MAX_INPUT_FILES = 500_000
"""The most input files of one job; the server looks at every one before it accepts the job."""
MAX_DIGITS = 16
"""The widest frame number that a token may ask for; without a bound, all of its digits would be written."""

_SHOWN_PROBLEMS = 8
_COUNTED_PROBLEMS = 32
"""Counting problems ends here: a broken exporter can be wrong everywhere, and the count need not be exact."""
# These engine options would let a job name files or code of the machine that runs it.
_NOT_A_JOBS = frozenset(
    {"checkpoint", "lora", "model", "model_path", "models", "module", "python", "runner", "script", "weights"}
)
_FEWEST_POINTS = 2  # two Bezier points with tangents already enclose an area


def split_folder(pattern: str) -> tuple[str, str]:
    """Split a pattern into its folder with the last separator (empty for none) and the file's name.

    Only the name may have frame tokens. Both kinds of slash separate, whichever machine this is, because
    client and server have to read one pattern alike.
    """
    match = _LAST_SEPARATOR.match(pattern)
    end = match.end() if match else 0
    return pattern[:end], pattern[end:]


def frame_tokens(pattern: str) -> list[str]:
    """Return the frame tokens in the pattern's file name. A ``#`` in a folder is part of the folder's
    name."""
    return FRAME_TOKEN.findall(split_folder(pattern)[1])


def _digits(token: str) -> int:
    """How many digits a frame token asks for at least."""
    digits = token.strip("%d").lstrip("0")
    if token.startswith("#") or not digits:
        return len(token)
    # Python's int() is slow for thousands of digits, and in the end refuses them.
    return int(digits) if len(digits) < 7 else 10**6


def folder_token(folder: str) -> str | None:
    """Return the frame token (``%04d``) that a folder's name has but must not have, or None."""
    match = _FOLDER_TOKEN.search(folder)
    return match.group() if match else None


def check_job(job: RemovalJob) -> None:
    """Check ``job`` as a whole.

    Raises:
        JobError: with one line for each problem, at most eight and a count of the rest.
    """
    problems: list[str] = []
    total = 0
    for problem in _problems(job):
        total += 1
        if total <= _SHOWN_PROBLEMS:
            problems.append(problem)
        elif total > _COUNTED_PROBLEMS:
            break
    if total > _SHOWN_PROBLEMS:
        more = "or more" if total > _COUNTED_PROBLEMS else "more"
        problems.append(f"... and {total - _SHOWN_PROBLEMS} {more} problems")
    if problems:
        raise JobError("\n".join(problems))


def _problems(job: RemovalJob) -> Iterator[str]:
    range_problems = list(_shot_problems(job.shot))
    yield from range_problems
    yield from _role_problems(job)
    for index, matte in enumerate(job.mattes):
        yield from _token_problems(f"$.mattes[{index}].pattern", matte.pattern, frame_count=1)
        if matte.frames and matte.frames[0] > matte.frames[1]:
            yield f"$.mattes[{index}].frames: {matte.frames[0]} is after {matte.frames[1]}; swap them"
    yield from _file_count_problems(job)
    if not range_problems:  # with an impossible range every frame would be reported missing
        for index, shape in enumerate(job.shapes):
            yield from _shape_problems(f"$.shapes[{index}]", shape, job.shot)
    if job.anchors is not None:
        yield from _token_problems("$.anchors.pattern", job.anchors.pattern, len(job.anchors.frames))
        for number in job.anchors.frames:
            if number not in job.shot.frame_numbers:
                yield f"$.anchors.frames: frame {number} is outside the shot {_range(job.shot)}; leave it out"
    yield from _settings_problems(job.settings)
    yield from _output_problems(job.output, job.shot)
    if isinstance(job.task, MakeMattes) and not range_problems:
        size = job.shot.format
        yield from prompt_problems(job.task, job.shot.frame_numbers, size.width, size.height)


def _role_problems(job: RemovalJob) -> Iterator[str]:
    roles = {shape.role for shape in job.shapes} | {matte.role for matte in job.mattes}
    if isinstance(job.task, Propose):
        if "remove" not in roles:
            yield "$.shapes: nothing is removed; mark at least one shape or matte as 'remove'"
    elif job.is_removal and not roles - {"ignore"}:
        yield "$.shapes: nothing to remove; mark at least one shape or matte as 'remove' or 'affected'"


def _range(shot: Shot) -> str:
    return f"{shot.first_frame}-{shot.last_frame}"


def _token_problems(path: str, pattern: str, frame_count: int) -> Iterator[str]:
    tokens = frame_tokens(pattern)
    in_folder = folder_token(split_folder(pattern)[0])
    if in_folder is not None:
        yield f"{path}: {pattern!r} has a frame token in its folder ({in_folder}); rename the folder"
        return
    widest = max((_digits(token) for token in tokens), default=0)
    if widest > MAX_DIGITS:
        yield f"{path}: a frame number of {widest} digits or more; write it with at most {MAX_DIGITS}"
        return
    if len(tokens) > 1:
        yield f"{path}: {pattern!r} has {len(tokens)} frame tokens ({', '.join(tokens)}); keep exactly one"
    if not tokens and frame_count > 1:
        yield (
            f"{path}: {pattern!r} has no frame token for {frame_count} frames; "
            "write %04d or #### where the number goes"
        )


def _file_count_problems(job: RemovalJob) -> Iterator[str]:
    for_each_frame = 1 + sum(bool(frame_tokens(matte.pattern)) for matte in job.mattes)
    count = for_each_frame * len(job.shot.frame_numbers)
    if count > MAX_INPUT_FILES:
        yield (
            f"$.mattes: plate and mattes are {count} files, more than {MAX_INPUT_FILES} in one job; "
            "merge mattes of one role, or split the shot"
        )


def _shot_problems(shot: Shot) -> Iterator[str]:
    count = len(shot.frame_numbers)
    if shot.last_frame < shot.first_frame:
        yield (
            f"$.shot.last_frame: {shot.last_frame} comes before first_frame {shot.first_frame}; "
            "swap them (both are inclusive)"
        )
    elif count > MAX_FRAMES:
        yield f"$.shot.last_frame: {count} frames are more than {MAX_FRAMES} in one job; split the shot"
    yield from _finite_problems("$.shot.format.pixel_aspect", shot.format.pixel_aspect)
    yield from _token_problems("$.shot.plate", shot.plate, count)


def _shape_problems(path: str, shape: RotoShape, shot: Shot) -> Iterator[str]:
    seen: set[int] = set()
    for index, at in enumerate(shape.frames):
        here = f"{path}.frames[{index}]"
        if at.frame in seen:
            yield f"{here}.frame: shape {shape.name!r} has frame {at.frame} twice; keep one"
        seen.add(at.frame)
        yield from _shape_frame_problems(here, shape.name, at)
    missing = [number for number in shot.frame_numbers if number not in seen]
    if missing:
        yield (
            f"{path}.frames: shape {shape.name!r} has no geometry for {describe_frames(missing)}; "
            f"bake it for every frame of {_range(shot)} (with visible false where it is not there)"
        )


def _shape_frame_problems(here: str, name: str, at: ShapeFrame) -> Iterator[str]:
    if at.visible and len(at.points) < _FEWEST_POINTS:
        yield (
            f"{here}.points: shape {name!r} has {len(at.points)} points on frame {at.frame}; "
            f"a visible shape needs at least {_FEWEST_POINTS}"
        )
    for field in ("opacity", "feather_x_px", "feather_y_px", "falloff"):
        yield from _finite_problems(f"{here}.{field}", getattr(at, field))
    for index, point in enumerate(at.points):
        # A shot has a hundred thousand points and hardly ever a problem, so one sum tests a point; NaN fails
        # it too.
        if sum(map(abs, astuple(point))) <= MAX_COORDINATE_PX:
            continue
        for field in point.__struct_fields__:
            value = getattr(point, field)
            if abs(value) > MAX_COORDINATE_PX and math.isfinite(value):
                yield (
                    f"{here}.points[{index}].{field}: {value:g} px on shape {name!r}, frame {at.frame}; "
                    f"at most {MAX_COORDINATE_PX:g}: check the shape's transform"
                )
            elif not math.isfinite(value):
                yield (
                    f"{here}.points[{index}].{field}: {value} on shape {name!r}, frame {at.frame}; "
                    "every coordinate must be a finite number"
                )


def _settings_problems(settings: Settings) -> Iterator[str]:
    if settings.proxy_scale not in PROXY_SCALES:
        known = ", ".join(f"{scale:g}" for scale in PROXY_SCALES)
        yield f"$.settings.proxy_scale: {settings.proxy_scale:g} is not one of {known}"
    matte = settings.matte
    if matte.growth_px != AUTO_GROWTH:
        yield from _finite_problems("$.settings.matte.growth_px", matte.growth_px)
    yield from _finite_problems("$.settings.matte.softness_px", matte.softness_px)
    for name in sorted(_NOT_A_JOBS & settings.engine_options.keys()):
        yield (
            f"$.settings.engine_options.{name}: a job may not say where the machine that runs it keeps its "
            "files; leave it out (`void run --models`, `void serve --models` or VOID_MODELS name the models)"
        )
    for name, value in settings.engine_options.items():
        if isinstance(value, float):
            yield from _finite_problems(f"$.settings.engine_options.{name}", value)
    yield from _region_problems(settings.region)


def _region_problems(region: RegionSettings) -> Iterator[str]:
    path = "$.settings.region"
    yield from _finite_problems(f"{path}.margin", region.margin)
    if region.mode == "box" and region.box is None:
        yield f"{path}.box: mode 'box' needs [left, bottom, right, top] in pixels"
    if region.box is not None:
        if region.mode != "box":
            yield f"{path}.mode: a box is given but mode is {region.mode!r}; set it to 'box' or drop the box"
        left, bottom, right, top = region.box
        if right <= left or top <= bottom:
            yield f"{path}.box: [{left}, {bottom}, {right}, {top}] is empty; right and top must be the larger"


def _output_problems(output: Output, shot: Shot) -> Iterator[str]:
    path = "$.output.pattern"
    yield from _token_problems(path, output.versioned_pattern, len(shot.frame_numbers))
    if not output.pattern.lower().endswith(".exr"):
        yield f"{path}: {output.pattern!r} does not end in .exr; results are EXR files"
    if output.versioned_pattern == shot.plate:
        yield f"{path}: the result would overwrite the plate {shot.plate!r}; choose another name"
    if len(set(output.layers)) != len(output.layers):
        yield "$.output.layers: a layer is named twice; name each once"


def _finite_problems(path: str, value: float) -> Iterator[str]:
    if not math.isfinite(value):
        yield f"{path}: {value} is not a finite number"
