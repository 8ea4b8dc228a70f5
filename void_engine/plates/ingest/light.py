"""Turns code values into scene-linear light: by a curve's name, or by a colour space of OCIO."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name
from numpy.typing import NDArray

from void_engine.arrays import Float32Array
from void_engine.colour.primaries import REC709_CHROMATICITIES, current_config
from void_engine.colour.processors import OCIO_ERRORS, applied, read_config
from void_engine.errors import SettingError
from void_engine.plates.frame.frame import HALF_MAX
from void_engine.plates.frame.header import FLOAT, HALF, MetadataValue
from void_engine.plates.ingest.transfer import TRANSFERS, Transfer, decode
from void_engine.plates.picture.file import to_unit

AUTO = "auto"
"""Takes the curve that the file declares."""
SCENE_LINEAR = "scene_linear"
"""The OCIO role whose space light is given in when a colour space is named."""


@dataclass(frozen=True)
class Light:
    """One way from code values to light, the same for all frames of a shot."""

    transfer: Transfer | None = None
    """The curve; None where :attr:`space` names a colour space."""
    space: str = ""
    """The colour space of the OCIO configuration in which the code values are."""
    primaries: tuple[float, ...] | None = REC709_CHROMATICITIES
    """CIE xy of the light's red, green, blue and white; None where nothing tells them."""
    _processor: Any = field(default=None, repr=False, compare=False)
    """OpenColorIO's way from :attr:`space` to light."""
    _tables: dict[int, NDArray[np.float16]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def metadata(self) -> dict[str, MetadataValue]:
        """What is recorded in each frame."""
        if self.transfer is None:
            return {"void/source_colour_space": self.space}
        said: dict[str, MetadataValue] = {"void/source_transfer": self.transfer}
        return said if self.primaries is None else {**said, "chromaticities": self.primaries}

    @property
    def described(self) -> str:
        """What is told about how files are read."""
        return f"colour space {self.space}" if self.transfer is None else f"curve {self.transfer}"

    def of(self, codes: NDArray[Any]) -> NDArray[Any]:
        """The light of code values, (H, W, 3).

        Args:
            codes: (H, W, 3) of whole numbers over the full range of their type, or of floating-point numbers.

        Returns:
            float32 for float32, else float16. Values beyond the range of half are clamped to its largest.
        """
        if self.transfer is None:
            return _stored(applied(self._processor, to_unit(codes)), codes.dtype)
        if np.issubdtype(codes.dtype, np.floating):
            if self.transfer == "linear":
                return codes
            # A curve continues below 0 as its own mirror image.
            values = codes.astype(np.float64)
            light = decode(np.abs(values), self.transfer)  # film's is below 0 where codes are below its black
            return _stored(np.where(values < 0, -light, light).astype(np.float32), codes.dtype)
        stored: NDArray[np.float16] = self._table(codes.dtype)[codes]
        return stored

    def _table(self, dtype: np.dtype[Any]) -> NDArray[np.float16]:
        """The light of each code value of a whole-number type."""
        assert self.transfer is not None
        most = int(np.iinfo(dtype).max)
        if most not in self._tables:
            light = decode(np.arange(most + 1) / most, self.transfer)
            self._tables[most] = np.clip(light, -HALF_MAX, HALF_MAX).astype(HALF)
        return self._tables[most]


def light_of(colour: str, declared: Callable[[], Transfer], primaries: tuple[float, ...] | None) -> Light:
    """The light that an artist's choice means for files that declare a curve.

    Args:
        colour: :data:`AUTO`, a curve of :data:`~void_engine.plates.ingest.transfer.TRANSFERS`, or a colour
            space of the OCIO configuration.
        declared: gives the curve that the files declare.
        primaries: the primaries that the files declare, or are taken to have.

    Raises:
        SettingError: when the name is not known, or nothing is declared.
    """
    curve = next((name for name in TRANSFERS if name == colour), None)
    if curve is None and colour != AUTO:
        return Light(space=colour, primaries=None, _processor=_to_light(colour))
    transfer = curve or declared()
    # Film has the primaries of its dyes, which are nobody's standard.
    return Light(transfer, primaries=None if transfer == "cineon" else primaries)


def check_colour(colour: str) -> None:
    """Refuse a name that means neither a curve nor a colour space, before any file is opened.

    Raises:
        SettingError: for such a name; the message lists those that there are.
    """
    if colour != AUTO and colour not in TRANSFERS:
        _to_light(colour)


def _to_light(space: str) -> Any:
    """OpenColorIO's processor from a colour space to the configuration's scene-linear one."""
    config = current_config()
    known = read_config(config)
    try:
        # OpenImageIO also knows spaces by names that are usual elsewhere.
        named = oiio.ColorConfig(config).resolve(space)
        return known.getProcessor(named, SCENE_LINEAR).getDefaultCPUProcessor()
    except OCIO_ERRORS as error:
        raise SettingError(
            f"there is no curve or colour space '{space}'; choose {AUTO}, {', '.join(TRANSFERS)}, or a "
            f"colour space of the OCIO configuration {config}"
        ) from error


def _stored(light: Float32Array, source: np.dtype[Any]) -> NDArray[Any]:
    if source == FLOAT:
        return light
    return np.clip(light, -HALF_MAX, HALF_MAX).astype(HALF)
