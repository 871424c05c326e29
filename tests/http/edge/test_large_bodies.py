"""Large bodies of many requests share a bounded memory."""

import pytest

from adapters.http.edge.body_budget import BodyBudget


@pytest.fixture
def budget() -> BodyBudget:
    return BodyBudget(400)


def test_a_caller_gets_three_quarters_and_leaves_room_for_another(budget: BodyBudget) -> None:
    assert [budget.take("me", 100) for _ in range(4)] == [True, True, True, False]
    assert budget.take("you", 100)
    assert not budget.take("she", 1)
    assert budget.taken == 400


def test_what_is_given_back_can_be_taken_again(budget: BodyBudget) -> None:
    for _ in range(10):
        assert budget.take("me", 300)
        assert not budget.take("me", 300)
        budget.give_back("me", 300)
    assert budget.taken == 0


def test_a_body_that_is_larger_than_everything_is_taken_alone(budget: BodyBudget) -> None:
    assert budget.take("me", 500)
    assert not budget.take("you", 1)
    budget.give_back("me", 500)
    assert budget.take("you", 1)
    assert not budget.take("me", 500)
