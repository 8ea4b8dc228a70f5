from __future__ import annotations

import gc

import pytest

from void_protocol.messages import ManifestEntry
from void_server.broker.transfers.packed_manifest import ManifestColumns, pack_manifest
from void_server.errors import RequestRefused


def test_columns_hold_what_was_packed() -> None:
    entries = [ManifestEntry("plate", frame, 10 * frame + 60) for frame in range(-5, 5)]
    entries += [ManifestEntry("matte.0", None, 2**53), ManifestEntry("matte.1", 2**53, 0)]
    packed = pack_manifest(entries)
    columns = ManifestColumns(packed)
    assert list(columns) == entries
    assert (len(columns), columns.groups) == (12, ["plate", "matte.0", "matte.1"])
    assert columns.total_bytes == sum(entry.size for entry in entries)
    assert (columns.bytes_of(1, 3), columns.bytes_of(4, 4)) == (20 + 30 + 40, 50)
    assert packed.largest == 10
    assert packed.digest != pack_manifest(entries[:-1]).digest
    with pytest.raises(IndexError):
        columns[12]


def test_no_files_are_none() -> None:
    columns = ManifestColumns(pack_manifest([]))
    assert (len(columns), list(columns), columns.total_bytes, columns.groups) == (0, [], 0, [])


def test_sizes_that_no_number_holds_are_refused() -> None:
    with pytest.raises(RequestRefused, match="more bytes than any disk") as caught:
        pack_manifest([ManifestEntry("plate", n, 2**53) for n in range(1024)])
    assert caught.value.code == "limit"
    assert pack_manifest([ManifestEntry("plate", n, 2**53) for n in range(1023)]).largest == 0


@pytest.mark.slow
def test_many_files_are_few_objects() -> None:
    packed = pack_manifest([ManifestEntry("plate", n, n) for n in range(50_000)])
    gc.collect()
    before = len(gc.get_objects())
    columns = ManifestColumns(packed)
    assert len(gc.get_objects()) - before < 100
    assert columns[49_999] == ManifestEntry("plate", 49_999, 49_999)
