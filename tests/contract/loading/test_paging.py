"""Pages of a mapped file are given back, and keep their numbers."""

import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

_SIZE = 32 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are told nothing")
def test_a_mapped_tensor_leaves_the_memory_and_keeps_its_numbers(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    from adapters.diffusion.loading.memory.paging import page_out

    numbers = torch.arange(_SIZE // 4, dtype=torch.float32)
    save_file({"a": numbers}, tmp_path / "a.safetensors")
    mapped = load_file(tmp_path / "a.safetensors")["a"]
    assert torch.equal(mapped, numbers)  # reads every page
    before = _mapped_bytes()
    page_out(mapped)
    assert before - _mapped_bytes() > _SIZE / 2
    assert torch.equal(mapped, numbers)


def test_a_tensor_of_no_file_keeps_its_numbers() -> None:
    import torch

    from adapters.diffusion.loading.memory.paging import page_out

    numbers = torch.arange(2**20, dtype=torch.float32)
    for each in (numbers, numbers[7:], numbers.reshape(2**10, 2**10).T, torch.empty(0)):
        page_out(each)
    assert torch.equal(numbers, torch.arange(2**20, dtype=torch.float32))


def _mapped_bytes() -> int:
    """Return the bytes of mapped files that are in memory."""
    found = re.search(r"RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
