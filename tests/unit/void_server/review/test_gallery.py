from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.review_case import FIRST, HEIGHT, LAST, WIDTH, plate_pixels, result_pixels, reviewed_job
from void_engine.errors import PlateError
from void_server.review.catalogue import review_shots
from void_server.review.gallery import Gallery, PictureKey
from void_server.review.pictures import ShotPictures
from void_server.review.shown import ReviewView


def read(path: Path | None) -> np.ndarray:
    assert path is not None
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return picture[..., ::-1] if picture.shape[2] == 3 else picture[..., [2, 1, 0, 3]]


def test_pictures_show_plate_result_and_layers(tmp_path: Path) -> None:
    (shot,) = review_shots([reviewed_job(tmp_path)])
    view = ReviewView.named()
    with ShotPictures(shot) as pictures:
        gallery = Gallery(tmp_path / "page", pictures, view, 1280)
        assert gallery.size == (WIDTH, HEIGHT)
        assert pictures.fps() == 12.0
        newest = shot.versions[-1]
        plate = gallery.make(PictureKey("plate", FIRST))
        assert plate == tmp_path / "page/shots/glass/plate/1001.png"
        assert (read(plate) == view.shown(plate_pixels(FIRST))).all()
        result = gallery.make(PictureKey("result", FIRST, newest))
        assert result == tmp_path / "page/shots/glass/v002/result/1001.png"
        assert (read(result) == view.shown(result_pixels(FIRST, 2))).all()
        matte = read(gallery.make(PictureKey("matte", FIRST, newest)))
        assert (matte[10, 20, 3], matte[0, 0, 3]) == (115, 0)
        told = read(gallery.make(PictureKey("confidence", FIRST, newest)))
        assert [tuple(told[row, 20, :3]) for row in (9, 17, 22)] == [
            (46, 160, 67),
            (230, 160, 20),
            (220, 40, 60),
        ]
        keys = {(key.kind, key.frame, key.version and key.version.key) for key in gallery.all_keys()}
        assert ("result", LAST, "v001") in keys
        assert ("result", LAST, "v002") not in keys
        with pytest.raises(PlateError):
            gallery.make(PictureKey("result", LAST, newest))


def test_a_picture_is_made_again_when_what_it_shows_is_another(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    (shot,) = review_shots([job])
    with ShotPictures(shot) as pictures:
        gallery = Gallery(tmp_path / "page", pictures, ReviewView.named(), 24)
        key = PictureKey("result", FIRST, shot.versions[-1])
        path = gallery.make(key)
        assert read(path).shape == (16, 24, 3)
        before = path.stat().st_ino
        assert gallery.make(key).stat().st_ino == before
        os.utime(pictures.file(key.version, FIRST), ns=(1, 1))  # also an older one is another
        assert gallery.make(key).stat().st_ino != before
        assert not list(path.parent.glob(".*"))
        assert gallery.thumbnail() == "shots/glass/thumbnail.jpg"
        assert (tmp_path / "page/shots/glass/thumbnail.jpg").stat().st_size > 100
