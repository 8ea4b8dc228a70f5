from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.reference_data import GOLDEN
from void_engine.errors import MatteError
from void_engine.quadmask import (
    AFFECTED,
    AFFECTED_FROM,
    BINARY_ABOVE,
    KEEP,
    OVERLAP,
    REMOVE,
    REMOVED_ABOVE,
    ROLE_THRESHOLD,
    build_quadmask,
    grid_shape,
    overlay,
    quadmask_from_roles,
    quantise_levels,
    removal_mask,
    roles_from_levels,
    snap_to_grid,
)


def matte(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_levels_of_roles() -> None:
    remove = matte(1.0, 1.0, 0.0, 0.0)
    affected = matte(0.0, 1.0, 1.0, 0.0)
    assert quadmask_from_roles(remove, affected).tolist() == [[REMOVE, OVERLAP, AFFECTED, KEEP]]
    assert [REMOVE, OVERLAP, AFFECTED, KEEP] == [0, 63, 127, 255]


def test_threshold_is_exclusive_and_nan_is_nothing() -> None:
    t = np.float32(ROLE_THRESHOLD)
    remove = matte(float(t), float(np.nextafter(t, np.float32(1))), np.nan, np.inf)
    expected = [[KEEP if not value > ROLE_THRESHOLD else REMOVE for value in remove[0]]]
    assert quadmask_from_roles(remove, np.zeros_like(remove)).tolist() == expected
    assert quadmask_from_roles(matte(0.04, 0.06), matte(0, 0)).tolist() == [[KEEP, REMOVE]]


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (0, 0),
        (31, 0),
        (32, 63),
        (63, 63),
        (95, 63),
        (96, 127),
        (127, 127),
        (191, 127),
        (192, 255),
        (255, 255),
    ],
)
def test_cut_points(value: int, level: int) -> None:
    assert quantise_levels(np.array([value], np.uint8)) == level
    assert quantise_levels(np.array([value], np.float32)) == level


@pytest.mark.parametrize(
    ("value", "removal"),
    [(0, 1.0), (31, 1.0), (31.5, 192 / 255), (95, 192 / 255), (96, 128 / 255), (191, 128 / 255), (192, 0.0)],
)
def test_the_removal_mask_has_the_loaders_values(value: float, removal: float) -> None:
    found = removal_mask(np.array([value], np.float32))
    assert found.dtype == np.float32
    assert found.item() == np.float32(removal)


def test_thresholds_on_the_removal_mask_part_its_values() -> None:
    remove, overlap, affected, keep = removal_mask(np.array([REMOVE, OVERLAP, AFFECTED, KEEP], np.uint8))
    assert keep < AFFECTED_FROM <= affected < REMOVED_ABOVE < overlap < remove
    assert keep < BINARY_ABOVE < affected


@pytest.mark.parametrize(
    ("value", "level"), [(31.01, 63), (95.5, 127), (191.25, 255), (255.0001, 255), (-0.0001, 0)]
)
def test_fractions_between_cut_points(value: float, level: int) -> None:
    assert quantise_levels(np.array([value], np.float32)) == level


def test_every_grey_value_as_the_published_loader() -> None:
    path = GOLDEN / "cases" / "mask_quantise_and_padding_tables.safetensors"
    if not path.exists():
        pytest.skip("no reference data beside the checkout")
    ramp, published = (_tensor(path, name) for name in ("ramp_in_u8", "ramp_out_mask"))
    np.testing.assert_array_equal(removal_mask(ramp), published)


@pytest.mark.parametrize(
    "values",
    [np.array([3], np.int32), np.array([300.0], np.float32), np.array([-1.0], np.float32), matte(np.nan)],
)
def test_other_values_are_refused(values: np.ndarray) -> None:
    with pytest.raises(MatteError, match=r"8-bit|outside"):
        quantise_levels(values)


