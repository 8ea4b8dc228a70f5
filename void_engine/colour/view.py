"""An OCIO display view as an encoding, with which the model sees exactly what the artist's viewer shows.

Unlike a curve, a view mixes channels, and a tone-mapping view does not hold all light. What it loses is
carried beside the codes (:meth:`DisplayView.lost`) and is missing only where the model replaces the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its own abbreviation

from void_engine.arrays import Float32Array
from void_engine.colour.primaries import current_config, model_space
from void_engine.errors import SettingError


@dataclass(frozen=True, slots=True)
class DisplayView:
    """One view of one display of an OCIO configuration, between linear Rec.709 and codes in 0..1."""

    display: str
    view: str
    config: str
    space: str
    """The name of linear Rec.709 in the configuration."""

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
        known = oiio.ColorConfig(config)
        display = display or known.getDefaultDisplayName()
        if display not in known.getDisplayNames():
            raise SettingError(
                f"view_display {display!r} is not in the OCIO configuration {config}; choose one of "
                f"{', '.join(known.getDisplayNames())}"
            )
        view = view or known.getDefaultViewName(display)
        if view not in known.getViewNames(display):
            raise SettingError(
                f"view {view!r} is not one of display {display!r}; choose one of "
                f"{', '.join(known.getViewNames(display))}"
            )
        made = cls(display, view, config, model_space(config))
        made.decode(made.encode(np.full((1, 1, 3), 0.18, np.float32)))
        return made

    def encode(self, linear: Float32Array) -> Float32Array:
        """Turn light (..., 3) at or above 0 into codes; they exceed 1 where the view exceeds its display."""
        return self._through(linear, inverse=False)

    def decode(self, code: Float32Array) -> Float32Array:
        """Turn codes (..., 3) into the light that the view shows as these codes."""
        return self._through(code, inverse=True)

    def lost(self, linear: Float32Array, code: Float32Array) -> Float32Array:
        """The light that the codes do not hold: crushed blacks, highlights and saturated colours."""
        return linear - self.decode(code)

    def describe(self) -> dict[str, float | str]:
        return {"curve": "view", "display": self.display, "view": self.view, "config": self.config}

    def _through(self, values: Float32Array, *, inverse: bool) -> Float32Array:
        flat = np.ascontiguousarray(values, np.float32).reshape(1, -1, 3)
        shown = oiio.ImageBufAlgo.ociodisplay(
            oiio.ImageBuf(flat), self.display, self.view, self.space, unpremult=False, inverse=inverse,
            colorconfig=self.config,
        )  # fmt: skip
        if shown.has_error:
            raise SettingError(
                f"view {self.view!r} of {self.display!r}: {shown.geterror().strip()}; choose a view that "
                "OpenColorIO can invert"
            )
        return np.asarray(shown.get_pixels(oiio.FLOAT), np.float32).reshape(values.shape)
