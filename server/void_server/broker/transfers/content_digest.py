"""A digest of several texts, in which no two lists of texts are alike."""

from __future__ import annotations

import hashlib


class ContentDigest:
    """A SHA-256 over texts and their lengths, so that it is seen where one ends and the next begins."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, part: bytes) -> None:
        """Take in one more text."""
        self._hash.update(len(part).to_bytes(8, "big") + part)

    @property
    def value(self) -> bytes:
        """The 32 bytes of the digest."""
        return self._hash.digest()
