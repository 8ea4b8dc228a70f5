"""The limits that keep a server alive whatever it is sent.

Each limit is a setting, and the error that a client gets names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from void_protocol.wire import CHUNK_BYTES
from void_server.errors import ServerSettingError
from void_server.settings.declaration import DeclaredSettings
from void_server.settings.kinds import Bytes, Count, Seconds, SecondsOrZero

_MIB = 1024**2
_LEAST_SPARE_BYTES = 16 * _MIB
_Wait = Annotated[float, Meta(ge=0.1, le=1e6, extra={"unit": "seconds"})]
_Chunks = Annotated[int, Meta(ge=1, le=64)]


@dataclass(frozen=True, kw_only=True)
class ResourceLimits(DeclaredSettings):
    """The part of the settings that bounds what clients can take."""

    section: ClassVar[str] = "Limits of what clients can take"

    connections: Annotated[
        Count,
        Meta(
            description="Connections at a time, before and after their handshake; a further one is closed at "
            "once, and those that stand go on."
        ),
    ] = 1024
    handshake_s: Annotated[
        _Wait,
        Meta(
            description="A connection that has not proved its key by then is closed, and one that is "
            "without a session for twice as long."
        ),
    ] = 10.0
    connection_silence_s: Annotated[
        _Wait,
        Meta(
            description="A connection that does not answer for this long, or takes so long over one message, "
            "is closed."
        ),
    ] = 120.0
    heartbeat_s: Annotated[
        Seconds,
        Meta(
            description="Clients are asked to speak at least this often; one that says nothing for four "
            "times as long loses its session."
        ),
    ] = 5.0
    most_sessions: Annotated[
        Count, Meta(description="Sessions of all clients at a time; beyond, `hello` is refused: `limit`.")
    ] = 1000
    client_sessions: Annotated[
        Count,
        Meta(
            description="Sessions at a time with the keys of one client; beyond, `hello` is refused: `limit`."
        ),
    ] = 64
    most_open_jobs: Annotated[
        Count,
        Meta(description="Jobs of all clients that are not final yet; beyond, `submit` is refused: `limit`."),
    ] = 1000
    client_open_jobs: Annotated[
        Count,
        Meta(description="Jobs of one client that are not final yet; beyond, `submit` is refused: `limit`."),
    ] = 500
    submission_bytes: Annotated[
        Bytes,
        Meta(
            description="Jobs and manifests, of all clients, that wait to be read; beyond, `submit` is "
            "refused: `limit`. Of messages whose end is not here yet the largest loses its connection."
        ),
    ] = 512 * _MIB
    file_bytes: Annotated[
        Bytes, Meta(description="The largest input file; for a larger one `submit` is refused: `limit`.")
    ] = 4 * 1024**3
    upload_bytes: Annotated[
        Bytes, Meta(description="Inputs of one job; beyond, `submit` is refused: `limit`.")
    ] = 1024**4
    client_spool_bytes: Annotated[
        Bytes,
        Meta(
            description="What the server holds for one client: announced inputs of its open jobs, and "
            "results that were not released. Beyond, `submit` of more inputs is refused: `limit`; a job that "
            "writes results waits until there is room, or fails when nothing can make room."
        ),
    ] = 2 * 1024**4
    spool_bytes: Annotated[
        Bytes,
        Meta(description="The same for all clients together."),
    ] = 4 * 1024**4
    upload_credit: Annotated[
        _Chunks,
        Meta(
            description="Chunks of one upload on the way or waiting for the disk; one without credit is "
            "refused: `file_refused`, `limit`."
        ),
    ] = 8
    upload_grace_s: Annotated[
        SecondsOrZero,
        Meta(
            description="An upload whose client is gone, or that does not get on by "
            "`upload_progress_bytes`, is dropped after this."
        ),
    ] = 3600.0
    upload_progress_bytes: Annotated[
        Bytes,
        Meta(
            description="An upload that does not get on by this much (or to its end) in `upload_grace_s` is "
            "dropped."
        ),
    ] = _MIB
    path_wait_s: Annotated[
        _Wait,
        Meta(
            description="How long the server looks at the paths of one submission or one proof of an owner. "
            "What hangs for longer is refused (`storage`), and so are the owner's next ones until it ends; "
            "other owners notice nothing."
        ),
    ] = 30.0
    client_proofs: Annotated[
        Count,
        Meta(
            description="Proofs of one connection that wait to be answered; beyond, `prove` is refused: "
            "`limit`."
        ),
    ] = 16
    fetches: Annotated[
        _Chunks,
        Meta(
            description="Fetches of one client at a time, and logs that one connection waits for; beyond, "
            "`fetch` and `get_log` are refused: `limit`."
        ),
    ] = 8
    fetch_credit: Annotated[
        _Chunks, Meta(description="Chunks of one fetch on the way, at most; more credit is cut.")
    ] = 16
    event_backlog: Annotated[
        Count,
        Meta(
            description="A client that missed more events than this gets a fresh picture of the job instead "
            "(`gap`)."
        ),
    ] = 500
    client_queue: Annotated[
        Count,
        Meta(
            description="Messages that may wait for one connection; one that reads more slowly loses its "
            "session, comes back and catches up. At least twice `fetches` x `fetch_credit`."
        ),
    ] = 1024
    client_queue_bytes: Annotated[
        Bytes,
        Meta(
            description="Bytes of large messages that may wait for one connection. At least `fetches` x "
            "`fetch_credit` chunks of 1 MiB, and 16 MiB."
        ),
    ] = 192 * _MIB
    frame_pixels: Annotated[
        Count,
        Meta(
            description="Pixels of a frame, usually those of 16384 x 16384. For a larger format of a job "
            "`submit` is refused: `limit`; a file with larger windows fails its job, which names the frame."
        ),
    ] = 1 << 28
    frame_bytes: Annotated[
        Bytes,
        Meta(
            description="Memory of a frame with all channels decoded; beyond, the job fails and names the "
            "frame."
        ),
    ] = 2 * 1024**3
    log_bytes: Annotated[
        Bytes, Meta(description="The log of one job; its last line says that it is full.")
    ] = 16 * _MIB

    @property
    def client_files(self) -> int:
        """The most file handles that clients take together: connections, and files that are sent and
        fetched."""
        return self.connections + self.most_open_jobs + self.most_sessions * self.fetches

    def __post_init__(self) -> None:
        super().__post_init__()
        in_flight_chunks = self.fetches * self.fetch_credit
        if self.client_queue < 2 * in_flight_chunks:
            raise ServerSettingError(
                "client_queue",
                f"{self.client_queue} is too few for {in_flight_chunks} chunks on the way "
                "(fetches x fetch_credit); double that at least",
            )
        least = in_flight_chunks * CHUNK_BYTES + _LEAST_SPARE_BYTES
        if self.client_queue_bytes < least:
            raise ServerSettingError(
                "client_queue_bytes",
                f"{self.client_queue_bytes} is too little for {in_flight_chunks} chunks "
                f"on the way (fetches x fetch_credit); at least {least}",
            )
