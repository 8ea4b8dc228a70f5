"""Pixels of every depth, order and padding, copied, packed and made mattes of, against NumPy."""

from __future__ import annotations

import ctypes
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

BYTE, SHORT, HALF, FLOAT = range(4)
TYPES = {BYTE: np.uint8, SHORT: np.uint16, HALF: np.float16, FLOAT: np.float32}
LARGEST = {BYTE: 255, SHORT: 65535}
ALPHA, LUMINANCE = 0, 1
PADDING = 12


class Form(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        *((name, ctypes.c_int) for name in ("x1", "y1", "x2", "y2")),
        ("row_bytes", ctypes.c_longlong),
        ("channels", ctypes.c_int),
        ("depth", ctypes.c_int),
    )


@dataclass
class HostImage:
    """An image as a host holds it: rows with padding, upwards or downwards in memory.

    ``pixels`` shows it with the lowest row first.
    """

    x1: int
    y1: int
    width: int
    height: int
    channels: int
    depth: int
    downwards: bool = False

    def __post_init__(self) -> None:
        kind = np.dtype(TYPES[self.depth])
        self.row = self.width * self.channels * kind.itemsize + PADDING
        self.memory = np.full(self.row * self.height, 0xAB, np.uint8)
        rows = self.memory.reshape(self.height, self.row)[:, : self.row - PADDING]
        upwards = rows[::-1] if self.downwards else rows
        self.pixels = np.lib.stride_tricks.as_strided(
            upwards.view(kind) if not self.downwards else rows.view(kind)[::-1],
            (self.height, self.width, self.channels),
            (-self.row if self.downwards else self.row, self.channels * kind.itemsize, kind.itemsize),
        )

    @property
    def form(self) -> Form:
        first = self.memory.ctypes.data + (self.row * (self.height - 1) if self.downwards else 0)
        return Form(
            first,
            *(self.x1, self.y1, self.x1 + self.width, self.y1 + self.height),
            -self.row if self.downwards else self.row,
            *(self.channels, self.depth),
        )

    def padding(self) -> np.ndarray:
        return self.memory.reshape(self.height, self.row)[:, self.row - PADDING :]

    def values(self) -> np.ndarray:
        """The pixels as numbers."""
        return self.pixels.astype(np.float32) / np.float32(LARGEST.get(self.depth, 1))


def filled(seed: int, **form) -> HostImage:
    image = HostImage(**form)
    random = np.random.default_rng(seed)
    if image.depth in LARGEST:
        image.pixels[...] = random.integers(0, LARGEST[image.depth] + 1, image.pixels.shape)
    else:
        image.pixels[...] = random.normal(0.5, 2, image.pixels.shape)
    return image


def test_every_half_becomes_its_float(driver: ctypes.CDLL) -> None:
    halves = np.arange(65536, dtype=np.uint16)
    expected = halves.view(np.float16).astype(np.float32)
    got = np.array([driver.driver_from_half(int(half)) for half in halves], np.float32)

    assert np.array_equal(got, expected, equal_nan=True)
    assert np.array_equal(np.signbit(got), np.signbit(expected))


def test_floats_become_the_nearest_half(driver: ctypes.CDLL) -> None:
    random = np.random.default_rng(1)
    values = np.concatenate(
        [
            random.normal(0, 1, 2000),
            np.exp(random.uniform(-20, 12, 4000)) * random.choice([-1, 1], 4000),
            # Exactly between two halves, normal and denormal; the largest; zero; what is no number.
            np.array([1 + 2**-11, 1 + 3 * 2**-11, 2**-25, 3 * 2**-25, 65504, 65519.99, 65520, 1e9, 0, -0.0]),
            np.array([np.inf, -np.inf, np.nan, 2**-14, 2**-14 - 2**-26, -(2**-24)]),
        ]
    ).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = values.astype(np.float16)
    got = np.array([driver.driver_to_half(float(value)) for value in values], np.uint16).view(np.float16)

    assert np.array_equal(got, expected, equal_nan=True)
    assert np.array_equal(np.signbit(got)[~np.isnan(values)], np.signbit(expected)[~np.isnan(values)])


@pytest.mark.parametrize("downwards", [False, True])
@pytest.mark.parametrize("depth", TYPES)
def test_a_copy_is_bit_exact_and_black_where_there_is_nothing(
    driver: ctypes.CDLL, depth: int, downwards: bool
) -> None:
    plate = filled(2, x1=-3, y1=4, width=9, height=7, channels=4, depth=depth, downwards=downwards)
    output = filled(3, x1=-6, y1=2, width=20, height=14, channels=4, depth=depth, downwards=not downwards)
    before = output.pixels.copy()
    window = (-5, 3, 4, 9)

    driver.driver_copy(ctypes.byref(plate.form), ctypes.byref(output.form), *window)

    expected = before
    for y in range(window[1], window[3]):
        for x in range(window[0], window[2]):
            inside = -3 <= x < 6 and 4 <= y < 11
            expected[y - 2, x + 6] = plate.pixels[y - 4, x + 3] if inside else 0
    assert np.array_equal(output.pixels, expected, equal_nan=True)
    assert (output.padding() == 0xAB).all()


