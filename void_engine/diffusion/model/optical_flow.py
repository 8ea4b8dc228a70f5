"""Optical flow for warped noise: a learned one where the model folder has it, else one without weights.

The learned one is RAFT (Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV
2020) as an ONNX file. OpenCV's own runtime executes it, so no further package is needed, and the format holds
no code. The defaults are those of the OpenCV Zoo's file (``optical_flow_estimation_raft_2023aug.onnx``); any
other export states its size in ``raft.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.diffusion.errors import ModelFolderError
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.weights import read_json

# These are the size and inputs of the OpenCV Zoo's file.
_ZOO = {"height": 360, "width": 480, "inputs": ["0", "1"]}


class OpticalFlow(Protocol):
    """Measures the motion between two pictures."""

    def between(self, before: Float32Array, after: Float32Array) -> Float32Array:
        """The motion of each pixel of ``before`` to ``after``, (H, W, 2) pixels to the right and down.

        Both pictures are (H, W, 3) display-referred codes in 0..1.
        """
        ...


class DenseInverseSearch:
    """Optical flow by OpenCV's dense inverse search (Kroeger et al., ECCV 2016), which needs no weights."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(self, before: Float32Array, after: Float32Array) -> Float32Array:
        start = np.zeros((*before.shape[:2], 2), np.float32)
        flow = self._dis.calc(_grey(before), _grey(after), start)
        return np.asarray(flow, np.float32)


def _grey(picture: Float32Array) -> Uint8Array:
    rounded = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(rounded, cv2.COLOR_RGB2GRAY), np.uint8)


class Raft:
    """Optical flow by RAFT from an ONNX file.

    The network has two inputs (1, 3, height, width) of RGB in 0..255, and among its outputs is the flow in
    pixels, (1, 2, height, width). Pictures of another size are resized for it, and the flow is resized back.
    """

    def __init__(self, path: Path) -> None:
        """Load the file; ``raft.json`` beside it may give ``height``, ``width`` and the names of ``inputs``.

        Raises:
            ModelFolderError: when the file is no network that OpenCV can run, or ``raft.json`` is wrong.
        """
        self._path = path
        about = path.with_suffix(".json")
        self._size, self._inputs = _form(about, {**_ZOO, **(read_json(about) if about.is_file() else {})})
        try:
            self._net: Any = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise ModelFolderError(
                f"{path}: is no ONNX network that OpenCV can run ({_reason(error)}); copy it again, or "
                "choose the engine option flow 'dis'"
            ) from error

    def between(self, before: Float32Array, after: Float32Array) -> Float32Array:
        height, width = self._size
        try:
            for name, picture in zip(self._inputs, (before, after), strict=True):
                self._net.setInput(self._blob(picture), name)
            outputs = self._net.forward(self._net.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise ModelFolderError(
                f"{self._path}: does not run on two pictures of {width}x{height} ({_reason(error)}); state "
                "the network's height, width and inputs in raft.json beside it"
            ) from error
        found = [output for output in outputs if output.shape == (1, 2, height, width)]
        if not found:
            shapes = ", ".join(str(output.shape) for output in outputs)
            raise ModelFolderError(
                f"{self._path}: gives {shapes} and no flow of (1, 2, {height}, {width}); state the network's "
                "height and width in raft.json beside it"
            )
        # RAFT refines its flow step by step, so the last one is the best.
        flow = np.ascontiguousarray(found[-1][0].transpose(1, 2, 0), np.float32)
        if flow.shape[:2] == before.shape[:2]:
            return flow
        rows, columns = before.shape[:2]
        sized = opencv.resize(flow, (rows, columns))
        return np.asarray(sized * np.array([columns / width, rows / height]), np.float32)

    def _blob(self, picture: Float32Array) -> Float32Array:
        height, width = self._size
        if picture.shape[:2] != (height, width):
            smaller = picture.shape[0] > height or picture.shape[1] > width
            picture = opencv.resize(picture, (height, width), opencv.AREA if smaller else opencv.LINEAR)
        return np.ascontiguousarray(np.clip(picture, 0, 1).transpose(2, 0, 1)[None] * np.float32(255))


def find_flow(folder: ModelFolder, name: str) -> str:
    """Resolve a value of the option ``flow`` for a model folder to ``dis`` or ``raft``, without loading it.

    Raises:
        ModelFolderError: when ``raft`` is asked for and missing.
    """
    if name == "raft" and not folder.raft.is_file():
        raise ModelFolderError(
            f"{folder.root}: has no {folder.raft.relative_to(folder.root).as_posix()}; put the OpenCV Zoo's "
            "optical_flow_estimation_raft there under that name, or choose the engine option flow 'dis'"
        )
    if name == "auto":
        return "raft" if folder.raft.is_file() else "dis"
    return name


def make_flow(folder: ModelFolder, name: str) -> OpticalFlow:
    """Make the optical flow that :func:`find_flow` finds.

    Raises:
        ModelFolderError: when RAFT is asked for and missing, or cannot be run.
    """
    return Raft(folder.raft) if find_flow(folder, name) == "raft" else DenseInverseSearch()


def _form(where: Path, stated: dict[str, Any]) -> tuple[tuple[int, int], tuple[str, str]]:
    sides = stated["height"], stated["width"]
    names = stated["inputs"]
    if not all(isinstance(side, int) and side >= 8 for side in sides) or not (
        isinstance(names, list) and len(names) == 2 and all(isinstance(name, str) for name in names)
    ):
        raise ModelFolderError(
            f"{where}: must give height and width of at least 8 pixels and two names of inputs, as in {_ZOO}"
        )
    return (sides[0], sides[1]), (names[0], names[1])


def _reason(error: cv2.error) -> str:
    return " ".join(str(error).split(")", 1)[-1].split())[:160]
