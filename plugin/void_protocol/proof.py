"""Proof that server and client see the same files, so that a plate need not travel.

The client draws a random nonce and random byte ranges of some files. The server answers, for each file, with
an HMAC-SHA256 over the file's size and those bytes, keyed by the nonce. The answer cannot be guessed without
the same bytes, and an old answer is of no use. For a folder, the client leaves a file of random bytes there.
The server proves that it reads the folder by answering for this file, and that it writes there by leaving its
answer beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import random
import secrets
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import DecodeError, Raw, Struct, json

from void_protocol.errors import WireError
from void_protocol.fields import PathText, ProofRanges
from void_protocol.manifest import InputFile
from void_protocol.messages import ManifestEntry, ProofFile, ProofFolder
from void_protocol.regular_file import read_small

PROOF_FILES = 2048
"""The most files of one request; a server tells it to its clients."""
SAMPLED_FILES = 12
"""How many files have bytes compared, at least one of every group; the other files are compared by size."""
RANGES_PER_FILE = 4
RANGE_BYTES = 4096
_RANGES_BYTES = 256
"""The most bytes that one file's ranges take in the message."""
_CHALLENGE_BYTES = 2 * 1024 * 1024
"""The most bytes of paths and ranges in one message, well below what a control frame may hold."""
_CONTEXT = b"void-proof-1"
PROBE_BYTES = 32
"""The size of the file that a client leaves in a folder."""


def plan_challenge(
    files: Sequence[InputFile], entries: Sequence[ManifestEntry], most_files: int
) -> list[ProofFile]:
    """Choose what to ask the server about ``files``, at most ``most_files`` in all: byte ranges of some,
    drawn at random with at least one of each group, and the sizes of others."""
    longest = max(len(str(file.path.absolute())) for file in files)
    most_files = min(most_files, _CHALLENGE_BYTES // (longest + _RANGES_BYTES))
    chance = random.SystemRandom()
    groups: dict[str, list[int]] = {}
    for index, file in enumerate(files):
        groups.setdefault(file.group, []).append(index)
    sampled = {chance.choice(members) for members in groups.values()}
    sampled.update(chance.sample(range(len(files)), min(SAMPLED_FILES, len(files))))
    sampled_list = sorted(sampled)[:most_files]
    rest = [index for index in range(len(files)) if index not in sampled]
    sized = chance.sample(rest, min(len(rest), most_files - len(sampled_list)))
    return [
        ProofFile(path=str(files[index].path.absolute()), ranges=_draw_ranges(chance, entries[index].size))
        for index in sampled_list
    ] + [ProofFile(path=str(files[index].path.absolute())) for index in sized]


def _draw_ranges(chance: random.SystemRandom, size: int) -> list[tuple[int, int]]:
    length = min(RANGE_BYTES, size)
    if length == 0:
        return []
    offsets = {0, size - length} | {chance.randint(0, size - length) for _ in range(RANGES_PER_FILE - 2)}
    return [(offset, length) for offset in sorted(offsets)]


class _FileText(Struct, frozen=True, kw_only=True):
    """A :class:`ProofFile` whose ranges are not read yet."""

    path: PathText
    ranges: Raw = Raw(b"[]")


class Challenge:
    """The files that the server is asked about. Each is read by itself when its turn comes, so that a long
    list neither takes much memory nor keeps Python's other threads waiting.

    Raises:
        WireError: when it is no list of files, or one of more than :data:`PROOF_FILES` (``limit``).
    """

    def __init__(self, files: Raw) -> None:
        try:
            self._texts = _texts_decoder.decode(files)
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise WireError("bad_message", f"prove: files: {error}") from error
        if len(self._texts) > PROOF_FILES:
            raise WireError("limit", f"{len(self._texts)} files in one proof; at most {PROOF_FILES}")
        for _ in self:  # what is wrong with one is told before any is read
            pass

    def __iter__(self) -> Iterator[ProofFile]:
        for index, text in enumerate(self._texts):
            try:
                yield ProofFile(path=text.path, ranges=_ranges_decoder.decode(text.ranges))
            except (DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise WireError("bad_message", f"prove: the ranges of file {index}: {error}") from error


def encode_challenge(files: Sequence[ProofFile]) -> Raw:
    """Encode what the server is asked about."""
    return Raw(json.encode(files))


_texts_decoder = json.Decoder(list[_FileText])
_ranges_decoder = json.Decoder(ProofRanges)


def new_nonce() -> bytes:
    """Draw the random bytes of one proof."""
    return secrets.token_bytes(32)


def digest_file(nonce: bytes, path: Path, ranges: Sequence[tuple[int, int]]) -> str:
    """Compute the answer for one file, as 64 hexadecimal digits.

    Raises:
        OSError: when the file cannot be read, or a range reaches beyond its end.
    """
    with path.open("rb") as file:
        return digest_open_file(nonce, file, path, ranges)


def digest_open_file(nonce: bytes, file: BinaryIO, path: Path, ranges: Sequence[tuple[int, int]]) -> str:
    """Compute the answer for a file that is open for reading; ``path`` is its name in errors. Raises as
    :func:`digest_file` does."""
    size = os.fstat(file.fileno()).st_size
    keyed = hmac.new(nonce, _CONTEXT + struct.pack(">Q", size), hashlib.sha256)
    for offset, length in ranges:
        file.seek(offset)
        data = file.read(length)
        if len(data) != length:
            raise OSError(f"{path} ends before byte {offset + length}")
        keyed.update(struct.pack(">QQ", offset, length) + data)
    return keyed.hexdigest()


def digest_probe(nonce: bytes, content: bytes) -> str:
    """Compute the answer for a folder whose probe file holds ``content``."""
    return hmac.new(nonce, _CONTEXT + b"-folder" + content, hashlib.sha256).hexdigest()


def probe_path(folder: ProofFolder) -> Path:
    """Return the file that the client leaves in a folder."""
    return Path(folder.path) / f".void-probe-{folder.probe}"


def answer_path(folder: ProofFolder) -> Path:
    """Return the file in which the server leaves its answer."""
    return Path(folder.path) / f".void-probe-{folder.probe}.answer"


class FolderProbe:
    """The client's side of proving a folder. It is used as a context, and leaves no files behind.

    Raises:
        OSError: on entry, when the folder cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.request = ProofFolder(path=str(folder.absolute()), probe=secrets.token_hex(16))
        self._content = secrets.token_bytes(PROBE_BYTES)

    def __enter__(self) -> FolderProbe:
        probe = probe_path(self.request)
        probe.parent.mkdir(parents=True, exist_ok=True)
        with probe.open("xb") as file:
            file.write(self._content)
        return self

    def __exit__(self, *_: object) -> None:
        for path in (probe_path(self.request), answer_path(self.request)):
            with contextlib.suppress(OSError):  # this user may not remove what another one wrote
                path.unlink(missing_ok=True)

    def is_answered(self, nonce: bytes, digest: str | None) -> bool:
        """Return whether the server read the probe and its own file has arrived here with the same answer."""
        wanted = digest_probe(nonce, self._content)
        if digest is None or not hmac.compare_digest(wanted, digest):
            return False
        try:
            answer = read_small(answer_path(self.request), len(wanted) + 2).strip()
        except OSError:
            return False
        return hmac.compare_digest(answer, wanted.encode())
