from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from void_server.access import allowed_paths
from void_server.access import open_folder as open_folder_module
from void_server.access.allowed_paths import (
    PathRules,
    open_allowed,
    open_result,
    opened_exr,
    opened_folder,
    reading_rules,
    writing_rules,
)
from void_server.access.open_folder import OpenFolder
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings

ANYWHERE = PathRules("read_roots", None)
EXR = b"\x76\x2f\x31\x01"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A root and a folder beside it, each with a file."""
    root, outside = tmp_path.resolve() / "root", tmp_path.resolve() / "outside"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "r.exr").write_bytes(EXR + b"x")
    return root, outside


def test_links_do_not_lead_out_of_the_roots(folders: tuple[Path, Path]) -> None:
    root, outside = folders
    (root / "link.exr").symlink_to(outside / "r.exr")
    (root / "folder").symlink_to(outside)
    rules = PathRules("read_roots", (root,))
    assert rules.resolve(root / "new" / "deep") == root / "new" / "deep"
    assert rules.resolve(root / "r.exr") == root / "r.exr"
    for path in (outside / "r.exr", root / "link.exr", root / "folder" / "r.exr", root / ".." / "outside"):
        with pytest.raises(
            RequestRefused, match=r"outside the folders that this server may use \(read_roots\)"
        ):
            rules.resolve(path)
        ANYWHERE.resolve(path)
    for relative in ("plate.exr", "", ".", "../plate.exr", "folder/plate.exr"):
        for each in (ANYWHERE, rules):
            with pytest.raises(RequestRefused, match="is not absolute") as caught:
                each.resolve(Path(relative))
            assert caught.value.code == "refused_path"


def test_a_folder_beside_a_root_is_outside_even_where_its_name_begins_alike(
    folders: tuple[Path, Path],
) -> None:
    root, _ = folders
    longer, shorter = root.with_name("root2"), root.with_name("roo")
    for folder in (longer, shorter):
        folder.mkdir()
        (folder / "r.exr").write_bytes(EXR)
    (root / "folder").symlink_to(longer)
    (root / "link.exr").symlink_to(longer / "r.exr")
    rules = PathRules("read_roots", (root,))
    for path in (longer, longer / "r.exr", shorter / "r.exr", root / "folder" / "r.exr", root / "link.exr"):
        with pytest.raises(RequestRefused, match="read_roots"):
            rules.resolve(path)
    # The same of a folder that is closed: its neighbours are open.
    closed = PathRules("read_roots", None, (root,))
    assert closed.resolve(longer / "r.exr") == longer / "r.exr"
    assert closed.resolve(root.parent) == root.parent
    with pytest.raises(RequestRefused, match="home"):
        closed.resolve(root / "r.exr")


def test_any_one_of_several_roots_is_enough(folders: tuple[Path, Path]) -> None:
    root, outside = folders
    rules = PathRules("read_roots", (root, outside))
    for folder in folders:
        assert rules.resolve(folder / "r.exr") == folder / "r.exr"
        assert rules.resolve(folder) == folder
    with pytest.raises(RequestRefused, match="read_roots"):
        rules.resolve(root.parent / "r.exr")


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("system_tells", [True, False])
def test_what_is_exchanged_between_check_and_opening_leads_nowhere(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, what: str, system_tells: bool
) -> None:
    root, outside = folders
    (root / "deep").mkdir()
    (root / "deep" / "r.exr").write_bytes(EXR)
    path, opened = root / "deep" / "r.exr", allowed_paths.open_regular

    def exchange(named: Path, **options: bool) -> object:
        path.unlink()
        if what == "file":
            path.symlink_to(outside / "r.exr")
        else:
            path.parent.rmdir()
            path.parent.symlink_to(outside)
        return opened(named, **options)

    monkeypatch.setattr(allowed_paths, "open_regular", exchange)
    if not system_tells:  # as on Windows
        monkeypatch.setattr(allowed_paths, "real_path", lambda descriptor: None)
    with pytest.raises(RequestRefused, match="read_roots"):
        open_allowed(path, PathRules("read_roots", (root,)))


@pytest.mark.parametrize("holds_folders", [True, False])
def test_a_folder_that_is_exchanged_before_it_is_opened_leads_nowhere(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, holds_folders: bool
) -> None:
    root, outside = folders
    out, opened = root / "out", allowed_paths.open_folder
    out.mkdir()
    if not holds_folders:  # as on Windows
        monkeypatch.setattr(open_folder_module, "_HAS_FOLDERS", False)
    rules = PathRules("output_roots", (root,))
    with opened_folder(out, rules) as folder:
        assert folder.path == out

    def exchange(path: Path) -> AbstractContextManager[OpenFolder]:
        path.rmdir()
        path.symlink_to(outside)
        return opened(path)

    monkeypatch.setattr(allowed_paths, "open_folder", exchange)
    with pytest.raises(RequestRefused, match="output_roots"), opened_folder(out, rules):
        pytest.fail("the folder outside was handed out")


def test_paths_outside_are_refused_in_the_same_words_whatever_is_there(folders: tuple[Path, Path]) -> None:
    root, outside = folders
    (outside / "circle").symlink_to(outside / "circle")
    (outside / "closed").mkdir(mode=0)
    rules = PathRules("read_roots", (root,))
    texts = set()
    for name in ("r.exr", "not-there.exr", "circle", "circle/r.exr", "closed/r.exr", "r.exr/below", "."):
        path = outside / name
        for refuse in (lambda path: rules.resolve(path), lambda path: open_allowed(path, rules)):
            with pytest.raises(RequestRefused) as caught:
                refuse(path)
            texts.add((caught.value.code, str(caught.value).replace(str(path), "PATH")))
    for path in (Path("/dev/zero"), Path("/dev/not-there")):
        with pytest.raises(RequestRefused) as caught:
            open_allowed(path, rules)
        texts.add((caught.value.code, str(caught.value).replace(str(path), "PATH")))
    assert len(texts) == 1, texts


def test_paths_that_cannot_be_followed_are_refused_in_few_words(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    rules = PathRules("read_roots", (tmp_path / "root",))
    for path in (tmp_path / ("x" * 3000) / "p.exr", tmp_path / "circle" / "p.exr"):
        with pytest.raises(RequestRefused) as caught:
            rules.resolve(path)
        assert caught.value.code == "refused_path"
        assert len(str(caught.value)) < 700


@pytest.mark.parametrize("roots", [(), ("elsewhere",), ("home",)])
def test_the_servers_own_home_is_closed_to_jobs(tmp_path: Path, roots: tuple[str, ...]) -> None:
    """It holds others' plates and results, and keys. That holds also for a root around it."""
    home = tmp_path.resolve() / "home"
    (home / "jobs" / "other").mkdir(parents=True)
    (home / "jobs" / "other" / "plate.exr").write_bytes(EXR)
    (tmp_path / "link").symlink_to(home / "jobs" / "other")
    (tmp_path / "elsewhere").mkdir()
    named = tuple((tmp_path / name).resolve() for name in roots if name != "home")
    around = (tmp_path.resolve(),) if roots == ("home",) else named
    settings = ServerSettings(home=home, read_roots=around, output_roots=around)
    for rules in (reading_rules(settings), writing_rules(settings)):
        for path in (home / "jobs" / "other" / "plate.exr", tmp_path / "link" / "plate.exr", home):
            what = "outside the folders" if around else "in the server's own home, which no job may use"
            with pytest.raises(RequestRefused, match=what):
                rules.resolve(path)
        with pytest.raises(RequestRefused), opened_folder(tmp_path / "link", rules):
            pass


