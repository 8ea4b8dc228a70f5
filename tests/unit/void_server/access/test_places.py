from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from void_protocol.job import Anchors, Format, Matte, Output, RemovalJob, Shot
from void_server.access import places as places_module
from void_server.access.allowed_paths import PathRules
from void_server.access.places import PlaceFinder, Places, find_places
from void_server.errors import RequestRefused


def job_with(plate: Path, output: Path, matte: Path | None = None, frames: int = 2) -> RemovalJob:
    return RemovalJob(
        shot=Shot(
            name="s", plate=str(plate), first_frame=1, last_frame=frames, format=Format(width=8, height=8)
        ),
        mattes=[] if matte is None else [Matte(role="remove", pattern=str(matte))],
        anchors=Anchors(pattern=str(plate), frames=[1]),
        output=Output(pattern=str(output), version=3),
    )


def find(job: RemovalJob, *roots: Path, anywhere: bool = False) -> Places:
    allowed = None if anywhere else roots
    return find_places(
        job, "paths", "paths", PathRules("read_roots", allowed), PathRules("output_roots", allowed)
    )


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    root, outside = tmp_path.resolve() / "root", tmp_path.resolve() / "outside"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "p.1.exr").write_bytes(b"x")
    return root, outside


def test_links_are_followed_once(folders: tuple[Path, Path], tmp_path: Path) -> None:
    root, _ = folders
    (tmp_path / "link").symlink_to(root)
    (root / "store").mkdir()
    (root / "store" / "a.exr").write_bytes(b"x")
    (root / "p.2.exr").symlink_to(root / "store" / "a.exr")
    job = job_with(tmp_path / "link" / "p.%d.exr", tmp_path / "link" / "new" / "o_{version}.%d.exr")
    assert find(job, root) == Places(
        plate=str(root / "p.%d.exr"),
        anchors=str(root / "p.%d.exr"),
        output=str(root / "new" / "o_v003.%d.exr"),
        linked_folders=[str(root / "store")],
    )
    streamed = find_places(job, "streamed", "streamed", PathRules("r", ()), PathRules("o", ()))
    assert streamed == Places()


def test_every_file_of_a_job_is_checked(folders: tuple[Path, Path]) -> None:
    root, outside = folders
    job = job_with(root / "p.%d.exr", root / "o.%d.exr")
    find(job, root)  # frame 2 is late, which is no offence
    (root / "p.2.exr").symlink_to(outside / "p.1.exr")
    with pytest.raises(RequestRefused, match=r"p\.2\.exr is outside the folders.*read_roots"):
        find(job, root)
    assert find(job, anywhere=True).linked_folders == [str(outside)]
    with pytest.raises(RequestRefused, match="read_roots"):
        find(job_with(outside / "p.%d.exr", root / "o.%d.exr"), root)
    with pytest.raises(RequestRefused, match="read_roots"):
        find(job_with(root / "p.1.exr", root / "o.%d.exr", matte=outside / "m.exr"), root)
    with pytest.raises(RequestRefused, match="output_roots"):
        find(job_with(root / "p.1.exr", outside / "o.%d.exr"), root)


