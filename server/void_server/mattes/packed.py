"""Mattes of a whole shot in memory: values in 0..1 on 256 levels, compressed."""

from __future__ import annotations

import zlib

import numpy as np

from void_engine.arrays import Float32Array


def pack(values: Float32Array) -> bytes:
    """A matte with values in 0..1, in a few kilobytes."""
    return zlib.compress(np.round(values * 255).astype(np.uint8).tobytes(), 1)


def unpack(packed: bytes, shape: tuple[int, int]) -> Float32Array:
    """What :func:`pack` has made, in its ``shape`` (height, width)."""
    levels = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape)
    return levels.astype(np.float32) / np.float32(255)
