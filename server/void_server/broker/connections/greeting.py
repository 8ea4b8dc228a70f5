"""Greets a client: checks its key and version, opens its session, and tells it the server's limits."""

from __future__ import annotations

import logging
from collections.abc import Callable

from void_protocol.job_file import JOB_BYTES
from void_protocol.messages import PROTOCOL_VERSION, Hello, Limits, Welcome
from void_protocol.proof import PROOF_FILES
from void_protocol.wire import CHUNK_BYTES, CONTROL_BYTES
from void_server.broker.connections.outbox import Outbox
from void_server.broker.connections.sessions import ClientSession, Sessions
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings

_log = logging.getLogger(__name__)


class Greeting:
    """Answers ``hello``."""

    def __init__(
        self,
        *,
        settings: ServerSettings,
        server_id: str,
        server_name: str,
        sessions: Sessions,
        outbox: Outbox,
        name_of: Callable[[bytes], str | None],
    ) -> None:
        """Greet in the name of a server.

        Args:
            settings: tell the limits.
            server_id: by which a client notices that a server was started again.
            server_name: what people read.
            sessions: where sessions are opened.
            outbox: takes the answer.
            name_of: gives the name of a public key on the allow-list, or None.
        """
        self._settings = settings
        self._server_id = server_id
        self._server_name = server_name
        self._sessions = sessions
        self._outbox = outbox
        self._name_of = name_of

    def greet(self, peer: bytes, key: bytes, message: Hello) -> None:
        """Open a session for the owner of ``key``, or renew the one that there is.

        Raises:
            RequestRefused: for a key that is not allowed, another version, or too many sessions.
        """
        owner = self._name_of(key)
        if owner is None:  # the key was taken off the list while the connection was open
            raise RequestRefused("not_allowed", "this client's key is not on the server's list any more")
        if not message.min_version <= PROTOCOL_VERSION <= message.max_version:
            raise RequestRefused(
                "version",
                f"this server speaks protocol version {PROTOCOL_VERSION}, the client "
                f"{message.min_version} to {message.max_version}; update the older of the two",
            )
        if self._sessions.heard(peer, key) is None:
            self._check_room(key, owner)
        self._sessions.open(ClientSession(peer, key, owner, message.client, PROTOCOL_VERSION))
        _log.info("%s is here with %r (%r on %r)", owner, message.client, message.user, message.host)
        settings = self._settings
        limits = Limits(
            control_bytes=CONTROL_BYTES,
            job_bytes=JOB_BYTES,
            chunk_bytes=CHUNK_BYTES,
            file_bytes=settings.file_bytes,
            upload_credit=settings.upload_credit,
            fetch_credit=settings.fetch_credit,
            fetches=settings.fetches,
            proof_files=PROOF_FILES,
        )
        self._outbox.send(
            peer,
            Welcome(
                request=message.request,
                version=PROTOCOL_VERSION,
                server=self._server_name,
                server_id=self._server_id,
                heartbeat_s=settings.heartbeat_s,
                limits=limits,
                owner=owner,
            ),
        )

    def _check_room(self, key: bytes, owner: str) -> None:
        settings = self._settings
        if self._sessions.is_full:
            raise RequestRefused(
                "limit", f"{settings.most_sessions} clients are connected already (most_sessions)"
            )
        if self._sessions.has_many(key):
            raise RequestRefused(
                "limit", f"{owner} is connected {settings.client_sessions} times already (client_sessions)"
            )
