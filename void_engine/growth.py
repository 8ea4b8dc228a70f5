"""The growth of the mattes where a job leaves it to measurement: decided once for a whole shot.

It is measured on the same few frames whatever part of the shot is made, so every part gets the same answer.
"""

from __future__ import annotations

from dataclasses import replace

from void_engine.engines.interface import Engine, EngineRequest, Monitor, RimMeasuringEngine
from void_engine.shot import MOST_AUTO_GROWTH_PX, PlateShot

GROWTH_KEY = "void/growth_px"
"""The metadata entry with the growth that was used, in pixels of the full-size plate."""


def with_growth(shot: PlateShot, engine: Engine, request: EngineRequest, monitor: Monitor) -> PlateShot:
    """The shot with its growth decided; it is measured if the shot's look leaves it open.

    Raises:
        PlateError: when a frame cannot be read.
        RemovalCancelled: soon after the monitor asks for a stop.
    """
    look = shot.look
    if not look.auto_growth:
        return shot
    rim = engine.rim_px(shot, request, monitor) if isinstance(engine, RimMeasuringEngine) else None
    growth = look.growth_px
    if rim is None:
        monitor.log(f"the mattes are grown by {growth:g} px; nothing tells whether they need more")
    else:
        found = rim / shot.mattes.scale
        growth = min(max(growth, found), MOST_AUTO_GROWTH_PX)
        reason = (
            f"outside them the plate still holds the object for about {found:g} px"
            if rim
            else "they are clean"
        )
        monitor.log(f"the mattes are grown by {growth:g} px: {reason}")
    return decided(shot, growth)


def decided(shot: PlateShot, growth_px: float) -> PlateShot:
    """The shot with this growth, in pixels of the full-size plate."""
    look = replace(shot.look, growth_px=growth_px, auto_growth=False)
    return replace(shot, look=look)
