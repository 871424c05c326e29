"""OpenVINO's results against torch's, in float32, with the same seeds."""

import dataclasses
import gc
import importlib.util
import logging
import weakref
from typing import Any

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from application.settings.plan_overrides import PlanOverrides
from benchmarks.memory import resident_bytes
from domain.errors import DeviceUnavailable
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.additions.networks import parts
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request, pixels
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.drawing.test_sdxl import pipeline
from tests.contract.drawing.tiny_sdxl import WIDTH
from tests.contract.hostile.instructions import skip_without_int8

pytestmark = pytest.mark.torch
__all__ = ["pipeline"]

LEVELS, MEAN_LEVELS = 3, 0.05
"""Allowed difference of a pixel, and of the mean, of 255: only the order of sums differs."""
ROOM = 2**40
SIDE = 4096
"""Size of a layer, 64 MiB, that is visible in a process's memory."""


@pytest.fixture(scope="module")
def with_torch() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32", backend="torch")


@pytest.fixture(scope="module")
def with_openvino() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32", backend="openvino")


def draw(
    generator: DiffusersImageGenerator, request: GenerationRequest, model: ModelRecord = DEMO_MODEL
) -> list[bytes]:
    return [image.data for image in generate(generator, model, [request]).images[0]]


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
def test_the_picture_equals_that_of_torch(
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


def test_a_repeated_picture_is_the_same_alone_and_after_others(
    with_openvino: DiffusersImageGenerator,
) -> None:
    among = draw(with_openvino, demo_request(num_images=3))
    draw(with_openvino, demo_request(width=320, guidance_scale=1.0))
    alone = [draw(with_openvino, demo_request(seed=seed))[0] for seed in (3, 4, 5)]
    assert among == alone


def test_weights_in_bfloat16_draw_the_same_as_torch() -> None:
    first, second = (
        new_generator(device="cpu", dtype="bfloat16", backend=backend)
        for backend in ("torch", "openvino")
    )
    expected, found = (draw(each, demo_request())[0] for each in (first, second))
    # Without bfloat16 in hardware, OpenVINO rounds only the weights; torch rounds every layer.
    assert np.abs(pixels(expected) - pixels(found)).mean() < 3


def test_both_networks_run_in_openvino_and_are_counted(
    with_torch: DiffusersImageGenerator, with_openvino: DiffusersImageGenerator
) -> None:
    from adapters.diffusion.loading.pipeline_cache import pipeline_bytes
    from adapters.diffusion.openvino.networks import OpenVinoDecoder, OpenVinoUnet

    engine: Any = with_openvino._prepared()
    pipeline = engine._pipelines.get(DEMO_MODEL)
    assert isinstance(pipeline.unet, OpenVinoUnet)
    assert isinstance(pipeline.vae.decoder, OpenVinoDecoder)
    of_torch: Any = with_torch._prepared()
    plain = of_torch._pipelines.get(DEMO_MODEL)
    assert pipeline_bytes(pipeline) == pipeline_bytes(plain)
    assert sum(each.nbytes for each in pipeline.unet.parameters()) == 0


def test_a_removed_model_is_released() -> None:
    from adapters.diffusion.devices.device import planned_device
    from adapters.diffusion.loading.pipeline_cache import PipelineCache

    def load(*_: object) -> Any:
        return accelerated(small_pipeline(4))

    cache = PipelineCache(planned_device(PlanOverrides(device="cpu")), 0, load)
    kept = []
    for number in range(2):
        pipeline: Any = cache.get(dataclasses.replace(DEMO_MODEL, id=f"{number:064x}"))
        kept.append(weakref.ref(pipeline.unet._network))
        kept.append(weakref.ref(pipeline.vae.decoder._network))
        del pipeline
    gc.collect()
    assert [each() is None for each in kept] == [True, True, False, False]


def test_the_memory_of_a_removed_network_is_released() -> None:
    import torch

    from adapters.diffusion.devices.errors import trim_heap
    from adapters.diffusion.openvino.conversion import Input, compile_network

    def resident_after_one() -> int:
        network = compile_network(
            torch.nn.Linear(SIDE, SIDE), [Input(torch.zeros(1, SIDE), (-1, SIDE))], threads=1
        )
        assert network(torch.ones(3, SIDE)).shape == (3, SIDE)
        assert network.weight_bytes >= 4 * SIDE**2
        del network
        gc.collect()
        trim_heap()
        return resident_bytes()

    first, *_, last = [resident_after_one() for _ in range(5)]
    assert last - first < 2 * SIDE**2, (
        "half of one network, of the four that were created and removed"
    )


def test_imports_and_conversions_print_nothing(
    with_openvino: DiffusersImageGenerator,
) -> None:
    draw(with_openvino, demo_request())
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


def small_pipeline(channels: int) -> Any:
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline(**parts(channels))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(torch.float32)


def accelerated(pipeline: Any, memory_bytes: int = ROOM, quantization: str = "none") -> Any:
    from adapters.diffusion.openvino.backend import accelerate_with_openvino

    accelerate_with_openvino(
        pipeline, threads=1, memory_bytes=memory_bytes, quantization=quantization
    )
    return pipeline


@pytest.mark.parametrize(("quantization", "apart"), [("none", 1e-5), ("int8", 0.02)])
def test_the_unet_of_xl_receives_the_size(pipeline: Any, quantization: str, apart: float) -> None:
    if quantization == "int8":
        skip_without_int8()
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
    ours = accelerated(copy.deepcopy(pipeline), quantization=quantization)
    pictures = []
    for height, width in ((64, 64), (72, 104)):
        latents = torch.randn(1, 4, height // 8, width // 8, generator=torch.manual_seed(1))
        expected, found = (
            each(**call, height=height, width=width, latents=latents).images
            for each in (pipeline, ours)
        )
        assert np.abs(found - expected).mean() < apart
        pictures.append(found)
    assert np.std(pictures[0]) > 0.001


@pytest.mark.parametrize(("quantization", "apart"), [("none", 1e-4), ("int8", 0.02)])
def test_an_inpainting_checkpoint_draws_from_text(quantization: str, apart: float) -> None:
    if quantization == "int8":
        skip_without_int8()
    import copy

    import torch

    from adapters.diffusion.additions.mask import GreyLatents, mask_addition

    plain = small_pipeline(9)
    ours = accelerated(copy.deepcopy(plain), quantization=quantization)
    assert ours.unet.config.in_channels == 9
    words = torch.randn(2, 5, 16, generator=torch.manual_seed(1))
    for size in (64, 72):
        latents = torch.randn(1, 4, size // 8, 8, generator=torch.manual_seed(2))
        pictures = []
        for each in (plain, ours):
            grey = GreyLatents().like(latents, each.vae)
            with mask_addition(each.unet, torch.ones(1, 1, size // 8, 8), grey):
                drawn = each(
                    prompt_embeds=words[:1],
                    negative_prompt_embeds=words[1:],
                    num_inference_steps=2,
                    height=size,
                    width=64,
                    latents=latents,
                    output_type="np",
                )
            pictures.append(drawn.images)
        expected, found = pictures
        assert np.abs(found - expected).mean() < apart


@pytest.mark.parametrize(("quantization", "bytes_a_weight"), [("none", 4), ("int8", 2)])
def test_a_model_that_does_not_fit_twice_stays_in_torch(
    caplog: pytest.LogCaptureFixture, quantization: str, bytes_a_weight: int
) -> None:
    from diffusers import UNet2DConditionModel

    from adapters.diffusion.openvino.networks import OpenVinoDecoder, OpenVinoUnet

    def sized(*networks: Any) -> int:
        return sum(tensor.nbytes for each in networks for tensor in each.parameters())

    def of_openvino(network: Any) -> int:
        return sum(bytes_a_weight * tensor.numel() for tensor in network.parameters())

    for spare, kind in ((0, OpenVinoUnet), (-1000, UNet2DConditionModel)):
        plain = small_pipeline(4)
        # OpenVINO does not have this precision: its decoder stays in torch in any case.
        plain.vae.double()
        need = sized(plain.unet, plain.vae) + of_openvino(plain.unet) + spare
        with caplog.at_level(logging.WARNING):
            ours = accelerated(plain, int(need / 0.8) + 2, quantization)
        assert isinstance(ours.unet, kind)
        assert not isinstance(ours.vae.decoder, OpenVinoDecoder)
    assert caplog.text.count("no memory to convert") == 1
    assert caplog.text.count("QUANTIZATION is int8, which this UNet cannot have") == (
        quantization == "int8"
    )


def test_a_missing_installation_is_reported_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adapters.diffusion.devices.device import planned_device

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "openvino" else real(name, *rest),
    )
    with pytest.raises(DeviceUnavailable, match="install the extra openvino"):
        planned_device(PlanOverrides(device="cpu", backend="openvino"))
    assert planned_device(PlanOverrides(device="cpu")).plan.backend == "torch"
