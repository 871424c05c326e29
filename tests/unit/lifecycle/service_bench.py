"""A service over fakes."""

import time

from application.jobs.job_service import JobService
from application.jobs.records import JobRecords
from application.lifecycle.devices import Device
from application.lifecycle.service import InferenceService
from domain.models.names import ModelNames
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_settings import FakeModelSettings
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec
from tests.fakes.stores import FakeJobStore, FakeResultStore, FakeSoleUse

__all__ = ["MODEL", "STALL_TIMEOUT", "Bench"]

MODEL = model_record()
STALL_TIMEOUT = 600.0


class Bench:
    """A service over fakes."""

    def __init__(
        self,
        names: ModelNames | None = None,
        *,
        devices: int = 1,
        settings: FakeModelSettings | None = None,
    ) -> None:
        self.source = FakeModelSource({MODEL.path: b"weights"})
        self.registry = ModelRegistry(self.source, names=names, settings=settings)
        self.generators = [FakeImageGenerator(prepared=False) for _ in range(devices)]
        self.generator = self.generators[0]
        self.jobs = FakeJobStore()
        self.sole_use = FakeSoleUse()
        self.records = JobRecords(
            self.jobs,
            FakeResultStore(),
            self.sole_use,
            retention_seconds=9,
            retention_bytes=9,
            now=time.time,
        )
        self.clock = FakeClock()
        self.job_service = JobService(
            [
                GenerateImages(self.registry, each, FakePictureCodec(), clock=self.clock)
                for each in self.generators
            ],
            self.records,
            max_queue=devices,
        )
        self.service = InferenceService(
            self.registry,
            [
                Device(generator, worker)
                for generator, worker in zip(self.generators, self.job_service.workers, strict=True)
            ],
            self.job_service,
            self.records,
            scan_interval=0.01,
            stall_timeout=STALL_TIMEOUT,
        )
