"""What the artist has picked for a removal, in plain values, as the panel or a script gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from void_nuke.errors import SelectionError
from void_nuke.host.host import FrameRange
from void_protocol.job import DEFAULT_LAYERS, Compression, ResultLayer, Role, Settings
from void_protocol.task import MakeMattes, PointPrompt, PromptedObject, ProposalSource, Propose, Task

ROLES: tuple[Role, ...] = ("remove", "affected", "ignore")


@dataclass(frozen=True)
class MatteChoice:
    """A node that gives the matte of a role, such as a key, a Cryptomatte or a rotopaint."""

    role: Role
    node: str
    channel: str = "rgba.alpha"
    inverted: bool = False


@dataclass(frozen=True)
class FileMatte:
    """A matte that is in files already, such as one thing of a proposal."""

    role: Role
    pattern: str
    """Absolute path of the EXR files, with a frame token."""
    channel: str
    growth_px: float = 0.0
    """The growth in pixels of the plate; below 0 it shrinks."""
    frames: FrameRange | None = None
    """The frames on which it counts; None for all."""


@dataclass(frozen=True)
class AnchorChoice:
    """A frame of the shot that the artist has already cleaned: what a node shows at a frame."""

    frame: int
    """The frame of the shot that is clean."""
    node: str
    """The node that shows it clean, such as the Read of a painted frame."""
    at: int
    """The frame at which that node shows it."""


@dataclass(frozen=True)
class RemovalPick:
    """Everything that one press of *Remove* asks for."""

    plate: str
    """The node whose picture is the plate."""
    frames: FrameRange
    """The frames to work on; see :func:`void_nuke.export.frame_range.choose_range`."""
    output_pattern: str
    """Absolute path of the result's EXR files, with a frame token and ``{version}``."""
    roto: str = ""
    """The roto node; empty where there is none."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """The role of each marked element of the roto node, by the element's path."""
    mattes: tuple[MatteChoice, ...] = ()
    files: tuple[FileMatte, ...] = ()
    """Mattes that are in files, added to those of shapes and nodes."""
    proposal: str = ""
    """The proposal that :attr:`files` are of, as the panel keeps it."""
    clicked: str = ""
    """The matte of clicks that is among :attr:`files`, as the panel keeps it."""
    propose: ProposalSource | None = None
    """Who proposes what the object affected, instead of a removal; None for a removal."""
    clicks: tuple[PointPrompt, ...] = ()
    """Clicks on an object of which a matte is made, instead of a removal; none for a removal."""
    settings: Settings = field(default_factory=Settings)
    anchors: tuple[AnchorChoice, ...] = ()
    render_plate: bool = False
    """Whether the plate is rendered even where its own files could be read in place."""
    shapes_only: bool = False
    """Whether the engine draws the roto's mattes from its shapes. Otherwise the host renders them too, as the
    artist saw them, and those are used."""
    view: str = "main"
    layer: str = ""
    """The layer of the plate that is worked on; empty for the main one."""
    shot_name: str = ""
    """The shot's name; empty takes the plate node's name."""
    compression: Compression = "zip"
    layers: tuple[ResultLayer, ...] = DEFAULT_LAYERS
    group: str = ""
    """Ties the removals that one press began, such as those of both eyes; empty for one by itself."""
    compare: bool = True
    """Whether to build a comparison beside the Read of the result."""
    completes_job: str = ""
    """The proxy job whose Read this full-size job takes over. When this is empty, the session takes the
    newest proxy job of the same :attr:`subject`, and makes a new Read where there is none."""

    @property
    def is_removal(self) -> bool:
        """Whether it is a removal, and no proposal or matte."""
        return self.propose is None and not self.clicks

    @property
    def task(self) -> Task | None:
        """What is made instead of a removal; None for a removal."""
        if self.clicks:
            return MakeMattes(objects=[PromptedObject(points=list(self.clicks))])
        return None if self.propose is None else Propose(by=self.propose)

    @property
    def subject(self) -> str:
        """Names what is removed from which frames, whatever the settings: a preview and its final have the
        same one."""
        roles = sorted(self.roles.items())
        mattes = [(one.role, one.node, one.channel, one.inverted) for one in self.mattes]
        further = [self.layer] if self.layer else []
        further += [repr(self.files)] if self.files else []
        further += [self.propose] if self.propose else []
        further += [repr(self.clicks)] if self.clicks else []
        told = repr((self.plate, str(self.frames), self.roto, roles, mattes, self.view, *further))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def edition_problem(self, edition: str, *, has_files: bool) -> str:
        """Say why an edition that shows scripts ten nodes cannot do this; empty when it can.

        Args:
            edition: as :attr:`void_nuke.host.host.HostVersion.edition`.
            has_files: whether the plate's own files can be used.
        """
        is_drawn = self.shapes_only or not self.roles
        if not edition or (has_files and is_drawn and not (self.mattes or self.anchors or self.render_plate)):
            return ""
        return (
            f"Nuke {edition} shows scripts ten nodes only, too few to render plates and mattes: choose an "
            "EXR Read as the plate, shapes instead of nodes, and 'Shapes only'"
        )

    def check(self) -> None:
        """Check that the pick can be removed.

        Raises:
            SelectionError: when it cannot; the message says why.
        """
        if not self.plate:
            raise SelectionError("no plate is picked; select the plate's node and press 'Set plate'")
        if self.roles and not self.roto:
            raise SelectionError("shapes are marked but no roto node is picked; pick the roto node again")
        outside = sorted(one.frame for one in self.anchors if one.frame not in self.frames.frames)
        if outside:
            raise SelectionError(
                f"the clean frames {', '.join(map(str, outside))} are not among {self.frames}; drop them, or "
                "choose a range that has them"
            )
        named = {*self.roles.values(), *(one.role for one in self.mattes), *(one.role for one in self.files)}
        if self.propose and "remove" not in named:
            raise SelectionError(
                "nothing is marked as remove; mark the object whose effects are to be found as remove"
            )
        if self.clicks:
            self._check_clicks()
        elif not named - {"ignore"}:
            raise SelectionError("nothing is marked; mark at least one shape or matte as remove or affected")

    def _check_clicks(self) -> None:
        if all(click.outside for click in self.clicks):
            raise SelectionError("every click is on what is not the object; click on the object too")
        outside = sorted({click.frame for click in self.clicks if click.frame not in self.frames.frames})
        if outside:
            raise SelectionError(
                f"the clicks on {', '.join(map(str, outside))} are not on frames of {self.frames}; drop them "
                "or choose a range that has them"
            )
