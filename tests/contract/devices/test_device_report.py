"""What every device report does, the fake and the real one."""

from collections.abc import Callable

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.execution_plan import LoadedModel
from domain.generation.request import GenerationRequest
from domain.ports.device_report import DeviceReport
from tests.contract.conftest import DEMO_MODEL
from tests.fakes.device_report import PLAN, FakeDeviceReport

RequestFor = Callable[..., GenerationRequest]


@pytest.mark.torch
def test_before_the_device_is_known_there_is_no_plan() -> None:
    for report in (FakeDeviceReport(), DiffusersImageGenerator(device="cpu")):
        assert report.plan is None
        assert report.loaded_models == ()
        assert {"python", "torch"} <= report.versions.keys()


@pytest.fixture(params=["fake", pytest.param("diffusers", marks=pytest.mark.torch)])
def report(request: pytest.FixtureRequest, request_for: RequestFor) -> DeviceReport:
    """The report of a device that has drawn with the demo model."""
    if request.param == "fake":
        return FakeDeviceReport(PLAN, (LoadedModel(DEMO_MODEL.id, 1_000_000),))
    generator = DiffusersImageGenerator(device="cpu", dtype="float32")
    generator.generate(DEMO_MODEL, [request_for(num_inference_steps=1)])
    return generator


def test_once_the_device_is_known_plan_and_models_are_reported(report: DeviceReport) -> None:
    plan = report.plan
    assert plan is not None
    assert plan.device_name
    assert plan.memory_bytes > 0
    assert plan.batch_limit >= 1
    (loaded,) = report.loaded_models
    assert loaded.id == DEMO_MODEL.id
    assert loaded.size >= 1_000_000
    assert report.memory is None  # a CPU has no memory of its own


@pytest.mark.torch
def test_a_device_that_no_longer_answers_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from adapters.diffusion.devices.device import Device
    from domain.ports.device_report import DeviceMemory

    device = Device(PLAN)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (10, 50))
    assert device.memory() == DeviceMemory(used=40, total=50)

    def fail(_device: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "mem_get_info", fail)
    assert device.memory() is None
