"""The settings that an artist makes in the panel. Each is kept with the script or as a preference of the
artist."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from void_nuke.batch.farm_order import TARGETS
from void_nuke.export.frame_range import RangeChoice
from void_nuke.export.pick import RemovalPick
from void_nuke.panel import kept_clicks
from void_nuke.panel.clean_frames import as_pairs
from void_nuke.panel.engine_options import own_options, with_options
from void_nuke.panel.engines import KnownEngines, is_engine_name
from void_nuke.panel.region import box_text, region_of
from void_protocol.durable import write_whole
from void_protocol.job import AUTO_GROWTH, PROXY_SCALES, MatteSettings, Settings
from void_protocol.keys import home_folder
from void_protocol.task import ProposalSource

_log = logging.getLogger(__name__)

KeptWith = Literal["script", "user"]
Destination = Literal["server", "farm"]
RegionMode = Literal["auto", "full", "box"]
PROPOSAL_SOURCES: tuple[ProposalSource, ...] = get_args(ProposalSource)
ALL_VIEWS = "*"
"""What :attr:`PanelSettings.view` is when a press of Remove is for every view."""


@dataclass(frozen=True)
class Quality:
    """A preset: the scale that it proposes. What it means to an engine, the engine says itself."""

    title: str
    proxy_scale: float


QUALITIES: Mapping[str, Quality] = {
    "preview": Quality("Preview", 0.25),
    "final": Quality("Final", 1.0),
    "finest": Quality("Finest", 1.0),
}


SCRIPT: Mapping[str, KeptWith] = {"kept": "script"}
USER: Mapping[str, KeptWith] = {"kept": "user"}


@dataclass(frozen=True)
class PanelSettings:
    """Everything that the panel keeps. A field's metadata says where."""

    plate: str = field(default="", metadata=SCRIPT)
    roto: str = field(default="", metadata=SCRIPT)
    """Full names of the plate's node and the roto node."""
    prompt: str = field(default="", metadata=SCRIPT)
    view: str = field(default="", metadata=SCRIPT)
    layer: str = field(default="", metadata=SCRIPT)
    """The plate's layer to work on; empty for the main one."""
    range_choice: RangeChoice = field(default="plate", metadata=SCRIPT)
    typed_range: str = field(default="", metadata=SCRIPT)
    output: str = field(default="", metadata=SCRIPT)
    """Pattern of the result; empty lets the panel propose one beside the script."""
    roles: tuple[tuple[str, str], ...] = field(default=(), metadata=SCRIPT)
    """Pairs of a roto element's path and its role."""
    matte_nodes: tuple[tuple[str, str], ...] = field(default=(), metadata=SCRIPT)
    """Pairs of a role and the node whose alpha is its matte, in place of shapes."""
    clean_frames: tuple[tuple[str, str], ...] = field(default=(), metadata=SCRIPT)
    """Frames that are clean already; see :mod:`void_nuke.panel.clean_frames`."""
    proposal: str = field(default="", metadata=SCRIPT)
    """What was proposed as affected, and what of it is accepted; see :mod:`void_nuke.panel.kept_proposal`."""
    proposal_job: str = field(default="", metadata=SCRIPT)
    """The job whose proposal is awaited; empty for none."""
    clicks: tuple[tuple[str, str], ...] = field(default=(), metadata=SCRIPT)
    """Clicks on the object that is to go, into each view; see :mod:`void_nuke.panel.kept_clicks`."""
    clicked: str = field(default="", metadata=SCRIPT)
    """The matte that was made of the clicks, as a proposal is kept."""
    clicked_job: str = field(default="", metadata=SCRIPT)
    """The job whose matte of the clicks is awaited; empty for none."""
    engine_options: tuple[tuple[str, str], ...] = field(default=(), metadata=SCRIPT)
    """Options that the artist set; see :mod:`void_nuke.panel.engine_options`."""
    region_mode: RegionMode = field(default="auto", metadata=SCRIPT)
    region_box: str = field(default="", metadata=SCRIPT)
    """Left, bottom, right and top in pixels, for the mode ``box``."""
    engine: str = field(default="auto", metadata=SCRIPT)
    quality: str = field(default="final", metadata=SCRIPT)
    proxy_scale: float = field(default=1.0, metadata=SCRIPT)
    seed: int = field(default=42, metadata=SCRIPT)
    growth_auto: bool = field(default=True, metadata=SCRIPT)
    """Whether the engine measures how far the mattes must grow."""
    growth_px: float = field(default=2.0, metadata=SCRIPT)
    """The growth of the mattes where it is not measured."""
    softness_px: float = field(default=4.0, metadata=SCRIPT)
    destination: Destination = field(default="server", metadata=SCRIPT)
    """Who does the work: the server or a farm."""
    shapes_only: bool = field(default=False, metadata=USER)
    handles: int = field(default=0, metadata=USER)
    """Frames added at both ends of the range."""
    compare: bool = field(default=True, metadata=USER)
    """Whether to build a comparison beside the new Read."""
    farm_target: str = field(default="openjd", metadata=USER)
    """The farm of this artist's studio: one of :data:`void_nuke.batch.farm_order.TARGETS`."""
    propose_by: ProposalSource = field(default="evidence", metadata=USER)
    """Who proposes: evidence in the shot, a language model, or both."""
    server_python: str = field(default="", metadata=USER)
    """The Python that has the server; empty takes the one that the installer noted."""

    def job_settings(self, engines: KnownEngines) -> Settings:
        """Return these settings in the form that a job has.

        Raises:
            SelectionError: when nobody has told what the quality means for the engine, or the region is no
            box.
        """
        options = {
            **engines.options(self.engine, self.quality, QUALITIES[self.quality].title),
            **own_options(self.engine_options, self.engine),
        }
        return Settings(
            engine=self.engine,
            prompt=self.prompt.strip(),
            proxy_scale=self.proxy_scale,
            seed=self.seed,
            region=region_of(self.region_mode, self.region_box),
            matte=MatteSettings(
                growth_px=AUTO_GROWTH if self.growth_auto else self.growth_px, softness_px=self.softness_px
            ),
            engine_options=options,
        )


