"""A `JobService` over fakes, driven by hand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from application.jobs.job_service import JobService
from application.jobs.records import JobRecords
from domain.generation.request import GenerationRequest
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.fakes.crash_record import FakeCrashRecord
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.job_observer import FakeJobObserver
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.stores import FakeJobStore, FakeResultStore, FakeSoleUse

__all__ = ["LOAD_TIMEOUT", "MODEL", "OTHER_MODEL", "Bench", "request"]

LOAD_TIMEOUT = 600.0
MODEL = model_record()
OTHER_MODEL = model_record(b"other weights", "models/other.safetensors")


class Bench:
    """A job service and its collaborators."""

    def __init__(
        self,
        max_queue: int = 8,
        *,
        max_queue_per_caller: int | None = None,
        largest_batch: int = 1,
    ) -> None:
        self.source = FakeModelSource({MODEL.path: b"weights", OTHER_MODEL.path: b"other weights"})
        self.registry = ModelRegistry(self.source)
        self.registry.refresh()
        self.clock = FakeClock()
        # The seconds by which the wall clock was set forward or back.
        self.jump = 0.0
        self.generator = FakeImageGenerator(largest_batch=largest_batch)
        self.jobs = FakeJobStore()
        self.results = FakeResultStore()
        self.sole_use = FakeSoleUse()
        self.observer = FakeJobObserver()
        self.crashes = FakeCrashRecord()
        self._max_queue = max_queue
        self._max_queue_per_caller = max_queue_per_caller
        self.restart()

    def restart(self) -> None:
        """Forget the state that only the process has, as if it had been killed."""
        self.records = JobRecords(
            self.jobs,
            self.results,
            self.sole_use,
            retention_seconds=100,
            retention_bytes=1_000_000,
            now=self.clock,
            clock=self.clock,
            crashes=self.crashes,
        )
        self.job_service = JobService(
            GenerateImages(
                self.registry, self.generator, clock=self.clock, load_timeout=LOAD_TIMEOUT
            ),
            self.records,
            max_queue=self._max_queue,
            max_queue_per_caller=self._max_queue_per_caller,
            batch_wait=0,
            observer=self.observer,
            clock=self.clock,
            now=lambda: self.clock() + self.jump,
        )

    @property
    def statuses(self) -> dict[str, str]:
        """Return the stored status of each job, by its id."""
        return {key.id: job.status.value for key, job in self.jobs.jobs.items()}

    @contextmanager
    def worker(self) -> Iterator[threading.Thread]:
        """Run a thread that draws."""
        thread = threading.Thread(target=self.job_service.run_forever)
        thread.start()
        try:
            yield thread
        finally:
            self.generator.gate.set()
            self.job_service.drain()
            thread.join(10)
            assert not thread.is_alive()


def request(name: str = "r1", **changes: object) -> GenerationRequest:
    """Return a valid request, changed by `changes`."""
    values: dict[str, object] = {
        "id": name,
        "model_id": MODEL.id,
        "prompt": "x",
        "seed": 1,
        "num_inference_steps": 4,
    }
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]
