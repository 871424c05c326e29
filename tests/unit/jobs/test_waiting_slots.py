"""Slots that callers share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.generation.waiting import Places


def _take_all(places: Places, caller: str) -> int:
    """Let a caller take as many slots as it gets; return their number."""
    taken = 0
    while places.take(caller):
        taken += 1
    return taken


@pytest.mark.parametrize(
    "number, alone", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (8, 6), (32, 24), (64, 48)]
)
def test_one_caller_leaves_a_quarter_of_many_slots(number: int, alone: int) -> None:
    assert _take_all(Places(number), "greedy") == alone


def test_a_new_caller_finds_a_slot_beside_greedy_ones() -> None:
    places = Places(64)
    for caller in "abc":
        assert _take_all(places, caller)
    assert places.take("newcomer")


def test_a_released_slot_can_be_taken_again() -> None:
    places = Places(1)
    with places.one("a") as first, places.one("b") as second:
        assert (first, second) == (True, False)
    assert places.taken == 0
    assert places.take("b")


@given(
    number=st.integers(min_value=1, max_value=100),
    calls=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=300),
)
def test_the_limit_holds_and_no_slot_leaks(number: int, calls: list[tuple[str, bool]]) -> None:
    places = Places(number)
    held = dict.fromkeys("abc", 0)
    for caller, takes in calls:
        if takes:
            held[caller] += places.take(caller)
        elif held[caller]:
            places.give_back(caller)
            held[caller] -= 1
        assert places.taken == sum(held.values()) <= number