def test_roles_and_levels_are_inverse() -> None:
    levels = np.array([[REMOVE, OVERLAP, AFFECTED, KEEP]], np.uint8)
    remove, affected = roles_from_levels(levels)
    assert remove.tolist() == [[1, 1, 0, 0]]
    assert affected.tolist() == [[0, 1, 1, 0]]
    assert remove.dtype == affected.dtype == np.float32
    np.testing.assert_array_equal(quadmask_from_roles(remove, affected), levels)


def test_jittered_levels_of_a_compressed_movie() -> None:
    remove, affected = roles_from_levels(np.array([[4, 58, 133, 249]], np.uint8))
    assert remove.tolist() == [[1, 1, 0, 0]]
    assert affected.tolist() == [[0, 1, 1, 0]]


@pytest.mark.parametrize(
    ("height", "width", "pixel_aspect", "shape"),
    [
        (384, 672, 1.0, (8, 14)),
        (2160, 3840, 1.0, (8, 14)),
        (720, 1296, 1.0, (8, 14)),
        (512, 512, 1.0, (8, 8)),
        (672, 384, 1.0, (14, 8)),
        (1556, 1828, 2.0, (8, 19)),
        (5, 3, 1.0, (5, 3)),
    ],
)
def test_grid_of_a_picture(height: int, width: int, pixel_aspect: float, shape: tuple[int, int]) -> None:
    assert grid_shape(height, width, pixel_aspect) == shape


def test_one_pixel_makes_a_whole_cell() -> None:
    affected = np.zeros((384, 672), bool)
    affected[100, 200] = True
    snapped = snap_to_grid(affected)
    expected = np.zeros_like(affected)
    expected[96:144, 192:240] = True
    np.testing.assert_array_equal(snapped, expected)


def test_cells_of_uneven_size_cover_the_picture() -> None:
    # The published 4K mattes have their borders at floor(column * 3840 / 14).
    affected = np.zeros((2160, 3840), bool)
    affected[300, 2800] = True
    affected[1000, 3200] = True
    columns = np.flatnonzero(snap_to_grid(affected).any(axis=0))
    rows = np.flatnonzero(snap_to_grid(affected).any(axis=1))
    assert (columns[0], columns[-1] + 1) == (2742, 3291)
    assert (rows[0], rows[-1] + 1) == (270, 1080)
    assert snap_to_grid(np.ones((101, 67), bool)).all()
    assert not snap_to_grid(np.zeros((101, 67), bool)).any()