def quality_of(settings: Settings, engines: KnownEngines) -> tuple[str, dict[str, Any]]:
    """Return the preset that explains most of a job's engine options, and the options that the artist set
    himself; of several the one that proposes the job's scale."""
    given = settings.engine_options
    presets = engines.presets(settings.engine, QUALITIES)
    rest = {
        name: {option: value for option, value in given.items() if options.get(option) != value}
        for name, options in presets.items()
        if options.keys() <= given.keys()
    }
    fewest = min((len(options) for options in rest.values()), default=0)
    fitting = [name for name, options in rest.items() if len(options) == fewest]
    proposing = [name for name in fitting if QUALITIES[name].proxy_scale == settings.proxy_scale]
    name = (proposing or fitting or ["final"])[0]
    return name, rest.get(name, dict(given))


def changes_of_pick(pick: RemovalPick, *, is_for_farm: bool, engines: KnownEngines) -> dict[str, Any]:
    """Return the settings by name that make a press of Remove begin this pick again."""
    wanted = pick.settings
    quality, own = quality_of(wanted, engines)
    growth = wanted.matte.growth_px
    marks: dict[str, Any] = {"clicks": kept_clicks.as_pairs(pick.clicks, pick.view)}
    if not pick.clicks:
        marks = {
            "roto": pick.roto,
            "roles": tuple(pick.roles.items()),
            "matte_nodes": tuple((matte.role, matte.node) for matte in pick.mattes),
            "clicked": pick.clicked,
        }
    if pick.is_removal:
        marks |= {"output": pick.output_pattern, "proposal": pick.proposal}
        marks |= {"clean_frames": as_pairs(pick.anchors)}
    return {
        "plate": pick.plate,
        **marks,
        "view": pick.view,
        "layer": pick.layer,
        "shapes_only": pick.shapes_only,
        "compare": pick.compare,
        "destination": "farm" if is_for_farm else "server",
        "prompt": wanted.prompt,
        "engine": wanted.engine,
        "quality": quality,
        "engine_options": with_options((), wanted.engine, own),
        "proxy_scale": wanted.proxy_scale,
        "seed": wanted.seed,
        "growth_auto": growth == AUTO_GROWTH,
        "growth_px": _DEFAULTS.growth_px if growth == AUTO_GROWTH else growth,
        "softness_px": wanted.matte.softness_px,
        "region_mode": wanted.region.mode,
        "region_box": box_text(wanted.region),
        "range_choice": "typed",
        "typed_range": str(pick.frames),
        "handles": 0,
    }


def names_kept(where: KeptWith) -> tuple[str, ...]:
    """Return the names of the fields that are kept there."""
    return tuple(one.name for one in dataclasses.fields(PanelSettings) if one.metadata["kept"] == where)


def to_plain(settings: PanelSettings, where: KeptWith) -> dict[str, Any]:
    """Return the fields that are kept ``where``, as JSON can hold them."""
    return {name: getattr(settings, name) for name in names_kept(where)}


def with_plain(settings: PanelSettings, kept: Mapping[str, Any], where: KeptWith) -> PanelSettings:
    """Return ``settings`` with what was kept. Unknown names and invalid values are left out, because a script
    must open whatever wrote them."""
    known: dict[str, Any] = {}
    for name in names_kept(where):
        if name in kept and (value := _checked(name, kept[name])) is not None:
            known[name] = value
    return dataclasses.replace(settings, **known)


def preferences_file() -> Path:
    """Return the file of this artist's preferences."""
    return home_folder() / "panel.json"


def read_preferences(path: Path) -> dict[str, Any]:
    """Read the preferences. There are none when the file is missing, or damaged (which is logged)."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("%s cannot be read (%s); the panel starts with its defaults", path, error)
        return {}
    return kept if isinstance(kept, dict) else {}


def write_preferences(path: Path, settings: PanelSettings) -> None:
    """Write the preferences whole or not at all. A folder that cannot be written to is logged and otherwise
    ignored."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(to_plain(settings, "user"), indent=2).encode())
    except OSError as error:
        _log.warning("preferences are not kept: %s cannot be written (%s)", path, error)


_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "quality": tuple(QUALITIES),
    "proxy_scale": PROXY_SCALES,
    "range_choice": ("plate", "global", "viewer", "typed"),
    "destination": ("server", "farm"),
    "region_mode": ("auto", "full", "box"),
    "farm_target": tuple(TARGETS),
    "propose_by": PROPOSAL_SOURCES,
}
_DEFAULTS = PanelSettings()


def _checked(name: str, value: Any) -> Any:
    """Return the value in the type of its field, or None when it does not fit."""
    default = getattr(_DEFAULTS, name)
    if isinstance(default, tuple):
        pairs = value if isinstance(value, list | tuple) else []
        is_right = all(
            isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
            for pair in pairs
        )
        return tuple((pair[0], pair[1]) for pair in pairs) if is_right else None
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        return None
    if name == "engine":  # also one that no server here has: the script's own server may
        return value if is_engine_name(value) else None
    return value if name not in _CHOICES or value in _CHOICES[name] else None
