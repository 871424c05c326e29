import pytest

from domain.errors import GenerationFailed, OutOfMemory
from domain.services.memory_shortage import drawn_with_fewer, halved


class Device:
    """Has memory for so many images together."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.tried: list[int] = []

    def draw(self, at_once: int) -> int:
        self.tried.append(at_once)
        if at_once > self.fits:
            raise OutOfMemory("too many")
        return at_once


@pytest.mark.parametrize(
    ("fits", "at_once", "tried"),
    [(8, 8, [8]), (7, 8, [8, 4]), (2, 9, [9, 4, 2]), (1, 8, [8, 4, 2, 1]), (1, 1, [1])],
)
def test_half_as_many_are_tried_until_they_fit(fits: int, at_once: int, tried: list[int]) -> None:
    device = Device(fits)
    assert drawn_with_fewer(device.draw, at_once) == tried[-1]
    assert device.tried == tried


@pytest.mark.parametrize("at_once", [1, 4])
def test_the_error_comes_out_if_not_even_one_fits(at_once: int) -> None:
    with pytest.raises(OutOfMemory):
        drawn_with_fewer(Device(0).draw, at_once)


@pytest.mark.parametrize(("answer", "tried"), [(3, [8, 3]), (8, [8, 7, 6, 5, 4, 3]), (1, [8, 1])])
def test_another_policy_decides_how_many_but_never_more(answer: int, tried: list[int]) -> None:
    device, told = Device(3), []

    def fewer(too_many: int) -> int:
        told.append(too_many)
        return answer

    drawn_with_fewer(device.draw, 8, fewer=fewer)
    assert device.tried == tried
    assert told == tried[:-1]


def test_any_other_error_comes_out_at_once() -> None:
    tried = []

    def draw(at_once: int) -> None:
        tried.append(at_once)
        raise GenerationFailed("broken")

    with pytest.raises(GenerationFailed):
        drawn_with_fewer(draw, 8)
    assert tried == [8]


def test_half_of_one_is_one() -> None:
    assert [halved(number) for number in (1, 2, 3, 8)] == [1, 1, 1, 4]
