from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq
from msgspec import Raw

from void_protocol.errors import WireError
from void_protocol.manifest import InputFile
from void_protocol.messages import ManifestEntry, ProofFile, Prove
from void_protocol.proof import (
    PROOF_FILES,
    SAMPLED_FILES,
    Challenge,
    FolderProbe,
    answer_path,
    digest_file,
    digest_probe,
    encode_challenge,
    new_nonce,
    plan_challenge,
    probe_path,
)
from void_protocol.wire import decode_client_frames, encode_frames


def shot_of(count: int, size: int) -> tuple[list[InputFile], list[ManifestEntry]]:
    files = [InputFile("plate", number, Path(f"/p/{number}.exr")) for number in range(count)]
    files += [InputFile("matte.0", None, Path("/p/matte.exr"))]
    return files, [ManifestEntry(file.group, file.frame, size) for file in files]


def test_every_group_is_sampled_and_the_rest_is_sized() -> None:
    files, entries = shot_of(300, 100_000)
    for _ in range(20):
        asked = plan_challenge(files, entries, most_files=200)
        sampled = [file for file in asked if file.ranges]
        assert len(asked) == 200
        assert len({file.path for file in asked}) == 200
        assert SAMPLED_FILES <= len(sampled) <= SAMPLED_FILES + 2
        assert str(Path("/p/matte.exr").absolute()) in {file.path for file in sampled}
        for file in sampled:
            assert all(offset >= 0 and offset + length <= 100_000 for offset, length in file.ranges)
            assert {0, 100_000 - 4096} <= {offset for offset, _ in file.ranges}


@pytest.mark.slow
def test_a_challenge_fits_into_a_message_however_long_the_paths_are() -> None:
    folder = Path("/") / "/".join(["f" * 200] * 18)
    files = [InputFile("plate", number, folder / f"{number}.exr") for number in range(3000)]
    entries = [ManifestEntry("plate", number, 2**40) for number in range(3000)]
    challenge = plan_challenge(files, entries, 2048)
    message = Prove(request=1, nonce="0" * 64, files=encode_challenge(challenge))
    assert len(challenge) > 100
    assert list(Challenge(message.files)) == challenge
    assert decode_client_frames([zmq.Frame(bytes(frame)) for frame in encode_frames(message)])[0] == message


@pytest.mark.parametrize(
    ("files", "code", "problem"),
    [
        (b"7", "bad_message", "prove: files: Expected `array`, got `int`"),
        (b"null", "bad_message", "prove: files: Expected `array`, got `null`"),
        (b'[{"path": "/a"}, {"ranges": []}]', "bad_message", r"required field `path` - at `\$\[1\]`"),
        (b'[{"path": ""}]', "bad_message", "length >= 1"),
        (b'[{"path": "/a"}, {"path": "/b", "ranges": [[0, 0]]}]', "bad_message", "ranges of file 1: .*>= 1"),
        (b'[{"path": "/a", "ranges": {}}]', "bad_message", "ranges of file 0: Expected `array`"),
        (b'[{"path": "/a", "ranges": ' + b"[" + b", ".join([b"[0, 1]"] * 17) + b"]}]",
         "bad_message", "ranges of file 0: .*length <= 16"),
        (b"[" + b",".join([b'{"path":"/a"}'] * (PROOF_FILES + 1)) + b"]", "limit", "2049 files .* most 2048"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_challenge_is_told_before_any_file_is_read(
    files: bytes, code: str, problem: str
) -> None:
    with pytest.raises(WireError, match=problem) as caught:
        Challenge(Raw(files))
    assert caught.value.code == code


def test_a_challenge_is_read_as_it_was_written() -> None:
    files = [ProofFile(path="/a", ranges=[(0, 9), (2**53, 65_536)]), ProofFile(path="/b")]
    challenge = Challenge(encode_challenge(files))
    assert list(challenge) == list(challenge) == files


def test_two_challenges_differ() -> None:
    files, entries = shot_of(50, 100_000)
    first, second = (plan_challenge(files, entries, 50) for _ in range(2))
    assert first != second
    assert new_nonce() != new_nonce()


@pytest.mark.parametrize("size", [0, 1, 4095, 4097])
def test_small_files_have_ranges_that_fit(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(bytes(size))
    asked = plan_challenge([InputFile("plate", 1, path)], [ManifestEntry("plate", 1, size)], 5)
    assert len(digest_file(b"n" * 32, path, asked[0].ranges)) == 64


def test_a_digest_depends_on_nonce_size_ranges_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(b"0123456789")
    seen = {digest_file(b"n" * 32, path, [(0, 4)])}
    seen.add(digest_file(b"m" * 32, path, [(0, 4)]))
    seen.add(digest_file(b"n" * 32, path, [(1, 4)]))
    seen.add(digest_file(b"n" * 32, path, [(0, 2), (2, 2)]))
    path.write_bytes(b"0123456789x")
    seen.add(digest_file(b"n" * 32, path, [(0, 4)]))
    path.write_bytes(b"012x456789")
    seen.add(digest_file(b"n" * 32, path, [(0, 4)]))
    assert len(seen) == 6
    with pytest.raises(OSError, match="ends before byte 14"):
        digest_file(b"n" * 32, path, [(10, 4)])


def test_a_folder_is_proven_when_both_answers_are_right(tmp_path: Path) -> None:
    nonce, folder = new_nonce(), tmp_path / "new" / "out"
    with FolderProbe(folder) as probe:
        digest = digest_probe(nonce, probe_path(probe.request).read_bytes())
        answer = answer_path(probe.request)
        assert not probe.is_answered(nonce, digest)  # it reads there, and does not write there
        answer.write_text(digest)
        assert probe.is_answered(nonce, digest)
        assert not probe.is_answered(new_nonce(), digest)
        assert not probe.is_answered(nonce, None)
        for wrong in (digest[:-1], digest + "0" * 1000, "", "\xff" * 64):
            answer.write_text(wrong)
            assert not probe.is_answered(nonce, digest)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_client_waits_for_no_pipe_and_follows_no_link(tmp_path: Path) -> None:
    nonce = new_nonce()
    with FolderProbe(tmp_path) as probe:
        digest = digest_probe(nonce, probe_path(probe.request).read_bytes())
        os.mkfifo(answer_path(probe.request))
        assert not probe.is_answered(nonce, digest)
        answer_path(probe.request).unlink()
        answer_path(probe.request).symlink_to("/dev/zero")
        assert not probe.is_answered(nonce, digest)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), FolderProbe(tmp_path / "file" / "out"):
        pass
    assert stat.S_ISREG((tmp_path / "file").stat().st_mode)
