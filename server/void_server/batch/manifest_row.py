"""One row of a list of shots, and the job that follows from it and from the defaults of the command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import msgspec
from msgspec import Struct

from void_engine.errors import EngineError
from void_protocol.errors import FrameListError, JobError
from void_protocol.frame_list import parse_frames, runs
from void_protocol.job import RemovalJob, Settings
from void_protocol.job_file import decode_job, encode_job, with_content_id
from void_server.batch.errors import ManifestError
from void_server.batch.listed import BadShot
from void_server.shot_files import ShotFiles, job_from_files

_LEADS_ELSEWHERE = re.compile(r"(^|/)\.\.(/|$)|\\|^/|^[A-Za-z]:")
"""What a shot's name must not have, since it becomes part of paths."""
_MOST_RUNS = 50
"""More runs of frames than this are taken for a mistake, such as every second frame."""


class ManifestRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of a manifest. The command has options of the same names, which count for every row that leaves a
    field out.

    In patterns ``{shot}`` becomes the shot's name. Semicolons separate several mattes.
    """

    shot: str = ""
    plate: str = ""
    frames: str = ""
    remove: str = ""
    affected: str = ""
    ignore: str = ""
    quadmask: str = ""
    output: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    engine: str = ""
    proxy: Optional[float] = None  # noqa: UP045 - evaluated by msgspec
    seed: Optional[int] = None  # noqa: UP045
    version: Optional[int] = None  # noqa: UP045
    colour_space: str = ""
    view: str = ""
    layer: str = ""


FIELDS = tuple(field.name for field in msgspec.structs.fields(ManifestRow))


def completed(row: Mapping[str, object], defaults: ManifestRow, where: str) -> ManifestRow:
    """Return a row in which the fields that it leaves out are taken from ``defaults``.

    Raises:
        ManifestError: when a field is wrong; it names the row and the field.
    """
    said = {name: value for name, value in row.items() if value not in ("", None)}
    try:
        given = msgspec.convert(said, ManifestRow, strict=False)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{where}: {error}; known are {', '.join(FIELDS)}") from error
    changes = {name: getattr(given, name) for name in said}
    return msgspec.structs.replace(defaults, **changes)


def jobs_of(row: ManifestRow, base: Path, where: str) -> list[RemovalJob | BadShot]:
    """Return the job of a row, or one for each run of its frames where they have gaps.

    A job's id follows from its content, so the same row gives the same job again. A row that cannot become a
    job is a bad shot: its error names the row and the field.
    """
    try:
        return [_job_of(row, frames, base, where) for frames in _frame_runs(row.frames, where)]
    except ManifestError as error:
        return [BadShot(row.shot or where, error)]


def _job_of(row: ManifestRow, frames: tuple[int, int] | None, base: Path, where: str) -> RemovalJob:
    for name in ("shot", "plate", "output"):
        if not getattr(row, name):
            raise ManifestError(f"{where}: no {name}; give it in the list or as --{name}")
    if not (row.remove or row.affected or row.quadmask):
        raise ManifestError(f"{where}: no matte; give remove, affected or quadmask")

    if _LEADS_ELSEWHERE.search(row.shot):
        raise ManifestError(
            f"{where}: the shot's name {row.shot!r} would lead its files out of their folder; leave out "
            "'..', backslashes and a slash at the beginning"
        )

    def filled(text: str) -> str:
        return text.replace("{shot}", row.shot)

    def patterns(text: str) -> tuple[str, ...]:
        return tuple(filled(part.strip()) for part in text.split(";") if part.strip())

    settings = Settings(
        engine=row.engine or "auto",
        prompt=row.prompt,
        negative_prompt=row.negative_prompt,
        proxy_scale=1.0 if row.proxy is None else row.proxy,
        seed=Settings().seed if row.seed is None else row.seed,
    )
    try:
        job = job_from_files(
            ShotFiles(
                plate=filled(row.plate),
                output=filled(row.output),
                frames=frames,
                remove=patterns(row.remove),
                affected=patterns(row.affected),
                ignore=patterns(row.ignore),
                quadmask=filled(row.quadmask) or None,
                settings=settings,
                colour_space=row.colour_space or None,
                name=row.shot,
                view=row.view or None,
                layer=row.layer,
                version=row.version or 1,
                base=base,
            )
        )
        return with_content_id(decode_job(encode_job(job)))
    except (EngineError, JobError) as error:
        raise ManifestError(f"{where}: {error}") from error


def _frame_runs(text: str, where: str) -> list[tuple[int, int] | None]:
    if not text:
        return [None]
    try:
        found = runs(parse_frames(text))
    except FrameListError as error:
        raise ManifestError(f"{where}: frames: {error}") from error
    if len(found) > _MOST_RUNS:
        raise ManifestError(
            f"{where}: frames: {text!r} has {len(found)} runs of frames; a shot is cleaned in whole "
            "runs, write e.g. 1001-1040"
        )
    return list(found)
