"""An OCIO display view as an encoding, with which the model sees exactly what the artist's viewer shows.

Unlike a curve, a view mixes channels, and a tone-mapping view does not hold all light. What it loses is
carried beside the codes (:meth:`DisplayView.lost`) and is missing only where the model replaces the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import PyOpenColorIO as ocio  # noqa: N813 - its own abbreviation

from void_engine.arrays import Float32Array
from void_engine.colour.primaries import current_config, model_space
from void_engine.colour.processors import OCIO_ERRORS, applied, read_config
from void_engine.errors import SettingError


@dataclass(frozen=True, slots=True)
class DisplayView:
    """One view of one display of an OCIO configuration, between linear Rec.709 and codes in 0..1."""

    display: str
    view: str
    config: str
    space: str
    """The name of linear Rec.709 in the configuration."""
    _processors: tuple[Any, Any] = field(compare=False, repr=False)
    """OpenColorIO's processors into the view and back."""

    @classmethod
    def named(cls, display: str = "", view: str = "", config: str | None = None) -> DisplayView:
        """Find a view by its name.

        Args:
            display, view: names in the configuration; empty for its defaults.
            config: an OCIO configuration; None takes the one that the environment variable OCIO names, else
                the pinned one.

        Raises:
            SettingError: for a name that the configuration does not have, or a view that has no inverse.
        """
        config = config or current_config()
        known = read_config(config)
        displays = list(known.getDisplays())
        display = display or known.getDefaultDisplay()
        if display not in displays:
            raise SettingError(
                f"view_display {display!r} is not in the OCIO configuration {config}; choose one of "
                f"{', '.join(displays)}"
            )
        views = list(known.getViews(display))
        view = view or known.getDefaultView(display)
        if view not in views:
            raise SettingError(
                f"view {view!r} is not one of display {display!r}; choose one of {', '.join(views)}"
            )
        space = model_space(config)
        return cls(display, view, config, space, _processors_of(known, display, view, space))

    def encode(self, linear: Float32Array) -> Float32Array:
        """Turn light (..., 3) at or above 0 into codes; they exceed 1 where the view exceeds its display."""
        return applied(self._processors[0], linear)

    def decode(self, code: Float32Array) -> Float32Array:
        """Turn codes (..., 3) into the light that the view shows as these codes."""
        return applied(self._processors[1], code)

    def lost(self, linear: Float32Array, code: Float32Array) -> Float32Array:
        """The light that the codes do not hold: crushed blacks, highlights and saturated colours."""
        return linear - self.decode(code)

    def describe(self) -> dict[str, float | str]:
        return {"curve": "view", "display": self.display, "view": self.view, "config": self.config}


def _processors_of(config: Any, display: str, view: str, space: str) -> tuple[Any, Any]:
    try:
        ways = [
            ocio.DisplayViewTransform(src=space, display=display, view=view, direction=direction)
            for direction in (ocio.TRANSFORM_DIR_FORWARD, ocio.TRANSFORM_DIR_INVERSE)
        ]
        into, back = (config.getProcessor(way).getDefaultCPUProcessor() for way in ways)
    except OCIO_ERRORS as error:
        raise SettingError(
            f"view {view!r} of {display!r}: {error}; choose a view that OpenColorIO can invert"
        ) from error
    return into, back
