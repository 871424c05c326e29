"""Stable Diffusion XL, tiny and with random weights: two text encoders, and its VAE's precision."""

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest

from application.settings.plan_overrides import PlanOverrides
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.drawing.drawing import pixels
from tests.contract.drawing.generating import MODELS, generate
from tests.contract.drawing.tiny_sdxl import WIDTH, tiny_sdxl
from tests.fakes.picture_codec import FakePictureCodec

pytestmark = pytest.mark.torch

MODEL = ModelRecord("dc" * 32, "tiny-xl.safetensors", 1, "tiny-xl.safetensors", ".safetensors")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return tiny_sdxl()


@pytest.mark.parametrize("negative", [None, "", "a blue square"])
def test_prompts_are_encoded_as_in_diffusers(pipeline: Any, negative: str | None) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    ours = encode_prompts(pipeline, "a red circle", negative)
    theirs = pipeline.encode_prompt("a red circle", None, "cpu", 1, True, negative)
    for own, other in zip(
        (ours.prompt, ours.negative, ours.pooled, ours.negative_pooled), theirs, strict=True
    ):
        assert own is not None
        assert torch.equal(own, other)


def test_longer_prompts_are_read_to_their_end(pipeline: Any) -> None:
    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    encoding = encode_prompts(pipeline, "red " * 100, None)
    assert encoding.negative is not None
    assert encoding.prompt.shape == encoding.negative.shape == (1, 154, 2 * WIDTH)
    assert encoding.pooled is not None
    assert encoding.pooled.shape == (1, WIDTH)


def test_without_guidance_there_is_no_negative_prompt(pipeline: Any) -> None:
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    ours = encode_prompts(pipeline, "a red circle", "a blue square", guided=False)
    theirs = pipeline.encode_prompt("a red circle", None, "cpu", 1, False)
    assert torch.equal(ours.prompt, theirs[0])
    assert ours.pooled is not None
    assert torch.equal(ours.pooled, theirs[2])
    assert (ours.negative, ours.negative_pooled) == (None, None)


def device_with(**wanted: str) -> Any:
    from adapters.diffusion.devices.device import planned_device

    values = {"device": "cpu", "dtype": "float32"} | wanted
    return planned_device(PlanOverrides(**values))  # type: ignore[arg-type]


def engine_with(pipeline: Any, **wanted: str) -> Any:
    from adapters.diffusion.engine import Engine

    engine = Engine(device_with(**wanted), MODELS, FakePictureCodec(), cache_bytes=0)
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
    first, second = (generate(engine, MODEL, [REQUEST]).images for _ in range(2))
    assert first == second
    assert len({image.data for image in first[0]}) == 2


@pytest.mark.parametrize("sides", [(1152, 896), (640, 1536)])
def test_it_draws_the_training_sizes_of_xl(pipeline: Any, sides: tuple[int, int]) -> None:
    previews: list[bytes] = []
    width, height = sides
    request = dataclasses.replace(
        REQUEST, width=width, height=height, num_inference_steps=2, num_images=1
    )
    batch = generate(
        engine_with(pipeline),
        MODEL,
        [request],
        on_preview=lambda _number, jpeg: previews.append(jpeg),
    )
    picture = batch.images[0][0]
    assert (picture.width, picture.height) == sides
    assert pixels(picture.data).shape == (height, width, 3)
    assert len(previews) == 2
    for preview in previews:
        ratio = pixels(preview).shape[1] / pixels(preview).shape[0]
        assert abs(ratio - width / height) < 0.02


