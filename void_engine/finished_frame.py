"""One frame of a result as it is written: the merged picture, further layers and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame, ShotFrame
from void_engine.geometry import Box
from void_engine.growth import GROWTH_KEY
from void_engine.merge import merge_part
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.picture import RESULT_LAYERS, PlatePicture
from void_engine.removal_request import RemovalRequest
from void_engine.shares import Shares
from void_engine.shot import PlateShot

_KEYS = "void/"
"""What the names of all metadata entries of a removal begin with."""
VIEW_KEY = "void/view"
"""The metadata entry with the view that was worked on, where the plate has several."""
LAYERS_KEY = "void/layers"
"""The metadata entry that names the layers that a removal has added, as they are called in its frames."""
REPLACED_KEY = "void/replaced"
"""The metadata entry with the box of pixels outside of which a removal has replaced nothing: ``x0 y0 x1 y1``
of the display window, from the top left. A reader that wants the plate elsewhere need read no more."""
_PREVIEW_WIDTH = 320
_PREVIEW_ROWS = 16


def finished_frame(
    request: RemovalRequest,
    shot: PlateShot,
    clean: CleanFrame,
    record: Mapping[str, str | int | float],
    shares: Shares | None = None,
) -> Frame:
    """The frame of the result as it is written: the merged picture, extra layers and metadata.

    Args:
        request: the removal.
        shot: the source that the engine worked on.
        clean: the engine's answer for this frame.
        record: metadata about how the frame was made: the engine's own
            (:attr:`~void_engine.engines.interface.Engine.record`) and what it was made from.
        shares: what the replaced pixels consist of (:func:`~void_engine.shares.shares_of`), where that is
            known.

    Raises:
        EngineError: when a pixel of the answer that is needed is not finite.
    """
    at = shot.frame(clean.number)
    frame = request.plates.frame(clean.number)
    window, merged = merge_part(
        at.plate, clean.picture, at.replaced, match_seam=request.match_seam, frame=clean.number
    )
    here = window.moved(shot.box.x0, shot.box.y0)
    inside = here.intersection(shot.frame_box)
    changed = f"{inside.x0} {inside.y0} {inside.x1} {inside.y1}" if not inside.is_empty else "0 0 0 0"
    if not inside.is_empty:
        solid = at.replaced[inside.slices(shot.box)] > 0
        frame = frame.with_rgb(merged[inside.slices(here)], inside, solid, request.picture.rgb)
    picture = request.picture
    for name, planes in _layers(request.output.layers, at, clean).items():
        frame = frame.with_layer(picture.added(name), planes, shot.box, beside=picture.rgb[0])
    told = {} if shares is None else shares.metadata
    return stamped(request, frame, {**record, GROWTH_KEY: shot.look.growth_px, REPLACED_KEY: changed, **told})


def stamped(request: RemovalRequest, frame: Frame, record: Mapping[str, str | int | float]) -> Frame:
    """The frame with the removal's metadata, in place of what an earlier removal has left in the plate."""
    picture = request.picture
    added = [picture.added(layer) for layer in layer_names(request.output.layers)]
    told = {name: text for name, text in ((LAYERS_KEY, ", ".join(added)), (VIEW_KEY, picture.view)) if text}
    header = frame.header.without_metadata(_KEYS)
    return replace(frame, header=header).with_metadata({**(request.output.metadata or {}), **told, **record})


def layer_names(wanted: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """The components of the layers that a result gets if an engine gives them all, in their order."""
    return {layer: names for layer, names in RESULT_LAYERS.items() if layer in wanted}


def _layers(wanted: frozenset[str], at: ShotFrame, clean: CleanFrame) -> dict[str, dict[str, Float32Array]]:
    layers: dict[str, dict[str, Float32Array]] = {}
    if "clean" in wanted:
        # The merge has made sure that values are finite where they replace the plate; elsewhere the answer
        # may repeat broken pixels of the plate.
        layers["clean"] = {name: _finite(clean.picture[..., index]) for index, name in enumerate("RGB")}
    if "matte" in wanted:
        layers["matte"] = {"A": at.replaced}
    if "confidence" in wanted and clean.confidence is not None:
        layers["confidence"] = {"A": clean.confidence}
    if "model" in wanted and clean.model is not None:
        layers["model"] = {name: clean.model[..., index] for index, name in enumerate("RGB")}
    if "quadmask" in wanted:
        layers["quadmask"] = {"A": at.quadmask.astype(np.float32) / np.float32(255.0)}
    return layers


def _finite(values: Float32Array) -> Float32Array:
    """The values with 0 for those that are not finite; the very same array where all are."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, np.float32(0.0))


def thumbnail(frame: Frame, picture: PlatePicture) -> Float32Array:
    """The whole picture at thumbnail size, scene-linear."""
    width, height = frame.display_size
    step = max(1, width // _PREVIEW_WIDTH)
    rows, columns = max(1, height // step), max(1, width // step)
    small = np.empty((rows, columns, 3), np.float32)
    # A few rows at a time, because the whole picture would take as much memory as everything else.
    for top in range(0, rows, _PREVIEW_ROWS):
        bottom = min(rows, top + _PREVIEW_ROWS)
        strip = Box(0, top * step, columns * step, bottom * step)
        pixels = frame.read_channels(picture.rgb, strip)
        small[top:bottom] = opencv.resize(pixels, (bottom - top, columns), opencv.AREA)
    return small
