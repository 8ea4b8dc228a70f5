"""The habits of hosts, as far as public sources report them; `LETTER` uses every freedom that the standard
leaves.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from tests.fakes.ofx_host.names import (
    ALPHA,
    BYTE,
    FILTER,
    FLOAT,
    GENERAL,
    HALF,
    PREMULTIPLIED,
    RGB,
    RGBA,
    SHORT,
)


@dataclass(frozen=True)
class Profile:
    """What a host says of itself, what it has, and how it behaves.

    `suites` are the versions it gives by name. `lacks` are properties of the host that it does not have.
    `row_bytes` of images are the pixels' own plus `padding`, negative when `rows_down`. `after_range` says
    what becomes of frames that a clip does not have: "hold" (the nearest one), "fail", "black". A host that
    `forgets_arguments` takes the format of a message for the message.
    """

    name: str
    label: str
    version: tuple[int, ...] = (1, 0, 0)
    api: tuple[int, ...] = (1, 4)
    context: str = GENERAL
    contexts: tuple[str, ...] = (FILTER, GENERAL)
    depths: tuple[str, ...] = (FLOAT,)
    components: tuple[str, ...] = (RGBA, RGB, ALPHA)
    premultiplication: str = PREMULTIPLIED
    multi_resolution: bool = True
    tiles: bool = True
    temporal: bool = True
    background: bool = False
    suites: dict[str, tuple[int, ...]] = field(default_factory=lambda: dict(_ALL_SUITES))
    lacks: frozenset[str] = frozenset()
    null_message_v2: bool = False
    unconnected_are_black: bool = False
    depth_regardless: bool = False
    names_source_files: bool = False
    colour_properties: bool = True
    ranges_demanded: bool = False
    integer_2d: bool = True
    padding: int = 0
    rows_down: bool = False
    after_range: str = "hold"
    first_frame: int = 1
    tells_time_changes: bool = False
    changed_after_loading: bool = False
    announces_plugin_edits: bool = True
    frames_needed: bool = True
    render_threads: int = 2
    forgets_arguments: bool = False
    overlays: bool = False


_ALL_SUITES: dict[str, tuple[int, ...]] = {
    "OfxPropertySuite": (1,),
    "OfxImageEffectSuite": (1,),
    "OfxParameterSuite": (1,),
    "OfxMemorySuite": (1,),
    "OfxMultiThreadSuite": (1,),
    "OfxMessageSuite": (1, 2),
    "OfxProgressSuite": (1, 2),
    "OfxTimeLineSuite": (1,),
}
_MANDATORY = {
    name: versions[:1]
    for name, versions in _ALL_SUITES.items()
    if name not in ("OfxProgressSuite", "OfxTimeLineSuite")
}

NATRON = Profile(
    overlays=True,
    name="fr.inria.Natron",
    label="Natron",
    version=(2, 5, 0),
    depths=(FLOAT, SHORT, BYTE),
    tells_time_changes=True,
    forgets_arguments=True,
)
NUKE = Profile(
    overlays=True,
    name="uk.co.thefoundry.nuke",
    label="nuke",
    version=(16, 0, 2),
    api=(1, 4),
    padding=64,
    first_frame=1001,
    colour_properties=False,
    tells_time_changes=True,
)
RESOLVE = Profile(
    name="DaVinciResolve",
    label="DaVinci Resolve",
    version=(20, 0, 0),
    context=FILTER,
    tiles=False,
    null_message_v2=True,
    unconnected_are_black=True,
    names_source_files=True,
    ranges_demanded=True,
    integer_2d=False,
    after_range="black",
    first_frame=86400,
    announces_plugin_edits=False,
    changed_after_loading=True,
    frames_needed=False,
)
VEGAS = Profile(
    name="com.sonycreativesoftware.vegas",
    label="Vegas",
    version=(10, 0),
    api=(),
    context=FILTER,
    contexts=(FILTER,),
    depths=(BYTE,),
    components=(RGBA,),
    multi_resolution=False,
    tiles=False,
    suites={**_MANDATORY, "OfxProgressSuite": (1,), "OfxTimeLineSuite": (1,)},
    lacks=frozenset(
        {
            "OfxPropAPIVersion",
            "OfxPropVersion",
            "OfxPropVersionLabel",
            "OfxImageEffectHostPropNativeOrigin",
            "OfxImageEffectPropRenderQualityDraft",
        }
    ),
    depth_regardless=True,
    after_range="fail",
    first_frame=0,
)
# No host is like this one, and every host may be: only what the standard demands, used in unusual ways.
LETTER = Profile(
    name="org.example.letter",
    label="To the letter",
    depths=(HALF,),
    suites=_MANDATORY,
    padding=20,
    rows_down=True,
    after_range="fail",
    first_frame=-2,
    ranges_demanded=True,
    integer_2d=False,
    colour_properties=False,
    changed_after_loading=True,
    tells_time_changes=True,
)
EVERY = (NATRON, NUKE, RESOLVE, VEGAS, LETTER)


def in_background(profile: Profile) -> Profile:
    """Return the same host rendering without a person."""
    return dataclasses.replace(profile, background=True)
