"""Stable Diffusion XL, tiny and with random weights: two text encoders, and its VAE's precision."""

from typing import Any

import pytest

from domain.generation import GenerationRequest
from domain.models import ModelRecord

pytestmark = pytest.mark.torch

MODEL = ModelRecord("dc" * 32, "tiny-xl.safetensors", 1, "tiny-xl.safetensors", ".safetensors")
WIDTH = 8


@pytest.fixture(scope="module")
def pipeline() -> Any:
    """Every part of SDXL, of the real classes, a few numbers wide."""
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from adapters.diffusion.device import find_device
    from adapters.diffusion.loader import load_pipeline
    from tests.contract.conftest import DEMO_MODEL

    torch.manual_seed(0)
    tokenizer = load_pipeline(DEMO_MODEL, find_device("cpu", "float32")).tokenizer
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=2,
        projection_dim=WIDTH,
        eos_token_id=tokenizer.eos_token_id,
    )
    blocks = (32, 32)
    tiny = StableDiffusionXLPipeline(
        vae=AutoencoderKL(
            block_out_channels=(32,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            force_upcast=True,
        ),
        text_encoder=CLIPTextModel(text),
        text_encoder_2=CLIPTextModelWithProjection(text),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=UNet2DConditionModel(
            block_out_channels=blocks,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            attention_head_dim=(2, 4),
            cross_attention_dim=2 * WIDTH,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=WIDTH,
            projection_class_embeddings_input_dim=6 * WIDTH + WIDTH,
        ),
        scheduler=EulerDiscreteScheduler(
            beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1
        ),
        add_watermarker=False,
    )
    tiny.set_progress_bar_config(disable=True)
    return tiny


@pytest.mark.parametrize("negative", [None, "", "a blue square"])
def test_prompts_are_encoded_as_diffusers_does_it(pipeline: Any, negative: str | None) -> None:
    import torch

    from adapters.diffusion.prompts import encode_prompts

    ours = encode_prompts(pipeline, "a red circle", negative)
    theirs = pipeline.encode_prompt("a red circle", None, "cpu", 1, True, negative)
    for own, other in zip(
        (ours.prompt, ours.negative, ours.pooled, ours.negative_pooled), theirs, strict=True
    ):
        assert own is not None
        assert torch.equal(own, other)


def test_longer_prompts_are_read_to_their_end(pipeline: Any) -> None:
    from adapters.diffusion.prompts import encode_prompts

    encoding = encode_prompts(pipeline, "red " * 100, None)
    assert encoding.negative is not None
    assert encoding.prompt.shape == encoding.negative.shape == (1, 154, 2 * WIDTH)
    assert encoding.pooled is not None
    assert encoding.pooled.shape == (1, WIDTH)


def test_without_guidance_there_is_no_negative(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.prompts import encode_prompts

    ours = encode_prompts(pipeline, "a red circle", "a blue square", guided=False)
    theirs = pipeline.encode_prompt("a red circle", None, "cpu", 1, False)
    assert torch.equal(ours.prompt, theirs[0])
    assert ours.pooled is not None
    assert torch.equal(ours.pooled, theirs[2])
    assert (ours.negative, ours.negative_pooled) == (None, None)


def engine_with(pipeline: Any) -> Any:
    from adapters.diffusion.device import find_device
    from adapters.diffusion.engine import Engine

    engine = Engine(
        find_device("cpu", "float32"), embed_metadata=True, cache_bytes=0, largest_batch=1
    )
    engine._pipelines._load = lambda _model, _device: pipeline
    return engine


REQUEST = GenerationRequest(
    id="r1",
    model_id=MODEL.id,
    prompt="a red circle",
    num_inference_steps=2,
    width=256,
    height=256,
    seed=7,
    num_images=2,
)


def test_it_draws_the_same_bytes_each_time(pipeline: Any) -> None:
    engine = engine_with(pipeline)
    first, second = (engine.generate(MODEL, [REQUEST], 1, None).images for _ in range(2))
    assert first == second
    assert len({image.data for image in first[0]}) == 2


def test_a_decode_that_fails_leaves_the_vae_in_its_precision(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    engine = engine_with(pipeline)
    before = engine.generate(MODEL, [REQUEST], 1, None).images
    real = pipeline.vae.decode

    def decode(*_arguments: Any, **_options: Any) -> Any:
        pipeline.vae.to(torch.float64)  # as diffusers casts it up before it decodes
        raise MemoryError

    monkeypatch.setattr(pipeline.vae, "decode", decode)
    with pytest.raises(Exception, match="does not fit"):
        engine.generate(MODEL, [REQUEST], 1, None)
    assert pipeline.vae.dtype == torch.float32
    monkeypatch.setattr(pipeline.vae, "decode", real)
    assert engine.generate(MODEL, [REQUEST], 1, None).images == before
