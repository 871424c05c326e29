"""What OpenVINO computes against what torch computes, in float32, with the same seeds."""

import dataclasses
import gc
import importlib.util
import logging
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from benchmarks.memory import resident_bytes
from domain.errors import DeviceUnavailable, GenerationFailed
from domain.execution_plan import PlanOverrides
from domain.generation import GenerationRequest
from domain.models import ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing import demo_request, pixels
from tests.contract.test_families_inpainting import parts
from tests.contract.test_sdxl import WIDTH, pipeline

pytestmark = pytest.mark.torch
__all__ = ["pipeline"]

LEVELS, MEAN_LEVELS = 3, 0.05
"""By which a pixel may differ, and all on average, of 255: only the order of sums is another."""
ROOM = 2**40


@pytest.fixture(scope="module")
def with_torch() -> DiffusersImageGenerator:
    return DiffusersImageGenerator(device="cpu", dtype="float32", backend="torch")


@pytest.fixture(scope="module")
def with_openvino() -> DiffusersImageGenerator:
    return DiffusersImageGenerator(device="cpu", dtype="float32", backend="openvino")


def draw(
    generator: DiffusersImageGenerator, request: GenerationRequest, model: ModelRecord = DEMO_MODEL
) -> list[bytes]:
    return [image.data for image in generator.generate(model, [request]).images[0]]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"width": 264, "height": 328, "prompt": "a lake at night"},
        {"guidance_scale": 1.0},
        {"prompt": "a blue star on a yellow background, " * 12},
        {"negative_prompt": "trees, " * 60, "prompt": "a beautiful landscape"},
        {"num_inference_steps": 12, "prompt": "mountains at sunset"},
        *({"scheduler": name} for name in ("Euler", "Euler a", "DPM++ 2M Karras", "DDIM")),
        *({"scheduler": name} for name in ("UniPC", "LCM")),
    ],
    ids=lambda changes: ",".join(changes) or "plain",
)
def test_the_picture_is_torchs(
    with_torch: DiffusersImageGenerator,
    with_openvino: DiffusersImageGenerator,
    changes: dict[str, Any],
) -> None:
    request = demo_request(**changes)
    (expected,), (found,) = draw(with_torch, request), draw(with_openvino, request)
    difference = np.abs(pixels(expected) - pixels(found))
    assert difference.max() <= LEVELS
    assert difference.mean() <= MEAN_LEVELS
    assert np.std(pixels(found)) > 10


def test_a_picture_is_the_same_again_alone_and_after_others(
    with_openvino: DiffusersImageGenerator,
) -> None:
    among = draw(with_openvino, demo_request(num_images=3))
    draw(with_openvino, demo_request(width=320, guidance_scale=1.0))
    alone = [draw(with_openvino, demo_request(seed=seed))[0] for seed in (3, 4, 5)]
    assert among == alone


def test_weights_in_bfloat16_draw_what_torch_draws_with_them() -> None:
    first, second = (
        DiffusersImageGenerator(device="cpu", dtype="bfloat16", backend=backend)
        for backend in ("torch", "openvino")
    )
    expected, found = (draw(each, demo_request())[0] for each in (first, second))
    # Where the hardware has no bfloat16, OpenVINO rounds the weights alone; torch every layer.
    assert np.abs(pixels(expected) - pixels(found)).mean() < 3


def test_both_networks_are_openvinos_and_counted(with_openvino: DiffusersImageGenerator) -> None:
    from adapters.diffusion.openvino_networks import OpenVinoDecoder, OpenVinoUnet
    from adapters.diffusion.pipeline_cache import pipeline_bytes

    engine: Any = with_openvino._prepared()
    pipeline = engine._pipelines.get(DEMO_MODEL)
    assert isinstance(pipeline.unet, OpenVinoUnet)
    assert isinstance(pipeline.vae.decoder, OpenVinoDecoder)
    of_torch: Any = DiffusersImageGenerator(device="cpu", dtype="float32", backend="torch")
    plain = of_torch._prepared()._pipelines.get(DEMO_MODEL)
    assert pipeline_bytes(pipeline) == pipeline_bytes(plain)
    assert sum(each.nbytes for each in pipeline.unet.parameters()) == 0


def test_the_memory_of_a_model_that_goes_is_given_back() -> None:
    generator = DiffusersImageGenerator(
        device="cpu", dtype="float32", backend="openvino", cache_bytes=0
    )
    others = [dataclasses.replace(DEMO_MODEL, id=f"{number:064x}") for number in range(8)]
    engine: Any = generator._prepared()
    gone, resident = [], []
    for model in others:
        draw(generator, demo_request(model_id=model.id, num_inference_steps=1), model)
        gone.append(weakref.ref(engine._pipelines.get(model).unet._network))
        gc.collect()
        resident.append(resident_bytes())
    assert [each() is None for each in gone] == [True] * 7 + [False]
    assert resident[-1] - resident[3] < 2 * engine._pipelines.used


