"""The panel without its widgets: what is picked, what prevents a removal, what a press does.

Widgets read its attributes, call its methods and listen to its signals. Everything belongs to the main
thread. What takes time (export, sending, the server) happens on threads of
:class:`~void_nuke.jobs.session.RemovalSession` and :class:`~void_nuke.panel.server.ServerModel`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from void_nuke.batch.farm_order import FarmOrder
from void_nuke.batch.server_python import installed_server_python
from void_nuke.errors import HostError, MainThreadError
from void_nuke.host.host import Host, PlateInfo, RotoShapeInfo
from void_nuke.jobs.notes_section import for_panel
from void_nuke.jobs.session import RemovalSession
from void_nuke.jobs.tracked_job import TrackedJob
from void_nuke.panel.clean_frames import chosen_clean_frame, with_frame, without_frame
from void_nuke.panel.engine_book import EngineBook
from void_nuke.panel.engine_options import with_option, without_unknown
from void_nuke.panel.engines import KnownEngines, Scalar, engines_file
from void_nuke.panel.panel_picks import PanelPicks
from void_nuke.panel.picture import PictureModel
from void_nuke.panel.server import ServerModel
from void_nuke.panel.settings import (
    QUALITIES,
    PanelSettings,
    changes_of_pick,
    preferences_file,
    read_preferences,
    to_plain,
    with_plain,
    write_preferences,
)
from void_nuke.panel.shapes import ShapeList
from void_nuke.qt import QObject, QTimer, Signal
from void_protocol.job import Role
from void_protocol.phrases import sentence

_KEEP_AFTER_MS = 400
"""A change is saved once the artist has paused for this long, in milliseconds."""


class PanelModel(PanelPicks):
    """The state of the panel, on which one or more panel widgets draw."""

    settings_changed = Signal()
    shapes_changed = Signal()
    plate_changed = Signal()
    engines_changed = Signal()
    """Sent when the server, or its installation, describes other engines than before."""
    jobs_reset = Signal()

    def __init__(
        self,
        host: Host,
        server: ServerModel,
        *,
        preferences: Path | None = None,
        session: RemovalSession | None = None,
        parent: QObject | None = None,
    ) -> None:
        """Prepare the panel's state.

        Args:
            host: the host that has the script open.
            server: the connection to the server.
            preferences: the file of this artist's preferences; the usual one by default.
            session: the removals of the script; made here unless given.
            parent: the Qt object that owns this one.
        """
        super().__init__(host, parent)
        self.server = server
        self.shapes = ShapeList()
        self.plate: PlateInfo | None = None
        self.plate_problem = ""
        self.edition = host.version().edition
        """The edition of the host, where it shows scripts ten nodes only; else empty."""
        self.settings = PanelSettings()
        self.picture = PictureModel(host, self)
        self._preferences = preferences or preferences_file()
        self._notes = for_panel(host)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_KEEP_AFTER_MS)
        self._timer.timeout.connect(self.keep)
        self.session = session or RemovalSession(host, on_change=self.job_changed.emit)
        self.engine_book = EngineBook(server, engines_file(self._preferences), self)
        self.engine_book.changed.connect(self.engines_changed)
        self.engine_book.learn()
        server.client_changed.connect(self.session.use_client)
        self.session.reattach()
        self.reload()
        host.on_script_load(self.reload)
        host.on_script_close(self._leave_script)

    # What is kept -------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read settings from the open script and the preferences."""
        settings = with_plain(PanelSettings(), read_preferences(self._preferences), "user")
        try:
            kept = json.loads(self._notes.notes() or "{}")
        except ValueError:
            kept = {}
        self.settings = with_plain(settings, kept if isinstance(kept, dict) else {}, "script")
        self._ask_for_engines()
        self.refresh()
        self.settings_changed.emit()
        self._await_no_lost_job()
        self.jobs_reset.emit()

    def _leave_script(self) -> None:
        """Let go of the script that is being closed: what was not kept yet was meant for it."""
        self._timer.stop()
        with contextlib.suppress(MainThreadError):  # the host is quitting
            self.host.post(self.reload)

    def keep(self) -> None:
        """Write changed settings to the script and the preferences."""
        self._timer.stop()
        self._notes.keep_notes(json.dumps(to_plain(self.settings, "script")))
        write_preferences(self._preferences, self.settings)

    def change(self, **changes: Any) -> None:
        """Change settings by name."""
        if "quality" in changes and "proxy_scale" not in changes:
            changes["proxy_scale"] = QUALITIES[changes["quality"]].proxy_scale
        if changes.get("plate", self.settings.plate) != self.settings.plate:
            changes = {"clicks": (), **changes}  # they are positions in its picture
        changed = replace(self.settings, **changes)
        if changed != self.settings:
            self.settings = changed
            self._timer.start()
            self._ask_for_engines()
            self.settings_changed.emit()

    @property
    def server_python(self) -> str:
        """The Python with which the server is started."""
        return self.settings.server_python or installed_server_python()

    @property
    def engines(self) -> KnownEngines:
        """The engines that a server described last."""
        return self.engine_book.engines

    def _ask_for_engines(self) -> None:
        if self.settings.destination == "farm":
            self.engine_book.ask_installation(self.server_python)

    # What is picked -----------------------------------------------------------------------------------------

    def use_selection(self) -> None:
        """Take the plate and roto from the selected nodes."""
        nodes = list(self.host.selected_nodes())
        roto = next((node.name for node in nodes if node.has_roto), "")
        plate = next((node.name for node in nodes if not node.has_roto), "")
        if not nodes:
            self._say("Nothing is selected; select the plate and a Roto node, then press this again", True)
            return
        plate, roto = plate or self.settings.plate, roto or self.settings.roto
        said = ""
        if plate and roto:
            with contextlib.suppress(HostError):  # refresh() says what is wrong with them
                plate, said = self.host.plate_of_roto(plate, roto)
        self.pick(plate=plate, roto=roto)
        if said:
            self._say(f"The plate is {plate}, rendered: {said}", False)

    def pick(self, *, plate: str | None = None, roto: str | None = None) -> None:
        """Take these nodes. Roles of another roto node are dropped, and clicks into another plate."""
        changes: dict[str, Any] = {}
        if plate is not None and plate != self.settings.plate:
            changes["plate"] = plate
        if roto is not None and roto != self.settings.roto:
            changes |= {"roto": roto, "roles": ()}
        if changes:
            self.change(**changes)
        self.refresh()

    def refresh(self) -> None:
        """Ask the host again for the plate and shapes, which may have changed."""
        self.plate, self.plate_problem = None, ""
        roles: dict[str, Role] = dict(self.settings.roles)  # type: ignore[arg-type]
        if self.settings.plate:
            try:
                self.plate = self.host.plate(self.settings.plate)
            except HostError as error:
                self.plate_problem = str(error)
        try:
            elements = self.host.roto_elements(self.settings.roto) if self.settings.roto else ()
        except HostError as error:
            elements = ()
            self.plate_problem = self.plate_problem or str(error)
        self.shapes.set_elements(elements, roles)
        self.plate_changed.emit()
        self.shapes_changed.emit()

    def set_role(self, paths: Iterable[str], role: Role | None) -> None:
        """Give elements a role, or with None take it away."""
        self.shapes.set_role(paths, role)
        self.change(roles=tuple(self.shapes.roles().items()))
        self.shapes_changed.emit()

    def set_filter(self, text: str) -> None:
        self.shapes.filter = text
        self.shapes_changed.emit()

    def add_clean_frame(self) -> None:
        """Take what the selected node shows at the current frame as clean, as Mocha's clean plates are taken.
        A node with one frame only shows that one at any."""
        try:
            chosen = chosen_clean_frame(self.host, self.settings.plate)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return
        self.change(clean_frames=with_frame(self.settings.clean_frames, chosen))

    def drop_clean_frame(self, frame: int) -> None:
        self.change(clean_frames=without_frame(self.settings.clean_frames, frame))

    def set_option(self, option: str, value: Scalar | None) -> None:
        """Set an option of the chosen engine; None puts it back at what the quality or the default says."""
        engine = self.settings.engine
        self.change(engine_options=with_option(self.settings.engine_options, engine, option, value))

    def forget_unknown_options(self) -> None:
        """Drop the options that the script keeps and the server's engine does not have."""
        engine, own = self.settings.engine, self.settings.engine_options
        self.change(engine_options=without_unknown(self.engines, engine, own))

    def set_matte_node(self, role: Role, node: str) -> None:
        """Set the node whose alpha is the matte of a role; empty for none."""
        others = tuple(pair for pair in self.settings.matte_nodes if pair[0] != role)
        self.change(matte_nodes=(*others, (role, node)) if node else others)

    def baked(self) -> list[tuple[Role, RotoShapeInfo]]:
        """Return the marked shapes at the current frame, for the overlay, without those that cannot be
        baked."""
        rows = [row for row in self.shapes.rows if row.role is not None and row.element.can_bake]
        if not rows:
            return []
        frame = self.host.script_ranges().current_frame
        roles = self.shapes.roles()
        paths = [row.element.path for row in rows]
        try:
            baked = self.host.bake_roto(self.settings.roto, paths, frame, self.view)
        except HostError:
            return []
        return [(roles[one.path], one) for one in baked]

    def show_frame(self, *, is_asked_for: bool) -> None:
        """Show the plate's picture at the current frame.

        A plate that has to be computed is rendered only when the artist asks for it, because it could take
        long.
        """
        plate = self.plate
        if plate is None:
            self.picture.clear()
        elif self.edition:
            self.picture.clear()  # each picture would take from the nodes that scripts may make
        elif is_asked_for or plate.files is not None:
            self.picture.ask(plate, self.host.script_ranges().current_frame, self.view)
        elif self.picture.asked_frame != self.host.script_ranges().current_frame:
            self.picture.clear()

    # Remove -------------------------------------------------------------------------------------------------

    def remove(self) -> TrackedJob | None:
        """Export what is picked and send it. Return None when something prevents that; the artist is told
        what."""
        try:
            job: TrackedJob | None = None
            for wanted in self.all_wanted():
                if self.settings.destination == "farm":
                    order = FarmOrder(self.settings.farm_target, self.server_python)
                    job = self.session.send_to_farm(wanted, order)
                else:
                    job = self.session.start(wanted)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return None
        assert job is not None
        self.keep()
        self._say(f"Exporting {job.name}; you can keep working in Nuke", False)
        return job

    # Jobs ---------------------------------------------------------------------------------------------------

    def duplicate(self, job_id: str) -> None:
        """Put a job's picks back into the panel, so that the artist can change them and press Remove."""
        job = self.session.job(job_id)
        pick = job.pick
        if pick is None:
            self._say("This job was sent in an earlier session; the list above shows its marks", True)
            return
        self.change(**changes_of_pick(pick, is_for_farm=job.farm is not None, engines=self.engines))
        self.refresh()
        self._say("The job's settings are in the panel; change them and press Remove", False)

    def close(self) -> None:
        """Save changed settings and leave the server; jobs go on there."""
        if self._timer.isActive():
            self.keep()
        self.session.close()
        self.server.close()
        self.picture.close()
        self._close_reader()
