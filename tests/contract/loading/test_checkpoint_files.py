"""The files that users have: every format can draw, and none of them runs code."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import GenerationFailed, ModelNotLoadable
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import generate, new_generator

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def tensors() -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(DEMO_MODEL.path)


@pytest.fixture(scope="module")
def metadata() -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        return file.metadata()


def record(path: Path) -> ModelRecord:
    return ModelRecord("ab" * 32, path.name, path.stat().st_size, str(path), path.suffix)


def refusal(path: Path) -> str:
    """Return why the file's tensors cannot be read."""
    from adapters.diffusion.loading.weights import read_weights

    with pytest.raises(ModelNotLoadable) as caught:
        read_weights(record(path))
    assert str(path.parent) not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


def reason(generator: DiffusersImageGenerator, path: Path, request: GenerationRequest) -> str:
    with pytest.raises(ModelNotLoadable) as caught:
        generate(generator, record(path), [request])
    assert str(path.parent) not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("extension", [".ckpt", ".pt", ".pth", ".bin"])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_gives_the_tensors_of_the_safetensors_file(
    tmp_path: Path, tensors: dict[str, Any], extension: str, nested: bool, zipped: bool
) -> None:
    import torch

    from adapters.diffusion.loading.weights import read_weights

    few = dict(list(tensors.items())[:20])
    path = tmp_path / f"model{extension}"
    content = {"state_dict": few, "epoch": 3} if nested else few
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    read = read_weights(record(path))
    assert read.keys() == few.keys()
    assert all(torch.equal(read[name], few[name]) for name in few)


class _Hostile:
    """An attacker's pickle: loading it would create a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.marker}",))


@pytest.mark.parametrize("extension", [".ckpt", ".pt", ".pth", ".bin"])
@pytest.mark.parametrize("maker", ["torch zip", "torch legacy", "pickle"])
def test_code_in_a_file_is_not_run(
    tmp_path: Path,
    extension: str,
    maker: str,
) -> None:
    import torch

    marker, path = tmp_path / "it ran", tmp_path / f"hostile{extension}"
    content = {"state_dict": _Hostile(marker)}
    if maker == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=maker == "torch zip")
    assert "nothing in it was run" in refusal(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt", "a.pt", "a.pth", "a.bin"])
@pytest.mark.parametrize(
    "content",
    [b"garbage", b"\0" * 4096, b"PK\x03\x04 not a zip", b"\xff" * 8 + b"{}", b"version https"],
)
def test_garbage_is_refused_with_a_reason(
    tmp_path: Path,
    name: str,
    content: bytes,
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("share", [0.0001, 0.5, 0.999])
def test_a_truncated_file_is_refused(
    generator: DiffusersImageGenerator, request_for: RequestFor, tmp_path: Path, share: float
) -> None:
    content = Path(DEMO_MODEL.path).read_bytes()
    path = tmp_path / "half.safetensors"
    path.write_bytes(content[: int(len(content) * share)])
    reason(generator, path, request_for())


def test_a_missing_file_is_refused(
    generator: DiffusersImageGenerator, request_for: RequestFor, tmp_path: Path
) -> None:
    path = tmp_path / "gone.safetensors"
    path.write_bytes(b"x")
    gone = record(path)
    path.unlink()
    with pytest.raises(ModelNotLoadable, match="gone"):
        generate(generator, gone, [request_for()])


@pytest.mark.parametrize(
    "prefix", ["model.diffusion_model.out", "first_stage_model.decoder", "cond_stage_model"]
)
def test_a_checkpoint_that_lacks_tensors_is_refused(
    generator: DiffusersImageGenerator,
    request_for: RequestFor,
    tmp_path: Path,
    tensors: dict[str, Any],
    metadata: dict[str, str],
    prefix: str,
) -> None:
    from safetensors.torch import save_file

    rest = {name: value for name, value in tensors.items() if not name.startswith(prefix)}
    assert 0 < len(rest) < len(tensors)
    path = tmp_path / "part.safetensors"
    save_file(rest, path, metadata=metadata)
    reason(generator, path, request_for())


def test_weights_with_nan_give_an_error_and_not_a_black_picture(
    generator: DiffusersImageGenerator,
    request_for: RequestFor,
    tmp_path: Path,
    tensors: dict[str, Any],
    metadata: dict[str, str],
) -> None:
    import torch
    from safetensors.torch import save_file

    name = "model.diffusion_model.out.2.weight"
    path = tmp_path / "nan.safetensors"
    save_file(
        tensors | {name: torch.full_like(tensors[name], float("nan"))}, path, metadata=metadata
    )
    with pytest.raises(GenerationFailed, match="decoding produced NaN in") as caught:
        generate(generator, record(path), [request_for()])
    assert caught.value.overflowed in ("torch.bfloat16", "torch.float32", "torch.float16")
    assert generate(generator, DEMO_MODEL, [request_for()]).images


def test_after_all_failures_a_valid_model_is_drawn(
    generator: DiffusersImageGenerator, request_for: RequestFor
) -> None:
    assert generate(generator, DEMO_MODEL, [request_for()]).images
