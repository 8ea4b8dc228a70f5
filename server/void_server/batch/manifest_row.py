"""One row of a list of shots, and the job that follows from it and from the defaults of the command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import msgspec
from msgspec import Struct

from void_engine.errors import EngineError
from void_protocol.errors import FrameListError, JobError
from void_protocol.frame_list import parse_frame_range
from void_protocol.job import RemovalJob, Settings
from void_protocol.job_file import decode_job, encode_job, with_content_id
from void_server.batch.errors import ManifestError
from void_server.shot_files import ShotFiles, job_from_files


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


def job_of(row: ManifestRow, base: Path, where: str) -> RemovalJob:
    """Return the job of a row. Its id follows from its content, so the same row gives the same job again.

    Raises:
        ManifestError: when a field is missing or wrong; it names the row and the field.
    """
    for name in ("shot", "plate", "output"):
        if not getattr(row, name):
            raise ManifestError(f"{where}: no {name}; give it in the list or as --{name}")
    if not (row.remove or row.affected or row.quadmask):
        raise ManifestError(f"{where}: no matte; give remove, affected or quadmask")

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
                frames=_frames(row.frames, where),
                remove=patterns(row.remove),
                affected=patterns(row.affected),
                ignore=patterns(row.ignore),
                quadmask=filled(row.quadmask) or None,
                settings=settings,
                colour_space=row.colour_space or None,
                name=row.shot,
                version=row.version or 1,
                base=base,
            )
        )
        return with_content_id(decode_job(encode_job(job)))
    except (EngineError, JobError) as error:
        raise ManifestError(f"{where}: {error}") from error


def _frames(text: str, where: str) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        return parse_frame_range(text)
    except FrameListError as error:
        raise ManifestError(f"{where}: frames: {error}") from error
