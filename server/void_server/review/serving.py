"""Serves a review on the loopback interface: pictures on demand at any exposure, and notes that are kept.

Whoever is on this machine may connect, so every path begins with a secret that only the printed address
has, and only the page itself may change notes.
"""

from __future__ import annotations

import logging
import mimetypes
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from void_engine.errors import EngineError
from void_protocol.printable import printable
from void_server.own_name import ADDRESS, NAMES, is_own_name
from void_server.review.catalogue import ReviewShot
from void_server.review.errors import NotInShotError, ReviewError
from void_server.review.gallery import KINDS, Gallery, PictureKey
from void_server.review.matte_orders import MarkedObject, MatteOrders
from void_server.review.notes import Review, read_review, write_review
from void_server.review.page import STATIC, ReviewPage, script_text, shot_details

MOST_CONNECTIONS = 24
_MOST_SECONDS = 20.0
_LARGEST_BODY = 2 << 20
_HEADER = "X-Void-Review"
"""A page of another origin cannot send this header without being allowed to."""
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'"
)
_log = logging.getLogger(__name__)


class ReviewServer:
    """Serves one review until it is closed."""

    def __init__(
        self, page: ReviewPage, author: str, port: int = 0, orders: MatteOrders | None = None
    ) -> None:
        """Begin to listen; port 0 takes a free one. ``author`` stands on the notes, and ``orders`` takes what
        mattes are asked for.

        Raises:
            OSError: when the port is taken.
        """
        self.page = page
        self.author = author
        self.orders = orders
        self.key = secrets.token_urlsafe(18)
        self.writing = threading.Lock()
        self._server = _Server((ADDRESS, port), partial(_Handler, self))
        self.port = int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address to open."""
        return f"http://{ADDRESS}:{self.port}/{self.key}/index.html"

    def serve(self) -> None:
        """Answer until :meth:`stop` is called from another thread."""
        self._server.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """End :meth:`serve`, from another thread."""
        self._server.shutdown()

    def close(self) -> None:
        """Give the port back."""
        self._server.server_close()

    def shot(self, key: str) -> ReviewShot | None:
        gallery = self.page.gallery(key)
        return None if gallery is None else gallery.shot


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: object, client_address: object) -> None:
        if not self._room.acquire(timeout=_MOST_SECONDS):
            self.shutdown_request(request)  # type: ignore[arg-type] # a socket
            return
        super().process_request(request, client_address)  # type: ignore[arg-type] # a socket and an address

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type] # as above
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        _log.debug("a connection broke", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _MOST_SECONDS
    server_version = "void-review"
    sys_version = ""

    def __init__(self, review: ReviewServer, *rest: object) -> None:
        self._review = review
        super().__init__(*rest)  # type: ignore[arg-type] # what the server gives

    def do_GET(self) -> None:
        """Answer with a file of the page, a picture, or a shot's notes."""
        path = self._inside()
        if path is None:
            return
        parts = path.split("/")
        if path in (*STATIC, "plotly.min.js", "review_data.js") or (
            len(parts) == 3 and parts[0] == "shots" and parts[2] == "thumbnail.jpg"
        ):
            self._send_file(self._review.page.folder / path)
        elif len(parts) == 3 and parts[0] == "shots" and parts[2] == "shot.js":
            self._send_shot(parts[1])
        elif parts[0] == "shots":
            self._send_picture(parts[1:])
        elif len(parts) == 2 and parts[0] == "matte":
            self._tell_of_matte(parts[1])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:
        """Keep what was said of a version, ``review/SHOT/VERSION``, or have a matte made, ``matte/SHOT``."""
        path = self._inside()
        if path is None:
            return
        parts = path.split("/")
        if len(parts) == 2 and parts[0] == "matte":
            self._order_matte(parts[1])
            return
        shot = self._review.shot(parts[1]) if len(parts) == 3 and parts[0] == "review" else None
        version = shot.version(parts[2]) if shot is not None else None
        if version is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such version")
            return
        body = self._own_body()
        if body is None:
            return
        try:
            review = msgspec.json.decode(body, type=Review)
        except (msgspec.DecodeError, RecursionError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"these are no notes: {error}")
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for note in review.notes:
            note.author, note.time = note.author or self._review.author, note.time or now
        try:
            with self._review.writing:
                kept = write_review(version.pattern, review)
        except ReviewError as error:
            try:
                known = read_review(version.pattern)
            except ReviewError:
                known = None
            answer = msgspec.json.encode({"problem": str(error), "review": known})
            self._send(HTTPStatus.CONFLICT, "application/json", answer)
            return
        self._send(HTTPStatus.OK, "application/json", msgspec.json.encode({"review": kept}))

    def _own_body(self) -> bytes | None:
        """What the page has sent; None when it was refused."""
        if self.headers.get(_HEADER) != "1" or not self._is_own_origin():
            self._refuse(HTTPStatus.FORBIDDEN, "only the page itself may change notes")
            return None
        try:
            size = int(self.headers.get("Content-Length", ""))
        except ValueError:
            size = -1
        if not 0 <= size <= _LARGEST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the notes are too long")
            return None
        return self.rfile.read(size)

    def _order_matte(self, key: str) -> None:
        shot, orders = self._review.shot(key), self._review.orders
        if shot is None or orders is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no mattes are made of this")
            return
        body = self._own_body()
        if body is None:
            return
        try:
            said = orders.order(shot, msgspec.json.decode(body, type=MarkedObject))
        except (msgspec.DecodeError, RecursionError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"this marks nothing: {error}")
        except NotInShotError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, printable(str(error)))
        except ReviewError as error:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, printable(str(error)))
        else:
            self._send(HTTPStatus.OK, "application/json", msgspec.json.encode({"said": said}))

    def _tell_of_matte(self, key: str) -> None:
        shot, orders = self._review.shot(key), self._review.orders
        if shot is None or orders is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no mattes are made of this")
            return
        self._send(HTTPStatus.OK, "application/json", msgspec.json.encode({"said": orders.said(shot)}))

    def _inside(self) -> str | None:
        """The path below the secret; None when the question was refused."""
        if not is_own_name(self.headers.get_all("Host", [])):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, f"ask for {ADDRESS} by its name")
            return None
        _, _, rest = unquote(urlsplit(self.path).path).partition("/")
        key, _, path = rest.partition("/")
        if not secrets.compare_digest(key.encode(), self._review.key.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "use the whole address that 'void review --serve' printed")
            return None
        return path or "index.html"

    def _is_own_origin(self) -> bool:
        origin = self.headers.get("Origin")
        return origin is None or origin in [f"http://{name}:{self._review.port}" for name in NAMES]

    def _send_shot(self, key: str) -> None:
        shot = self._review.shot(key)
        if shot is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such shot")
            return
        text = b"voidReview.shot(" + script_text(shot_details(shot)) + b");\n"
        self._send(HTTPStatus.OK, "text/javascript; charset=utf-8", text)

    def _send_picture(self, parts: list[str]) -> None:
        gallery = self._review.page.gallery(parts[0]) if parts else None
        key = None if gallery is None else _picture_key(gallery, parts[1:])
        if gallery is None or key is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such picture")
            return
        asked = parse_qs(urlsplit(self.path).query)
        exposure, gamma = _number(asked, "exposure", 0.0, -20, 20), _number(asked, "gamma", 1.0, 0.1, 10)
        try:
            if (exposure, gamma) == (0.0, 1.0):
                path = gallery.make(key)
                data = None if path is None else path.read_bytes()
            else:
                data = gallery.rendered(key, exposure, gamma)
        except (EngineError, OSError) as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, printable(str(error)))
            return
        if data is None:
            self._refuse(HTTPStatus.NOT_FOUND, "this result does not have such a layer")
            return
        self._send(HTTPStatus.OK, "image/png", data)

    def _send_file(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self._send(HTTPStatus.OK, "text/javascript" if path.suffix == ".js" else kind, data)

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", text.encode())

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: nobody reads a line for each picture."""


def _picture_key(gallery: Gallery, parts: list[str]) -> PictureKey | None:
    """The picture of ``plate/1001.png`` or ``v001/result/1001.png``; None where there is none."""
    shot = gallery.shot
    name, _, end = parts[-1].rpartition(".") if parts else ("", "", "")
    if end != "png" or not name.isdecimal() or len(name) > 9:
        return None
    frame = int(name)
    if parts[:-1] == ["plate"]:
        return PictureKey("plate", frame) if frame in shot.job.shot.frame_numbers else None
    if len(parts) != 3 or parts[1] not in KINDS[1:]:
        return None
    version = shot.version(parts[0])
    if version is None or frame not in version.frames:
        return None
    return PictureKey(parts[1], frame, version)


def _number(asked: dict[str, list[str]], name: str, otherwise: float, least: float, most: float) -> float:
    try:
        value = float(asked.get(name, [""])[0])
    except ValueError:
        return otherwise
    return min(max(value, least), most) if value == value else otherwise
