"""The comparison of pictures with their references finds what it must, and nothing else."""

import copy
from typing import Any

import pytest

from tests.contract.kept_pictures import references

CASE, NAME = "png, quality None", "picture-0-3"
LOSSY = "jpeg, quality None"


@pytest.fixture
def kept() -> Any:
    return references.load()


@pytest.fixture
def drawn(kept: Any) -> Any:
    return copy.deepcopy(kept)


def found(drawn: Any, kept: Any, case: str = CASE) -> list[str]:
    return list(references.differences(drawn, kept, case))


def test_equal_pictures_have_no_difference(kept: Any, drawn: Any) -> None:
    assert [found(drawn, kept, case) for case in kept["cases"]] == [[]] * len(kept["cases"])


@pytest.mark.parametrize("case", [CASE, LOSSY])
@pytest.mark.parametrize(
    ("fact", "message"), [("file", "other bytes of the file"), ("pixels", "other pixels")]
)
def test_one_other_bit_is_found(kept: Any, drawn: Any, case: str, fact: str, message: str) -> None:
    drawn["cases"][case][NAME][fact] = "0" * 64
    (difference,) = found(drawn, kept, case)
    assert message in difference
    assert NAME in difference


@pytest.mark.parametrize(("fact", "value"), [("format", "WEBP"), ("size", [256, 264])])
def test_another_format_or_size_is_found_on_every_machine(
    kept: Any, drawn: Any, fact: str, value: object
) -> None:
    drawn["made_with"]["pixels"]["torch"] = "1.0"
    drawn["cases"][CASE][NAME][fact] = value
    (difference,) = found(drawn, kept)
    assert f"had {kept['cases'][CASE][NAME][fact]}" in difference


def test_a_picture_that_is_missing_is_found(kept: Any, drawn: Any) -> None:
    del drawn["cases"]["three together"]["picture-0-4"]
    (difference,) = found(drawn, kept, "three together")
    assert "picture-0-4" in difference


def test_bytes_of_another_machine_are_not_compared(kept: Any, drawn: Any) -> None:
    drawn["made_with"]["pixels"]["instructions"] = "DEFAULT"
    drawn["cases"][CASE][NAME] |= {"file": "0" * 64, "pixels": "0" * 64}
    assert found(drawn, kept) == []
    (reason,) = references.other_machine(drawn, kept, "pixels")
    assert reason == "instructions is DEFAULT, and was AVX2"


def test_another_library_for_files_leaves_the_pixels_to_be_compared(kept: Any, drawn: Any) -> None:
    drawn["made_with"]["files"]["pillow"] = "1.0"
    for case in (CASE, LOSSY):
        drawn["cases"][case][NAME]["file"] = "0" * 64
    assert found(drawn, kept) == found(drawn, kept, LOSSY) == []
    for case in (CASE, LOSSY):
        drawn["cases"][case][NAME]["pixels"] = "0" * 64
    assert "other pixels" in found(drawn, kept)[0]
    assert found(drawn, kept, LOSSY) == []  # what the library made of them


@pytest.mark.parametrize(
    "other",
    [("three one by one", "picture-0-4"), ("negative prompt", NAME), ("strong guidance", NAME)],
)
def test_another_picture_is_found_on_every_machine(
    kept: Any, drawn: Any, other: tuple[str, str]
) -> None:
    drawn["made_with"]["pixels"]["machine"] = "another"
    case, name = other
    drawn["cases"][CASE][NAME]["cells"] = kept["cases"][case][name]["cells"]
    (difference,) = found(drawn, kept)
    assert "is another picture" in difference


def test_each_tolerance_is_a_bound_on_both_sides(kept: Any, drawn: Any) -> None:
    drawn["made_with"]["pixels"]["machine"] = "another"
    cells = bytearray(references.cells_of(kept["cases"][CASE][NAME]))
    for off, is_found in ((3, False), (4, True)):
        changed = bytearray(cells)
        changed[0] += off if cells[0] < 128 else -off
        drawn["cases"][CASE][NAME]["cells"] = references.cells_as_text(bytes(changed))
        assert bool(found(drawn, kept)) is is_found
