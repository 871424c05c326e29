"""LoRA files that cannot be used are refused with the reason. Nothing in them is run."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ModelChanged, ModelNotLoadable
from domain.models.record import FileStamp, ModelRecord
from tests.contract.additions.lora.files import random_tensors, written

pytestmark = pytest.mark.torch

NAME = "lora_unet_down_blocks_0_attentions_0_proj_in"


def load(record: ModelRecord) -> Any:
    from adapters.diffusion.additions.lora.loading import load_lora
    from adapters.diffusion.devices.device import find_device

    return load_lora(record, find_device("cpu", "float32"))


def whole() -> dict[str, Any]:
    import torch

    pair = {f"{NAME}.lora_down.weight": (4, 32), f"{NAME}.lora_up.weight": (32, 4)}
    return random_tensors(pair) | {f"{NAME}.alpha": torch.tensor(4.0)}


def with_number(number: float) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        tensors = whole()
        tensors[f"{NAME}.lora_up.weight"][3, 1] = number
        return tensors

    return made


def with_alpha(alpha: float) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        import torch

        return whole() | {f"{NAME}.alpha": torch.tensor(alpha)}

    return made


def without(role: str) -> Callable[[], dict[str, Any]]:
    return lambda: {key: each for key, each in whole().items() if role not in key}


def with_shape(role: str, *shape: int) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        import torch

        return whole() | {f"{NAME}.{role}": torch.zeros(shape)}

    return made


def of_type(name: str) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        import torch

        return {key: each.to(getattr(torch, name)) for key, each in whole().items()}

    return made


BAD: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "NaN": (with_number(math.nan), "holds NaN or infinity"),
    "infinity": (with_number(-math.inf), "holds NaN or infinity"),
    "alpha of 0": (with_alpha(0.0), "alpha"),
    "alpha of NaN": (with_alpha(math.nan), "alpha"),
    "alpha of infinity": (with_alpha(math.inf), "alpha"),
    "no up": (without("lora_up"), "lora_up is missing"),
    "no down": (without("lora_down"), "lora_down is missing"),
    "alpha alone": (without(".lora_"), "nothing that can be applied"),
    "ranks that differ": (with_shape("lora_up.weight", 32, 5), "the rank"),
    "an empty tensor": (with_shape("lora_up.weight", 0, 4), "is empty"),
    "two alphas": (with_shape("alpha", 2), "not one number"),
    "integers": (of_type("int8"), "int8"),
    "no module": (lambda: random_tensors({"weight": (3, 3)}), "nothing that can be applied"),
}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_the_reason(case: str, suffix: str, tmp_path: Path) -> None:
    make, reason = BAD[case]
    record = written(tmp_path / f"a{suffix}", make())

    with pytest.raises(ModelNotLoadable) as raised:
        load(record)

    assert reason in raised.value.reason
    assert raised.value.lasting
    assert raised.value.name == record.name


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float64"])
def test_a_single_wrong_number_is_found_in_every_precision(
    number: float, precision: str, tmp_path: Path
) -> None:
    import torch

    dtype = getattr(torch, precision)
    tensors = {key: each.to(dtype) for key, each in with_number(number)().items()}

    with pytest.raises(ModelNotLoadable, match="holds NaN or infinity"):
        load(written(tmp_path / "a.safetensors", tensors))


class Runs:
    """What a pickle may ask for when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


def test_a_pickle_that_would_run_code_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    record = written(tmp_path / "a.pt", whole() | {"also": Runs(marker)})

    with pytest.raises(ModelNotLoadable, match="nothing in it was run"):
        load(record)

    assert not marker.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float32", "float64"])
def test_a_whole_file_loads_in_its_own_precision(
    suffix: str, precision: str, tmp_path: Path
) -> None:
    import torch

    dtype = getattr(torch, precision)
    tensors = {key: each.to(dtype) for key, each in whole().items()}

    lora = load(written(tmp_path / f"a{suffix}", tensors))

    stored = list(lora.components["tensors"].buffers())
    assert {each.dtype for each in stored} == {dtype}
    # The single number of alpha is not among them.
    assert sum(each.nbytes for each in stored) == 2 * 4 * 32 * torch.finfo(dtype).bits // 8


def test_an_alpha_may_be_a_whole_number(tmp_path: Path) -> None:
    import torch

    load(written(tmp_path / "a.safetensors", whole() | {f"{NAME}.alpha": torch.tensor([8])}))


def test_a_file_that_was_written_to_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    record = written(path, whole())
    record = dataclasses.replace(record, stamp=FileStamp.of(path.stat()))
    load(record)
    with path.open("r+b") as file:
        file.write(file.read(8))

    with pytest.raises(ModelChanged):
        load(record)


def test_a_write_after_the_load_does_not_reach_the_tensors(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "a.safetensors"
    lora = load(written(path, whole()))
    before = [each.clone() for each in lora.components["tensors"].buffers()]
    with path.open("r+b") as file:
        file.seek(-64, 2)
        file.write(bytes(64))

    after = list(lora.components["tensors"].buffers())
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "metadata",
    [
        "{",
        "[]",
        '{"unet.lora_alpha": "much"}',
        '{"unet.lora_alpha": 0}',
        '{"unet.lora_alpha": NaN}',
        '{"unet.lora_alpha": true}',
    ],
)
def test_metadata_that_gives_no_scale_is_refused(metadata: str, tmp_path: Path) -> None:
    from tests.contract.additions.lora.merging import merged_into
    from tests.contract.additions.lora.tiny import tiny_sd_1

    tensors = {key: each for key, each in whole().items() if "alpha" not in key}
    record = written(tmp_path / "a.safetensors", tensors, {"lora_adapter_metadata": metadata})

    with (
        pytest.raises(ModelNotLoadable, match=r"a\.safetensors.*lora_adapter_metadata"),
        merged_into(tiny_sd_1(), (record, 1.0)),
    ):
        raise AssertionError("the block must not begin")
