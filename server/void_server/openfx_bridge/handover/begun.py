"""A removal that a host has begun: from the order to the job."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from void_engine.errors import EngineError
from void_protocol.durable import write_whole
from void_protocol.errors import ProtocolError
from void_protocol.job import Format, Matte, Output, RemovalJob, ResultLayer, Settings, Shot, new_job_id
from void_protocol.job_check import check_job
from void_protocol.job_file import write_job
from void_protocol.task import Propose
from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.handover.delivery import PLATE, Delivered, Delivery
from void_server.openfx_bridge.handover.handed import Handed, handed_of
from void_server.openfx_bridge.handover.order import read_order
from void_server.openfx_bridge.pixels.folder import PixelFolder
from void_server.openfx_bridge.pixels.raw import RawPicture
from void_server.openfx_bridge.results.folder import ResultFolder, claim, discard_leftovers
from void_server.openfx_bridge.results.record import Record

_log = logging.getLogger(__name__)

LAYERS: tuple[ResultLayer, ...] = ("matte", "confidence", "quadmask")
"""The layers that an effect can show. The matte tells which pixels are the plate's own."""
_NOTE = "begun.json"
"""The file among the exported frames with what another bridge needs to go on with them."""


class _Note(Struct, frozen=True, kw_only=True):
    """What that file holds."""

    asked: dict[str, str]
    """The request ``begin``."""
    marks: list[str] = []
    referenced: list[tuple[int, str, int]] = []


@dataclass(frozen=True)
class Begun:
    """One removal, with its version and its folder."""

    job_id: str
    version: int
    delivery: Delivery
    asked: Mapping[str, str] = field(repr=False)
    """The request ``begin``."""

    @classmethod
    def of(cls, fields: Fields, pixels: PixelFolder) -> Begun:
        """Begin a removal: nobody else gets its version.

        Args:
            fields: the request ``begin``.
            pixels: where pixel files are.

        Raises:
            BridgeError: when the request is wrong, the folder cannot be used, or the version is taken.
        """
        order = read_order(fields)
        if order.folder.is_dir():
            for gone in discard_leftovers(order.folder, order.name):
                left = handed_of(pixels.root, gone.job)
                if left is not None:
                    left.remove()
        version, folder = claim(order.folder, order.name, order.version)
        job_id = new_job_id()
        try:
            handed = Handed.make(pixels.root, job_id, folder.path)
        except BridgeError:
            folder.discard()
            raise
        begun = cls(job_id, version, Delivery(order, folder, handed, pixels.room_bytes), fields.message)
        try:
            folder.export.mkdir()
            begun.note()
            # What a job cannot hold is found out now, before frames are fetched.
            begun._job(
                Delivered(str(folder.export / "plate.%04d.exr"), {"remove": str(folder.export / "m.exr")})
            )
        except OSError as error:
            begun.delivery.abandon()
            raise BridgeError(
                f"The folder {folder.path} cannot be used: {error.strerror or error}."
            ) from error
        except ProtocolError as error:
            begun.delivery.abandon()
            raise BridgeError(f"{error}.") from error
        folder.keep(begun.record, "receiving")
        return begun

    @classmethod
    def resumed(cls, record: Record, folder: ResultFolder, pixels: PixelFolder) -> Begun | None:
        """Take over what a bridge that is gone was given and has not finished; None where that cannot be
        done any more, as after a restart of the machine, or another bridge does it."""
        kept = folder.kept()
        if kept is None or not kept.is_orphaned or not folder.adopt(kept):
            return None
        handed = handed_of(pixels.root, record.job) or Handed(pixels.root / f"handed-{record.job}")
        try:
            note = msgspec.json.decode((folder.export / _NOTE).read_bytes(), type=_Note)
            order = read_order(Fields(note.asked))
            delivery = Delivery(order, folder, handed, pixels.room_bytes)
            delivery.resume(note.marks, note.referenced)
            delivery.check_complete()
        except (OSError, ValueError, EngineError, BridgeError) as error:
            _log.warning("the removal %s cannot be gone on with: %s", record.job, error)
            return None
        _log.info(
            "going on with the frames of the removal %s, which a bridge that is gone has left", record.job
        )
        return cls(record.job, record.version, delivery, note.asked)

    @property
    def token(self) -> str:
        """What the host calls it until it is submitted."""
        return self.job_id

    def take(
        self, role: str, frame: int, raw: RawPicture, *, given: bool = False, marks: bool | None = None
    ) -> None:
        """Take a frame over; see :meth:`Delivery.take`.

        Raises:
            BridgeError: as there.
        """
        before = self.delivery.marks
        self.delivery.take(role, frame, raw, given=given, marks=marks)
        if role != PLATE and self.delivery.marks != before:
            self.note()

    def note(self) -> None:
        """Write down what another bridge needs to go on. A disk that does not take it is logged."""
        note = {
            "asked": dict(self.asked),
            "marks": self.delivery.marks,
            "referenced": self.delivery.referenced,
        }
        try:
            write_whole(self.folder.export / _NOTE, json.dumps(note).encode())
        except OSError as error:
            _log.warning("%s cannot be written in %s: %s", _NOTE, self.folder.export, error)

    @property
    def folder(self) -> ResultFolder:
        return self.delivery.folder

    @property
    def record(self) -> Record:
        """The record for the host's project."""
        order = self.delivery.order
        return Record(
            job=self.job_id,
            folder=str(self.folder.path.absolute()),
            name=order.name,
            version=self.version,
            first=order.first,
            last=order.last,
            offset=self.delivery.offset,
            box=order.box,
            space=order.space.name,
            premultiplied=order.space.is_premultiplied,
            scale=order.settings.proxy_scale,
            task=order.task,
        )

    def make_job(self, delivered: Delivered) -> RemovalJob:
        """Make the job of what was delivered, and write it beside the result.

        Raises:
            BridgeError: when it is not valid, or cannot be written, or its frames are counted otherwise than
                those of the proposal that it uses.
        """
        proposal = self.delivery.order.proposal
        if proposal is not None and proposal.record.offset != self.delivery.offset:
            raise BridgeError(
                "The plate's files are counted otherwise than when this was proposed; press Propose affected "
                "again, or switch Use proposal off."
            )
        try:
            job = self._job(delivered)
            write_job(job, self.folder.job_file)
        except ProtocolError as error:
            raise BridgeError(f"{error}.") from error
        return job

    def _job(self, delivered: Delivered) -> RemovalJob:
        order, record = self.delivery.order, self.record
        width, height = order.size
        versioned = f"{order.name}_{{version}}"
        mattes = [Matte(role=role, pattern=pattern) for role, pattern in delivered.mattes.items()]
        proposal = order.proposal
        if proposal is not None:
            mattes.append(Matte(role="affected", pattern=proposal.pattern, growth_px=proposal.growth_px))
        is_removal = order.task == "remove"
        job = RemovalJob(
            job_id=self.job_id,
            shot=Shot(
                name=record.folder_name,
                plate=delivered.plate,
                first_frame=order.first + record.offset,
                last_frame=order.last + record.offset,
                format=Format(width=width, height=height, pixel_aspect=order.pixel_aspect),
            ),
            mattes=mattes,
            task=msgspec.UNSET if is_removal else Propose(),
            settings=order.settings if is_removal else Settings(seed=order.settings.seed),
            output=Output(
                pattern=str(order.folder.absolute() / versioned / f"{versioned}.%04d.exr"),
                version=self.version,
                layers=list(LAYERS) if is_removal else [],
            ),
        )
        check_job(job)
        return job
