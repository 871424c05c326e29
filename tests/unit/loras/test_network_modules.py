"""The modules of a checkpoint, by all of their names."""

from collections import Counter

import pytest

from domain.checkpoints.additions.network_modules import Network, NetworkModules
from domain.checkpoints.additions.network_modules.unet import diffusers_names, original_names
from domain.models.record import ModelFamily
from tests.unit.loras.lora_headers import FAMILIES, checkpoint, facts, folder, modules

_UNET = "model.diffusion_model."


@pytest.mark.parametrize("family", FAMILIES)
def test_every_module_of_a_unet_has_a_name_in_both_namings(family: ModelFamily) -> None:
    originals = {
        name.removeprefix(_UNET).rpartition(".")[0]
        for name in checkpoint(family)
        if name.startswith(_UNET)
    }

    named = diffusers_names(originals)

    assert named.keys() == originals
    assert len(set(named.values())) == len(originals)
    assert original_names(named.values()) == {name: each for each, name in named.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_has_the_modules_of_the_file(family: ModelFamily) -> None:
    of_folder = NetworkModules.of_checkpoint(folder(family))

    assert Counter(of_folder) == Counter(modules(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_modules_share_a_name_without_dots(family: ModelFamily) -> None:
    found = modules(family)

    for module in found:
        assert found.find(module.name, module.network) == module


@pytest.mark.parametrize(
    ("family", "network", "names"),
    [
        (
            ModelFamily.SD_1,
            Network.UNET,
            (
                "up_blocks_0_upsamplers_0_conv",
                "output_blocks_2_1_conv",
                "up_blocks.0.upsamplers.0.conv",
            ),
        ),
        (
            ModelFamily.SDXL,
            Network.UNET,
            ("up_blocks_0_upsamplers_0_conv", "output_blocks_2_2_conv"),
        ),
        (
            ModelFamily.SDXL,
            Network.UNET,
            ("down_blocks_0_downsamplers_0_conv", "input_blocks_3_0_op"),
        ),
        (
            ModelFamily.SDXL,
            Network.UNET,
            (
                "mid_block_attentions_0_transformer_blocks_9_attn2_to_k",
                "middle_block_1_transformer_blocks_9_attn2_to_k",
            ),
        ),
        (
            ModelFamily.SD_1,
            Network.UNET,
            ("down_blocks.0.resnets.0.time_emb_proj", "input_blocks.1.0.emb_layers.1"),
        ),
        (ModelFamily.SDXL, Network.UNET, ("add_embedding_linear_1", "label_emb_0_0")),
        (
            ModelFamily.SD_1,
            Network.UNET,
            (
                "mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0",
                "mid_block.attentions.0.transformer_blocks.0.attn1.to_out",
            ),
        ),
        (
            ModelFamily.SDXL,
            Network.TEXT_ENCODER_2,
            (
                "text_model_encoder_layers_31_mlp_fc1",
                "encoder.layers.31.mlp.fc1",
                "transformer_resblocks_31_mlp_c_fc",
            ),
        ),
    ],
)
def test_a_module_is_found_by_each_of_its_names(
    family: ModelFamily, network: Network, names: tuple[str, ...]
) -> None:
    found = {modules(family).find(name, network) for name in names}

    assert len(found) == 1
    assert None not in found


def test_the_fused_projections_of_open_clip_are_modules_of_their_own() -> None:
    found = [
        modules(ModelFamily.SD_2).find(
            f"text_model_encoder_layers_22_self_attn_{each}_proj", Network.TEXT_ENCODER
        )
        for each in "qkv"
    ]

    assert [each and each.weight for each in found] == [(1024, 1024)] * 3
    assert [each and each.bias for each in found] == [(1024,)] * 3


def test_the_last_layer_of_stable_diffusion_2_which_has_no_effect_is_not_a_module() -> None:
    of_layer = "cond_stage_model.model.transformer.resblocks.23.mlp.c_fc.weight"
    tensors = checkpoint(ModelFamily.SD_2) | facts({of_layer: (4096, 1024)})

    found = NetworkModules.of_checkpoint(tensors)

    assert found.find("encoder.layers.22.mlp.fc1", Network.TEXT_ENCODER) is not None
    assert found.find("encoder.layers.23.mlp.fc1", Network.TEXT_ENCODER) is None
