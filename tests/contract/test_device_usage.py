"""What every generator that tells what it holds tells, the fake one and the real one."""

import dataclasses
import threading
from collections.abc import Callable

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation import GenerationRequest
from domain.models import ModelRecord
from domain.ports.device_usage import DeviceUsage, LoadedModel
from tests.contract.conftest import DEMO_MODEL
from tests.fakes.image_generator import FakeImageGenerator

RequestFor = Callable[..., GenerationRequest]
Generator = FakeImageGenerator | DiffusersImageGenerator
OTHER = dataclasses.replace(DEMO_MODEL, id="0f" * 32)


@pytest.fixture(params=["fake", pytest.param("diffusers", marks=pytest.mark.torch)])
def generator(request: pytest.FixtureRequest) -> Generator:
    """On a CPU, with room for one model."""
    if request.param == "fake":
        return FakeImageGenerator(prepared=False)
    return DiffusersImageGenerator(device="cpu", cache_bytes=0)


def draw(generator: Generator, model: ModelRecord, request_for: RequestFor) -> None:
    generator.generate(model, [request_for(model_id=model.id, num_inference_steps=1)])


def test_nothing_is_loaded_before_it_draws(generator: Generator) -> None:
    usage: DeviceUsage = generator
    assert (usage.loaded, usage.memory) == ((), None)
    generator.prepare()
    assert (usage.loaded, usage.memory) == ((), None)


def test_the_model_that_drew_last_is_loaded_and_others_go(
    generator: Generator, request_for: RequestFor
) -> None:
    seen: list[tuple[LoadedModel, ...]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(0.001):
            seen.append(generator.loaded)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for model in (DEMO_MODEL, OTHER):
            draw(generator, model, request_for)
            (loaded,) = generator.loaded
            assert loaded.id == model.id
            # As many parameters, in one precision or another.
            assert DEMO_MODEL.size / 4 < loaded.bytes < DEMO_MODEL.size * 4
    finally:
        stop.set()
        reader.join(10)
    ids = {model.id for each in seen for model in each}
    assert ids <= {DEMO_MODEL.id, OTHER.id}


@pytest.mark.torch
def test_a_device_that_answers_no_more_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from adapters.diffusion.device import Device
    from domain.ports.device_usage import DeviceMemory

    device = Device(torch.device("cuda"), torch.float16, 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (10, 50))
    assert device.memory() == DeviceMemory(used=40, total=50)

    def fail(_device: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "mem_get_info", fail)
    assert device.memory() is None
