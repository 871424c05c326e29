"""Whole files of the published shapes are recognised, in their authors' names and diffusers'."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.values import Header
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets import Layout, components_in
from domain.models.record import ModelKind
from tests.contract.sets import autoencoder_originals, language_originals, originals

pytestmark = pytest.mark.torch

Table = dict[str, tuple[int, ...]]
_FLUX = "flux transformer 16: clip 768, t5 4096, vae-kl 16"
_CHROMA = "chroma transformer 16: t5 4096, vae-kl 16"
_SD_3 = "sd-3 transformer 16: clip 768, clip 1280, t5 4096, vae-kl 16"
_FLUX_2 = "flux-2 transformer 32: qwen-3 {}, vae-kl-flux-2 32"
_Z_IMAGE = "z-image transformer 16: qwen-3 2560, vae-kl 16"
_LUMINA_2 = "lumina-2 transformer 16: gemma-2 2304, vae-kl 16"
_QWEN_IMAGE = "qwen-image transformer 16: qwen-2.5-vl 3584, vae-qwen-image 16"
_SANA = "sana transformer 32: gemma-2 2304, vae-dc 32"

PUBLISHED: Mapping[str, tuple[Table, str, Layout]] = {
    "FLUX.1 dev": (originals.flux(guidance=True), _FLUX, Layout.ORIGINAL),
    "FLUX.1 schnell": (originals.flux(guidance=False), _FLUX, Layout.ORIGINAL),
    "Chroma": (originals.chroma(), _CHROMA, Layout.ORIGINAL),
    "SD 3 medium": (originals.sd3(depth=24, normed=False), _SD_3, Layout.ORIGINAL),
    "SD 3.5 medium": (originals.sd3(depth=24, dual=13, positions=384), _SD_3, Layout.ORIGINAL),
    "SD 3.5 large": (originals.sd3(depth=38), _SD_3, Layout.ORIGINAL),
    "FLUX.2 klein 4B": (language_originals.flux_2(), _FLUX_2.format(2560), Layout.ORIGINAL),
    "Z-Image": (language_originals.z_image(), _Z_IMAGE, Layout.ORIGINAL),
    "Lumina 2": (language_originals.lumina_2(), _LUMINA_2, Layout.ORIGINAL),
    "SANA 0.6B": (language_originals.sana(width=1152, layers=28), _SANA, Layout.ORIGINAL),
    "SANA 1.6B": (language_originals.sana(), _SANA, Layout.ORIGINAL),
    "SANA 1.5 4.8B": (language_originals.sana(layers=60, normed=True), _SANA, Layout.ORIGINAL),
    "T5": (originals.t5(), "t5 4096", Layout.TRANSFORMERS),
    "CLIP-L": (originals.clip(), "clip 768", Layout.TRANSFORMERS),
    "CLIP-G": (
        originals.clip(width=1280, layers=32, projected=True),
        "clip 1280",
        Layout.TRANSFORMERS,
    ),
    "OpenCLIP-G": (originals.open_clip(), "clip 1280", Layout.OPEN_CLIP),
    "Qwen3-4B": (language_originals.qwen_3(), "qwen-3 2560", Layout.TRANSFORMERS),
    "Qwen2.5-VL": (language_originals.qwen_2_5_vl(), "qwen-2.5-vl 3584", Layout.TRANSFORMERS),
    "Gemma 2": (language_originals.gemma_2(), "gemma-2 2304", Layout.TRANSFORMERS),
    "VAE of 16 channels": (originals.vae(), "vae-kl 16", Layout.ORIGINAL),
    "VAE of FLUX.2": (
        autoencoder_originals.vae_flux_2(),
        "vae-kl-flux-2 32",
        Layout.ORIGINAL,
    ),
    "VAE of Qwen-Image": (
        autoencoder_originals.vae_wan(),
        "vae-qwen-image 16",
        Layout.ORIGINAL,
    ),
    "VAE of SANA": (autoencoder_originals.vae_dc(), "vae-dc 32", Layout.ORIGINAL),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_that_a_published_file_is_recognised(name: str) -> None:
    table, expected, layout = PUBLISHED[name]
    facts = {name: TensorFacts("bfloat16", shape) for name, shape in table.items()}
    _check(facts, expected, layout)
    if " transformer " in expected:
        within = {f"model.diffusion_model.{name}": each for name, each in facts.items()}
        _check(within, expected, layout)


def _check(facts: Mapping[str, TensorFacts], expected: str, layout: Layout) -> None:
    (found,) = components_in(facts)
    component = found.component
    said = f"{component.type} {component.width}"
    if component.needs:
        needs = ", ".join(f"{each.type} {each.width}" for each in component.needs)
        said = f"{found.family} {said}: {needs}"
    assert (said, found.layout, found.problem) == (expected, layout, None)
    told = classify(Header(facts))
    assert told.component == component
    assert told.kind is _kind(expected)


def _kind(expected: str) -> ModelKind:
    if " transformer " in expected:
        return ModelKind.DIFFUSION_MODEL
    return ModelKind.VAE if expected.startswith("vae") else ModelKind.TEXT_ENCODER


def _few(name: str, **changes: object) -> Callable[[], Any]:
    """Return a maker of a network of diffusers with its own widths and few layers."""

    def made() -> Any:
        import diffusers

        return getattr(diffusers, name)(**changes)

    return made


def _encoder(name: str, configuration: str, **changes: object) -> Callable[[], Any]:
    def made() -> Any:
        import transformers

        return getattr(transformers, name)(getattr(transformers, configuration)(**changes))

    return made


_ONE = {"num_layers": 1, "num_single_layers": 1}
_LANGUAGE = {"num_hidden_layers": 1, "num_attention_heads": 8, "num_key_value_heads": 4}
_ENCODER = {"num_layers": 2, "d_kv": 64, "num_heads": 64, "feed_forward_proj": "gated-gelu"}
MODULES: Mapping[str, tuple[Callable[[], Any], str]] = {
    "FLUX.1": (_few("FluxTransformer2DModel", guidance_embeds=True, **_ONE), _FLUX),
    "Chroma": (_few("ChromaTransformer2DModel", **_ONE), _CHROMA),
    "SD 3": (_few("SD3Transformer2DModel", num_layers=2), _SD_3),
    "FLUX.2 klein 9B": (
        _few(
            "Flux2Transformer2DModel",
            joint_attention_dim=12288,
            num_attention_heads=32,
            guidance_embeds=False,
            **_ONE,
        ),
        _FLUX_2.format(4096),
    ),
    "Z-Image": (_few("ZImageTransformer2DModel", n_layers=1, n_refiner_layers=1), _Z_IMAGE),
    "Lumina 2": (
        _few("Lumina2Transformer2DModel", cap_feat_dim=2304, num_layers=1, num_refiner_layers=1),
        _LUMINA_2,
    ),
    "Qwen-Image": (_few("QwenImageTransformer2DModel", num_layers=1), _QWEN_IMAGE),
    "SANA": (_few("SanaTransformer2DModel", num_layers=1), _SANA),
    "VAE of 16 channels": (
        _few(
            "AutoencoderKL",
            latent_channels=16,
            block_out_channels=(32, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        "vae-kl 16",
    ),
    "VAE of FLUX.2": (_few("AutoencoderKLFlux2"), "vae-kl-flux-2 32"),
    "VAE of Qwen-Image": (_few("AutoencoderKLQwenImage"), "vae-qwen-image 16"),
    "VAE of SANA": (_few("AutoencoderDC"), "vae-dc 32"),
    "CLIP-L": (_encoder("CLIPTextModel", "CLIPTextConfig", hidden_size=768), "clip 768"),
    "CLIP-G": (
        _encoder("CLIPTextModelWithProjection", "CLIPTextConfig", hidden_size=1280),
        "clip 1280",
    ),
    "T5": (_encoder("T5EncoderModel", "T5Config", d_model=4096, **_ENCODER), "t5 4096"),
    "Qwen3": (
        _encoder("Qwen3ForCausalLM", "Qwen3Config", hidden_size=2560, **_LANGUAGE),
        "qwen-3 2560",
    ),
    "Gemma 2": (
        _encoder("Gemma2Model", "Gemma2Config", hidden_size=2304, **_LANGUAGE),
        "gemma-2 2304",
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_that_a_module_of_diffusers_or_transformers_is_recognised(name: str) -> None:
    import torch

    make, expected = MODULES[name]
    with torch.device("meta"):
        weights = make().state_dict()
    facts = {name: TensorFacts("bfloat16", tuple(each.shape)) for name, each in weights.items()}
    if name == "Gemma 2":  # ComfyUI's file has the tokenizer too, without which nothing draws
        facts["spiece_model"] = TensorFacts("uint8", (4_241_003,))
    is_encoder = name in {"CLIP-L", "CLIP-G", "T5", "Qwen3", "Gemma 2"}
    (found,) = components_in(facts)
    bare = Layout.BARE if found.layout is Layout.BARE else Layout.TRANSFORMERS
    _check(facts, expected, bare if is_encoder else Layout.DIFFUSERS)


def test_that_qwen_2_5_vl_of_transformers_is_recognised() -> None:
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {"hidden_size": 3584, "intermediate_size": 64, **_LANGUAGE}
    sees = {"depth": 1, "hidden_size": 64, "num_heads": 2, "out_hidden_size": 3584}
    with torch.device("meta"):
        network = Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config=text, vision_config=sees)
        )
    shapes = {name: tuple(each.shape) for name, each in network.state_dict().items()}
    facts = {name: TensorFacts("bfloat16", shape) for name, shape in shapes.items()}
    (found,) = components_in(facts)
    assert (found.component.type, found.component.width, found.problem) == (
        "qwen-2.5-vl",
        3584,
        None,
    )
    assert found.component.kind == "with its vision part"
