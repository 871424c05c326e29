"""Pictures to latents: in half precision, in tiles, offloaded, and beside OpenVINO."""

import dataclasses
import importlib.util
from typing import Any

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.pictures.codec import PillowPictureCodec
from domain.errors import OutOfMemory
from domain.generation.parts import SecondPass
from domain.generation.request import GenerationRequest
from domain.samplers import Scheduler
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import LEVELS, demo_request
from tests.contract.drawing.generating import MODELS, new_generator
from tests.contract.drawing.test_sdxl import MODEL as TINY_XL
from tests.contract.drawing.test_sdxl import engine_with
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.from_pictures.drawing import Files, circle, draw, one_by_one, scene

pytestmark = pytest.mark.torch


def half_drawn(files: Files, **changes: Any) -> GenerationRequest:
    """Return a request that draws two steps from a picture."""
    source = files.source(scene(), strength=0.5)
    return demo_request(source=source, **changes)


@pytest.fixture(scope="module")
def tiny() -> Any:
    return tiny_sdxl()


def test_an_encoder_that_overflows_is_float32_from_then_on(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    files = Files()
    wanted = half_drawn(files)
    engine = engine_with(tiny)
    (whole,) = one_by_one(draw(engine, [wanted], files, model=TINY_XL))
    tiny.vae.to(torch.bfloat16)
    real = tiny.vae.encoder.forward
    seen: list[torch.dtype] = []

    def forward(pixels: Any, *rest: Any) -> Any:
        seen.append(pixels.dtype)
        made = real(pixels, *rest)
        return made if pixels.dtype == torch.float32 else torch.full_like(made, torch.nan)

    monkeypatch.setattr(tiny.vae.encoder, "forward", forward)
    for _ in range(2):
        (found,) = one_by_one(draw(engine, [wanted], files, model=TINY_XL))
        # The weights were rounded to bfloat16 for the test.
        assert np.abs(found - whole).mean() < 4
    assert seen == [torch.bfloat16, torch.float32, torch.float32]


def test_a_picture_that_does_not_fit_is_encoded_in_tiles(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    tiny.vae.to(torch.float32)
    files = Files()
    wanted = half_drawn(files, num_images=2)
    engine = engine_with(tiny)
    whole = one_by_one(draw(engine, [wanted], files, model=TINY_XL))
    real = tiny.vae.encoder.forward

    def forward(pixels: Any, *rest: Any) -> Any:
        if pixels.shape[-1] > 8 * 24:
            raise MemoryError
        return real(pixels, *rest)

    monkeypatch.setattr(tiny.vae.encoder, "forward", forward)
    with pytest.raises(OutOfMemory):  # tiles of 32 latents do not fit either
        draw(engine, [wanted], files, model=TINY_XL)
    monkeypatch.setattr("adapters.diffusion.drawing.stages.autoencoder._SMALL_TILE", 24)
    batch = draw(engine, [wanted], files, model=TINY_XL)
    (said,) = batch.requests[0].warnings  # once for both pictures
    assert said.startswith("memory was short, so the picture was encoded in tiles")
    for one, other in zip(one_by_one(batch), whole, strict=True):
        assert np.abs(one - other).mean() < 8
    strict = engine_with(tiny, vae_tiling="off")
    with pytest.raises(OutOfMemory, match="encoding the picture as a whole") as caught:
        draw(strict, [wanted], files, model=TINY_XL)
    assert caught.value.tiling_helps


def test_the_encoder_may_be_in_another_precision_than_the_unet(
    float32_generator: DiffusersImageGenerator,
) -> None:
    files = Files()
    wanted = half_drawn(files, scheduler=Scheduler.EULER_A)
    (exact,) = one_by_one(draw(float32_generator, [wanted], files))
    for vae_dtype in ("bfloat16", "float32"):
        generator = new_generator(device="cpu", dtype="bfloat16", vae_dtype=vae_dtype)
        (found,) = one_by_one(draw(generator, [wanted], files))
        # A seed means the same noise in each precision.
        assert np.abs(found - exact).mean() < 6


@pytest.mark.parametrize("attention", ["sliced", "chunked"])
def test_every_kind_of_attention_draws_from_pictures(
    float32_generator: DiffusersImageGenerator, attention: str
) -> None:
    files = Files()
    wanted = half_drawn(files)
    (expected,) = one_by_one(draw(float32_generator, [wanted], files))
    generator = new_generator(device="cpu", dtype="float32", attention=attention)
    (found,) = one_by_one(draw(generator, [wanted], files))
    assert np.abs(found - expected).max() <= LEVELS


def test_offloaded_weights_draw_the_same_from_pictures(
    float32_generator: DiffusersImageGenerator,
) -> None:
    from adapters.diffusion.devices.device import Device, find_device
    from adapters.diffusion.engine import Engine

    plan = dataclasses.replace(find_device("cpu", "float32").plan, offload="model")
    engine = Engine(Device(plan), MODELS, PillowPictureCodec(), cache_bytes=0)
    files = Files()
    second = SecondPass(scale=1.25, strength=0.25, upscaler="lanczos")
    wanted = demo_request(source=files.source(scene(), circle(), strength=0.5), second_pass=second)
    (expected,) = one_by_one(draw(float32_generator, [wanted], files))
    (found,) = one_by_one(draw(engine, [wanted], files))
    assert np.abs(found - expected).max() <= LEVELS
    pipeline: Any = engine._pipelines.get(DEMO_MODEL)
    assert hasattr(pipeline.vae, "_hf_hook")


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs OpenVINO")
@pytest.mark.parametrize("has_mask", [False, True])
def test_with_openvino_torch_encodes(
    float32_generator: DiffusersImageGenerator, has_mask: bool
) -> None:
    files = Files()
    source = files.source(scene(), circle() if has_mask else None, strength=0.5)
    second = SecondPass(scale=1.25, strength=0.25, upscaler="lanczos")
    wanted = demo_request(source=source, second_pass=second)
    (expected,) = one_by_one(draw(float32_generator, [wanted], files))
    generator = new_generator(device="cpu", dtype="float32", backend="openvino")
    (found,) = one_by_one(draw(generator, [wanted], files))
    assert np.abs(found - expected).max() <= LEVELS + 1
