from __future__ import annotations

import random
from pathlib import Path

from void_protocol.frame_list import runs
from void_protocol.messages import ManifestEntry
from void_protocol.wire import CHUNK_BYTES
from void_server.broker.jobs.spool import Spool
from void_server.broker.transfers.manifest_index import Begun, StoredFiles, index_manifest
from void_server.broker.transfers.packed_manifest import ManifestColumns, pack_manifest


def test_stored_files_are_what_a_set_of_them_would_be() -> None:
    chance = random.Random(7)
    stored, known = StoredFiles([(3, 5), (9, 9)]), {3, 4, 5, 9}
    for _ in range(400):
        index = chance.randrange(120)
        first, last = stored.add(index)
        known.add(index)
        assert first <= index <= last
        assert known.issuperset(range(first, last + 1))
        assert known.isdisjoint({first - 1, last + 1})
        assert stored.count == len(known)
        assert stored.runs(1000) == runs(sorted(known))
    assert all((index in stored) == (index in known) for index in range(-1, 121))
    assert stored.runs(2) == runs(sorted(known))[:2]


def test_files_sent_in_their_order_are_one_run() -> None:
    stored = StoredFiles([])
    assert [stored.add(index) for index in range(1000)][-1] == (0, 999)
    assert stored.runs(10) == [(0, 999)]


def test_whole_chunks_of_a_begun_file_are_taken_over(tmp_path: Path) -> None:
    spool, size = Spool(tmp_path), 3 * CHUNK_BYTES
    entries = [ManifestEntry("plate", number, size) for number in (1, 2)]
    files = ManifestColumns(pack_manifest(entries))
    spool.make_folders("j", files.groups, "paths")
    path = spool.input_file("j", entries[1])
    for has, kept in ((CHUNK_BYTES - 1, None), (CHUNK_BYTES + 5, CHUNK_BYTES), (size, 2 * CHUNK_BYTES)):
        path.with_name(path.name + ".part").write_bytes(bytes(has))
        assert index_manifest(files, spool, "j").begun == (None if kept is None else Begun(1, kept))
