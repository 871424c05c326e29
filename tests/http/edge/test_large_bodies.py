"""Large bodies of many requests share a bounded memory."""

import pytest

from adapters.http.edge.bodies import PICTURES_OF_A_REQUEST, body_limit
from adapters.http.edge.body_budget import BodyBudget
from domain.generation.parts.rules import MOST
from tests.http.conftest import make_service, make_settings


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


def test_a_body_with_every_picture_fits_beside_nothing_else_and_two_do_not() -> None:
    settings = make_settings(max_body_bytes=2000, max_picture_bytes=3000)
    app = make_service(settings).container.app()
    (room,) = (each for each in app.extensions.values() if isinstance(each, BodyBudget))
    largest = body_limit(2000, 3000, PICTURES_OF_A_REQUEST)
    usual = body_limit(2000, 3000, 2)
    assert room.take("a", largest)
    assert not room.take("b", largest), "the memory of two largest bodies is more than the bound"
    assert room.take("b", usual)
    assert room.taken <= 4 * usual


def test_a_request_has_room_for_its_source_its_mask_and_each_controlnet() -> None:
    assert PICTURES_OF_A_REQUEST == 2 + MOST["controls"] == 6
