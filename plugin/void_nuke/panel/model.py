"""The panel without its widgets: what is picked, what prevents a removal, what a press does.

Widgets read its attributes, call its methods and listen to its signals. Everything belongs to the main
thread. What takes time (export, sending, the server) happens on threads of
:class:`~void_nuke.jobs.session.RemovalSession` and :class:`~void_nuke.panel.server.ServerModel`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from void_nuke.batch.farm_order import FarmOrder
from void_nuke.batch.installed_engines import installed_engines
from void_nuke.batch.server_python import installed_server_python
from void_nuke.errors import HostError, SelectionError
from void_nuke.export.frame_range import choose_range
from void_nuke.export.pick import MatteChoice, RemovalPick
from void_nuke.host.host import FrameRange, Host, PlateInfo, RotoShapeInfo
from void_nuke.jobs.notes_section import for_panel
from void_nuke.jobs.session import RemovalSession
from void_nuke.jobs.tracked_job import TrackedJob
from void_nuke.panel.engines import KnownEngines, engines_file, read_engines, write_engines
from void_nuke.panel.picture import PictureModel
from void_nuke.panel.server import ServerModel, ServerState
from void_nuke.panel.settings import (
    QUALITIES,
    PanelSettings,
    preferences_file,
    quality_of,
    read_preferences,
    to_plain,
    with_plain,
    write_preferences,
)
from void_nuke.panel.shapes import ShapeList
from void_nuke.qt import QObject, QTimer, Signal
from void_protocol.engines import EngineDescription
from void_protocol.job import Role

_KEEP_AFTER_MS = 400
"""A change is saved once the artist has paused for this long, in milliseconds."""


class PanelModel(QObject):
    """The state of the panel, on which one or more panel widgets draw."""

    settings_changed = Signal()
    shapes_changed = Signal()
    plate_changed = Signal()
    engines_changed = Signal()
    """Sent when the server, or its installation, describes other engines than before."""
    job_changed = Signal(object)
    """Sent with a :class:`TrackedJob` that changed or is new."""
    jobs_reset = Signal()
    said = Signal(str, bool)
    """Sent with a message to the artist, and whether it reports a problem."""
    _installed = Signal(object)

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
        super().__init__(parent)
        self.host = host
        self.server = server
        self.shapes = ShapeList()
        self.plate: PlateInfo | None = None
        self.plate_problem = ""
        self.settings = PanelSettings()
        self.picture = PictureModel(host, self)
        self._preferences = preferences or preferences_file()
        self._notes = for_panel(host)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_KEEP_AFTER_MS)
        self._timer.timeout.connect(self.keep)
        self.session = session or RemovalSession(host, on_change=self.job_changed.emit)
        self._engines_file = engines_file(self._preferences)
        self.engines = read_engines(self._engines_file)
        self._asked_pythons: set[str] = set()
        self._installed.connect(self._take_installed)
        server.changed.connect(self._learn_engines)
        self._learn_engines()
        server.client_changed.connect(self.session.use_client)
        self.reload()
        self.session.reattach()
        host.on_script_load(self.reload)

    # What is kept -------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read settings from the open script and the preferences."""
        settings = with_plain(PanelSettings(), read_preferences(self._preferences), "user")
        try:
            kept = json.loads(self._notes.notes() or "{}")
        except ValueError:
            kept = {}
        self.settings = with_plain(settings, kept if isinstance(kept, dict) else {}, "script")
        self._ask_installation()
        self.refresh()
        self.settings_changed.emit()
        self.jobs_reset.emit()

    def keep(self) -> None:
        """Write changed settings to the script and the preferences."""
        self._timer.stop()
        self._notes.keep_notes(json.dumps(to_plain(self.settings, "script")))
        write_preferences(self._preferences, self.settings)

    def change(self, **changes: Any) -> None:
        """Change settings by name."""
        if "quality" in changes and "proxy_scale" not in changes:
            changes["proxy_scale"] = QUALITIES[changes["quality"]].proxy_scale
        changed = dataclasses.replace(self.settings, **changes)
        if changed != self.settings:
            self.settings = changed
            self._timer.start()
            self._ask_installation()
            self.settings_changed.emit()

    @property
    def server_python(self) -> str:
        """The Python with which the server is started."""
        return self.settings.server_python or installed_server_python()

    def _learn_engines(self) -> None:
        told = self.server.picture.engines
        if told is not None and told != self.engines.told:
            self._keep_engines(told)

    def _keep_engines(self, told: tuple[EngineDescription, ...]) -> None:
        self.engines = KnownEngines(told)
        write_engines(self._engines_file, told)
        self.engines_changed.emit()

    def _ask_installation(self) -> None:
        """Ask the server's installation for its engines when a farm does the work and no server ever told
        them: a studio that has only a farm runs none."""
        python = self.server_python
        if self.settings.destination != "farm" or self.engines.told is not None:
            return
        if not python or python in self._asked_pythons or not Path(python).is_file():
            return
        self._asked_pythons.add(python)

        def ask() -> None:
            told = installed_engines(python)
            with contextlib.suppress(RuntimeError):  # the panel was closed in the meantime
                self._installed.emit(told)

        threading.Thread(target=ask, name="void-engines", daemon=True).start()

    def _take_installed(self, told: list[EngineDescription] | None) -> None:
        """Keep what the installation says, unless a server has told its engines first."""
        if told is not None and self.engines.told is None:
            self._keep_engines(tuple(told))

    # What is picked -----------------------------------------------------------------------------------------

    def use_selection(self) -> None:
        """Take the plate and roto from the selected nodes."""
        nodes = list(self.host.selected_nodes())
        roto = next((node.name for node in nodes if node.has_roto), "")
        plate = next((node.name for node in nodes if not node.has_roto), "")
        if not nodes:
            self._say("Nothing is selected; select the plate and a Roto node, then press this again", True)
            return
        self.pick(plate=plate or self.settings.plate, roto=roto or self.settings.roto)

    def pick(self, *, plate: str | None = None, roto: str | None = None) -> None:
        """Take these nodes. Roles of another roto node are dropped."""
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

    def set_matte_node(self, role: Role, node: str) -> None:
        """Set the node whose alpha is the matte of a role; empty for none."""
        others = tuple(pair for pair in self.settings.matte_nodes if pair[0] != role)
        self.change(matte_nodes=(*others, (role, node)) if node else others)

    @property
    def view(self) -> str:
        views = self.plate.views if self.plate is not None else ("main",)
        return self.settings.view if self.settings.view in views else views[0]

    def frames(self) -> FrameRange:
        """Return the frames of the removal.

        Raises:
            SelectionError: when there is no plate or no such range.
        """
        if self.plate is None:
            raise SelectionError(
                self.plate_problem or "no plate is picked; select it and press Use selection"
            )
        return choose_range(
            self.settings.range_choice,
            self.plate.frames,
            self.host.script_ranges(),
            typed=self.settings.typed_range,
            handles=self.settings.handles,
        )

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
        elif is_asked_for or plate.files is not None:
            self.picture.ask(plate, self.host.script_ranges().current_frame, self.view)
        else:
            self.picture.clear()

    # Remove -------------------------------------------------------------------------------------------------

    def proposed_output(self, name: str = "") -> str:
        """Propose where a result goes when the artist has not said: beside the script; empty if that was
        never saved.

        ``name`` is the plate's unless given.
        """
        script = self.host.script_path()
        if not script or (self.plate is None and not name):
            return ""
        return self._output_in(Path(script).parent / "void", name)

    def output_into(self, folder: str) -> None:
        """Put results below this folder."""
        self.change(output=self._output_in(Path(folder)))

    def _output_in(self, folder: Path, name: str = "") -> str:
        if not name:
            name = self.plate.node.rpartition(".")[2] if self.plate is not None else "shot"
        clean = f"{name}_clean_{{version}}"
        return str(folder / clean / f"{clean}.%04d.exr")

    def wanted(self) -> RemovalPick:
        """Return what a press of Remove would begin.

        Raises:
            SelectionError: when something is missing; the message says what, and what to do.
        """
        frames = self.frames()
        output = self.settings.output or self.proposed_output()
        if not output:
            raise SelectionError("the script was never saved; save it, or choose where the result goes")
        pick = RemovalPick(
            plate=self.settings.plate,
            frames=frames,
            output_pattern=output,
            roto=self.settings.roto if self.shapes.roles() else "",
            roles=self.shapes.roles(),
            mattes=tuple(MatteChoice(role=role, node=node) for role, node in self.settings.matte_nodes),  # type: ignore[arg-type]
            settings=self.settings.job_settings(self.engines),
            shapes_only=self.settings.shapes_only,
            view=self.view,
            compare=self.settings.compare,
        )
        pick.check()
        return pick

    def problem(self) -> str:
        """Say what prevents a removal; empty when nothing does."""
        try:
            self.wanted()
        except HostError as error:
            return _sentence(str(error))
        if self.settings.destination == "server":
            if self.server.picture.state is not ServerState.RUNNING:
                return self.server.picture.text
            return _sentence(self.engines.problem(self.settings.engine))
        if not self.server_python:
            return (
                "The farm's command needs the server's Python; press Python… above, "
                "or run 'python3 installer nuke' in the checkout"
            )
        return ""

    def losses(self) -> list[str]:
        """List what of the marked elements would not travel as the artist sees it, one line for each."""
        rows = self.shapes.rows if self.settings.shapes_only else ()
        return [text for row in rows if (text := row.loss())]

    def remove(self) -> TrackedJob | None:
        """Export what is picked and send it. Return None when something prevents that; the artist is told
        what."""
        try:
            wanted = self.wanted()
            if self.settings.destination == "farm":
                order = FarmOrder(self.settings.farm_target, self.server_python)
                job = self.session.send_to_farm(wanted, order)
            else:
                job = self.session.start(wanted)
        except HostError as error:
            self._say(_sentence(str(error)), True)
            return None
        self.keep()
        self._say(f"Exporting {job.name}; you can keep working in Nuke", False)
        return job

    # Jobs ---------------------------------------------------------------------------------------------------

    def cancel(self, job_id: str) -> None:
        self.session.cancel(job_id)

    def retry(self, job_id: str) -> None:
        """Run the same removal again, as the next version."""
        try:
            self.session.retry(job_id)
        except HostError as error:
            self._say(_sentence(str(error)), True)

    def duplicate(self, job_id: str) -> None:
        """Put a job's picks back into the panel, so that the artist can change them and press Remove."""
        job = self.session.job(job_id)
        pick = job.pick
        if pick is None:
            self._say("This job was sent in an earlier session; the list above shows its marks", True)
            return
        wanted = pick.settings
        self.change(
            plate=pick.plate,
            roto=pick.roto,
            roles=tuple(pick.roles.items()),
            matte_nodes=tuple((matte.role, matte.node) for matte in pick.mattes),
            output=pick.output_pattern,
            view=pick.view,
            shapes_only=pick.shapes_only,
            compare=pick.compare,
            destination="server" if job.farm is None else "farm",
            prompt=wanted.prompt,
            engine=wanted.engine,
            quality=quality_of(wanted, self.engines),
            proxy_scale=wanted.proxy_scale,
            seed=wanted.seed,
            growth_px=wanted.matte.growth_px,
            softness_px=wanted.matte.softness_px,
            range_choice="typed",
            typed_range=str(pick.frames),
            handles=0,
        )
        self.refresh()
        self._say("The job's settings are in the panel; change them and press Remove", False)

    def import_result(self, job_id: str) -> None:
        """Make a Read of the frames that a job has written so far."""
        try:
            name = self.session.import_result(job_id)
        except HostError as error:
            self._say(_sentence(str(error)), True)
            return
        self._say(f"The result is in {name}, beside the plate", False)

    def close(self) -> None:
        """Save changed settings and leave the server; jobs go on there."""
        if self._timer.isActive():
            self.keep()
        self.session.close()
        self.server.close()
        self.picture.close()

    def _say(self, text: str, is_trouble: bool) -> None:
        self.said.emit(text, is_trouble)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
