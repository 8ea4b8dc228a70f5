"""What the plug-in may ask, and who answers it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.conversation.framing import Message
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.following.removals import Removals
from void_server.openfx_bridge.following.server import ServerLink
from void_server.openfx_bridge.handover.begun import Begun
from void_server.openfx_bridge.pixels.folder import PixelFolder
from void_server.openfx_bridge.pixels.raw import RawPicture
from void_server.openfx_bridge.results.finished import SHOWN
from void_server.openfx_bridge.results.folder import find_folder
from void_server.openfx_bridge.results.pictures import Pictures
from void_server.openfx_bridge.results.record import read_record

_log = logging.getLogger(__name__)

PROTOCOL = 1
_FAR = 10_000_000
_LOG_CHARACTERS = 20_000
_MOST_PICTURE_BYTES = 512 << 20
_MOST_BEGUN = 64

Handler = Callable[[Fields], Message]


class Requests:
    """Answers requests, each on a thread that suits it."""

    def __init__(self, home: Path, folder: PixelFolder, send: Callable[[Mapping[str, str]], None]) -> None:
        """Prepare to answer.

        Args:
            home: the home folder, which says what server is meant.
            folder: where pixel files are.
            send: writes a message to the plug-in; called from any thread.
        """
        self._home = home
        self._folder = folder
        self._send = send
        self._begun: dict[str, Begun] = {}
        self._lock = threading.Lock()
        self._pictures = Pictures(folder.path, min(_MOST_PICTURE_BYTES, folder.room_bytes))
        self._link: ServerLink | None = None
        self._removals: Removals | None = None
        self._is_background = False
        # Renders must not wait for frames on their way in, nor these for a server that does not answer.
        self._frames = ThreadPoolExecutor(2, thread_name_prefix="frames")
        self._renders = ThreadPoolExecutor(2, thread_name_prefix="renders")
        self._others = ThreadPoolExecutor(8, thread_name_prefix="requests")
        self._handlers: dict[str, tuple[ThreadPoolExecutor | None, Handler]] = {
            "hello": (None, self._hello),
            "begin": (self._others, self._begin),
            "frame": (self._frames, self._frame),
            "source": (self._frames, self._source),
            "submit": (self._others, self._submit),
            "abandon": (self._others, self._abandon),
            "status": (self._others, self._status),
            "picture": (self._renders, self._picture),
            "release": (None, self._release),
            "cancel": (self._others, self._cancel),
            "open_folder": (self._others, self._open_folder),
            "log": (self._others, self._log_text),
        }

    def take(self, message: Message) -> None:
        """Take a request; it is answered later, from another thread where it takes a while."""
        fields = Fields(message)
        if not message.get("id"):
            _log.warning("a message of type %r without an id is not answered", fields.kind[:80])
            return
        pool, handler = self._handlers.get(fields.kind, (None, _unknown))
        if self._removals is None and handler not in (self._hello, _unknown):
            pool, handler = None, _too_early
        if pool is None:
            self._answer(fields, handler)
        else:
            pool.submit(self._answer, fields, handler)

    def close(self, limit_s: float) -> None:
        """End: what was handed over whole is written first, for at most so many seconds."""
        for begun in list(self._begun.values()):
            begun.delivery.abandon()
        if self._removals is not None:
            self._removals.finish(limit_s)
        if self._link is not None:
            self._link.close()

    def _answer(self, fields: Fields, handler: Handler) -> None:
        answer = {"type": "answer", "id": fields.message["id"][:64]}
        try:
            answer |= {"ok": "1", **handler(fields)}
        except BridgeError as error:
            answer |= {"ok": "0", "error": _line(str(error))}
        except Exception as error:  # noqa: BLE001 - the bridge lives on, whatever one request does to it
            _log.exception("a request %r failed", fields.kind[:80])
            answer |= {"ok": "0", "error": _line(f"The bridge failed: {error!r}. Its log has more.")}
        self._send(answer)

    # The beginning ---------------------------------------------------------------------------------------

    def _hello(self, fields: Fields) -> Message:
        spoken = fields.text("protocol", "")
        if spoken != str(PROTOCOL):
            raise BridgeError(
                f"The plug-in speaks version {spoken[:20] or '?'} of the protocol, the bridge {PROTOCOL}; "
                "install both from the same release."
            )
        self._is_background = fields.is_on("background")
        if self._removals is None:
            self._link = ServerLink(self._home, may_start=not self._is_background)
            self._removals = Removals(self._link, self._send, self._folder, is_background=self._is_background)
            self._others.submit(self._take_up_left, self._removals)
        _log.info(
            "the host is %s %s, the plug-in %s",
            *(ascii(fields.text(name, "")[:80]) for name in ("host", "host_version", "plugin_version")),
        )
        return {
            "protocol": str(PROTOCOL),
            "version": version("void-nuke"),
            "folder": str(self._folder.path),
            "room_bytes": str(self._folder.room_bytes),
        }

    # A removal comes in ----------------------------------------------------------------------------------

    def _take_up_left(self, removals: Removals) -> None:
        try:
            removals.take_up_left()
        except Exception:  # noqa: BLE001 - this host's own requests go on
            _log.exception("what other bridges have left cannot be taken up")

    def _begin(self, fields: Fields) -> Message:
        if len(self._begun) >= _MOST_BEGUN:
            raise BridgeError(f"{_MOST_BEGUN} removals have begun and none was submitted; abandon one.")
        begun = Begun.of(fields, self._folder)
        with self._lock:
            self._begun[begun.token] = begun
        return {"removal": begun.token, "version": str(begun.version), "folder": str(begun.folder.path)}

    def _frame(self, fields: Fields) -> Message:
        begun = self._found(fields)
        raw = RawPicture.of(fields, self._folder.path)
        begun.take(
            fields.text("role"),
            fields.integer("frame", low=-_FAR, high=_FAR),
            raw,
            given=fields.is_on("given"),
            marks=fields.is_on("marks") if fields.message.get("marks") else None,
        )
        return {}

    def _source(self, fields: Fields) -> Message:
        begun = self._found(fields)
        frame = fields.integer("frame", low=-_FAR, high=_FAR)
        taken = begun.delivery.refer(frame, Path(fields.text("path")))
        return {"taken": "1" if taken else "0"}

    def _submit(self, fields: Fields) -> Message:
        token = fields.text("removal")
        with self._lock:
            is_ours = token in self._begun
        left = None if is_ours else self._following.submit_left(token)
        if left is not None:
            return left
        answer = self._following.submit(self._found(fields))
        with self._lock:
            self._begun.pop(fields.text("removal"), None)
        return answer

    def _abandon(self, fields: Fields) -> Message:
        with self._lock:
            begun = self._begun.pop(fields.text("removal"), None)
        if begun is not None:
            begun.delivery.abandon()
        return {}

    def _found(self, fields: Fields) -> Begun:
        with self._lock:
            begun = self._begun.get(fields.text("removal"))
        if begun is None:
            raise BridgeError(
                "This removal has not begun, or is submitted or abandoned already; press Remove again."
            )
        return begun

    # A removal is looked at ------------------------------------------------------------------------------

    @property
    def _following(self) -> Removals:
        assert self._removals is not None  # take() lets nothing through before hello
        return self._removals

    def _status(self, fields: Fields) -> Message:
        return self._following.status(fields.text("record"), fields.text("folder", ""))

    def _picture(self, fields: Fields) -> Message:
        show = fields.choice("show", "result", SHOWN)
        frame = fields.integer("frame", low=-_FAR, high=_FAR)
        return self._pictures.answer(
            read_record(fields.text("record")),
            fields.text("folder", ""),
            frame,
            show,
            whole=fields.is_on("whole"),
        )

    def _release(self, fields: Fields) -> Message:
        self._pictures.release(fields.text("file"))
        return {}

    def _cancel(self, fields: Fields) -> Message:
        return {"text": self._following.cancel(fields.text("record"), fields.text("folder", ""))}

    def _log_text(self, fields: Fields) -> Message:
        text = self._following.log(fields.text("record"), fields.text("folder", ""))
        return {"text": text[-_LOG_CHARACTERS:]}

    def _open_folder(self, fields: Fields) -> Message:
        record = read_record(fields.text("record"))
        found = find_folder(record, fields.text("folder", ""))
        if found is None:
            raise BridgeError(
                f"The folder {record.folder_name} of this result is not there; set Folder to where it is."
            )
        if self._is_background:
            raise BridgeError("A host that only renders opens no folders.")
        _open(found.path)
        return {}


def _unknown(fields: Fields) -> Message:
    raise BridgeError(
        f"There is no request {fields.kind[:80]!a}; install plug-in and bridge from the same release."
    )


def _too_early(fields: Fields) -> Message:
    raise BridgeError("The first request has to be hello.")


def _line(text: str) -> str:
    return " ".join(text.split())[:4000]


def _open(folder: Path) -> None:
    """Open a folder in the system's file browser.

    Raises:
        BridgeError: when there is none.
    """
    try:
        if sys.platform == "win32":
            os.startfile(folder)  # noqa: S606 - a folder of ours, in the file browser
            return
        command = "open" if sys.platform == "darwin" else "xdg-open"
        subprocess.Popen(
            [command, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise BridgeError(
            f"No file browser can be opened ({error.strerror}); the result is in {folder}."
        ) from error
