"""A removal that a host has begun: from the order to the job."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from void_protocol.errors import ProtocolError
from void_protocol.job import Format, Matte, Output, RemovalJob, ResultLayer, Shot, new_job_id
from void_protocol.job_check import check_job
from void_protocol.job_file import write_job
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.handover.delivery import Delivered, Delivery
from void_server.openfx_bridge.handover.order import Order
from void_server.openfx_bridge.results.folder import ResultFolder, claim, discard_orphans
from void_server.openfx_bridge.results.record import Record

LAYERS: tuple[ResultLayer, ...] = ("matte", "confidence", "quadmask")
"""The layers that an effect can show. The matte tells which pixels are the plate's own."""


@dataclass(frozen=True)
class Begun:
    """One removal, with its version and its folder."""

    token: str
    """What the host calls it until it is submitted."""
    job_id: str
    version: int
    delivery: Delivery

    @classmethod
    def of(cls, order: Order) -> Begun:
        """Begin a removal: nobody else gets its version.

        Raises:
            BridgeError: when the folder cannot be used, or the version is taken.
        """
        if order.folder.is_dir():
            discard_orphans(order.folder, order.name)
        version, folder = claim(order.folder, order.name, order.version)
        begun = cls(secrets.token_hex(8), new_job_id(), version, Delivery(order, folder))
        try:
            folder.export.mkdir()
            # What a job cannot hold is found out now, before frames are fetched.
            begun._job(
                Delivered(str(folder.export / "plate.%04d.exr"), {"remove": str(folder.export / "m.exr")})
            )
        except OSError as error:
            folder.discard()
            raise BridgeError(
                f"The folder {folder.path} cannot be used: {error.strerror or error}."
            ) from error
        except ProtocolError as error:
            folder.discard()
            raise BridgeError(f"{error}.") from error
        folder.keep(begun.record, "receiving")
        return begun

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
        )

    def make_job(self, delivered: Delivered) -> RemovalJob:
        """Make the job of what was delivered, and write it beside the result.

        Raises:
            BridgeError: when it is not valid, or cannot be written.
        """
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
        job = RemovalJob(
            job_id=self.job_id,
            shot=Shot(
                name=record.folder_name,
                plate=delivered.plate,
                first_frame=order.first + record.offset,
                last_frame=order.last + record.offset,
                format=Format(width=width, height=height, pixel_aspect=order.pixel_aspect),
            ),
            mattes=[Matte(role=role, pattern=pattern) for role, pattern in delivered.mattes.items()],
            settings=order.settings,
            output=Output(
                pattern=str(order.folder.absolute() / versioned / f"{versioned}.%04d.exr"),
                version=self.version,
                layers=list(LAYERS),
            ),
        )
        check_job(job)
        return job
