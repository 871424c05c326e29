"""The merged weights equal those of diffusers and PEFT, from the same files."""

import copy
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.checkpoints.additions.network_modules import Network, NetworkModule
from domain.checkpoints.additions.network_modules.unet import original_names
from domain.models.record import ModelRecord
from tests.contract.additions.lora.files import kohya_name, low_rank, written
from tests.contract.additions.lora.tiny import changeable, tiny_sd_1, tiny_sdxl

pytestmark = pytest.mark.torch

APART = 1e-5
"""The most that two weights may differ. The weights are about 0.1, and the changes about 0.01."""
PIPELINES = {"sd-1": tiny_sd_1, "sdxl": tiny_sdxl}


@pytest.fixture(scope="module", params=PIPELINES)
def pipeline(request: pytest.FixtureRequest) -> Any:
    """Return a tiny pipeline. Nobody changes it."""
    return PIPELINES[request.param]()


def _dotted(module: NetworkModule) -> str:
    middle = "" if module.network is Network.UNET else "text_model."
    return f"{module.network}.{middle}{module.name}"


def _renamed(
    tensors: Mapping[str, Any], names: Mapping[str, str], ends: Mapping[str, str]
) -> dict[str, Any]:
    """Return the tensors of kohya's layout under other names of modules and other ends."""
    renamed = {}
    for key, tensor in tensors.items():
        module, _, end = key.partition(".")
        renamed[f"{names[module]}.{ends.get(end, end)}"] = tensor
    return renamed


_A_B = {"lora_down.weight": "lora_A.weight", "lora_up.weight": "lora_B.weight"}
_DOWN_UP = {"lora_down.weight": "lora.down.weight", "lora_up.weight": "lora.up.weight"}


def _known_to_diffusers(pipeline: Any) -> list[NetworkModule]:
    """Return the modules whose names of kohya's diffusers reads. It loses `add_embedding`."""
    return [each for each in changeable(pipeline) if "add_embedding" not in each.name]


def _kohya(pipeline: Any) -> dict[str, Any]:
    return low_rank(_known_to_diffusers(pipeline))


def _kohya_with_ranks_of_their_own(pipeline: Any) -> dict[str, Any]:
    modules = _known_to_diffusers(pipeline)
    half = len(modules) // 2
    return low_rank(modules[:half], rank=2, alpha=None) | low_rank(
        modules[half:], rank=4, alpha=None, seed=1
    )


def _dots(
    ends: Mapping[str, str], networks: tuple[Network, ...] = tuple(Network)
) -> Callable[[Any], dict[str, Any]]:
    def made(pipeline: Any) -> dict[str, Any]:
        modules = [each for each in changeable(pipeline) if each.network in networks]
        names = {kohya_name(each): _dotted(each) for each in modules}
        return _renamed(low_rank(modules, alpha=None), names, ends)

    return made


def _original_blocks(pipeline: Any) -> dict[str, Any]:
    modules = [each for each in changeable(pipeline) if each.network is Network.UNET]
    blocks = [each for each in modules if "attentions" in each.name]
    originals = original_names({each.name for each in modules} | _norms(pipeline))
    names = {
        kohya_name(each): "lora_unet_" + originals[each.name].replace(".", "_") for each in blocks
    }
    return _renamed(low_rank(blocks), names, {})


def _norms(pipeline: Any) -> set[str]:
    return {name.removesuffix(".weight") for name, _ in pipeline.unet.named_parameters()}


LAYOUTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "kohya": _kohya,
    "kohya with ranks of their own": _kohya_with_ranks_of_their_own,
    "diffusers": _dots(_A_B),
    "diffusers before": _dots(_DOWN_UP, (Network.UNET,)),
    "original blocks": _original_blocks,
}


def _ours(pipeline: Any, record: ModelRecord, scale: float) -> dict[str, Any]:
    """Return the weights by network and name."""
    from adapters.diffusion.additions.lora.merging import (
        ScaledLora,
        changed_weights,
        merged_weights,
    )
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loras import load_lora

    device = find_device("cpu", "float32")
    lora = ScaledLora(load_lora(record, device), scale, "loras[0].model_id")
    changed = changed_weights(pipeline, [lora])
    merged = list(merged_weights(changed, device.torch_device, lambda: None))
    tensors = {id(each.parameter): each.merged for each in merged}
    return {
        f"{network}.{name}": tensors.get(id(parameter), parameter.detach())
        for network in Network
        if (part := pipeline.components.get(network)) is not None
        for name, parameter in part.named_parameters()
    }


def _of_diffusers(pipeline: Any, record: ModelRecord, scale: float) -> dict[str, Any]:
    theirs = copy.deepcopy(pipeline)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.load_lora_weights(record.path, adapter_name="it")
        theirs.fuse_lora(lora_scale=scale)
        theirs.unload_lora_weights()
    return {
        f"{network}.{name}": parameter.detach()
        for network in Network
        if (part := theirs.components.get(network)) is not None
        for name, parameter in part.named_parameters()
    }


def _difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1.0, -0.4])
def test_a_layout(pipeline: Any, tmp_path: Path, layout: str, scale: float) -> None:
    is_xl = "text_encoder_2" in pipeline.components
    if layout == "original blocks" and not is_xl:
        pytest.skip("diffusers reads the original names of SDXL alone")
    record = written(tmp_path / "a.safetensors", LAYOUTS[layout](pipeline))

    ours, theirs = _ours(pipeline, record, scale), _of_diffusers(pipeline, record, scale)

    plain = {
        f"{network}.{name}": parameter.detach()
        for network in Network
        if (part := pipeline.components.get(network)) is not None
        for name, parameter in part.named_parameters()
    }
    assert _difference(ours, plain) > 1e-3
    assert _difference(ours, theirs) < APART


@pytest.mark.parametrize("root", [False, True])
def test_scales_in_the_metadata_of_diffusers(pipeline: Any, tmp_path: Path, root: bool) -> None:
    from diffusers import UNet2DConditionModel
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    trained: UNet2DConditionModel = copy.deepcopy(pipeline.unet)
    config = LoraConfig(
        r=4,
        lora_alpha=3,
        use_rslora=root,
        init_lora_weights=False,
        target_modules=["to_q", "to_k", "to_v", "to_out.0"],
        alpha_pattern={"mid_block.attentions.0.transformer_blocks.0.attn1.to_q": 7},
    )
    trained.add_adapter(config)
    type(pipeline).save_lora_weights(
        tmp_path,
        unet_lora_layers=get_peft_model_state_dict(trained),
        unet_lora_adapter_metadata=json.loads(json.dumps(config.to_dict(), default=list)),
    )
    from tests.contract.additions.lora.files import lora_record

    record = lora_record(tmp_path / "pytorch_lora_weights.safetensors")
    ours, theirs = _ours(pipeline, record, 0.5), _of_diffusers(pipeline, record, 0.5)
    assert _difference(ours, theirs) < APART
