from __future__ import annotations

import pytest

from void_nuke.host.comparison import newest_edition


@pytest.mark.parametrize(
    ("channels", "found"),
    [
        ("rgba.red matte.alpha", "matte.alpha"),
        ("matte.alpha matte_2.alpha clean_2.red", "matte_2.alpha"),
        ("matte_10.alpha matte_9.alpha mattes.alpha", "matte_10.alpha"),
        ("rgba.red", "matte.alpha"),
    ],
)
def test_the_last_edition_of_a_layer_is_the_results_own(channels: str, found: str) -> None:
    assert newest_edition("matte.alpha", channels.split()) == found
