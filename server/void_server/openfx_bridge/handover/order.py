"""What an artist orders by pressing Remove or Propose affected: the request ``begin``, checked before any
frame is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from void_engine.engines.options import Scalar
from void_engine.engines.registry import AUTO, check_options, engine_info, engine_name
from void_engine.errors import EngineError
from void_protocol.job import AUTO_GROWTH, MAX_FRAMES, PROXY_SCALES, Growth, MatteSettings, Settings
from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.space import PlateSpace
from void_server.openfx_bridge.results.folder import find_folder
from void_server.openfx_bridge.results.record import Record, RecordedTask, read_record

LONGEST_SIDE = 65_536
PREVIEW_SCALE = 0.25
"""A preview works at this scale, or at a smaller one that the artist chose."""
_SCALES = tuple(f"{scale:g}" for scale in PROXY_SCALES)
_TASKS = ("remove", "propose")
_QUALITIES = ("preview", "final", "finest")
_OPTION = "option."
_NAME = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True)
class Proposal:
    """What an earlier order has proposed, as this one uses it."""

    record: Record
    pattern: str
    """The pattern of its files."""
    growth_px: float


@dataclass(frozen=True)
class Order:
    """A removal as it is ordered."""

    folder: Path
    """The folder of all results."""
    name: str
    version: int
    """The version wanted; 0 for the next one."""
    first: int
    last: int
    box: tuple[int, int, int, int]
    pixel_aspect: float
    fps: float
    space: PlateSpace
    settings: Settings
    task: RecordedTask = "remove"
    proposal: Proposal | None = None
    """What was proposed, if that counts as affected."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the box."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]


def read_order(fields: Fields) -> Order:
    """Read the request ``begin``.

    Raises:
        BridgeError: when a field is wrong, the engine or the colour space is not known, or an option is none
            of the engine.
    """
    first = fields.integer("first", low=-1_000_000, high=10_000_000)
    last = fields.integer("last", low=-1_000_000, high=10_000_000)
    if not first <= last < first + MAX_FRAMES:
        raise BridgeError(f"The frames {first} to {last} are no range of 1 to {MAX_FRAMES} frames.")
    space = PlateSpace(fields.encodable("colour_space", "").strip(), fields.is_on("premultiplied"))
    if len(space.name) > 256:
        raise BridgeError("The name of the plate colour space is longer than 256 characters.")
    space.check()
    task: RecordedTask = "propose" if fields.choice("task", "remove", _TASKS) == "propose" else "remove"
    order = Order(
        folder=_folder(fields.encodable("folder", "").strip()),
        name=_NAME.sub("_", fields.encodable("name", "")).strip("_-")[:64] or "removal",
        version=fields.integer("version", 0, low=0, high=9999),
        first=first,
        last=last,
        box=fields.box(LONGEST_SIDE),
        pixel_aspect=fields.number("pixel_aspect", 1.0, low=0.01, high=16.0),
        fps=fields.number("fps", 0.0, low=0.0, high=1000.0),
        space=space,
        settings=_settings(fields),
        task=task,
    )
    if task == "propose" or not fields.text("proposal", ""):
        return order
    return replace(order, proposal=_proposal(fields, order))


def _proposal(fields: Fields, order: Order) -> Proposal:
    """The proposal that an order names.

    Raises:
        BridgeError: when it does not fit, or is not there whole.
    """
    record = read_record(fields.text("proposal"))
    again = "press Propose affected again, or switch Use proposal off"
    if record.box != order.box or not record.first <= order.first <= order.last <= record.last:
        raise BridgeError(
            f"The proposal is of the frames {record.first} to {record.last} and of a picture of "
            f"{record.box[2] - record.box[0]} x {record.box[3] - record.box[1]} pixels, which is not what is "
            f"removed from; {again}."
        )
    folder = find_folder(record, str(order.folder))
    if folder is None or folder.frames(record) < record.total:
        raise BridgeError(
            f"The proposal {record.folder_name} is not there whole yet; wait for it, or {again}."
        )
    growth_px = fields.number("proposal_grow", 0.0, low=-256.0, high=256.0)
    return Proposal(record, str(folder.path.absolute() / f"{record.folder_name}.%04d.exr"), growth_px)


def _folder(text: str) -> Path:
    if not text:
        return Path(platformdirs.user_videos_dir()) / "VOID"
    folder = Path(text).expanduser()
    if not folder.is_absolute():
        raise BridgeError(
            f"The folder {text} is not absolute; write it from the root, or leave Folder empty."
        )
    if re.search(r"%0?\d*d|#|\{version\}", text):
        raise BridgeError(
            f"The folder {text} holds a sign for frames or versions; use one without %, # and {{}}."
        )
    return folder


def _settings(fields: Fields) -> Settings:
    quality = fields.choice("quality", "final", _QUALITIES)
    scale = float(fields.choice("scale", "1", _SCALES))
    asked = fields.encodable("engine", "").strip() or AUTO
    growth: Growth = AUTO_GROWTH
    if fields.text("grow", AUTO_GROWTH) not in ("", AUTO_GROWTH):
        growth = fields.number("grow", 0.0, low=-256.0, high=256.0)
    try:
        engine = engine_name(asked)
        preset = engine_info(engine).presets.get(quality, {})
        options: dict[str, Scalar] = {**preset, **_options(fields, engine)}
        check_options(engine, options)
    except EngineError as error:
        raise BridgeError(f"{error}.".removeprefix("settings.engine: ")) from error
    return Settings(
        # With options for one engine, the job says which: another machine's best may be another one.
        engine=engine if options else asked,
        prompt=fields.encodable("prompt", "").strip()[:4096],
        proxy_scale=min(scale, PREVIEW_SCALE) if quality == "preview" else scale,
        seed=fields.integer("seed", 42, low=0, high=2**31 - 1),
        matte=MatteSettings(growth_px=growth, softness_px=fields.number("soften", 4.0, low=0.0, high=256.0)),
        engine_options=options,
    )


def _options(fields: Fields, engine: str) -> dict[str, Scalar]:
    """The engine's own options: from the fields of their own, and from the text that wins over them."""
    known = {one.name: one for one in engine_info(engine).options}
    found: dict[str, Scalar] = {}
    prefix = f"{_OPTION}{engine}."
    for field, text in fields.message.items():
        name = field.removeprefix(prefix)
        if field.startswith(prefix) and text and name in known:
            value = known[name].read(text)
            if value != known[name].default:
                found[name] = value
    for word in re.split(r"[\s,;]+", fields.encodable("options", "").strip()):
        name, sign, text = word.partition("=")
        if word and not (sign and name):
            raise BridgeError(f"The engine option {word} is no NAME=VALUE; write for example passes=2.")
        if word:
            found[name] = known[name].read(text) if name in known else text
    return found
