"""An object by clicks into the panel's picture: the server makes its matte, and it is removed without a Roto.

Clicks stay with the script, so that further ones refine the same matte later. Reading the report of a matte
happens on the thread that reads proposals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from void_nuke.errors import HostError, SelectionError
from void_nuke.export.pick import FileMatte, RemovalPick
from void_nuke.host.host import FrameRange
from void_nuke.jobs.tracked_job import Phase, TrackedJob
from void_nuke.panel.kept_clicks import as_pairs, clicks_of
from void_nuke.panel.kept_proposal import KeptProposal, KeptThing, decoded, encoded
from void_nuke.panel.output_place import beside
from void_nuke.panel.panel_proposals import PanelProposals
from void_nuke.panel.server import ServerState
from void_nuke.panel.thing_outlines import DrawnThing, drawn_things
from void_protocol.phrases import sentence
from void_protocol.proposal import proposal_path, read_proposal, report_of_frames
from void_protocol.task import MAX_PROMPTS, PointPrompt, PromptedObject

LAYER = PromptedObject().name
"""The layer of the clicked object in the matte's files."""


class PanelClicks(PanelProposals):
    """The part of :class:`void_nuke.panel.model.PanelModel` that is about clicks."""

    # For the widgets ----------------------------------------------------------------------------------------

    @property
    def clicks(self) -> list[PointPrompt]:
        """The clicks into the view of the plate that is shown, in the order in which they were made."""
        return clicks_of(self.settings.clicks, self.view)

    @property
    def clicked(self) -> KeptProposal | None:
        """The matte of what was clicked on the plate and view that are picked; None where there is none."""
        found = decoded(self.settings.clicked)
        if found is None or found.plate != self.settings.plate or found.view not in ("", self.view):
            return None
        return found

    @property
    def is_making_matte(self) -> bool:
        """Whether a matte was asked for that has not come yet."""
        return bool(self.settings.clicked_job)

    def click(self, frame: int, x: float, y: float, *, outside: bool = False) -> None:
        """Add a click, in the host's pixels; ``outside`` is on what is not the object."""
        if len(self.clicks) >= MAX_PROMPTS:
            self._say(f"These are {MAX_PROMPTS} clicks; take some away first", True)
            return
        self._take_clicks([*self.clicks, PointPrompt(frame=frame, x=x, y=y, outside=outside)])

    def drop_click(self, click: PointPrompt) -> None:
        """Take one click away."""
        self._take_clicks(each for each in self.clicks if each != click)

    def forget_clicks(self) -> None:
        """Take all clicks into the view away, and the matte that was made of them; its files stay."""
        self.change(clicks=as_pairs((), self.view, self.settings.clicks), clicked="", clicked_job="")
        self.proposal_changed.emit()

    def matte_problem(self) -> str:
        """Say what prevents a matte of what was clicked; empty when nothing does."""
        try:
            self.matte_pick()
        except HostError as error:
            return sentence(str(error))
        if self.server.picture.state is not ServerState.RUNNING:
            return self.server.picture.text
        return ""

    def make_matte(self) -> TrackedJob | None:
        """Ask the server for the matte. Return None when something prevents that; the artist is told."""
        try:
            pick = self.matte_pick()
            job = self.session.start(pick)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return None
        self._await(job)
        self._say(f"Following what you clicked in {pick.plate}; you can keep working in Nuke", False)
        return job

    def read_matte(self) -> None:
        """Make a Read of the matte's files."""
        if (clicked := self.clicked) is None:
            return
        try:
            name = self.session.import_result(clicked.job_id)
        except (HostError, KeyError) as error:
            self._say(sentence(str(error)), True)
            return
        self._say(f"The matte is in {name}", False)

    def drawn(self, frame: int) -> list[DrawnThing]:
        """Return what shows on a frame, for the overlay: the clicked object, then what is proposed."""
        own: list[DrawnThing] = []
        if (clicked := self.clicked) is not None:
            outlines = self._outlines_of(clicked)
            own = [thing for _, thing in drawn_things(clicked.things, outlines, frame)]
        return [*own, *super().drawn(frame)]

    def clicked_files(self, frames: FrameRange) -> tuple[FileMatte, ...]:
        """Return the matte of what was clicked, for a removal of these frames.

        Raises:
            SelectionError: when it lacks some of them.
        """
        clicked = self.clicked
        if clicked is None:
            return ()
        if not (clicked.first_frame <= frames.first and frames.last <= clicked.last_frame):
            raise SelectionError(
                f"the matte of what was clicked has the frames {clicked.frames} and the removal {frames}; "
                "make the matte again, or choose a range that it has"
            )
        return clicked.mattes(frames)

    def matte_pick(self) -> RemovalPick:
        """Return what a press of Make matte would ask for.

        Raises:
            SelectionError: when something is missing.
        """
        pick = replace(self.marked_pick(), roto="", roles={}, mattes=(), files=(), anchors=())
        pick = replace(pick, clicks=tuple(self.clicks))
        pick = replace(pick, output_pattern=beside(pick.output_pattern, self.short_name, "object"))
        pick.check()
        return pick

    def pick_with_clicked(self) -> RemovalPick:
        """What is marked, with the matte of what was clicked, not checked yet.

        Raises:
            SelectionError: when that matte lacks some of the frames.
        """
        pick = self.marked_pick()
        files = self.clicked_files(pick.frames)
        return replace(pick, files=files, clicked=self.settings.clicked if files else "")

    # Inside -------------------------------------------------------------------------------------------------

    def _take_clicks(self, clicks: Iterable[PointPrompt]) -> None:
        self.change(clicks=as_pairs(clicks, self.view, self.settings.clicks))
        self.proposal_changed.emit()

    def _await(self, job: TrackedJob) -> None:
        if job.pick is not None and job.pick.clicks:
            self.change(clicked_job=job.job_id)
        super()._await(job)

    def _look_at_job(self, job: TrackedJob) -> None:
        super()._look_at_job(job)
        if not self.settings.clicked_job or job.job_id != self.settings.clicked_job:
            return
        if job.phase is Phase.DONE:
            self._in_background(lambda: self._made_matte(job), self._take_matte)
        elif job.phase.is_final:
            self.change(clicked_job="")
            self.proposal_changed.emit()

    def _made_matte(self, job: TrackedJob) -> tuple[str, KeptProposal | None]:
        """On the reading thread, look at what the server has made."""
        pattern, view = job.result_pattern, "" if job.pick is None else job.pick.view
        report = read_proposal(proposal_path(pattern)) or report_of_frames(pattern, job.frames.frames)
        if report is None or not report.frames:
            return job.job_id, None
        numbers = [each.frame for each in report.frames]
        thing = KeptThing(
            number=1, kind="belonging", words="clicked object", confidence=1.0, role="remove", accepted=True,
            own_layer=LAYER,
        )  # fmt: skip
        seen = [thing] if any(each.kinds.get(LAYER) for each in report.frames) else []
        return job.job_id, KeptProposal(
            job_id=report.job_id,
            pattern=report.matte,
            first_frame=min(numbers),
            last_frame=max(numbers),
            plate=job.plate,
            view=view,
            things=seen,
        )

    def _take_matte(self, made: tuple[str, KeptProposal | None]) -> None:
        job_id, found = made
        if job_id != self.settings.clicked_job:
            return  # another one was asked for meanwhile
        if found is None:
            self.change(clicked_job="")
            self._say("The matte cannot be read; make it again", True)
        else:
            self.change(clicked_job="", clicked=encoded(found))
            told = "The matte is there; Remove takes it along" if found.things else (
                "Nothing was found where you clicked; click on more of the object, or on another frame"
            )  # fmt: skip
            self._say(told, not found.things)
        self.keep()
        self.proposal_changed.emit()
