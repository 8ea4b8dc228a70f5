"""Keys with slopes and reaches, judged by polynomials and by keys of a real script."""

from __future__ import annotations

import numpy as np
import pytest

from void_server.roto_files.animation import Key, keyed, sample


def at(keys: list[Key], *frames: float) -> list[float]:
    return sample(keyed(keys), np.array(frames)).tolist()


def test_a_cubic_polynomial_comes_back_between_its_keys() -> None:
    def value(t: float) -> float:
        return 0.5 * t**3 - 2.0 * t**2 + t - 7.0

    def slope(t: float) -> float:
        return 1.5 * t**2 - 4.0 * t + 1.0

    keys = [Key(t, value(t), slope(t), slope(t)) for t in (1.0, 4.0, 9.0)]
    frames = np.linspace(1.0, 9.0, 33)
    np.testing.assert_allclose(sample(keyed(keys), frames), [value(t) for t in frames], atol=1e-9)


def test_beyond_the_ends_a_curve_goes_on_with_its_slope() -> None:
    keys = [Key(10.0, 1.0, left_slope=0.0, right_slope=5.0), Key(20.0, 3.0, left_slope=5.0, right_slope=2.0)]
    assert at(keys, 0.0, 10.0, 20.0, 25.0) == [1.0, 1.0, 3.0, 13.0]


def test_handles_without_length_join_keys_straight() -> None:
    keys = [Key(0.0, 0.0, left_reach=0.0, right_reach=0.0), Key(10.0, 20.0, left_reach=0.0, right_reach=0.0)]
    np.testing.assert_allclose(at(keys, 2.0, 5.0, 9.0), [4.0, 10.0, 18.0], atol=1e-9)


def test_longer_handles_hold_a_value_longer() -> None:
    short = [Key(0.0, 0.0), Key(10.0, 10.0)]
    long = [Key(0.0, 0.0, right_reach=2.5), Key(10.0, 10.0)]
    assert at(long, 5.0)[0] < at(short, 5.0)[0] == pytest.approx(5.0)


def test_a_key_that_comes_twice_counts_once_and_order_does_not_matter() -> None:
    assert at([Key(5.0, 2.0), Key(1.0, 1.0), Key(5.0, 3.0)], 1.0, 5.0) == [1.0, 3.0]


def test_equal_keys_without_slopes_are_a_constant() -> None:
    assert keyed([Key(1.0, 4.0), Key(9.0, 4.0)]) == 4.0
