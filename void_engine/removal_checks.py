"""What is checked before an engine begins, the cheapest first.

An engine may work for hours, and an artist should hear in a second what would have failed at the end of them:
an empty prompt, a missing frame, a view or layer that is not there, a folder that cannot be written, a full
volume.
"""

from __future__ import annotations

import numpy as np

from void_engine.engines.interface import CheckingEngine, Engine
from void_engine.errors import PlateError
from void_engine.finished_frame import layer_names, stamped, thumbnail
from void_engine.plates.exr.aces import container_note
from void_engine.plates.exr.file import try_to_write
from void_engine.plates.sequence.sequence import ShotFormat
from void_engine.plates.storage.waiting import Patience
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import RemovalRequest

_ASPECT_TOLERANCE = 1e-3


def check_engine(request: RemovalRequest, engine: Engine, *, is_here: bool = True) -> None:
    """Let the engine refuse what it cannot do, before any file is opened.

    Args:
        request: the removal.
        engine: the engine.
        is_here: whether it will work on this machine.

    Raises:
        EngineError: when it refuses.
    """
    if isinstance(engine, CheckingEngine):
        engine.check_request(request.engine, is_here=is_here)


def check_inputs(request: RemovalRequest, monitor: RemovalMonitor) -> ShotFormat:
    """Read all headers of plate, mattes and anchors, and return what the plate's files have in common.

    Raises:
        PlateError: when a file is missing, cannot be read or does not fit the shot, or when the plate has no
            such view or layer.
        MatteError: when a matte does not fit the plate.
        RemovalCancelled: when the monitor asks for a stop while a file is waited for.
    """
    patience = Patience(request.wait_s, monitor.waiting, monitor.check_cancelled)
    shot_format = patience.insist(lambda: check_headers(request), limit_s=request.start_wait_s)
    for sequence in request.sequences:
        sequence.patience = patience
    _check_pixel_aspect(request, shot_format.pixel_aspect, monitor)
    layers = request.output.layers
    container = container_note(shot_format.first, bool(layers))
    picture = request.picture
    for note in (*shot_format.first.notes, *picture.notes, picture.told_of(layers), container):
        if note:
            monitor.log(note)
    return shot_format


def check_headers(request: RemovalRequest) -> ShotFormat:
    """Do as :func:`check_inputs` does, once and without waiting, and tell nobody.

    Raises:
        PlateError, MatteError: as :func:`check_inputs` does.
    """
    shot_format = request.plates.check()
    _check_display_size(request, shot_format.display_size)
    _ = request.picture  # It raises where nothing tells which picture is meant.
    request.mattes.check(shot_format.display_size)
    _check_anchors(request, shot_format.display_size)
    return shot_format


def _check_display_size(request: RemovalRequest, found: tuple[int, int]) -> None:
    """Refuse plates whose size, before any proxy scale, is not the one that the job was made for."""
    wanted = request.display_size
    if wanted is not None and wanted != found:
        raise PlateError(
            f"{request.plates.pattern}: the plate is {found[0]}x{found[1]}, the job says "
            f"{wanted[0]}x{wanted[1]}; shapes would land in the wrong place. Export the job again"
        )


def _check_anchors(request: RemovalRequest, display_size: tuple[int, int]) -> None:
    if request.anchors is None:
        return
    for number in sorted(request.anchors.numbers):
        header = request.anchors.frames.header(number)
        if header.display_size != display_size:
            raise PlateError(
                f"{header.described}: the anchor is {header.display_size[0]}x{header.display_size[1]}, the "
                f"plate is {display_size[0]}x{display_size[1]}; render it in the plate's format"
            )
    _ = request.anchor_pictures  # It raises where an anchor has no picture.


def _check_pixel_aspect(request: RemovalRequest, found: float, monitor: RemovalMonitor) -> None:
    wanted = request.pixel_aspect
    if wanted is not None and abs(wanted - found) > _ASPECT_TOLERANCE:
        monitor.log(f"the job says a pixel aspect of {wanted:g}, the plate's files {found:g}; theirs is used")


def rehearse(request: RemovalRequest, number: int, count: int, monitor: RemovalMonitor) -> None:
    """Write a frame of the result once for nothing: the plate with empty layers, under the result's names and
    with its compression.

    Otherwise it would be known only after the engine's work that the folder is read-only, that the volume is
    too small, or that this plate cannot be written as the job asks.

    Args:
        request: the removal.
        number: the frame to write.
        count: how many frames are to be written; the volume must have room for them.
        monitor: is told what is unlike what the job asks.

    Raises:
        EngineError: when the frame cannot be made or written, or the volume has no room for all of them.
    """
    picture = request.picture
    frame = request.plates.frame(number)
    nothing = np.zeros(frame.data_window.shape, np.float32)
    for layer, components in layer_names(request.output.layers).items():
        planes = dict.fromkeys(components, nothing)
        frame = frame.with_layer(picture.added(layer), planes, beside=picture.rgb[0])
    frame = stamped(request, frame, {})
    thumbnail(frame, picture)
    note = request.plates.patience.insist(
        lambda: try_to_write(frame, request.output.pattern.path(number), request.output.compression, count),
        limit_s=request.start_wait_s,
    )
    if note:
        monitor.log(note)
