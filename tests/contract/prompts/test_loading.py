"""Files of textual inversions: what is loaded, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from domain.errors import DomainError, GenerationFailed, ModelNotLoadable
from tests.contract.prompts.embedding_files import (
    a1111_pt,
    diffusers_bin,
    record,
    safetensors_file,
    vectors,
)

pytestmark = pytest.mark.torch


def load(path: Path) -> Any:
    from adapters.diffusion.additions.embeddings.loading import load_textual_inversion
    from adapters.diffusion.devices.device import find_device

    return load_textual_inversion(record(path), find_device("cpu", "float32"))


@pytest.mark.parametrize("count", [1, 3, 75])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_every_layout_has_the_same_vectors(tmp_path: Path, count: int, dtype: str) -> None:
    import torch

    rows = vectors(count, 8).to(getattr(torch, dtype))
    files = [
        a1111_pt(tmp_path / "ink.pt", rows),
        diffusers_bin(tmp_path / "ink.bin", "<ink>", rows),
        safetensors_file(tmp_path / "ink.safetensors", {"emb_params": rows}),
        safetensors_file(tmp_path / "by-word.safetensors", {"<ink>": rows}),
    ]
    for path in files:
        found = load(path)
        assert found.stem == path.stem
        assert torch.equal(torch.stack(list(found.vectors_for(0, 8))), rows.float())


def test_a_parameter_and_a_single_row_are_read(tmp_path: Path) -> None:
    import torch

    row = vectors(1, 8)[0]
    for rows in (torch.nn.Parameter(row[None]), row):
        path = a1111_pt(tmp_path / "ink.pt", rows)
        assert torch.equal(load(path).vectors_for(0, 8)[0], row)


def test_a_table_of_parameters_is_read(tmp_path: Path) -> None:
    """The first files of textual inversion have a module in the place of a dictionary."""
    import torch

    rows = vectors(2, 8)
    path = tmp_path / "ink.pt"
    table = torch.nn.ParameterDict({"*": torch.nn.Parameter(rows)})
    torch.save({"string_to_token": {"*": torch.tensor(265)}, "string_to_param": table}, path)
    assert torch.equal(torch.stack(list(load(path).vectors_for(0, 8))), rows)


def test_sdxl_has_vectors_for_each_of_its_encoders(tmp_path: Path) -> None:
    import torch

    first, second = vectors(2, 8), vectors(2, 16, seed=1)
    path = safetensors_file(tmp_path / "ink.safetensors", {"clip_g": second, "clip_l": first})
    found = load(path)
    assert torch.equal(torch.stack(list(found.vectors_for(0, 8))), first)
    assert torch.equal(torch.stack(list(found.vectors_for(1, 16))), second)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_vectors_that_are_not_numbers_are_refused(tmp_path: Path, number: float) -> None:
    rows = vectors(2, 8)
    rows[1, 3] = number
    with pytest.raises(ModelNotLoadable, match="NaN or infinity") as caught:
        load(safetensors_file(tmp_path / "ink.safetensors", {"emb_params": rows}))
    assert caught.value.lasting


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    import torch

    mark = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (mark,)

    path = tmp_path / "ink.pt"
    torch.save({"string_to_param": {"*": vectors(1, 8)}, "name": Attack()}, path)
    with pytest.raises(ModelNotLoadable, match="nothing in it was run"):
        load(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ink.pt"
    path.write_bytes(content)
    with pytest.raises(DomainError):
        load(path)


def test_vectors_of_another_width_or_encoder_are_refused(tmp_path: Path) -> None:
    found = load(safetensors_file(tmp_path / "ink.safetensors", {"emb_params": vectors(2, 8)}))
    with pytest.raises(GenerationFailed, match=r"ink\.safetensors have 8 numbers.* 16"):
        found.vectors_for(0, 16)
    with pytest.raises(GenerationFailed, match="has another one"):
        found.vectors_for(1, 8)


def test_the_vectors_count_in_the_limit_of_the_cache(tmp_path: Path) -> None:
    from adapters.diffusion.loading.pipeline_cache import pipeline_bytes

    found = load(safetensors_file(tmp_path / "ink.safetensors", {"emb_params": vectors(3, 8)}))
    assert pipeline_bytes(found) == 3 * 8 * 4
