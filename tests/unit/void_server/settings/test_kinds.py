from __future__ import annotations

import pytest
from hypothesis import given, strategies

from void_server.settings.kinds import read_size, size_in_words


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17", 17), ("1K", 1024), ("1.5G", 3 * 1024**3 // 2), ("500G", 500 * 1024**3)],
)
def test_sizes_with_units(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "1 G", "1g", "1P", "1e3", "0.3K", "1.5", "1_000", "١"])
def test_texts_that_are_no_size(text: str) -> None:
    with pytest.raises(ValueError):
        read_size(text)


@given(strategies.integers(min_value=0, max_value=2**60))
def test_a_size_in_words_is_read_as_the_same(size: int) -> None:
    assert read_size(size_in_words(size)) == size