def test_what_is_opened_lies_below_the_roots(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, outside = folders
    (root / "link.exr").symlink_to(outside / "r.exr")
    rules = PathRules("read_roots", (root,))
    with open_allowed(root / "r.exr", rules) as file:
        assert file.read() == EXR + b"x"
    # Its name is checked in one moment and opened in the next.
    monkeypatch.setattr(PathRules, "resolve", lambda self, path: path)
    with pytest.raises(RequestRefused, match="read_roots"):
        open_allowed(root / "link.exr", rules)
    monkeypatch.setattr(allowed_paths, "real_path", lambda descriptor: None)  # as on Windows
    with pytest.raises(RequestRefused, match="read_roots"):
        open_allowed(root / "link.exr", rules)
    with open_allowed(root / "r.exr", rules) as file:
        (root / "r.exr").unlink()
        (root / "r.exr").symlink_to(outside / "r.exr")
        with pytest.raises(RequestRefused, match="was exchanged while it was opened"):
            allowed_paths.real_of(file, root / "r.exr")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("kind", ["pipe", "zero", "folder", "socket"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path.resolve() / "r.exr"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(RequestRefused, match="is not a regular file"):
        open_allowed(path, ANYWHERE)
    with pytest.raises(RequestRefused, match="is not a regular file any more"):
        open_result(path.parent, path.name)


def test_a_result_is_sent_from_its_own_folder_only(folders: tuple[Path, Path]) -> None:
    root, outside = folders
    with open_result(root, "r.exr") as file:
        assert file.read() == EXR + b"x"
    (root / "link.exr").symlink_to(root / "r.exr")
    with pytest.raises(RequestRefused, match="is not a regular file any more"):
        open_result(root, "link.exr")
    root.rename(root.with_name("moved"))
    root.symlink_to(outside)
    with pytest.raises(RequestRefused, match=r"the folder of r\.exr is not the one any more"):
        open_result(root, "r.exr")


def test_only_exr_files_are_opened_for_proof(tmp_path: Path) -> None:
    plate, secret = tmp_path / "plate.exr", tmp_path / "secret"
    plate.write_bytes(EXR + b"abc")
    secret.write_bytes(b"a password")
    with opened_exr(plate, ANYWHERE) as file:
        assert file.read() == plate.read_bytes()
    for path in (secret, tmp_path):
        with (
            pytest.raises(RequestRefused, match=r"is not an EXR file|is not a regular file"),
            opened_exr(path, ANYWHERE),
        ):
            pass
    with pytest.raises(FileNotFoundError), opened_exr(tmp_path / "none.exr", ANYWHERE):
        pass
    with pytest.raises(RequestRefused, match="read_roots"), opened_exr(plate, PathRules("read_roots", ())):
        pass


@pytest.mark.parametrize("length", [20, 299, 300, 301, 4000])
def test_a_path_in_an_error_is_no_longer_than_real_ones(length: int) -> None:
    text = "/" + "a" * (length - 1)
    assert allowed_paths.shown(Path(text)) == (text if length <= 300 else text[:300] + "...")
