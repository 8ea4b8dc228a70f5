"""A small HTTP server for figures: it answers ``GET`` of one path, on the loopback interface, from a thread.

Whoever is on this machine may connect, so everything is bounded: the number of connections, their time and
the size of a question. One too many takes the place of the oldest, so that nobody keeps the port busy by
saying nothing.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from void_server.own_name import ADDRESS, is_own_name

MOST_CONNECTIONS = 16
MOST_SECONDS = 5.0
"""How long a connection may take, from its beginning to its end."""
_QUESTION_BYTES = 8192
_BACKLOG = 128
_AT_ONCE = 4
"""How many new connections are taken in one turn of the loop; those that have to go are closed some turns
later."""
_log = logging.getLogger(__name__)

Answer = tuple[HTTPStatus, str, bytes]
"""The status, the type of the content, and the content."""


class FiguresServer:
    """Serves ``http://127.0.0.1:PORT/metrics`` until it is closed."""

    def __init__(self, port: int, content: Callable[[], bytes], content_type: str) -> None:
        """Begin to answer with what ``content`` gives, which the server's thread calls. Port 0 takes a free
        one.

        Raises:
            OSError: when the port is taken.
        """
        self._content = content
        self._content_type = content_type
        self._connections: dict[asyncio.Task[None], None] = {}
        """The tasks of all connections, the oldest first."""
        listener = socket.create_server((ADDRESS, port))
        self.port: int = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        # asyncio takes as many connections in a turn as its backlog says; the system may hold more meanwhile.
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._begin, sock=listener, limit=_QUESTION_BYTES, backlog=_AT_ONCE)
        )
        listener.listen(_BACKLOG)
        self._thread = threading.Thread(target=self._run, name="void-metrics", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._end())
        finally:
            self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the connections close in the loop's next turn

    def close(self) -> None:
        """Stop answering, and end all connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = None
        while len(self._connections) > MOST_CONNECTIONS:
            oldest = next(iter(self._connections))
            del self._connections[oldest]
            oldest.cancel()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone, takes too long, or asks too much
        finally:
            self._connections.pop(task, None)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readuntil(b"\r\n\r\n")
        try:
            status, kind, content = self._answer(question)
        except Exception:  # noqa: BLE001 - one question must not end the figures
            _log.exception("cannot tell the figures")
            status, kind, content = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"see the server's log\n"
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii") + content)
        await writer.drain()
        writer.write_eof()
        with suppress(OSError):  # until the other side has it all
            await reader.read(1)

    def _answer(self, question: bytes) -> Answer:
        line, _, rest = question.partition(b"\r\n")
        words = line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return HTTPStatus.BAD_REQUEST, "text/plain", b"this is no HTTP/1\n"
        try:
            hosts = http.client.parse_headers(io.BytesIO(rest)).get_all("Host", [])
        except http.client.HTTPException:
            return HTTPStatus.BAD_REQUEST, "text/plain", b"this is no HTTP/1\n"
        if not is_own_name(hosts):
            text = f"ask for {ADDRESS} or localhost by its name\n".encode()
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", text
        if words[0] != b"GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET\n"
        if words[1].partition(b"?")[0] not in (b"/metrics", b"/"):
            return HTTPStatus.NOT_FOUND, "text/plain", b"the figures are at /metrics\n"
        return HTTPStatus.OK, self._content_type, self._content()
