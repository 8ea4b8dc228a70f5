"""The colour space in which a host has its pictures: to scene-linear light and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.arrays import Float32Array
from void_engine.colour.primaries import current_config
from void_engine.errors import SettingError
from void_engine.plates.ingest.light import SCENE_LINEAR, check_colour, light_of
from void_engine.plates.ingest.transfer import TRANSFERS, Transfer, encode
from void_server.openfx_bridge.errors import BridgeError

_AS_IT_COMES = ("", "linear", SCENE_LINEAR)


@dataclass(frozen=True)
class PlateSpace:
    """What a host's pixel values mean."""

    name: str
    """A colour space of the OCIO configuration or a curve; empty for light as it comes."""
    is_premultiplied: bool = False
    """Whether the colours are multiplied by alpha. Curves are applied to colours that are not."""

    def check(self) -> None:
        """Refuse a name that means nothing.

        Raises:
            BridgeError: for such a name; the message lists those that there are.
        """
        try:
            if self.name == "auto":
                raise SettingError("what a host shows cannot be found out; name it, or leave it empty")
            if not self.is_as_it_comes:
                check_colour(self.name)
        except SettingError as error:
            raise BridgeError(f"Plate colour space: {error}.") from error

    @property
    def is_as_it_comes(self) -> bool:
        """Whether the values are scene-linear light already."""
        return self.name in _AS_IT_COMES

    def to_linear(self, colours: Float32Array, alpha: Float32Array | None) -> Float32Array:
        """Turn a host's colours into light.

        Args:
            colours: (H, W, 3).
            alpha: (H, W); None where there is none. The light is multiplied by it if the colours are.
        """
        if self.is_as_it_comes:
            return colours
        light = light_of(self.name, _undeclared, None)
        weights = self._weights(alpha)
        if weights is None:
            return np.asarray(light.of(np.ascontiguousarray(colours, np.float32)), np.float32)
        return np.asarray(light.of(colours / weights), np.float32) * weights

    def from_linear(self, light: Float32Array, alpha: Float32Array | None) -> Float32Array:
        """Turn light back into a host's colours; the inverse of :meth:`to_linear`.

        Raises:
            BridgeError: when this machine's OCIO configuration does not have the space.
        """
        if self.is_as_it_comes:
            return light
        weights = self._weights(alpha)
        return self._encoded(light) if weights is None else self._encoded(light / weights) * weights

    def _weights(self, alpha: Float32Array | None) -> Float32Array | None:
        """What colours are divided by; 1 where nothing is covered, since there colours only shine."""
        if alpha is None or not self.is_premultiplied:
            return None
        return np.where(alpha > 0, alpha, np.float32(1.0))[..., None].astype(np.float32)

    def _encoded(self, light: Float32Array) -> Float32Array:
        curve: Transfer | None = next((one for one in TRANSFERS if one == self.name), None)
        if curve is not None:
            values = light.astype(np.float64)
            if curve == "cineon":  # codes below its black are light below 0
                return encode(values, curve).astype(np.float32)
            # A curve continues below 0 as its own mirror image, as on the way to light.
            return np.copysign(encode(np.abs(values), curve), values).astype(np.float32)
        source = oiio.ImageBuf(np.ascontiguousarray(light, np.float32))
        made = oiio.ImageBufAlgo.colorconvert(
            source, SCENE_LINEAR, self.name, unpremult=False, colorconfig=current_config()
        )
        if made.has_error:
            raise BridgeError(
                f"The result cannot be shown in the colour space {self.name}: {made.geterror().strip()}. "
                "Use the OCIO configuration that it was made with."
            )
        return np.asarray(made.get_pixels(oiio.FLOAT), np.float32)


def _undeclared() -> Transfer:
    raise BridgeError("The host's picture declares no colour space; name it.")