def test_a_picture_that_does_not_fit_is_decoded_in_tiles(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_with(pipeline)
    batch = generate(engine, MODEL, [REQUEST])
    whole = batch.images
    assert batch.warnings == ((),)
    real = pipeline.vae.decoder.forward

    def forward(latents: Any, *rest: Any) -> Any:
        if latents.shape[-1] > 24:
            raise MemoryError
        return real(latents, *rest)

    monkeypatch.setattr(pipeline.vae.decoder, "forward", forward)
    with pytest.raises(Exception, match="does not fit"):  # tiles of 32 do not either
        generate(engine, MODEL, [REQUEST])
    failures = [MemoryError()]

    def fails_once(*given: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*given)

    monkeypatch.setattr(pipeline.vae.decoder, "forward", fails_once)
    again = generate(engine, MODEL, [REQUEST])  # as large as a tile, so it is whole
    assert (again.images, again.warnings) == (whole, ((),))
    monkeypatch.setattr(pipeline.vae.decoder, "forward", forward)
    monkeypatch.setattr("adapters.diffusion.drawing.stages.autoencoder._SMALL_TILE", 24)
    batch = generate(engine, MODEL, [REQUEST])
    tiled = batch.images
    (said,) = batch.warnings
    assert len(said) == 1  # once for both pictures
    assert "in tiles" in said[0]
    assert np.abs(pixels(tiled[0][0].data) - pixels(whole[0][0].data)).mean() < 8
    monkeypatch.setattr(pipeline.vae.decoder, "forward", real)
    assert generate(engine, MODEL, [REQUEST]).images == whole


def test_tiling_can_be_turned_off(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_with(pipeline, vae_tiling="off")
    seen: list[int] = []

    def forward(latents: Any, *_rest: Any) -> Any:
        seen.append(latents.shape[-1])
        raise MemoryError

    monkeypatch.setattr(pipeline.vae.decoder, "forward", forward)
    with pytest.raises(Exception, match="does not fit"):
        generate(engine, MODEL, [REQUEST])
    assert seen == [32]


def test_an_autoencoder_that_overflows_is_float32_from_then_on(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    engine = engine_with(pipeline)
    whole = generate(engine, MODEL, [REQUEST]).images
    pipeline.vae.to(torch.bfloat16)
    real = pipeline.vae.decoder.forward
    seen: list[torch.dtype] = []

    def forward(latents: Any, *rest: Any) -> Any:
        seen.append(latents.dtype)
        if latents.dtype == torch.float32:
            return real(latents, *rest)
        height, width = latents.shape[-2:]
        return torch.full((1, 3, 8 * height, 8 * width), torch.nan, dtype=latents.dtype)

    monkeypatch.setattr(pipeline.vae.decoder, "forward", forward)
    one = dataclasses.replace(REQUEST, num_images=1)
    drawn = [generate(engine, MODEL, [one]).images[0][0] for _ in range(2)]
    assert seen == [torch.bfloat16, torch.float32, torch.float32]
    for image in drawn:  # its weights were rounded to bfloat16 for the test
        assert np.abs(pixels(image.data) - pixels(whole[0][0].data)).mean() < 4


@pytest.mark.parametrize(
    ("dtype", "vae_dtype", "expected"),
    [
        ("float16", "auto", {"bfloat16", "float32"}),
        ("float16", "float32", {"float32"}),
        ("float16", "float16", {"float16"}),
        ("bfloat16", "auto", {"bfloat16"}),
        ("float32", "auto", {"float32"}),
    ],
)
def test_the_autoencoder_of_xl_has_no_precision_in_which_it_overflows(
    pipeline: Any, dtype: str, vae_dtype: str, expected: set[str]
) -> None:
    import torch

    from adapters.diffusion.loading.placement import place

    copy_of = type(pipeline)(**copy.deepcopy(pipeline.components), add_watermarker=False)
    place(copy_of, device_with(dtype=dtype, vae_dtype=vae_dtype), in_any_precision=True)
    assert copy_of.unet.dtype is copy_of.text_encoder.dtype is getattr(torch, dtype)
    assert str(copy_of.vae.dtype).removeprefix("torch.") in expected


def test_a_float32_autoencoder_decodes_for_a_network_in_half_precision(pipeline: Any) -> None:
    from adapters.diffusion.loading.placement import place

    whole = generate(engine_with(pipeline), MODEL, [REQUEST]).images
    half = type(pipeline)(**copy.deepcopy(pipeline.components), add_watermarker=False)
    half.set_progress_bar_config(disable=True)
    device = device_with(dtype="bfloat16", vae_dtype="float32")
    place(half, device, in_any_precision=True)
    engine = engine_with(half, dtype="bfloat16", vae_dtype="float32")
    drawn = generate(engine, MODEL, [REQUEST]).images
    assert np.abs(pixels(drawn[0][0].data) - pixels(whole[0][0].data)).mean() < 4
