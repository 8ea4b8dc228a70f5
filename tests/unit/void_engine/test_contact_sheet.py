from pathlib import Path

import cv2
import numpy as np
import pytest

from void_engine.contact_sheet import (
    SheetView,
    contact_sheet,
    difference_column,
    overlay_column,
    picture_column,
    save_picture,
)
from void_engine.errors import OutputError, PlateError
from void_engine.quadmask import KEEP, REMOVE


def grey(value: float, rows: int = 60, columns: int = 100):
    return lambda frame: np.full((rows, columns, 3), value, np.float32)


def first_picture(sheet: np.ndarray, width: int, height: int) -> np.ndarray:
    """Cut out the sheet's first picture, below the column titles and after the margin."""
    background = (sheet == sheet[0, 0]).all(axis=2)
    full_rows = np.flatnonzero(~background[:, 20 : 20 + width].any(axis=1))
    return sheet[full_rows[0] : full_rows[0] + height, 20 : 20 + width]


def test_highlights_keep_their_shape_and_shadows_their_srgb() -> None:
    shown = SheetView().show(
        np.array([[[0.0, 0.05, 0.18], [1.0, 5.0, 10.0], [20.0, 90.0, np.nan]]], np.float32)
    )
    dark, bright, top = shown[0]
    assert dark == pytest.approx([0.0, 0.2478, 0.4614], abs=0.002)
    assert bright[0] < bright[1] - 0.02 < bright[2] - 0.03 < top[0] - 0.03
    assert list(top) == [1.0, 1.0, 0.0]


def test_exposure_opens_up() -> None:
    light = np.full((1, 1, 3), 0.045, np.float32)
    assert SheetView(exposure_stops=2).show(light)[0, 0, 0] == pytest.approx(0.4614, abs=0.002)


def test_sheet_has_a_row_for_each_frame_and_a_column_for_each_look() -> None:
    columns = [picture_column("plate", grey(0.18)), picture_column("clean", grey(0.5))]
    one = contact_sheet(columns, [1001], picture_width=100)
    two = contact_sheet(columns, [1001, 1002], picture_width=100)
    assert one.dtype == np.uint8
    assert one.shape[1] == 2 * 20 + 2 * 100 + 10
    assert two.shape[0] - one.shape[0] == 60 + 10
    picture = first_picture(one, 100, 60)
    assert (picture[5, 50] == round(0.4614 * 255)).all()


def test_frame_number_and_titles_are_written() -> None:
    def sheet(number: int, title: str) -> np.ndarray:
        return contact_sheet([picture_column(title, grey(0.18))], [number], picture_width=100)

    assert not np.array_equal(sheet(1001, "plate"), sheet(1002, "plate"))
    assert not np.array_equal(sheet(1001, "plate"), sheet(1001, "clean"))
    low = first_picture(sheet(1001, "plate"), 100, 60)[45:, :40]
    assert low.max() > 150
    assert low.min() < 60


def test_title_and_notes_add_lines() -> None:
    columns = [picture_column("plate", grey(0.18))]
    plain = contact_sheet(columns, [1], picture_width=100)
    told = contact_sheet(columns, [1], picture_width=100, title="demo", notes=["PSNR 40 dB"])
    assert told.shape[0] > plain.shape[0] + 30


def test_pixel_aspect_is_honoured() -> None:
    columns = [picture_column("plate", grey(0.18))]
    square = contact_sheet(columns, [1], picture_width=100)
    wide = contact_sheet(columns, [1], picture_width=100, pixel_aspect=2.0)
    assert square.shape[0] - wide.shape[0] == 30


def test_difference_is_black_where_equal_and_amplified_elsewhere() -> None:
    def half(frame: int) -> np.ndarray:
        picture = grey(0.18)(frame)
        picture[:, 50:] = 0.2
        return picture

    shown = difference_column("x4", grey(0.18), half).show(1, SheetView())
    assert (shown[:, :50] == 0).all()
    expected = 4 * (1.055 * 0.2 ** (1 / 2.4) - 1.055 * 0.18 ** (1 / 2.4))
    assert shown[:, 50:] == pytest.approx(expected, abs=0.004)


def test_quadmask_is_laid_over() -> None:
    def quadmask(frame: int) -> np.ndarray:
        levels = np.full((60, 100), KEEP, np.uint8)
        levels[:, 50:] = REMOVE
        return levels

    sheet = contact_sheet([overlay_column("mask", grey(0.18), quadmask)], [1], picture_width=100)
    picture = first_picture(sheet, 100, 60)
    kept, removed = picture[5, 20].astype(int), picture[5, 80].astype(int)
    assert np.ptp(kept) == 0
    assert removed[0] > removed[1] + 60


def test_pictures_larger_than_life_are_allowed() -> None:
    sheet = contact_sheet([picture_column("p", grey(0.18, 30, 50))], [1], picture_width=100)
    assert (first_picture(sheet, 100, 60)[5, 50] == round(0.4614 * 255)).all()


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        contact_sheet([], [1])
    with pytest.raises(ValueError, match="frames"):
        contact_sheet([picture_column("p", grey(0.1))], [])


def test_png_comes_back_the_same(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)
    path = tmp_path / "blätter.png"
    save_picture(path, picture)
    back = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(back[..., ::-1], picture)


def test_a_png_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "sheet.png"
    with pytest.raises(PlateError, match="nowhere"):
        save_picture(path, np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "begins"), [("s.jpg", b"\xff\xd8"), ("s.PNG", b"\x89PNG"), ("s.tif", b"II")]
)
def test_a_sheet_is_what_its_name_says(
    tmp_path: Path, name: str, begins: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    save_picture(tmp_path / name, np.zeros((8, 8, 3), np.uint8))
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert capfd.readouterr() == ("", "")  # OpenCV complains there


def test_another_ending_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.jpg"):
        save_picture(tmp_path / "s.exr", np.zeros((8, 8, 3), np.uint8))
