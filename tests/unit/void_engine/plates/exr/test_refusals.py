from __future__ import annotations

from pathlib import Path

import pytest

from void_engine.errors import PlateError, RefusedFileError
from void_engine.plates.exr.header_limits import ListedChannel, PartOutline
from void_engine.plates.exr.refusals import refuse_by_header, unreadable


def _outline(*names: bytes, share: int = 1) -> list[PartOutline]:
    return [PartOutline(channels=[ListedChannel(name, share, share) for name in names])]


def test_luma_and_chroma_are_told_from_a_layer_of_such_a_name() -> None:
    with pytest.raises(PlateError, match="luma and chroma"):
        refuse_by_header(_outline(b"BY", b"RY", b"Y"), "frame 1")
    refuse_by_header(_outline(b"B", b"G", b"R", b"RY", b"motion.RY"), "frame 1")
    refuse_by_header(_outline(b"Y"), "frame 1")


def test_subsampled_channels_are_called_so() -> None:
    with pytest.raises(PlateError, match=r"channel 'B' at 1/2 of the size \(subsampled\)") as failure:
        refuse_by_header(_outline(b"B", b"G", b"R", share=2), "frame 1")
    assert "luma" not in str(failure.value)


def test_a_cube_map_is_no_plate() -> None:
    with pytest.raises(PlateError, match="environment map of six faces"):
        refuse_by_header([PartOutline(is_cube_map=True)], "frame 1")


@pytest.mark.parametrize(
    ("reason", "says", "is_limit"),
    [
        (
            "EXR Error (a.exr): EXR_ERR_MISSING_REQ_ATTR 'channels' attribute not found",
            "has no 'channels'",
            False,
        ),
        (
            "EXR Error (a.exr): EXR_ERR_READ_IO End of file attempting to read header",
            "it ends too early",
            False,
        ),
        (
            "EXR Error (a.exr): EXR_ERR_FILE_BAD_HEADER At least one channel required\nmore",
            "at least one",
            False,
        ),
        ("EXR Error (\x1b[31m): EXR_ERR_INVALID_ATTR Bad \x1b[31m\n", "not valid: bad", False),
        (
            'openexr image dimension 1x452984833 exceeds "limits:resolution" = 1048576 for a single.',
            "it says 1x452984833 pixels, at most 1048576",
            True,
        ),
        ("", "no reason was given", False),
    ],
)
def test_a_library_s_confusion_becomes_one_line(reason: str, says: str, is_limit: bool) -> None:
    error = unreadable(Path("a.exr"), 7, reason)
    assert says in str(error)
    assert str(error).isprintable()
    assert "EXR_ERR" not in str(error)
    assert isinstance(error, RefusedFileError) == is_limit
