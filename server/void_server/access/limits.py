"""How much of everything: the limits that keep a server alive whatever it is sent.

Each is a setting, and the error that a client gets names it. ``docs/security.md`` lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass

from void_protocol.wire import CHUNK_BYTES
from void_server.errors import ServerSettingError

_MIB = 1024**2
_LEAST_SPARE_BYTES = 16 * _MIB


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
    """The part of the settings that bounds what clients can take."""

    connections: int = 1024
    """Connections at a time, before and after their handshake; beyond, nobody new gets in until some end."""
    handshake_s: float = 10.0
    """A connection that has not proved its key after this is closed."""
    connection_silence_s: float = 120.0
    """A connection that does not answer for this long is closed; also one that sends a message so slowly."""
    client_sessions: int = 64
    """Sessions at a time with the keys of one client."""
    most_open_jobs: int = 1000
    """Jobs of all clients that are not final yet."""
    client_open_jobs: int = 500
    """Jobs of one client that are not final yet."""
    client_upload_bytes: int = 2 * 1024**4
    """Announced inputs of one client's open jobs."""
    spool_bytes: int = 4 * 1024**4
    """Announced inputs of all open jobs, and results that wait to be fetched."""
    upload_progress_bytes: int = _MIB
    """An upload that does not get on by this much (or to its end) in ``upload_grace_s`` is dropped."""
    submission_bytes: int = 512 * _MIB
    """Jobs and manifests, of all clients, that wait to be read."""
    client_proofs: int = 16
    """Proofs of one connection that wait to be answered."""
    event_backlog: int = 500
    """A client that missed more events than this gets a fresh picture of the job instead."""
    client_queue: int = 1024
    """Messages that may wait for one connection; one that reads more slowly loses its session."""
    client_queue_bytes: int = 192 * _MIB
    """The same in bytes of large messages."""
    frame_pixels: int = 1 << 28
    """Pixels of a frame: the job's format, and the windows of its files (16384 x 16384)."""
    frame_bytes: int = 2 * 1024**3
    """Memory of a frame with all channels decoded."""

    def _check_limits(self, *, in_flight_chunks: int) -> None:
        for name in (
            "connections", "client_sessions", "most_open_jobs", "client_open_jobs", "client_upload_bytes",
            "spool_bytes", "upload_progress_bytes", "submission_bytes", "client_proofs", "event_backlog",
            "client_queue", "frame_pixels", "frame_bytes",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise ServerSettingError(f"{name}: must be at least 1, not {getattr(self, name)}")
        for name in ("handshake_s", "connection_silence_s"):
            if not 0.1 <= getattr(self, name) <= 1e6:
                raise ServerSettingError(f"{name}: {getattr(self, name)} is not a sensible time")
        if self.client_queue < 2 * in_flight_chunks:
            raise ServerSettingError(
                f"client_queue: {self.client_queue} is too few for {in_flight_chunks} chunks on the way "
                "(fetches x fetch_credit); double that at least"
            )
        least = in_flight_chunks * CHUNK_BYTES + _LEAST_SPARE_BYTES
        if self.client_queue_bytes < least:
            raise ServerSettingError(
                f"client_queue_bytes: {self.client_queue_bytes} is too little for {in_flight_chunks} chunks "
                f"on the way (fetches x fetch_credit); at least {least}"
            )
