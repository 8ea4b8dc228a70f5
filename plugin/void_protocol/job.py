"""The removal job: one versioned schema for panel, command line, server and farm.

A job with a :mod:`task <void_protocol.task>` makes mattes of its shot instead of removing something from it.

A job is plain values. Coordinates are those of the host: pixels of the full-size format, x to the right,
y **up**, the origin at the bottom-left corner of the format (the display window); frames are inclusive.
:mod:`void_protocol.job_check` says what a valid job is beyond its types, :mod:`void_protocol.job_file` reads
and writes it as JSON. Every field is explained for people in ``docs/job.md``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Literal, Optional, Union

import msgspec
from msgspec import Meta, Struct

from void_protocol.fields import PRINTED, EngineName, JobFrame, JobId
from void_protocol.task import MakeMattes, Propose, task_name

SCHEMA_VERSION = 1
"""The version that this package writes, and the only one it reads."""

Role = Literal["remove", "affected", "ignore"]
"""What a shape or matte means: the object itself; what the object did to the scene (shadow, reflection,
things it holds up); or a hold-out that is never touched, cut out of both others."""

Compression = Literal["none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"]
"""EXR compressions by their field names."""

ResultLayer = Literal["clean", "matte", "confidence", "quadmask", "model"]
DEFAULT_LAYERS: tuple[ResultLayer, ...] = ("clean", "matte")
"""The layers of a result unless a job names others."""

PROXY_SCALES = (1.0, 0.5, 0.25, 0.125)
"""The scales that an artist may work at."""

AUTO_GROWTH: Literal["auto"] = "auto"
"""The growth of the mattes that is measured."""
Growth = Union[Literal["auto"], Annotated[float, Meta(ge=-256.0, le=256.0)]]  # noqa: UP007
"""How far mattes are grown: pixels of the full-size plate, or :data:`AUTO_GROWTH`."""

MAX_FRAMES = 100_000
"""A job with more frames than this is taken for a mistake."""
MAX_SHAPES = 10_000
MAX_POINTS = 10_000
"""The most control points that one shape may have at one frame."""
MAX_MATTES = 256
MAX_ENGINE_OPTIONS = 64
MAX_COORDINATE_PX = 1e7
"""Control points and handles further away than this are taken for a mistake."""

_Text = Annotated[str, Meta(max_length=4096)]
_Scalar = Union[bool, int, float, _Text]  # noqa: UP007 - evaluated by msgspec on Python 3.10
_Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=PRINTED)]
_Pattern = Annotated[str, Meta(min_length=1, max_length=4096, pattern=PRINTED)]
_Pixels = Annotated[int, Meta(ge=1, le=65_536)]
_Unit = Annotated[float, Meta(ge=0.0, le=1.0)]


class Format(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The plate's display window."""

    width: _Pixels
    height: _Pixels
    pixel_aspect: Annotated[float, Meta(gt=0.0, le=16.0)] = 1.0
    """Width of a pixel over its height; 2.0 for an anamorphic plate."""


class Shot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The plate and what is needed to read it."""

    name: _Name
    plate: _Pattern
    """Path of the plate's EXR files with a ``%04d`` or ``####`` token for the frame number."""
    first_frame: JobFrame
    last_frame: JobFrame
    """The last frame is part of the shot."""
    format: Format
    colour_space: _Name = "scene_linear"
    """Name or role of the plate's scene-linear colour space in the OCIO config."""
    view: _Name = "main"
    """The stereo view that the plate shows."""
    layer: Annotated[str, Meta(max_length=256, pattern=PRINTED)] = ""
    """The layer that holds the picture; empty for the main R, G, B."""

    @property
    def frame_numbers(self) -> range:
        return range(self.first_frame, self.last_frame + 1)


