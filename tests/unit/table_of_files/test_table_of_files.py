"""The table of files in the documentation is true: each cell has tests that exist."""

import pytest

from domain.models.kinds import ModelFamily
from tests.paths import DOCS
from tests.unit.table_of_files.compared import COMPARED
from tests.unit.table_of_files.newer import NEWER
from tests.unit.table_of_files.nodes import function_of, has_test
from tests.unit.table_of_files.rows import Answer, Cell, Row, cells_of, text_of
from tests.unit.table_of_files.stable_diffusion import STABLE_DIFFUSION

ROWS = (*STABLE_DIFFUSION, *NEWER)
NODES = sorted({node for row in ROWS for cell in cells_of(row) for node in cell.nodes})
DRAWN = (Answer.YES, Answer.WARNED)


def test_the_documentation_has_exactly_this_table() -> None:
    page = (DOCS / "model-families.md").read_text("utf-8")
    start = page.index("| model | kind of file |")
    assert page[start : page.index("\n\n", start)] == text_of(ROWS)


def test_each_kind_of_file_of_a_model_has_one_row() -> None:
    named = [(row.models, row.kind) for row in ROWS]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("node", NODES)
def test_the_test_of_a_cell_exists(node: str) -> None:
    assert has_test(node), f"no test is called {node}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.models}: {row.kind}")
def test_what_is_drawn_was_compared(row: Row) -> None:
    for cell in (row.drawn, row.pictures):
        if cell.answer in DRAWN:
            assert any(function_of(node) in COMPARED for node in cell.nodes), cell
    if row.listed.answer is Answer.NO:
        assert not {cell.answer for cell in cells_of(row)} & {*DRAWN}


def test_every_test_that_compares_is_in_the_table() -> None:
    assert COMPARED.keys() <= {function_of(node) for node in NODES}


@pytest.mark.parametrize(
    "node",
    [
        "tests/unit/no_such_file.py::test_it",
        "tests/contract/sets/test_drawing.py::test_of_another_name",
        "tests/contract/sets/test_drawing.py"
        "::test_a_set_draws_what_the_pipeline_of_diffusers_draws[flux-3]",
        "tests/contract/sets/test_quantised_sets.py"
        "::test_a_set_in_codes_draws_what_plain_files_draw[flux-dev-GGUF]",
    ],
)
def test_a_node_that_does_not_exist_is_found(node: str) -> None:
    assert not has_test(node)


@pytest.mark.parametrize("answer", [Answer.YES, Answer.WARNED, Answer.NO])
def test_an_answer_without_a_test_is_refused(answer: Answer) -> None:
    with pytest.raises(ValueError, match="needs a test"):
        Cell(answer)


def test_every_family_that_draws_from_sets_has_a_row() -> None:
    words = {
        ModelFamily.FLUX: "FLUX.1 dev",
        ModelFamily.FLUX_2: "FLUX.2 klein",
        ModelFamily.SD_3: "Stable Diffusion 3",
        ModelFamily.CHROMA: "Chroma",
        ModelFamily.Z_IMAGE: "Z-Image",
        ModelFamily.QWEN_IMAGE: "Qwen-Image",
        ModelFamily.LUMINA_2: "Lumina 2",
        ModelFamily.SANA: "SANA",
    }
    others = [family for family in ModelFamily if not family.startswith("sd")]
    assert {*others, ModelFamily.SD_3} == words.keys()
    for family, word in words.items():
        assert any(row.models.startswith(word) for row in NEWER), family
