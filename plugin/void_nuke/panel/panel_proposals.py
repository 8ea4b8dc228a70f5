"""What the server proposes as affected: asked for, taken over, and accepted thing by thing.

Reading the proposal's files happens on a thread; everything else belongs to the main thread.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from void_nuke.errors import HostError
from void_nuke.export.pick import FileMatte, RemovalPick
from void_nuke.export.thing_curves import shapes_of
from void_nuke.host.host import FrameRange, Host, PlateInfo
from void_nuke.jobs.tracked_job import Phase, TrackedJob
from void_nuke.panel.background import Background
from void_nuke.panel.kept_proposal import (
    MOST_GROWTH_PX,
    KeptProposal,
    KeptThing,
    decoded,
    encoded,
    kept_from,
)
from void_nuke.panel.panel_jobs import PanelJobs
from void_nuke.panel.server import ServerModel, ServerState
from void_nuke.panel.settings import PanelSettings
from void_nuke.panel.thing_outlines import DrawnThing, Outlines, drawn_things, read_outlines
from void_nuke.qt import QObject, Signal
from void_protocol.errors import JobError
from void_protocol.phrases import sentence
from void_protocol.proposal import proposal_path, read_proposal, report_of_frames

T = TypeVar("T")
_OUTLINES_KEPT = 3
"""The outlines of so many proposals are kept, the newest."""


class PanelProposals(PanelJobs):
    """The part of :class:`void_nuke.panel.model.PanelModel` that is about proposals."""

    proposal_changed = Signal()
    """Sent when there is another proposal, when something of it was decided, or its outlines were read."""
    _read = Signal(object, object)

    settings: PanelSettings
    plate: PlateInfo | None
    server: ServerModel

    def __init__(self, host: Host, parent: QObject | None = None) -> None:
        super().__init__(host, parent)
        self._reader = Background("void-proposal")
        self._outlines: dict[tuple[str, str], Outlines] = {}
        """What was read of the outlines that a job has written to a pattern; nothing yet where reading has
        begun."""
        self._decoded: tuple[str, KeptProposal | None] = ("", None)
        self._read.connect(self._take_read)
        self.job_changed.connect(self._look_at_job)

    # For the widgets ----------------------------------------------------------------------------------------

    @property
    def proposal(self) -> KeptProposal | None:
        """The proposal for the plate and view that are picked; None where there is none."""
        text = self.settings.proposal
        if self._decoded[0] != text:
            self._decoded = (text, decoded(text))
        found = self._decoded[1]
        if found is None or found.plate != self.settings.plate or found.view not in ("", self.view):
            return None
        return found

    @property
    def accepted_things(self) -> list[KeptThing]:
        """The things that a removal takes along."""
        proposal = self.proposal
        return [] if proposal is None else proposal.accepted

    @property
    def is_proposing(self) -> bool:
        """Whether a proposal was asked for that has not come yet."""
        return bool(self.settings.proposal_job)

    def propose(self) -> TrackedJob | None:
        """Ask the server for a proposal. Return None when something prevents that; the artist is told."""
        try:
            pick = self.proposal_pick()
            job = self.session.start(pick)
        except HostError as error:
            self._say(sentence(str(error)), True)
            return None
        self._await(job)
        self._say(f"Looking for what {pick.plate}'s object affected; you can keep working in Nuke", False)
        return job

    def propose_problem(self) -> str:
        """Say what prevents a proposal; empty when nothing does."""
        try:
            self.proposal_pick()
        except HostError as error:
            return sentence(str(error))
        if self.server.picture.state is not ServerState.RUNNING:
            return self.server.picture.text
        return ""

    def accept(self, numbers: Collection[int], accepted: bool = True) -> None:
        """Take things of these numbers into the removal, or leave them out."""
        self._change_things(numbers, accepted=accepted)

    def extend(self, numbers: Collection[int], extension: str) -> None:
        """Extend things in one of the ways of :data:`void_nuke.panel.kept_proposal.EXTENSIONS`, and accept
        them."""
        self._change_things(numbers, extension=extension, accepted=True)

    def extend_on_all(self, numbers: Collection[int]) -> None:
        """Extend what is extended of these on all frames."""
        self._change_things(numbers, extended_from=None, extended_to=None)

    def extend_from(self, numbers: Collection[int], frame: int) -> None:
        """Extend what is extended of these from a frame on only."""
        self._change_things(numbers, extended_from=frame)

    def extend_to(self, numbers: Collection[int], frame: int) -> None:
        """Extend what is extended of these up to a frame only."""
        self._change_things(numbers, extended_to=frame)

    def grow(self, numbers: Collection[int], growth_px: float) -> None:
        """Grow things by so many pixels of the plate."""
        self._change_things(numbers, growth_px=max(-MOST_GROWTH_PX, min(MOST_GROWTH_PX, growth_px)))

    def forget_proposal(self) -> None:
        """Drop the proposal; its files stay."""
        self.change(proposal="", proposal_job="")
        self.proposal_changed.emit()

    def keep_proposal(self) -> None:
        """Make a Read of the proposal's files."""
        proposal = self.proposal
        if proposal is None:
            return
        try:
            name = self.session.import_result(proposal.job_id)
        except (HostError, KeyError) as error:
            self._say(sentence(str(error)), True)
            return
        self._say(f"The proposal's mattes are in {name}, with a layer for each kind and thing", False)

    def bake_accepted(self) -> None:
        """Make a Roto of the accepted things, whose alpha then is the affected matte in their place."""
        proposal = self.proposal
        if proposal is None or not proposal.accepted:
            return
        taken = dict(self.settings.matte_nodes)
        roles = {thing.role for thing in proposal.accepted}
        if occupied := [role for role in roles if taken.get(role)]:
            self._say(
                f"{taken[occupied[0]]} gives the {occupied[0]} matte already; take it out under More first",
                True,
            )
            return
        self._say("Drawing the accepted things as shapes; you can keep working in Nuke", False)
        self._in_background(lambda: self._baked(proposal), partial(self._take_baked, proposal))

    def drawn(self, frame: int) -> list[DrawnThing]:
        """Return the things that show on a frame, for the overlay; none before their outlines were read."""
        return [thing for _, thing in self.drawn_by_number(frame)]

    def drawn_by_number(self, frame: int) -> list[tuple[int, DrawnThing]]:
        """Return the things that show on a frame, each with its number."""
        proposal = self.proposal
        if proposal is None:
            return []
        return drawn_things(proposal.things, self._outlines_of(proposal), frame)

    def proposed_files(self, frames: FrameRange) -> tuple[FileMatte, ...]:
        """Return the mattes of what is accepted, for a removal of these frames.

        Raises:
            SelectionError: when the proposal lacks some of them.
        """
        proposal = self.proposal
        return () if proposal is None else proposal.mattes(frames)

    # Inside -------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def view(self) -> str:
        """The view that is shown."""

    @property
    @abstractmethod
    def short_name(self) -> str:
        """The name of what is worked on, for files."""

    @abstractmethod
    def marked_pick(self) -> RemovalPick:
        """What is marked, without what was clicked and what is proposed, not checked yet."""

    @abstractmethod
    def proposal_pick(self) -> RemovalPick:
        """Return what a press of Propose would ask for; raises SelectionError when something is missing."""

    @abstractmethod
    def change(self, **changes: Any) -> None:
        """Change settings by name."""

    @abstractmethod
    def keep(self) -> None:
        """Write changed settings to the script."""

    def _change_things(self, numbers: Collection[int], **changes: Any) -> None:
        proposal = self.proposal
        if proposal is None:
            return
        changed = proposal.changed(numbers, **changes)
        if changed != proposal:
            self.change(proposal=encoded(changed))
            self.proposal_changed.emit()

    def _await(self, job: TrackedJob) -> None:
        """Take over what this task makes, once it is there."""
        if job.pick is not None and job.pick.propose:
            self.change(proposal_job=job.job_id)
        if job.pick is not None and not job.pick.is_removal:
            self.keep()
            self.proposal_changed.emit()

    def _await_no_lost_job(self) -> None:
        """Wait no more for jobs that the open script does not know: their export had not ended when it was
        left."""
        known = {job.job_id for job in self.session.jobs}
        awaited = ("proposal_job", "clicked_job")
        self.change(**{name: "" for name in awaited if getattr(self.settings, name) not in known})
        self.proposal_changed.emit()

    def _look_at_job(self, job: TrackedJob) -> None:
        if not self.settings.proposal_job or job.job_id != self.settings.proposal_job:
            return
        if job.phase is Phase.DONE:
            self._in_background(lambda: self._read_report(job), partial(self._take_report, job))
        elif job.phase.is_final:
            self.change(proposal_job="")
            self.proposal_changed.emit()

    def _outlines_of(self, proposal: KeptProposal) -> Outlines:
        """The outlines of a proposal's things, which are read when they are asked for first."""
        key = proposal.job_id, proposal.pattern
        if key not in self._outlines:
            for other in [*self._outlines][:-_OUTLINES_KEPT]:
                del self._outlines[other]
            self._outlines[key] = {}
            self._in_background(lambda: read_outlines(proposal), partial(self._take_outlines, key))
        return self._outlines[key]

    def _in_background(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do something on the reading thread, and then take what came of it on the main thread."""

        def read() -> None:
            found = work()
            if not self._reader.is_closed:
                with contextlib.suppress(RuntimeError):  # the panel was closed in the meantime
                    self._read.emit(done, found)

        self._reader.submit(read)

    def _take_read(self, done: Callable[[Any], None], found: Any) -> None:
        done(found)

    def _close_reader(self) -> None:
        self._reader.close()

    # The reading thread -------------------------------------------------------------------------------------

    def _read_report(self, job: TrackedJob) -> KeptProposal | None:
        pattern, view = job.result_pattern, "" if job.pick is None else job.pick.view
        report = read_proposal(proposal_path(pattern)) or report_of_frames(pattern, job.frames.frames)
        return None if report is None else kept_from(report, plate=job.plate, view=view)

    def _baked(self, proposal: KeptProposal) -> tuple[dict[str, str], int] | str:
        """Draw the shapes of each role into a Roto, one shape at a time on the main thread. Return the Roto
        of each role and how many shapes they have, or why there is none."""
        outlines, count = read_outlines(proposal), 0
        made: dict[str, str] = {}
        begun = ""
        try:
            for role in ("affected", "remove"):
                shapes = [
                    shape
                    for thing in proposal.accepted
                    if thing.role == role
                    for shape in shapes_of(
                        f"{thing.words} ({thing.number})",
                        thing.role,
                        {frame: layers.get(thing.layer(frame), ()) for frame, layers in outlines.items()},
                        growth_px=thing.growth_px,
                    )
                ]
                if not shapes:
                    continue
                name = f"Void{role.capitalize()}1"
                begun = self.host.on_main_thread(partial(self.host.add_roto, name, proposal.plate))
                for shape in shapes:
                    self.host.on_main_thread(partial(self.host.add_roto_shape, begun, shape))
                made[role], count = begun, count + len(shapes)
        except (HostError, JobError) as error:
            return f"{error}; delete {begun}, which is not whole" if begun else str(error)
        return made, count

    # What it has read ---------------------------------------------------------------------------------------

    def _take_baked(self, proposal: KeptProposal, found: tuple[dict[str, str], int] | str) -> None:
        if isinstance(found, str) or not found[0]:
            why = found if isinstance(found, str) else "its files say nothing of their outlines"
            self._say(sentence(f"no Roto takes the place of what was accepted: {why}"), True)
            return
        made, count = found
        others = tuple(pair for pair in self.settings.matte_nodes if pair[0] not in made)
        self.change(matte_nodes=(*others, *made.items()))
        self.accept([thing.number for thing in proposal.accepted], False)
        self._say(
            f"{' and '.join(made.values())} has {count} shapes; its alpha is the matte now, in place of what "
            "was accepted",
            False,
        )

    def _take_outlines(self, key: tuple[str, str], found: Outlines) -> None:
        self._outlines[key] = found
        self.proposal_changed.emit()

    def _take_report(self, job: TrackedJob, found: KeptProposal | None) -> None:
        if job.job_id != self.settings.proposal_job:
            return  # another one was asked for meanwhile
        if found is None:
            self.change(proposal_job="")
            folder = Path(job.result_pattern).parent
            self._say(f"The proposal in {folder} cannot be read; propose again", True)
        else:
            self.change(proposal_job="", proposal=encoded(found))
            self._say(_told(found), not found.things)
        self.keep()
        self.proposal_changed.emit()


def _told(found: KeptProposal) -> str:
    if not found.things:
        why = f": {found.unknown}" if found.unknown else ""
        return f"Nothing is proposed{why}; draw what the object affected by hand"
    return f"{len(found.things)} things are proposed; tick what is right, and Remove takes it along"