# A shot has hundreds of thousands of points. They hold numbers only, which form no cycles, so Python's
# garbage collector need not visit them.
class RotoPoint(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One control point of a closed cubic Bezier shape, with all transforms applied, in pixels. In JSON it is
    an array of up to twelve numbers in this order; numbers left out at the end are 0."""

    x: float
    y: float
    """Position of the point."""
    left_x: float = 0.0
    left_y: float = 0.0
    """The incoming tangent's handle, as an offset from the point."""
    right_x: float = 0.0
    right_y: float = 0.0
    """The outgoing tangent's handle, as an offset from the point."""
    feather_x: float = 0.0
    feather_y: float = 0.0
    """The feather point, as an offset from the point; (0, 0) for no feather here."""
    feather_left_x: float = 0.0
    feather_left_y: float = 0.0
    """The feather contour's incoming handle, as an offset from the feather point."""
    feather_right_x: float = 0.0
    feather_right_y: float = 0.0
    """The feather contour's outgoing handle, as an offset from the feather point."""


class ShapeFrame(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A roto shape at one frame. Everything about a shape may animate, so each frame says everything."""

    frame: JobFrame
    points: Annotated[list[RotoPoint], Meta(max_length=MAX_POINTS)]
    opacity: _Unit = 1.0
    feather_x_px: Annotated[float, Meta(ge=-4096.0, le=4096.0)] = 0.0
    feather_y_px: Annotated[float, Meta(ge=-4096.0, le=4096.0)] = 0.0
    """Uniform feather in pixels, added to the points' own; negative feathers inwards."""
    falloff: Annotated[float, Meta(ge=0.0, le=100.0)] = 1.0
    """How the feather falls off from 1 to 0; 1 is even, above 1 stays nearer to the shape."""
    inverted: bool = False
    visible: bool = True


class RotoShape(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A closed roto shape with its role, baked for every frame of the shot."""

    name: _Name
    role: Role
    frames: Annotated[list[ShapeFrame], Meta(max_length=MAX_FRAMES)]


class Matte(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rendered matte for a role: one channel of an EXR sequence, 0 keeps and 1 belongs to the role."""

    role: Role
    pattern: _Pattern
    """A path like the plate's. Without a frame token one picture is held for the whole shot."""
    channel: _Name = "A"
    """Full channel name in the file, such as ``A`` or ``remove.A``."""
    inverted: bool = False
    growth_px: Annotated[float, Meta(ge=-256.0, le=256.0)] = 0.0
    """This matte alone is grown by so many pixels of the full-size plate; negative shrinks it."""
    frames: Union[tuple[JobFrame, JobFrame], msgspec.UnsetType] = msgspec.UNSET  # noqa: UP007 - as for task
    """The first and the last frame on which it counts; left out, it counts on all."""


class Anchors(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Frames of the shot that the artist has already cleaned by hand."""

    pattern: _Pattern
    frames: Annotated[list[JobFrame], Meta(min_length=1, max_length=MAX_FRAMES)]


class RegionSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of the frame that the engine works on."""

    mode: Literal["auto", "full", "box"] = "auto"
    """``auto``: what suits the engine, around the mattes; ``full``: the whole format; ``box``: as given."""
    margin: Annotated[float, Meta(ge=0.0, le=8.0)] = 0.5
    """Context around the mattes with ``auto``, as a fraction of the mattes' longer side."""
    box: Optional[tuple[int, int, int, int]] = None  # noqa: UP045 - evaluated by msgspec on Python 3.10
    """``[left, bottom, right, top]`` in pixels, y up, right and top exclusive; with ``box`` only."""


class MatteSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far the replacement reaches beyond the mattes, in pixels of the full-size plate."""

    growth_px: Growth = AUTO_GROWTH
    """The mattes are grown by this much before anything is replaced; negative shrinks. ``auto``: as far as
    the plate outside them still holds the object, where the engine can measure it, and at least 2."""
    softness_px: Annotated[float, Meta(ge=0.0, le=256.0)] = 4.0
    """Width of the ramp, outside the grown matte, over which the result goes over into the plate."""


class QuadmaskSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the roles become the quadmask that the model was trained with."""

    snap_affected_to_grid: bool = True
    """Affected regions become whole cells of the coarse grid that the model saw in training."""
    clear_affected_on_first_frame: bool = True
    """The first frame gets no affected level, as in the model's training."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the artist can adjust about a removal."""

    engine: EngineName = "auto"
    """``auto``, the best engine that the machine of the job can run; or an engine by name."""
    prompt: Annotated[str, Meta(max_length=4096)] = ""
    """What remains when the object is gone ("A lime falls on the table."), never the removal itself."""
    negative_prompt: Annotated[str, Meta(max_length=4096)] = ""
    proxy_scale: float = 1.0
    """1, 0.5, 0.25 or 0.125: work on, and give back, a plate of this scale."""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 42
    region: RegionSettings = RegionSettings()
    matte: MatteSettings = MatteSettings()
    quadmask: QuadmaskSettings = QuadmaskSettings()
    match_seam: bool = True
    """Match the engine's colour to the plate along the border of the replacement."""
    engine_options: Annotated[dict[_Name, _Scalar], Meta(max_length=MAX_ENGINE_OPTIONS)] = {}
    """Options of the engine itself, by the names in its own documentation."""


class Output(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the result goes and what is in it."""

    pattern: _Pattern
    """Path of the result's EXR files, with a frame token like the plate's. ``{version}`` becomes ``v001``."""
    version: Annotated[int, Meta(ge=1, le=9999)] = 1
    compression: Compression = "zip"
    layers: list[ResultLayer] = msgspec.field(default_factory=lambda: list(DEFAULT_LAYERS))
    """Layers beside the main picture: ``clean`` the engine's own pixels, ``matte`` what was replaced,
    ``confidence`` how sure the engine is, ``quadmask`` what the model saw (level / 255), ``model`` a
    model's bare answer before the plate's detail was put on it."""

    @property
    def versioned_pattern(self) -> str:
        """The pattern with the version number filled in."""
        return self.pattern.replace("{version}", f"v{self.version:03d}")


def new_job_id() -> str:
    """Return a new random identity for a job: 32 hexadecimal digits."""
    return uuid.uuid4().hex


class RemovalJob(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One submission: the shot, what to remove from it and how, and where the result goes."""

    schema_version: Literal[1] = 1
    job_id: JobId = msgspec.field(default_factory=new_job_id)
    """Identity of the submission: the same id with the same content is the same job."""
    shot: Shot
    shapes: Annotated[list[RotoShape], Meta(max_length=MAX_SHAPES)] = []
    mattes: Annotated[list[Matte], Meta(max_length=MAX_MATTES)] = []
    """Mattes and shapes of the same role are added together."""
    anchors: Optional[Anchors] = None  # noqa: UP045 - evaluated by msgspec on Python 3.10
    settings: Settings = Settings()
    output: Output
    together: Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9_-]*$(?!\\n)")] = ""
    """A word that jobs which belong together share, such as those of both eyes; empty for one by itself."""
    task: Union[Propose, MakeMattes, msgspec.UnsetType] = msgspec.UNSET  # noqa: UP007 - evaluated on Python 3.10
    """What is made instead of a removal: proposals or mattes. A removal has none, and its JSON does not name
    it."""

    @property
    def is_removal(self) -> bool:
        """Whether the job removes something, rather than making mattes."""
        return self.task is msgspec.UNSET

    @property
    def engine_label(self) -> str:
        """What makes the job's result, as lists of jobs show it: the engine asked for, or the task."""
        return self.settings.engine if self.task is msgspec.UNSET else task_name(self.task)

    def with_patterns(self, change: Callable[[str], str]) -> RemovalJob:
        """Return the job with ``change`` applied to the patterns of plate, mattes, anchors and result."""
        replace, anchors = msgspec.structs.replace, self.anchors
        return replace(
            self,
            shot=replace(self.shot, plate=change(self.shot.plate)),
            mattes=[replace(matte, pattern=change(matte.pattern)) for matte in self.mattes],
            anchors=None if anchors is None else replace(anchors, pattern=change(anchors.pattern)),
            output=replace(self.output, pattern=change(self.output.pattern)),
        )
