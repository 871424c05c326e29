"""The drawings before the service is ready."""

import logging
import threading

import pytest

from application.lifecycle.devices import Device
from application.lifecycle.service import InferenceService, Readiness
from application.lifecycle.warm_up import WarmUp
from domain.errors import DeviceLost, GenerationFailed
from domain.generation.request import GenerationRequest
from domain.ports.device_report import LoadedModel
from domain.services.drawing_watchers import GenerationStep
from domain.services.generate_images import GenerateImages
from tests.fakes.device_report import PLAN, FakeDeviceReport
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.picture_codec import FakePictureCodec
from tests.unit.lifecycle.service_bench import MODEL, Bench

OTHER = "/models/other.safetensors"


class WarmBench(Bench):
    """A service that warms up over fakes."""

    def __init__(self, *wanted: str, compiled: bool = False, largest_batch: int = 1) -> None:
        super().__init__()
        self.generator = FakeImageGenerator(prepared=False, largest_batch=largest_batch)
        self.report = FakeDeviceReport({**PLAN, "compiled": compiled})
        self.report.hold(LoadedModel(MODEL.id, 1))
        generate = GenerateImages(self.registry, self.generator, FakePictureCodec())
        self.warm_up = WarmUp(self.registry, generate, self.report, wanted)
        self.service = InferenceService(
            self.registry,
            [Device(self.generator, self.job_service.workers[0], self.warm_up)],
            self.job_service,
            self.records,
            scan_interval=0.01,
        )

    def run(self) -> list[GenerationRequest]:
        """Warm up, and return what was drawn."""
        self.registry.refresh()
        self.warm_up.run(lambda _seconds: False)
        return self.generator.drawn


def test_without_warm_up_models_nothing_is_drawn() -> None:
    assert not WarmBench().warm_up.needed


@pytest.mark.parametrize("name", [MODEL.name, MODEL.path, MODEL.id, MODEL.id[:10]])
def test_each_warm_up_model_draws_once(name: str) -> None:
    bench = WarmBench(name)
    assert bench.warm_up.needed
    (drawn,) = bench.run()
    assert (drawn.model_id, drawn.num_images) == (MODEL.id, 1)


@pytest.mark.parametrize(("largest_batch", "counts"), [(1, [1]), (2, [1, 2]), (8, [1, 2])])
def test_the_first_model_is_compiled_alone_and_in_a_batch(
    largest_batch: int, counts: list[int]
) -> None:
    bench = WarmBench(compiled=True, largest_batch=largest_batch)
    bench.source.files[OTHER] = b"others"
    assert bench.warm_up.needed
    drawn = bench.run()
    assert [each.num_images for each in drawn] == counts
    assert {each.model_id for each in drawn} == {bench.registry.models()[0].id}
    assert bench.generator.previews > 0


def test_a_model_warms_up_while_others_are_still_being_read() -> None:
    bench = WarmBench(MODEL.name)
    bench.source.settled = False
    bench.registry.look()
    assert not bench.registry.scanned
    bench.warm_up.run(lambda _seconds: False)
    assert [each.model_id for each in bench.generator.drawn] == [MODEL.id]
    assert bench.generator.previews == 0


def test_a_model_that_did_not_stay_loaded_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    bench = WarmBench(MODEL.name)
    bench.report.hold()
    with caplog.at_level(logging.WARNING):
        bench.run()
    assert f"{MODEL.name} is not loaded any more" in caplog.text


def test_a_model_that_cannot_warm_up_is_logged_and_skipped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = WarmBench("nobody", MODEL.name, OTHER)
    bench.source.files[OTHER] = b"others"
    bench.generator.failures = [GenerationFailed("it is broken")]
    with caplog.at_level(logging.WARNING):
        (drawn,) = bench.run()
    assert drawn.model_id != MODEL.id
    assert "the model 'nobody' is to be warmed up, and that names no model" in caplog.text
    assert "it is broken" in caplog.text


def test_a_device_lost_during_warm_up_is_fatal() -> None:
    bench = WarmBench(MODEL.name)
    bench.generator.failures = [DeviceLost("it fell off the bus")]
    with pytest.raises(DeviceLost):
        bench.run()


def test_it_is_ready_only_after_the_warm_up() -> None:
    bench = WarmBench(MODEL.name)
    ready = threading.Event()
    bench.generator.gate.clear()
    bench.service.start(on_ready=ready.set)
    assert bench.generator.began.wait(10)
    assert bench.service.readiness is Readiness.WARMING_UP
    request = GenerationRequest(id="r1", model_id=MODEL.id, prompt="x", seed=1)
    submission = bench.job_service.submit(request, caller="me")
    assert not ready.is_set()
    bench.generator.gate.set()
    assert submission.wait(10).request == request
    assert ready.wait(10)
    bench.service.stop(10)


def test_a_stop_ends_the_warm_up_at_the_next_step() -> None:
    bench = WarmBench(MODEL.name, OTHER)
    bench.source.files[OTHER] = b"others"
    stopping = threading.Event()
    steps: list[GenerationStep] = []

    def after_step(step: GenerationStep) -> None:
        steps.append(step)
        stopping.set()

    bench.generator.after_step = after_step
    bench.registry.refresh()
    bench.warm_up.run(lambda _seconds: stopping.is_set())
    assert len(steps) == 1
    assert bench.generator.drawn == []


def test_a_stop_while_files_are_read_ends_the_warm_up() -> None:
    bench = WarmBench(MODEL.name)
    bench.warm_up.run(lambda _seconds: True)
    assert bench.generator.drawn == []
