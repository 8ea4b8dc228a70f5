"""A folder takes another's place, or nothing has happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.folder_swap import replaced


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    folder = tmp_path / "plug in"
    folder.mkdir()
    (folder / "old").touch()
    return folder


def test_the_new_folder_takes_the_olds_place(ours: Path) -> None:
    for leftover in (".plug in.new", ".plug in.old"):
        (ours.parent / leftover / "from a run that was ended").mkdir(parents=True)
    with replaced(ours) as fresh:
        assert not fresh.exists()
        fresh.mkdir()
        (fresh / "new").touch()
        assert (ours / "old").exists()

    assert [path.name for path in ours.iterdir()] == ["new"]
    assert list(ours.parent.iterdir()) == [ours]


def test_where_nothing_was_it_is_put(tmp_path: Path) -> None:
    with replaced(tmp_path / "first") as fresh:
        fresh.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_what_fails_leaves_the_old_one_alone(ours: Path) -> None:
    def fail() -> None:
        with replaced(ours) as fresh:
            fresh.mkdir()
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()

    assert [path.name for path in ours.iterdir()] == ["old"]
    assert list(ours.parent.iterdir()) == [ours]


def test_the_old_one_comes_back_where_the_new_one_cannot_be_moved(ours: Path) -> None:
    with pytest.raises(FileNotFoundError), replaced(ours):
        pass  # there is nothing to move

    assert [path.name for path in ours.iterdir()] == ["old"]
    assert list(ours.parent.iterdir()) == [ours]
