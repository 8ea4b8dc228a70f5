"""What a list of shots says about each, by the list's own columns, and what it leaves to whoever runs it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import msgspec
from msgspec import Struct

from void_engine.errors import EngineError
from void_protocol.errors import JobError
from void_protocol.job import RemovalJob, Settings
from void_protocol.job_file import decode_job, encode_job
from void_server.batch.errors import ManifestError
from void_server.shot_files import ShotFiles, job_from_files

_RANGE = re.compile(r"^(-?\d+)(?:-(-?\d+))?$")


class ShotWishes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of a manifest; the same fields as options of the command hold for every row that leaves them out.

    In patterns ``{shot}`` becomes the shot's name. Several mattes are parted by semicolons.
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


FIELDS = tuple(field.name for field in msgspec.structs.fields(ShotWishes))


def completed(row: Mapping[str, object], wishes: ShotWishes, where: str) -> ShotWishes:
    """A row with what it leaves out taken from ``wishes``.

    Raises:
        ManifestError: naming the row and the field that is wrong.
    """
    said = {name: value for name, value in row.items() if value not in ("", None)}
    try:
        given = msgspec.convert(said, ShotWishes, strict=False)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{where}: {error}; known are {', '.join(FIELDS)}") from error
    changes = {name: getattr(given, name) for name in said}
    return msgspec.structs.replace(wishes, **changes)


def job_of(wishes: ShotWishes, base: Path, where: str) -> RemovalJob:
    """The job of a row. Its id follows from its content: the same row is the same job again.

    Raises:
        ManifestError: naming the row and what is missing or wrong.
    """
    for name in ("shot", "plate", "output"):
        if not getattr(wishes, name):
            raise ManifestError(f"{where}: no {name}; give it in the list or as --{name}")
    if not (wishes.remove or wishes.affected or wishes.quadmask):
        raise ManifestError(f"{where}: no matte; give remove, affected or quadmask")

    def filled(text: str) -> str:
        return text.replace("{shot}", wishes.shot)

    def patterns(text: str) -> tuple[str, ...]:
        return tuple(filled(part.strip()) for part in text.split(";") if part.strip())

    settings = Settings(
        engine=wishes.engine or "auto",
        prompt=wishes.prompt,
        negative_prompt=wishes.negative_prompt,
        proxy_scale=1.0 if wishes.proxy is None else wishes.proxy,
        seed=Settings().seed if wishes.seed is None else wishes.seed,
    )
    try:
        job = job_from_files(
            ShotFiles(
                plate=filled(wishes.plate),
                output=filled(wishes.output),
                frames=_frames(wishes.frames, where),
                remove=patterns(wishes.remove),
                affected=patterns(wishes.affected),
                ignore=patterns(wishes.ignore),
                quadmask=filled(wishes.quadmask) or None,
                settings=settings,
                colour_space=wishes.colour_space or None,
                name=wishes.shot,
                version=wishes.version or 1,
                base=base,
            )
        )
        return with_own_id(decode_job(encode_job(job)))
    except (EngineError, JobError) as error:
        raise ManifestError(f"{where}: {error}") from error


def with_own_id(job: RemovalJob) -> RemovalJob:
    """The job with an id that follows from all the rest of it."""
    plain = msgspec.structs.replace(job, job_id="0")
    return msgspec.structs.replace(job, job_id=hashlib.sha256(encode_job(plain)).hexdigest()[:32])


def _frames(text: str, where: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _RANGE.match(text.strip())
    if found is None:
        raise ManifestError(f"{where}: frames {text!r} is no range; write 1001-1040")
    first = int(found[1])
    return first, first if found[2] is None else int(found[2])
