"""All removals that this bridge has to do with, and the events about them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from void_server.openfx_bridge.conversation.framing import Message
from void_server.openfx_bridge.following.removal import Removal
from void_server.openfx_bridge.following.sentences import finished_text, stopped_text
from void_server.openfx_bridge.following.server import ServerLink
from void_server.openfx_bridge.handover.begun import Begun
from void_server.openfx_bridge.handover.handed import all_handed, handed_of
from void_server.openfx_bridge.pixels.folder import PixelFolder
from void_server.openfx_bridge.results.folder import FINAL, Kept, ResultFolder, find_folder
from void_server.openfx_bridge.results.record import Record, read_record

_EVENTS_S = 0.25
"""Events about one removal are at least this far apart, in seconds."""
_FORGOTTEN_S = 600.0
"""A host whose bridge has died over a hand-over comes back to it within this time, in seconds, or never."""


class Removals:
    """The removals by their jobs. The methods may be called from any thread."""

    def __init__(
        self,
        link: ServerLink,
        tell: Callable[[Mapping[str, str]], None],
        pixels: PixelFolder,
        *,
        is_background: bool,
    ) -> None:
        """Begin to tell of changes.

        Args:
            link: the server.
            tell: sends an event to the host.
            pixels: where pixel files are.
            is_background: whether the host only renders: then nothing is taken up.
        """
        self._link = link
        self._tell = tell
        self._pixels = pixels
        self._is_background = is_background
        self._removals: dict[str, Removal] = {}
        self._asked: dict[str, dict[str, None]] = {}
        """The records, as the host wrote them, by job."""
        self._told: dict[str, Message] = {}
        self._changed: set[str] = set()
        self._condition = threading.Condition()
        self._is_closed = False
        threading.Thread(target=self._tell_all, name="events", daemon=True).start()

    def submit(self, begun: Begun) -> Message:
        """Take a removal over whose frames have all come, and answer ``submit``.

        Raises:
            BridgeError: when frames are missing, or nothing is marked.
        """
        begun.delivery.check_complete()
        begun.note()
        record = begun.record
        begun.folder.keep(record, "writing")
        removal = Removal(record, begun.folder, self._link, self._note)
        with self._condition:
            self._removals[record.job] = removal
            self._asked.setdefault(record.job, {})[record.text] = None
        removal.hand_over(begun)
        return {"record": record.text, **removal.fields()}

    def status(self, text: str, folder: str) -> Message:
        """Answer ``status``; takes a removal up that has not ended.

        Raises:
            BridgeError: when the record is none.
        """
        record = read_record(text)
        with self._condition:
            removal = self._removals.get(record.job)
            self._asked.setdefault(record.job, {})[text] = None
        if removal is not None:
            return removal.fields()
        found = find_folder(record, folder)
        if found is None:
            return _gone(record, folder)
        kept = found.kept()
        ready = found.frames(record)
        # Also with all frames there, a server that was killed takes the job up once more, and needs the plate
        # for that: only the server says when a job has ended.
        has_ended = kept.phase in FINAL if kept is not None else ready == record.total
        if has_ended or self._is_background:
            return _at_rest(record, found, kept, ready)
        if kept is not None and kept.phase in ("receiving", "writing") and not found.job_file.exists():
            begun = Begun.resumed(record, found, self._pixels) if kept.phase == "writing" else None
            if begun is not None:
                return self.submit(begun)
            now = found.kept()
            if now is not None and not now.is_orphaned:
                return _counted(record, "running", "Another host writes the plate", ready)
        with self._condition:
            removal = self._removals.setdefault(record.job, Removal(record, found, self._link, self._note))
        removal.take_up()
        return removal.fields()

    def submit_left(self, job: str) -> Message | None:
        """Answer ``submit`` for a removal whose bridge has died over it; None where it cannot be gone on
        with."""
        handed = handed_of(self._pixels.root, job)
        folder = None if handed is None or handed.result is None else ResultFolder(handed.result)
        kept = None if folder is None else folder.kept()
        if folder is None or kept is None or kept.record.job != job:
            return None
        begun = Begun.resumed(kept.record, folder, self._pixels)
        return None if begun is None else self.submit(begun)

    def take_up_left(self) -> None:
        """Go on with all that bridges which are gone have left on this machine, and remove what nobody needs
        any more."""
        if self._is_background:
            return
        for handed in all_handed(self._pixels.root):
            folder = None if handed.result is None else ResultFolder(handed.result)
            kept = None if folder is None else folder.kept()
            is_known = kept is not None and kept.record.job == handed.job
            if kept is not None and is_known and kept.phase == "writing":
                if kept.is_orphaned:
                    self.status(kept.record.text, "")
            elif handed.age_s > _FORGOTTEN_S and (kept is None or not is_known or kept.is_orphaned):
                handed.remove()

    def cancel(self, text: str, folder: str) -> str:
        """Stop a removal, and say so.

        Raises:
            BridgeError: when the record is none, or the server cannot be asked.
        """
        said = self.status(text, folder)
        removal = self._removals.get(read_record(text).job)
        return said["text"] if removal is None else removal.cancel()

    def log(self, text: str, folder: str) -> str:
        """The end of a removal's log.

        Raises:
            BridgeError: when the record is none.
        """
        record = read_record(text)
        removal = self._removals.get(record.job)
        if removal is not None:
            return removal.log()
        found = find_folder(record, folder)
        return "" if found is None else found.log()

    def finish(self, limit_s: float) -> None:
        """Wait until the server has what was handed over whole, so that it goes on without a host, then let
        go of all."""
        limit = time.monotonic() + limit_s
        while any(one.is_on_its_way for one in list(self._removals.values())) and time.monotonic() < limit:
            time.sleep(0.02)
        self._is_closed = True
        for one in list(self._removals.values()):
            one.close()

    def _note(self, job: str) -> None:
        with self._condition:
            self._changed.add(job)
            self._condition.notify()

    def _tell_all(self) -> None:
        while not self._is_closed:
            with self._condition:
                self._condition.wait_for(lambda: self._changed)
                changed, self._changed = self._changed, set()
            for job in changed:
                removal = self._removals.get(job)
                if removal is None:
                    continue
                fields = removal.fields()
                if fields != self._told.get(job):
                    self._told[job] = fields
                    for record in list(self._asked.get(job, ())):
                        self._tell({"type": "event", "event": "status", "record": record, **fields})
            time.sleep(_EVENTS_S)


def _at_rest(record: Record, folder: ResultFolder, kept: Kept | None, ready: int) -> Message:
    """What is told of a removal by its files alone."""
    phase = "finished" if ready == record.total else "lost" if kept is None else kept.phase
    state = phase if phase in FINAL else "lost"
    if state == "finished":
        text = finished_text(ready, record.total, None if kept is None else kept.invented)
    elif state == "cancelled":
        text = stopped_text(ready, record.total)
    elif state == "failed" and kept is not None:
        text = kept.text or "It failed without a reason"
    else:
        text = f"{ready} of {record.total} frames are there"
    message = _counted(record, state, text, ready) | {"revision": folder.revision(record, state, ready)}
    if kept is not None:
        shares = {"real": kept.real, "guessed": kept.guessed, "invented": kept.invented}
        message |= {name: f"{value:.6g}" for name, value in shares.items() if value is not None}
    return message


def _gone(record: Record, folder: str) -> Message:
    where = f"neither in {folder} nor in {record.folder}" if folder else f"not in {record.folder}"
    text = f"The result is {where}; set Folder to where {record.folder_name} is"
    return _counted(record, "lost", text, 0) | {"revision": f"{record.job[:8]}.gone"}


def _counted(record: Record, state: str, text: str, ready: int) -> Message:
    return {"state": state, "text": text, "ready": str(ready), "total": str(record.total), "log": ""}
