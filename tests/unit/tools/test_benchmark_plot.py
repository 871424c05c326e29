"""Which rows of a stored result become bars."""

from typing import Any

import pytest

from benchmarks.plot import bars


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "what": "seconds a step",
        "plain_is": "diffusers",
        "ratio": 0.5,
        "bound": 0.8,
        "bound_of": "ratio",
        "at_least": False,
        "result": "pass",
    }
    return values | changes


def test_half_the_time_of_the_alternative_is_twice_as_good() -> None:
    (bar,) = bars({"rows": {"a": row()}})
    assert (bar.times, bar.bound) == (2, 1.25)


def test_twice_the_pictures_of_the_alternative_is_twice_as_good() -> None:
    (bar,) = bars({"rows": {"a": row(ratio=3, bound=1.75, at_least=True)}})
    assert (bar.times, bar.bound) == (3, 1.75)


def test_a_row_that_was_not_judged_has_no_bound() -> None:
    (bar,) = bars({"rows": {"a": row(result="not judged")}})
    assert bar.bound is None


@pytest.mark.parametrize("changes", [{"bound_of": "ours"}, {"ratio": None}])
def test_a_row_without_a_ratio_is_not_a_bar(changes: dict[str, Any]) -> None:
    assert bars({"rows": {"a": row(**changes)}}) == []
