"""ControlNets are read from every layout, and what cannot be read is refused with the reason."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import GenerationFailed, ModelNotLoadable
from domain.models.record import ModelRecord
from tests.contract.control.files import (
    LAYOUTS,
    new_controlnet,
    original_names,
    save_controlnet,
)
from tests.contract.drawing.tiny_sdxl import tiny_sdxl

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return tiny_sdxl()


@pytest.fixture(scope="module")
def network(pipeline: Any) -> Any:
    return new_controlnet(pipeline.unet, conditioning_embedding_out_channels=(8, 8, 16, 16))


@pytest.fixture(scope="module")
def loaded() -> Callable[..., Any]:
    from adapters.diffusion.control.loading import load_controlnet
    from adapters.diffusion.devices.device import find_device

    return lambda model, dtype="float32": load_controlnet(model, find_device("cpu", dtype))


@pytest.mark.parametrize("extension", [".safetensors", ".pth"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_the_same_network(
    loaded: Any, pipeline: Any, network: Any, tmp_path: Path, layout: str, extension: str
) -> None:
    import torch

    model = save_controlnet(tmp_path, network, layout=layout, extension=extension)
    found = loaded(model).network_for(pipeline.unet)
    wanted = network.state_dict()
    assert found.state_dict().keys() == wanted.keys()
    assert all(torch.equal(each, wanted[name]) for name, each in found.state_dict().items())
    changed = {"_name_or_path", "_use_default_values", "_diffusers_version", "_class_name"}
    options = {name: value for name, value in network.config.items() if name not in changed}
    for name, value in options.items():
        ours = found.config[name]
        assert _plain(ours) == _plain(value), name


def _plain(value: Any) -> Any:
    """Return a list for a tuple, and for a number that stands for each level."""
    if isinstance(value, list | tuple):
        return list(value)
    return [value] * 2 if value == 1 else value


def test_the_names_of_the_original_layout_are_those_that_diffusers_converts(network: Any) -> None:
    import torch
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    names = original_names(network)
    # diffusers leaves out the embedding of XL's size and crop.
    state = {
        name: each for name, each in network.state_dict().items() if "add_embedding" not in name
    }
    original = {names[name]: each for name, each in state.items()}
    converted = convert_controlnet_checkpoint(original, dict(network.config))
    assert converted.keys() == state.keys()
    assert all(torch.equal(each, state[name]) for name, each in converted.items())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_becomes_that_of_the_plan(
    loaded: Any, pipeline: Any, network: Any, tmp_path: Path, dtype: str
) -> None:
    import torch

    model = save_controlnet(tmp_path, network, dtype=dtype)
    for wanted in ("float32", "bfloat16"):
        found = loaded(model, wanted).network_for(pipeline.unet)
        assert {each.dtype for each in found.parameters()} == {getattr(torch, wanted)}
    exact = loaded(model).network_for(pipeline.unet).state_dict()
    stored = network.state_dict()
    assert all(
        torch.equal(exact[name], stored[name].to(getattr(torch, dtype)).float()) for name in stored
    )


def test_the_networks_for_several_checkpoints_share_their_weights(
    loaded: Any, pipeline: Any, network: Any, tmp_path: Path
) -> None:
    from adapters.diffusion.loading.pipeline_cache import pipeline_bytes

    found = loaded(save_controlnet(tmp_path, network))
    size = sum(each.nbytes for each in network.state_dict().values())
    assert pipeline_bytes(found) == size
    first = found.network_for(pipeline.unet)
    assert found.network_for(pipeline.unet) is first
    other = tiny_sdxl().unet
    other.register_to_config(norm_num_groups=4)
    second = found.network_for(other)
    assert second is not first
    assert second.config.norm_num_groups == 4
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(one.data_ptr() == two.data_ptr() for one, two in pairs)
    assert pipeline_bytes(found) == size


def test_a_smaller_controlnet_reads_no_prompt(loaded: Any, pipeline: Any, tmp_path: Path) -> None:
    """Such ControlNets for XL are published (diffusers/controlnet-canny-sdxl-1.0-small)."""
    from diffusers import ControlNetModel

    config = dict(ControlNetModel.from_unet(pipeline.unet).config) | {
        "down_block_types": ("DownBlock2D",) * 2,
        "mid_block_type": "UNetMidBlock2D",
    }
    small = ControlNetModel.from_config(config)
    for layout in ("diffusers", "original"):
        found = loaded(save_controlnet(tmp_path, small, layout=layout)).network_for(pipeline.unet)
        assert found.state_dict().keys() == small.state_dict().keys()


def test_the_checkpoint_beside_a_controlnet_is_left_alone(
    loaded: Any, pipeline: Any, network: Any, tmp_path: Path
) -> None:
    """The first published files hold a whole checkpoint too."""
    import torch

    beside = {
        "model.diffusion_model.out.0.weight": torch.ones(3),
        "first_stage_model.encoder.conv_in.bias": torch.ones(3),
        "betas": torch.ones(1000),
        "sqrt_alphas_cumprod": torch.ones(1000),
    }
    model = save_controlnet(tmp_path, network, layout="original", changes=beside)
    assert loaded(model).network_for(pipeline.unet) is not None
    bare = save_controlnet(tmp_path, network, layout="bare", changes=beside)
    with pytest.raises(ModelNotLoadable, match="no ControlNet of its kind has"):
        loaded(bare)


def _of_ones(*shape: int) -> Any:
    import torch

    return torch.ones(shape)


def _nan(*shape: int) -> Any:
    return _of_ones(*shape) * float("nan")


@pytest.mark.parametrize(
    "name, tensor, reason",
    [
        ("conv_in.bias", None, r"not a whole ControlNet: it lacks conv_in\.bias"),
        ("controlnet_mid_block.weight", None, r"controlnet_mid_block\.weight"),
        ("down_blocks.0.resnets.0.conv1.weight", None, "conv1.weight is missing"),
        ("another.weight", (3,), r"no ControlNet of its kind has \(another\.weight\)"),
        ("task_embedding", (6, 32), "ControlNet-Union"),
        ("lora_controlnet", (1,), "Control-LoRA"),
        ("difference", (1,), "difference to a checkpoint"),
        ("conv_in.bias", (31,), r"conv_in\.bias has the shape \(31,\)"),
        ("conv_in.weight", (32, 9, 3, 3), "reads latents of 9 channels"),
        ("controlnet_cond_embedding.conv_in.weight", (8, 1, 3, 3), "maps of 1 channels"),
        ("controlnet_cond_embedding.blocks.5.weight", None, "halves the map 2 times"),
        ("conv_in.weight", (32,), r"the shape \(32,\)"),
    ],
)
def test_what_is_not_a_whole_controlnet_is_refused(
    loaded: Any,
    network: Any,
    tmp_path: Path,
    name: str,
    tensor: tuple[int, ...] | None,
    reason: str,
) -> None:
    value = None if tensor is None else _of_ones(*tensor)
    model = save_controlnet(tmp_path, network, changes={name: value})
    with pytest.raises(ModelNotLoadable, match=reason) as caught:
        loaded(model)
    assert caught.value.lasting


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nan_and_infinity_are_refused(
    loaded: Any, network: Any, tmp_path: Path, value: float, dtype: str
) -> None:
    import torch

    bias = torch.zeros(32, dtype=getattr(torch, dtype))
    bias[7] = value
    model = save_controlnet(tmp_path, network, dtype=dtype, changes={"conv_in.bias": bias})
    with pytest.raises(ModelNotLoadable, match=r"'conv_in\.bias' holds NaN or infinity"):
        loaded(model)


def test_integers_are_refused(loaded: Any, network: Any, tmp_path: Path) -> None:
    import torch

    bias = torch.zeros(32, dtype=torch.int8)
    model = save_controlnet(tmp_path, network, changes={"conv_in.bias": bias})
    with pytest.raises(ModelNotLoadable, match="holds int8"):
        loaded(model)


def test_a_controlnet_of_another_width_does_not_fit(
    loaded: Any, network: Any, tmp_path: Path
) -> None:
    from diffusers import UNet2DConditionModel

    model: ModelRecord = save_controlnet(tmp_path, network)
    wide = UNet2DConditionModel(
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=16,
    )
    with pytest.raises(GenerationFailed, match="does not fit this checkpoint: its levels have"):
        loaded(model).network_for(wide)


def test_a_controlnet_that_averages_its_outputs_is_refused(
    loaded: Any, network: Any, tmp_path: Path
) -> None:
    model = save_controlnet(tmp_path, network)
    named = dataclasses.replace(model, name="control_v11e_sd15_Shuffle.pth")
    with pytest.raises(ModelNotLoadable, match="averages its outputs"):
        loaded(named)