def test_nobody_is_told_of_a_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    import openvino_telemetry

    told: list[object] = []
    for name in ("send_event", "start_session"):
        monkeypatch.setattr(
            openvino_telemetry.Telemetry, name, lambda *told_of, **_: told.append(told_of)
        )
    draw(DiffusersImageGenerator(device="cpu", backend="openvino"), demo_request())
    assert told == []


def test_weights_that_are_no_numbers_give_an_error(tmp_path: Path) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    name = "model.diffusion_model.out.2.weight"
    tensors = load_file(DEMO_MODEL.path)
    with safe_open(DEMO_MODEL.path, framework="pt") as file:
        metadata = file.metadata()
    path = tmp_path / "nan.safetensors"
    broken = {name: torch.full_like(tensors[name], float("nan"))}
    save_file(tensors | broken, path, metadata=metadata)
    model = dataclasses.replace(DEMO_MODEL, id="0a" * 32, path=str(path), stamp=None)
    generator = DiffusersImageGenerator(device="cpu", dtype="float32", backend="openvino")
    with pytest.raises(GenerationFailed, match="no numbers"):
        draw(generator, demo_request(model_id=model.id), model)
    assert draw(generator, demo_request())


def accelerated(pipeline: Any, memory_bytes: int = ROOM) -> Any:
    from adapters.diffusion.openvino_backend import accelerate_with_openvino

    accelerate_with_openvino(pipeline, threads=1, memory_bytes=memory_bytes)
    return pipeline


def test_the_unet_of_xl_is_told_the_size(pipeline: Any) -> None:
    import copy

    import torch

    call = {
        "prompt_embeds": torch.ones(1, 77, 2 * WIDTH),
        "negative_prompt_embeds": torch.zeros(1, 77, 2 * WIDTH),
        "pooled_prompt_embeds": torch.ones(1, WIDTH),
        "negative_pooled_prompt_embeds": torch.zeros(1, WIDTH),
        "num_inference_steps": 2,
        "output_type": "np",
    }
    ours = accelerated(copy.deepcopy(pipeline))
    pictures = []
    for height, width in ((64, 64), (72, 104)):
        latents = torch.randn(1, 4, height // 8, width // 8, generator=torch.manual_seed(1))
        expected, found = (
            each(**call, height=height, width=width, latents=latents).images
            for each in (pipeline, ours)
        )
        np.testing.assert_allclose(found, expected, atol=1e-4)
        pictures.append(found)
    assert np.std(pictures[0]) > 0.001


def test_an_inpainting_checkpoint_draws_from_text() -> None:
    import copy

    import torch
    from diffusers import StableDiffusionPipeline

    from adapters.diffusion.families.inpainting import mask_whole_picture

    plain = StableDiffusionPipeline(**parts(9))
    plain.to(torch.float32)
    plain.set_progress_bar_config(disable=True)
    ours = accelerated(copy.deepcopy(plain))
    for each in (plain, ours):
        mask_whole_picture(each)
    assert ours.unet.config.in_channels == 4
    words = torch.randn(2, 5, 16, generator=torch.manual_seed(1))
    for size in (64, 72):
        expected, found = (
            each(
                prompt_embeds=words[:1],
                negative_prompt_embeds=words[1:],
                num_inference_steps=2,
                height=size,
                width=64,
                generator=torch.manual_seed(2),
                output_type="np",
            ).images
            for each in (plain, ours)
        )
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_what_does_not_fit_the_memory_twice_stays_torchs(caplog: pytest.LogCaptureFixture) -> None:
    import torch
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel

    from adapters.diffusion.openvino_networks import OpenVinoDecoder, OpenVinoUnet

    def sized(*networks: Any) -> int:
        return sum(tensor.nbytes for each in networks for tensor in each.parameters())

    for spare, kind in ((0, OpenVinoUnet), (-1000, UNet2DConditionModel)):
        plain = StableDiffusionPipeline(**parts(4))
        plain.to(torch.float32)
        need = sized(plain.unet, plain.vae) + sized(plain.unet) + spare
        with caplog.at_level(logging.WARNING):
            ours = accelerated(plain, memory_bytes=int(need / 0.8) + 2)
        assert isinstance(ours.unet, kind)
        assert isinstance(ours.vae, AutoencoderKL)
        assert isinstance(ours.vae.decoder, OpenVinoDecoder) or spare
    assert "no memory to convert" in caplog.text


def test_it_is_asked_for_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.diffusion.device import planned_device

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "openvino" else real(name, *rest),
    )
    with pytest.raises(DeviceUnavailable, match=r"pip install '\.\[openvino\]'"):
        planned_device(PlanOverrides(device="cpu", backend="openvino"))
    assert planned_device(PlanOverrides(device="cpu")).plan.backend == "torch"
