"""What the server answers to those who ask for a proof, and what it leaves alone."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from void_protocol.messages import ProofFile, ProofFolder, Prove
from void_protocol.proof import FolderProbe, answer_path, encode_challenge, new_nonce, probe_path
from void_server.access import open_folder as open_folder_module
from void_server.broker.transfers.proofs import answer
from void_server.settings import ServerSettings


def settings_for(tmp_path: Path, **roots: Any) -> ServerSettings:
    return ServerSettings(home=tmp_path / "home", **roots)


def ask(settings: ServerSettings, nonce: bytes, folder: ProofFolder) -> tuple[str | None, str]:
    told = answer(Prove(request=1, nonce=nonce.hex(), folder=folder), settings).folder
    assert told is not None
    return told.digest, told.problem


@pytest.mark.parametrize("holds_folders", [True, False])
def test_a_folder_is_proven_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds_folders: bool
) -> None:
    if not holds_folders:  # as on Windows
        monkeypatch.setattr(open_folder_module, "_HAS_FOLDERS", False)
    nonce, folder, settings = new_nonce(), tmp_path / "new" / "out", settings_for(tmp_path)
    with FolderProbe(folder) as probe:
        digest, problem = ask(settings, nonce, probe.request)
        assert (problem, probe.is_answered(nonce, digest)) == ("", True)
        assert ask(settings, nonce, probe.request) == (digest, "")  # asked again after a lost connection
        assert probe.is_answered(nonce, digest)
        assert len(list(folder.iterdir())) == 2
    assert list(folder.iterdir()) == []


def test_only_probes_are_answered(tmp_path: Path) -> None:
    """So that the answer is no way to learn a digest of any file that has a fitting name."""
    folder = ProofFolder(path=str(tmp_path), probe="a" * 32)
    for content in (b"some other content", bytes(31), bytes(33)):
        probe_path(folder).write_bytes(content)
        digest, problem = ask(settings_for(tmp_path), new_nonce(), folder)
        assert (digest, "is not a probe" in problem) == (None, True)
    assert [path.name for path in tmp_path.iterdir()] == [probe_path(folder).name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "secret", "folder"])
def test_what_is_no_file_in_a_probes_place_is_not_read(tmp_path: Path, kind: str) -> None:
    began = time.monotonic()
    out = tmp_path / "out"
    out.mkdir()
    folder = ProofFolder(path=str(out), probe="b" * 32)
    (tmp_path / "secret").write_bytes(b"s" * 32)
    if kind == "pipe":
        os.mkfifo(probe_path(folder))
    elif kind == "folder":
        probe_path(folder).mkdir()
    else:
        probe_path(folder).symlink_to(tmp_path / kind)
    digest, problem = ask(settings_for(tmp_path), new_nonce(), folder)
    assert digest is None
    assert problem
    assert not answer_path(folder).exists()
    assert time.monotonic() - began < 5


def test_an_answer_replaces_a_link_and_does_not_follow_it(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    out = tmp_path / "out"
    with FolderProbe(out) as probe:
        answer_path(probe.request).symlink_to(tmp_path / "precious")
        nonce = new_nonce()
        digest, _ = ask(settings_for(tmp_path), nonce, probe.request)
        assert probe.is_answered(nonce, digest)
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_folders_outside_the_roots_and_the_home_are_not_touched(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    settings = settings_for(tmp_path, output_roots=(root,), read_roots=(root,))
    for folder in (tmp_path / "outside", tmp_path / "home" / "jobs"):
        with FolderProbe(folder) as probe:
            (root / "link").unlink(missing_ok=True)
            (root / "link").symlink_to(folder)
            linked = ProofFolder(path=str(root / "link"), probe=probe.request.probe)
            for request in (probe.request, linked):
                digest, problem = ask(settings, new_nonce(), request)
                assert (digest, "outside the folders" in problem) == (None, True)
            assert len(list(folder.iterdir())) == 1
        if folder.parent.name == "home":
            digest, problem = ask(settings_for(tmp_path), new_nonce(), probe.request)
            assert (digest, "in the server's own home" in problem) == (None, True)


def test_files_are_proven_only_where_they_may_be_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for folder in (root, tmp_path):
        (folder / "p.exr").write_bytes(b"\x76\x2f\x31\x01abc")
    settings = settings_for(tmp_path, read_roots=(root,))
    names = (root / "p.exr", tmp_path / "p.exr", tmp_path / "none.exr", root / "none.exr")
    files = [ProofFile(path=str(path), ranges=[(0, 4)]) for path in names]
    told = answer(Prove(request=1, nonce="00" * 32, files=encode_challenge(files)), settings).files
    assert [each.digest is not None for each in told] == [True, False, False, False]
    assert told[1].problem.replace("p.exr", "none.exr") == told[2].problem
    assert "No such file" in told[3].problem
