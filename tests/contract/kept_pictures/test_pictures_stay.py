"""Pictures stay as they are: the bytes of each, whatever is changed in the code around them.

The references are in `tests/data/kept_pictures.json`. `python -m tests.contract.kept_pictures`
renews them; CONTRIBUTING.md says when.
"""

import pytest

from tests.contract.kept_pictures import references
from tests.contract.kept_pictures.cases import CASES, Case
from tests.contract.kept_pictures.drawing import draw_in_a_process

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> references.Drawn:
    return draw_in_a_process(tmp_path_factory.mktemp("drawn"))


def test_every_case_has_a_reference() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert list(references.load()["cases"]) == [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_picture_stays_as_it_is(case: Case, drawn: references.Drawn) -> None:
    found = references.differences(drawn, references.load(), case.name, dtype=case.dtype)
    assert not list(found)


@pytest.mark.parametrize("part", ["pixels", "files"])
def test_the_references_hold_the_bytes_of_this_machine(part: str, drawn: references.Drawn) -> None:
    """Where they do not, the pictures were compared coarsely, and the report says so."""
    if others := references.other_machine(drawn, references.load(), part):
        pytest.skip(f"compared coarsely, because {'; '.join(others)}")


def test_a_picture_alone_is_the_picture_beside_others(drawn: references.Drawn) -> None:
    alone, together = (drawn["cases"][name] for name in ("three one by one", "three together"))
    assert alone.keys() == together.keys()
    for name in alone:
        cells = zip(*(references.cells_of(each[name]) for each in (alone, together)), strict=True)
        assert max(abs(one - other) for one, other in cells) <= 1
