"""Files of the published shapes give the networks of diffusers and transformers."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.autoencoders.autoencoder import (
    FLUX_LATENTS,
    SD_3_LATENTS,
    autoencoder_of,
)
from domain.checkpoints.sets.networks.encoders.clip import clip_layout
from domain.checkpoints.sets.networks.encoders.t5 import t5_layout
from domain.checkpoints.sets.networks.flux import chroma_layout, flux_layout
from domain.checkpoints.sets.networks.places import LayoutOf, NetworkLayout
from domain.checkpoints.sets.networks.stable_diffusion_3 import sd3_layout
from tests.contract.sets import originals

pytestmark = pytest.mark.torch

Table = dict[str, tuple[int, ...]]

_FLUX = {
    "attention_head_dim": 128,
    "in_channels": 64,
    "joint_attention_dim": 4096,
    "num_attention_heads": 24,
    "num_layers": 19,
    "num_single_layers": 38,
    "patch_size": 1,
}
_SD_3 = {
    "attention_head_dim": 64,
    "in_channels": 16,
    "joint_attention_dim": 4096,
    "out_channels": 16,
    "patch_size": 2,
    "pooled_projection_dim": 2048,
    "sample_size": 128,
}
_T5 = {"d_ff": 10240, "d_kv": 64, "d_model": 4096, "num_heads": 64, "num_layers": 24}
_CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
_CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20}
_VAE = {"block_out_channels": [128, 256, 512, 512], "latent_channels": 16, "layers_per_block": 2}

CASES: Mapping[str, tuple[Table, LayoutOf, str, float, dict[str, Any]]] = {
    # The numbers of parameters: for FLUX.1 and T5, half the bytes that the publishers' indices of
    # shards name. For Chroma, the billions of its model card. For Stable Diffusion 3, the billions
    # in sd3_medium (4.34 GB), sd3.5_medium (5.11 GB) and sd3.5_large (16.5 GB), which have an
    # autoencoder of 0.17 GB. For the others, what the published configuration makes.
    "flux-dev": (
        originals.flux(guidance=True),
        flux_layout,
        "FluxTransformer2DModel",
        11_901_408_320,
        _FLUX | {"guidance_embeds": True, "pooled_projection_dim": 768},
    ),
    "flux-schnell": (
        originals.flux(guidance=False),
        flux_layout,
        "FluxTransformer2DModel",
        11_891_178_560,
        _FLUX | {"guidance_embeds": False, "pooled_projection_dim": 768},
    ),
    "chroma": (
        originals.chroma(),
        chroma_layout,
        "ChromaTransformer2DModel",
        8.9,
        _FLUX | {"approximator_hidden_dim": 5120, "approximator_layers": 5},
    ),
    "sd3-medium": (
        originals.sd3(depth=24, normed=False),
        sd3_layout,
        "SD3Transformer2DModel",
        2.1,
        _SD_3
        | {"num_layers": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 192}
        | {"qk_norm": None, "dual_attention_layers": []},
    ),
    "sd3.5-medium": (
        originals.sd3(depth=24, dual=13, positions=384),
        sd3_layout,
        "SD3Transformer2DModel",
        2.5,
        _SD_3
        | {"num_layers": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 384}
        | {"qk_norm": "rms_norm", "dual_attention_layers": list(range(13))},
    ),
    "sd3.5-large": (
        originals.sd3(depth=38),
        sd3_layout,
        "SD3Transformer2DModel",
        8.1,
        _SD_3
        | {"num_layers": 38, "caption_projection_dim": 2432, "pos_embed_max_size": 192}
        | {"qk_norm": "rms_norm", "dual_attention_layers": []},
    ),
    "t5-xxl": (originals.t5(), t5_layout, "T5EncoderModel", 4_762_310_656, _T5),
    "clip-l": (
        originals.clip(),
        clip_layout("quick_gelu"),
        "CLIPTextModel",
        123_060_480,
        _CLIP_L | {"num_hidden_layers": 12, "hidden_act": "quick_gelu"},
    ),
    "clip-l-of-sd3": (
        originals.clip(),
        clip_layout("quick_gelu", projection="identity"),
        "CLIPTextModelWithProjection",
        123_650_304,
        _CLIP_L | {"num_hidden_layers": 12, "projection_dim": 768},
    ),
    "clip-g": (
        originals.clip(width=1280, layers=32, projected=True),
        clip_layout("gelu", projection="file"),
        "CLIPTextModelWithProjection",
        694_659_840,
        _CLIP_G | {"num_hidden_layers": 32, "projection_dim": 1280, "hidden_act": "gelu"},
    ),
    "clip-g-of-open-clip": (
        originals.open_clip(),
        clip_layout("gelu", projection="file"),
        "CLIPTextModelWithProjection",
        694_659_840,
        _CLIP_G | {"num_hidden_layers": 32, "projection_dim": 1280},
    ),
    "vae-of-flux": (
        originals.vae(),
        autoencoder_of(FLUX_LATENTS),
        "AutoencoderKL",
        83_819_683,
        _VAE | {"scaling_factor": 0.3611, "shift_factor": 0.1159, "use_quant_conv": False},
    ),
    "vae-of-sd3": (
        originals.vae(),
        autoencoder_of(SD_3_LATENTS),
        "AutoencoderKL",
        83_819_683,
        _VAE | {"scaling_factor": 1.5305, "shift_factor": 0.0609, "use_post_quant_conv": False},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_network_of_a_published_file_has_its_names_shapes_and_configuration(name: str) -> None:
    table, layout_of, kind, parameters, config = CASES[name]
    layout = layout_of(_facts(table))
    network = _empty(kind, layout)
    expected = {own: tuple(each.shape) for own, each in network.state_dict().items()}
    expected.pop("encoder.embed_tokens.weight", None)  # T5's other name of `shared.weight`
    found = {own: place.shape_of(table[place.name]) for own, place in layout.places.items()}
    for own in layout.identities:
        found[own] = expected[own]
    assert found == expected
    assert list(layout.unread(_facts(table))) == []
    counted = sum(prod(shape) for shape in expected.values())
    is_exact = isinstance(parameters, int)
    assert parameters == (counted if is_exact else round(counted / 1e9, 1))
    assert {key: layout.config[key] for key in config} == config


@pytest.mark.parametrize("name", ["flux-dev", "flux-schnell", "chroma", "sd3.5-medium"])
def test_a_file_in_the_names_of_diffusers_gives_the_same_configuration(name: str) -> None:
    table, layout_of, kind, _, _ = CASES[name]
    layout = layout_of(_facts(table))
    own = {key: tuple(each.shape) for key, each in _empty(kind, layout).state_dict().items()}
    again = layout_of(_facts(own))
    assert again.config == layout.config
    assert {key: place.name for key, place in again.places.items()} == {key: key for key in own}


def _facts(table: Table) -> dict[str, TensorFacts]:
    return {name: TensorFacts("bfloat16", shape) for name, shape in table.items()}


def _empty(kind: str, layout: NetworkLayout) -> Any:
    import diffusers
    import transformers

    from adapters.diffusion.loading.sets.building import empty

    made: Callable[..., Any] = getattr(diffusers, kind, None) or getattr(transformers, kind)
    return empty(made, layout.config)
