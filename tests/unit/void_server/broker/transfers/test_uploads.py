from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from void_server.broker.transfers.uploads import ChecksumError, _IncomingFile

MIB = 1024**2


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system cannot be told")
def test_the_disk_begins_with_a_large_file_while_it_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    advise = os.posix_fadvise

    def telling(descriptor: int, start: int, length: int, advice: int) -> None:
        told.append((start // MIB, length // MIB))
        advise(descriptor, start, length, advice)

    monkeypatch.setattr(os, "posix_fadvise", telling)
    data = bytes(range(256)) * (19 * MIB // 256)
    path = tmp_path / "plate.exr"
    file = _IncomingFile(0, path, len(data))
    for start in range(0, 11 * MIB, MIB):
        file.write(memoryview(data)[start : start + MIB])
    assert told == [(0, 8)]
    file._file.close()  # type: ignore[union-attr]
    again = _IncomingFile(0, path, len(data), 11 * MIB)  # as after the end of the process
    for start in range(11 * MIB, len(data), MIB):
        again.write(memoryview(data)[start : start + MIB])
    assert told == [(0, 8), (11, 8)]
    assert again.finish(hashlib.sha256(data).hexdigest())
    assert path.read_bytes() == data


def test_a_file_with_another_checksum_is_none(tmp_path: Path) -> None:
    file = _IncomingFile(0, tmp_path / "plate.exr", 3)
    file.write(memoryview(b"abc"))
    with pytest.raises(ChecksumError, match=r"plate\.exr arrived with SHA-256"):
        file.finish("0" * 64)
    assert list(tmp_path.iterdir()) == []