@pytest.mark.parametrize("pixel_aspect", [1.0, 2.0, 0.5])
@pytest.mark.parametrize(("height", "width"), [(97, 211), (101, 67), (64, 64), (130, 135), (9, 30)])
def test_each_pixel_takes_its_own_cell_and_no_other(height: int, width: int, pixel_aspect: float) -> None:
    """Cell borders lie at floor(index * side / cells), also where the cells do not divide the side."""
    rows, columns = grid_shape(height, width, pixel_aspect)
    tops = [index * height // rows for index in range(rows + 1)]
    lefts = [index * width // columns for index in range(columns + 1)]
    for row, column in {(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 3), (1, columns - 2)}:
        expected = np.zeros((height, width), bool)
        expected[tops[row] : tops[row + 1], lefts[column] : lefts[column + 1]] = True
        for y in {tops[row], tops[row + 1] - 1}:
            for x in {lefts[column], lefts[column + 1] - 1}:
                affected = np.zeros((height, width), bool)
                affected[y, x] = True
                np.testing.assert_array_equal(snap_to_grid(affected, pixel_aspect), expected)


def test_anamorphic_pixels_have_their_own_cells_in_the_quadmask() -> None:
    remove, affected = np.zeros((2, 64, 64), np.float32)
    affected[20, 20] = 1
    widths = {}
    for pixel_aspect in (1.0, 2.0, 0.5):
        made = build_quadmask(remove, affected, is_first_frame=False, pixel_aspect=pixel_aspect)
        rows, columns = np.nonzero(made == AFFECTED)
        widths[pixel_aspect] = (np.ptp(columns) + 1, np.ptp(rows) + 1)
    # A pixel of twice the width fills a square cell with half as many.
    assert widths == {1.0: (8, 8), 2.0: (4, 8), 0.5: (8, 4)}


def test_snapping_only_adds_and_is_idempotent() -> None:
    affected = np.random.default_rng(3).random((97, 211)) > 0.9995
    assert affected.any()
    snapped = snap_to_grid(affected)
    assert (snapped | ~affected).all()
    assert not snapped.all()
    np.testing.assert_array_equal(snap_to_grid(snapped), snapped)


def test_first_frame_has_no_affected_level() -> None:
    remove, affected = np.zeros((2, 64, 112), np.float32)
    remove[4:20, 10:20] = 1
    affected[15:25, 15:25] = 0.4
    first = build_quadmask(remove, affected, is_first_frame=True)
    assert set(np.unique(first)) == {REMOVE, KEEP}
    np.testing.assert_array_equal(first == REMOVE, remove == 1)
    kept = build_quadmask(remove, affected, is_first_frame=True, clear_first=False)
    np.testing.assert_array_equal(kept, build_quadmask(remove, affected, is_first_frame=False))
    kept_without_it = {REMOVE: REMOVE, OVERLAP: REMOVE, AFFECTED: KEEP, KEEP: KEEP}
    np.testing.assert_array_equal(np.vectorize(kept_without_it.get)(kept), first)
    assert set(np.unique(kept)) == {REMOVE, OVERLAP, AFFECTED, KEEP}


def test_snapped_quadmask_keeps_the_removal_exact() -> None:
    remove, affected = np.zeros((2, 64, 112), np.float32)
    remove[10:20, 10:20] = 1
    affected[15:25, 15:25] = 1
    plain = build_quadmask(remove, affected, is_first_frame=False, snap=False)
    snapped = build_quadmask(remove, affected, is_first_frame=False)
    np.testing.assert_array_equal(plain, quadmask_from_roles(remove, affected))
    removed = np.isin(snapped, (REMOVE, OVERLAP))
    np.testing.assert_array_equal(removed, remove == 1)
    is_affected = np.isin(snapped, (OVERLAP, AFFECTED))
    assert is_affected[8:32, 8:32].all()
    assert is_affected.sum() == 24 * 24


def test_sizes_must_agree() -> None:
    with pytest.raises(MatteError, match=r"4x3.*5x3"):
        build_quadmask(np.zeros((3, 4), np.float32), np.zeros((3, 5), np.float32), is_first_frame=False)
    with pytest.raises(MatteError, match="one channel"):
        quadmask_from_roles(np.zeros((3, 4, 3), np.float32), np.zeros((3, 4, 3), np.float32))


def test_overlay_colours() -> None:
    picture = np.full((1, 4, 3), 0.25, np.float32)
    levels = np.array([[REMOVE, OVERLAP, AFFECTED, KEEP]], np.uint8)
    shown = overlay(picture, levels)[0]
    assert shown[0].argmax() == 0
    assert shown[0][1] < 0.25  # The pixel is red.
    assert min(shown[1][0], shown[1][1]) > 2 * shown[1][2]  # The pixel is amber.
    assert shown[2].argmax() == 2  # The pixel is blue.
    np.testing.assert_array_equal(shown[3], picture[0, 3])
    np.testing.assert_array_equal(picture, np.float32(0.25))
    np.testing.assert_array_equal(overlay(picture, levels, opacity=0.0), picture)
    with pytest.raises(MatteError, match="one size"):
        overlay(picture, levels.T)


def _tensor(path: Path, name: str) -> np.ndarray:
    """Read a tensor of a safetensors file: 8 bytes of header length, a JSON header, little-endian data."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8 : 8 + length])[name]
    start, end = entry["data_offsets"]
    dtype = {"U8": np.uint8, "F32": np.float32}[entry["dtype"]]
    return np.frombuffer(data[8 + length + start : 8 + length + end], dtype).reshape(entry["shape"])
