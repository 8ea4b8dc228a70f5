"""What a press of a button would begin: the frames, the view, where the result goes, and what prevents it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path

from void_nuke.errors import HostError, SelectionError
from void_nuke.export.frame_range import choose_range
from void_nuke.export.pick import MatteChoice, RemovalPick
from void_nuke.host.host import FrameRange
from void_nuke.panel.clean_frames import clean_frames
from void_nuke.panel.engine_options import unknown_options_problem
from void_nuke.panel.engines import KnownEngines
from void_nuke.panel.layer_choice import colour_layers
from void_nuke.panel.output_place import beside, output_in
from void_nuke.panel.panel_clicks import PanelClicks
from void_nuke.panel.server import ServerState
from void_nuke.panel.settings import ALL_VIEWS
from void_nuke.panel.shapes import ShapeList
from void_nuke.panel.wanted import for_views, version_hint
from void_protocol.job import new_job_id
from void_protocol.phrases import sentence


class PanelPicks(PanelClicks):
    """The part of :class:`void_nuke.panel.model.PanelModel` that says what is picked."""

    shapes: ShapeList
    plate_problem: str
    edition: str

    @property
    @abstractmethod
    def engines(self) -> KnownEngines:
        """The engines that a server described last."""

    @property
    @abstractmethod
    def server_python(self) -> str:
        """The Python with which the server is started."""

    @property
    def view(self) -> str:
        """The view that is shown and, unless all are wanted, removed from."""
        views = self.plate.views if self.plate is not None else ("main",)
        return self.settings.view if self.settings.view in views else views[0]

    @property
    def layers(self) -> tuple[str, ...]:
        """The plate's layers that can be worked on; see :func:`colour_layers`."""
        return colour_layers(self.plate.channels) if self.plate is not None else ()

    @property
    def layer(self) -> str:
        """The layer that is worked on; the main one where the plate has not the one that was chosen."""
        return self.settings.layer if self.settings.layer in self.layers else ""

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

    def proposed_output(self, name: str = "") -> str:
        """Propose where a result goes when the artist has not said: beside the script; empty if that was
        never saved. ``name`` is the plate's unless given."""
        script = self.host.script_path()
        if not script or (self.plate is None and not name):
            return ""
        return output_in(Path(script).parent / "void", name or self.short_name)

    def output_into(self, folder: str) -> None:
        """Put results below this folder."""
        self.change(output=output_in(Path(folder), self.short_name))

    @property
    def short_name(self) -> str:
        return self.plate.node.rpartition(".")[2] if self.plate is not None else "shot"

    def proposal_pick(self) -> RemovalPick:
        pick = replace(self.pick_with_clicked(), propose=self.settings.propose_by, anchors=())
        pick = replace(pick, output_pattern=beside(pick.output_pattern, self.short_name, "affected"))
        pick.check()
        return pick

    def wanted(self) -> RemovalPick:
        """Return what a press of Remove would begin.

        Raises:
            SelectionError: when something is missing; the message says what, and what to do.
        """
        pick = self.pick_with_clicked()
        proposed = self.proposed_files(pick.frames)
        files = (*pick.files, *proposed)
        if files and self.settings.view == ALL_VIEWS and self.plate is not None and len(self.plate.views) > 1:
            raise SelectionError("a proposal or a clicked matte is for one view; choose that one, or drop it")
        pick = replace(pick, files=files, proposal=self.settings.proposal if proposed else "")
        pick.check()
        return pick

    def marked_pick(self) -> RemovalPick:
        frames = self.frames()
        output = self.settings.output or self.proposed_output()
        if not output:
            raise SelectionError("the script was never saved; save it, or choose where the result goes")
        return RemovalPick(
            plate=self.settings.plate,
            frames=frames,
            output_pattern=output,
            roto=self.settings.roto if self.shapes.roles() else "",
            roles=self.shapes.roles(),
            mattes=tuple(MatteChoice(role=role, node=node) for role, node in self.settings.matte_nodes),  # type: ignore[arg-type]
            anchors=clean_frames(self.settings.clean_frames),
            settings=self.settings.job_settings(self.engines),
            shapes_only=self.settings.shapes_only,
            view=self.view,
            layer=self.layer,
            compare=self.settings.compare,
        )

    def all_wanted(self) -> list[RemovalPick]:
        """Return what a press of Remove would begin: one pick, or one for each view.

        Raises:
            SelectionError: as :meth:`wanted`.
        """
        views = self.plate.views if self.plate is not None else ()
        return for_views(self.wanted(), views, self.settings.view, new_job_id()[:8])

    def problem(self) -> str:
        """Say what prevents a removal; empty when nothing does."""
        try:
            wanted = self.wanted()
        except HostError as error:
            return sentence(str(error))
        has_files = self.plate is not None and self.plate.files is not None
        if limited := wanted.edition_problem(self.edition, has_files=has_files):
            return limited
        if self.settings.destination == "server":
            if self.server.picture.state is not ServerState.RUNNING:
                return self.server.picture.text
            engine, own = self.settings.engine, self.settings.engine_options
            problem = self.engines.problem(engine) or unknown_options_problem(self.engines, engine, own)
            return sentence(problem)
        if not self.server_python:
            return (
                "The farm's command needs the server's Python; press Python… above, "
                "or run 'python3 installer nuke' in the checkout"
            )
        return ""

    def losses(self) -> list[str]:
        """List what of the marked elements would not travel as the artist sees it, one line for each."""
        rows = self.shapes.rows if self.settings.shapes_only else ()
        hint = version_hint(self.settings.output)
        return [*(text for row in rows if (text := row.loss())), *([hint] if hint else [])]