@pytest.mark.parametrize(
    ("channels", "into", "expected"),
    [
        (4, 3, [1, 2, 3]),
        (3, 4, [1, 2, 3, 1]),
        (4, 1, [4]),
        (3, 1, [1]),
        (1, 4, [0, 0, 0, 1]),
        (1, 3, [0, 0, 0]),
    ],
)
def test_other_channels_and_depths_are_converted(
    driver: ctypes.CDLL, channels: int, into: int, expected: list[int]
) -> None:
    plate = HostImage(x1=0, y1=0, width=1, height=1, channels=channels, depth=FLOAT)
    plate.pixels[...] = np.arange(1, channels + 1)
    output = HostImage(x1=0, y1=0, width=1, height=1, channels=into, depth=HALF)

    driver.driver_copy(ctypes.byref(plate.form), ctypes.byref(output.form), 0, 0, 1, 1)

    assert output.pixels[0, 0].tolist() == expected


def test_code_values_are_rounded_and_clamped(driver: ctypes.CDLL) -> None:
    plate = HostImage(x1=0, y1=0, width=6, height=1, channels=1, depth=FLOAT)
    plate.pixels[0, :, 0] = [-1, 0.5 / 255 - 1e-5, 0.5 / 255 + 1e-5, 1.5, np.nan, np.inf]
    output = HostImage(x1=0, y1=0, width=6, height=1, channels=1, depth=BYTE)

    driver.driver_copy(ctypes.byref(plate.form), ctypes.byref(output.form), 0, 0, 6, 1)

    assert output.pixels[0, :, 0].tolist() == [0, 0, 1, 255, 0, 255]


@pytest.mark.parametrize("downwards", [False, True])
def test_rows_are_packed_from_the_bottom(driver: ctypes.CDLL, downwards: bool) -> None:
    plate = filled(4, x1=5, y1=5, width=3, height=4, channels=3, depth=SHORT, downwards=downwards)
    packed = np.empty((4, 3, 3), np.uint16)

    driver.driver_pack(ctypes.byref(plate.form), packed.ctypes.data_as(ctypes.c_void_p))

    assert np.array_equal(packed, plate.pixels)


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (3, 3), (5, 4), (64, 4), (7, 1)])
def test_floats_are_packed_as_the_nearest_halves(driver: ctypes.CDLL, width: int, channels: int) -> None:
    image = filled(6, x1=2, y1=0, width=width, height=3, channels=channels, depth=FLOAT, downwards=True)
    special = np.resize(np.array([65504, 65520, 1e9, -1e9, np.inf, 2**-24, 2**-25, 1e-7, -0.0]), width)
    image.pixels[1, :, 0] = special
    halves = np.empty((3, width, channels), np.float16)

    driver.driver_halves(ctypes.byref(image.form), channels, halves.ctypes.data_as(ctypes.c_void_p))

    with np.errstate(over="ignore"):
        assert np.array_equal(halves, image.pixels.astype(np.float16))


@pytest.mark.parametrize("depth", TYPES)
@pytest.mark.parametrize(("channels", "source"), [(4, ALPHA), (4, LUMINANCE), (3, ALPHA), (1, LUMINANCE)])
def test_a_matte_is_alpha_or_luminance(driver: ctypes.CDLL, depth: int, channels: int, source: int) -> None:
    image = filled(5, x1=0, y1=0, width=4, height=3, channels=channels, depth=depth, downwards=True)
    matte = np.empty((3, 4), np.float16)

    driver.driver_matte(ctypes.byref(image.form), source, matte.ctypes.data_as(ctypes.c_void_p))

    values = image.values()
    is_luminance = channels == 3 or (channels == 4 and source == LUMINANCE)
    expected = values[..., :3] @ [0.2126, 0.7152, 0.0722] if is_luminance else values[..., -1]
    assert np.allclose(matte, np.clip(expected, 0, 1), atol=5e-4)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7, 64])
def test_of_four_channels_three_are_packed_and_nothing_beyond(driver: ctypes.CDLL, width: int) -> None:
    image = filled(7, x1=-1, y1=2, width=width, height=3, channels=4, depth=FLOAT, downwards=True)
    halves = np.full(3 * width * 3 + 8, 7, np.float16)

    driver.driver_halves(ctypes.byref(image.form), 3, halves.ctypes.data_as(ctypes.c_void_p))

    packed = halves[:-8].reshape(3, width, 3)
    assert np.array_equal(packed, image.pixels[..., :3].astype(np.float16))
    assert (halves[-8:] == 7).all()


def test_a_matte_keeps_to_0_and_1_and_says_what_marks_nothing(driver: ctypes.CDLL) -> None:
    image = filled(7, x1=0, y1=0, width=6, height=2, channels=1, depth=FLOAT, downwards=False)
    matte = np.empty((2, 6), np.float16)
    for row, marks in (
        ([np.nan, -3, -np.inf, 0, 1e-12, -0.0], False),
        ([np.nan, 2, np.inf, 0.25, -1, 1], True),
    ):
        image.pixels[..., 0] = row
        said = driver.driver_matte(ctypes.byref(image.form), ALPHA, matte.ctypes.data_as(ctypes.c_void_p))
        assert bool(said) == marks
        assert np.array_equal(matte[0], np.nan_to_num(np.clip(row, 0, 1)).astype(np.float16))
