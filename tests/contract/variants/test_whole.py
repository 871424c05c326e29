"""Every tensor of each variant reaches its place in diffusers' network, in names and shapes."""

from typing import Any

import pytest

from adapters.diffusion.families import with_modern_names
from adapters.diffusion.families.unet import unet_configuration
from domain.checkpoints.families import facts_of
from tests.contract.variants.files import original_tensors
from tests.contract.variants.networks import VARIANTS, tiny_unet

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", VARIANTS)
def test_the_header_gives_the_network_that_the_file_was_made_of(name: str) -> None:
    import torch
    from diffusers import UNet2DConditionModel

    from adapters.diffusion.loading.single.unet_inputs import with_guidance

    variant = VARIANTS[name]
    unet = tiny_unet(variant)
    tensors = with_modern_names(original_tensors({"unet": unet}, has_gaps=variant.has_gaps))
    facts = facts_of(variant.family, {each: tuple(it.shape) for each, it in tensors.items()}).unet
    configuration = unet_configuration(facts) | {
        "cross_attention_dim": unet.config.cross_attention_dim
    }
    del configuration["_class_name"]
    with torch.device("meta"):
        built = UNet2DConditionModel(**configuration)
    assert shapes(built.state_dict()) == shapes(unet.state_dict())
    converted = converted_unet(with_guidance(tensors, built.config), built)
    assert converted.keys() == unet.state_dict().keys()
    for each, tensor in unet.state_dict().items():
        assert torch.equal(converted[each], tensor), each


def converted_unet(tensors: dict[str, Any], built: Any) -> dict[str, Any]:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    if tensors.keys() == built.state_dict().keys():
        return tensors
    return dict(convert_ldm_unet_checkpoint(tensors, config=dict(built.config)))


def shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(each.shape) for name, each in state.items()}
