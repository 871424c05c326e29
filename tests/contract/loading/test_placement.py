"""Pipelines prepared according to plans."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import GenerationFailed
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import LEVELS, demo_request, pixels
from tests.contract.drawing.generating import MODELS, generate, new_generator
from tests.fakes.picture_codec import FakePictureCodec

pytestmark = pytest.mark.torch


def draw(generator: DiffusersImageGenerator) -> Any:
    return pixels(generate(generator, DEMO_MODEL, [demo_request()]).images[0][0].data)


@pytest.mark.parametrize(
    "wanted",
    [
        {"memory_format": "contiguous"},
        {"attention": "sliced"},
        {"attention": "chunked"},
        {"threads": 1},
    ],
    ids=str,
)
def test_a_plan_changes_no_more_than_rounding(
    float32_generator: DiffusersImageGenerator, wanted: dict[str, Any]
) -> None:
    import torch

    before = torch.get_num_threads()
    try:
        other = new_generator(device="cpu", dtype="float32", **wanted)
        assert np.abs(draw(other) - draw(float32_generator)).max() <= LEVELS
        plan = other.report.plan
        assert plan is not None
        assert {name: plan[name] for name in wanted} == wanted
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("memory_format", ["channels_last", "contiguous_format"])
def test_convolutions_have_the_memory_format_of_the_plan(memory_format: str) -> None:
    import torch

    from adapters.diffusion.devices.device import planned_device
    from adapters.diffusion.loading.loader import load_pipeline
    from application.settings.plan_overrides import PlanOverrides

    word = memory_format.removesuffix("_format")
    device = planned_device(PlanOverrides(device="cpu", memory_format=word))
    pipeline = load_pipeline(DEMO_MODEL, device)
    wanted = getattr(torch, memory_format)
    for part in (pipeline.unet, pipeline.vae):
        kernels = [each for each in part.parameters() if each.ndim == 4 and each.shape[2] == 3]
        assert kernels
        assert all(each.is_contiguous(memory_format=wanted) for each in kernels)


def test_networks_are_compiled_on_request() -> None:
    from adapters.diffusion.devices.device import planned_device
    from adapters.diffusion.devices.probe import probe
    from adapters.diffusion.loading.loader import load_pipeline
    from application.settings.plan_overrides import PlanOverrides

    if not probe("cpu").compiler:
        pytest.skip("there is no C++ compiler here")
    for compiled in (False, True):
        device = planned_device(PlanOverrides(device="cpu", compile=compiled))
        pipeline = load_pipeline(DEMO_MODEL, device)
        for part in (pipeline.unet, pipeline.vae.decoder):
            assert (part._compiled_call_impl is not None) is compiled


# Offloading by layer cannot be tested here: accelerate fails to move weights from CPU to CPU.
@pytest.mark.parametrize("offload", ["model"])
def test_offloaded_weights_draw_the_same_picture(
    float32_generator: DiffusersImageGenerator, offload: str
) -> None:
    # Here they are offloaded to the same memory; the code that moves them is the same as with a
    # GPU.
    from adapters.diffusion.devices.device import Device, find_device
    from adapters.diffusion.engine import Engine

    plan = dataclasses.replace(find_device("cpu", "float32").plan, offload=offload)
    engine = Engine(Device(plan), MODELS, FakePictureCodec(), cache_bytes=0)
    pictures = [
        generate(engine, DEMO_MODEL, [demo_request(prompt=prompt)]).images[0][0].data
        for prompt in ("a red circle on a white background", "many words " * 60)
    ]
    assert np.abs(pixels(pictures[0]) - draw(float32_generator)).max() <= LEVELS
    pipeline: Any = engine._pipelines.get(DEMO_MODEL)
    assert hasattr(pipeline.unet, "_hf_hook")


def test_weights_are_offloaded_again_when_a_drawing_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adapters.diffusion.devices.device import Device, find_device
    from adapters.diffusion.engine import Engine
    from domain.services.drawing_watchers import GenerationStep

    plan = dataclasses.replace(find_device("cpu", "float32").plan, offload="model")
    engine = Engine(Device(plan), MODELS, FakePictureCodec(), cache_bytes=0)
    pipeline = engine._pipelines.get(DEMO_MODEL)
    went_back: list[Any] = []
    monkeypatch.setattr(pipeline, "maybe_free_model_hooks", lambda: went_back.append(pipeline))

    def stop(_step: GenerationStep) -> None:
        raise KeyError("nobody wants it")

    with pytest.raises(GenerationFailed):
        generate(engine, DEMO_MODEL, [demo_request()], on_step=stop)
    assert went_back == [pipeline]


def test_a_video_network_keeps_its_memory_format() -> None:
    import torch

    from adapters.diffusion.devices.device import planned_device
    from adapters.diffusion.loading.placement import place
    from application.settings.plan_overrides import PlanOverrides

    class Pipeline:
        vae = torch.nn.Sequential(torch.nn.Conv3d(2, 2, 3), torch.nn.Conv2d(2, 2, 3))
        components: ClassVar[dict[str, Any]] = {"vae": vae}

        def to(self, device: Any) -> None:
            self.vae.to(device)

    device = planned_device(PlanOverrides(device="cpu", memory_format="channels_last"))
    pipeline: Any = Pipeline()
    place(pipeline, device, in_any_precision=True)
    assert Pipeline.vae[1].weight.is_contiguous()