def test_links_into_a_folder_whose_name_begins_like_the_roots_lead_out(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    sibling = root.with_name("root2")
    sibling.mkdir()
    (sibling / "p.1.exr").write_bytes(b"x")
    (root / "linked").symlink_to(sibling)
    (root / "p.2.exr").symlink_to(sibling / "p.1.exr")
    for plate in (root / "linked" / "p.%d.exr", sibling / "p.%d.exr", root / "p.%d.exr"):
        with pytest.raises(RequestRefused, match="read_roots"):
            find(job_with(plate, root / "o.%d.exr"), root)
    for output in (root / "linked" / "o.%d.exr", root / "linked" / "new" / "o.%d.exr", sibling / "o.%d.exr"):
        with pytest.raises(RequestRefused, match="output_roots"):
            find(job_with(root / "p.1.exr", output, frames=1), root)


def test_a_path_from_some_other_current_folder_is_refused(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    job = job_with(root / "p.1.exr", root / "o.%d.exr", frames=1)
    without_anchors = msgspec.structs.replace(job, anchors=None)
    for patched in (
        msgspec.structs.replace(job, output=Output(pattern="o.%d.exr")),
        msgspec.structs.replace(job, output=Output(pattern="../o/o.%d.exr")),
        msgspec.structs.replace(job, anchors=Anchors(pattern="a.%d.exr", frames=[1])),
        msgspec.structs.replace(job, mattes=[Matte(role="remove", pattern="m.exr")]),
        msgspec.structs.replace(
            without_anchors, shot=msgspec.structs.replace(job.shot, plate="plates/p.1.exr")
        ),
    ):
        for anywhere in (True, False):
            with pytest.raises(RequestRefused, match="is not absolute"):
                find(patched, root, anywhere=anywhere)


def test_only_regular_files_are_read(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    (root / "p.2.exr").mkdir()
    with pytest.raises(RequestRefused, match=r"p\.2\.exr is not a regular file"):
        find(job_with(root / "p.%d.exr", root / "o.%d.exr"), root)
    (root / "p.2.exr").rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "p.2.exr")
        with pytest.raises(RequestRefused, match=r"p\.2\.exr is not a regular file"):
            find(job_with(root / "p.%d.exr", root / "o.%d.exr"), root)


def test_a_job_outside_learns_nothing_of_what_is_there(folders: tuple[Path, Path]) -> None:
    root, outside = folders
    (outside / "folder.exr").mkdir()
    (outside / "circle.exr").symlink_to(outside / "circle.exr")
    (root / "to-folder").symlink_to(outside)
    texts = set()
    for path in (
        outside / "p.1.exr",
        outside / "folder.exr",
        outside / "circle.exr",
        outside / "none.exr",
        outside / "none" / "none.exr",
        outside / "p.1.exr" / "none.exr",
        root / "to-folder" / "p.1.exr",
        root / "to-folder" / "none.exr",
        Path("/dev/zero"),
        Path("/dev/none"),
    ):
        with pytest.raises(RequestRefused) as caught:
            find(job_with(path, root / "o.%d.exr"), root)
        texts.add(str(caught.value).replace(str(path.parent), "FOLDER"))
    assert len(texts) == 1, texts


def test_links_into_many_folders_are_bounded(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = folders
    monkeypatch.setattr(places_module, "_LINKED_FOLDERS", 2)
    for number in range(2, 6):
        (root / str(number)).mkdir()
        (root / f"p.{number}.exr").symlink_to(root / str(number) / "x.exr")
    find(job_with(root / "p.%d.exr", root / "o.%d.exr", frames=3), root)
    with pytest.raises(RequestRefused, match="links into more than 2 folders"):
        find(job_with(root / "p.%d.exr", root / "o.%d.exr", frames=5), root)


def test_a_link_to_a_folder_that_reads_like_a_pattern_is_refused(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    for number, name in enumerate(("at %04d", "at {version}")):
        (root / name).mkdir()
        (root / f"link{number}").symlink_to(root / name)
        with pytest.raises(RequestRefused, match="frame token in its name"):
            find(job_with(root / f"link{number}" / "p.%d.exr", root / "o.%d.exr"), root)


def test_jobs_that_are_accepted_together_have_each_folder_resolved_once(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, outside = folders
    asked: list[Path] = []
    resolve = PathRules.resolve
    monkeypatch.setattr(
        PathRules, "resolve", lambda rules, named: asked.append(named) or resolve(rules, named)
    )
    finder = PlaceFinder(PathRules("read_roots", (root, outside)), PathRules("output_roots", (root,)))
    places = [
        finder.find(job_with(root / "p.%d.exr", root / f"o{number}.%d.exr", frames=1), "paths", "paths")
        for number in range(3)
    ]
    assert [each.output for each in places] == [str(root / f"o{number}.%d.exr") for number in range(3)]
    assert {each.plate for each in places} == {str(root / "p.%d.exr")}
    assert asked == [root, root]  # once to read there, once to write there
    # What may be read there may not be written there because of that, and no job gets in by another.
    for _ in range(2):
        with pytest.raises(RequestRefused, match="output_roots"):
            finder.find(job_with(outside / "p.%d.exr", outside / "o.%d.exr", frames=1), "paths", "paths")
    assert asked[2:] == [outside, outside, outside]
    # Links of single files are followed for each job, whatever is known of their folder.
    (outside / "q.1.exr").symlink_to(root / "p.1.exr")
    (root / "q.1.exr").symlink_to(root.parent)
    assert finder.find(job_with(outside / "q.%d.exr", root / "o.%d.exr", frames=1), "paths", "paths")
    with pytest.raises(RequestRefused, match="read_roots"):
        finder.find(job_with(root / "q.%d.exr", root / "o.%d.exr", frames=1), "paths", "paths")


@pytest.mark.parametrize("end", ["p.%d.exr", "./p.%d.exr", "/p.%d.exr", "new/../p.%d.exr", "p.%d/", "p.%d/."])
def test_a_pattern_is_split_as_paths_are(folders: tuple[Path, Path], end: str) -> None:
    root, _ = folders
    pattern = f"{root}/{end}"
    finder = PlaceFinder(PathRules("read_roots", None), PathRules("output_roots", None))
    job = msgspec.structs.replace(job_with(root, root), output=Output(pattern=pattern))
    place = finder.find(job, "streamed", "paths").output
    assert place == str(Path(pattern).parent.resolve() / Path(pattern).name)
