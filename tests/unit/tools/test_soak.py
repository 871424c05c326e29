"""How the soak benchmark computes growth."""

import pytest

from benchmarks.soak import growth


def test_growth_compares_the_last_quarter_with_the_second() -> None:
    assert growth([1, 1, 10, 10, 10, 10, 11, 11]) == pytest.approx(0.1)
    assert growth([5.0] * 100) == 0


def test_a_single_peak_is_not_growth() -> None:
    assert growth([10.0] * 99 + [1000.0]) == 0
