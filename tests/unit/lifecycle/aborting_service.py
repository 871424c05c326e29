"""A service over fakes whose process aborts at a stage, as a native library may do.

    python -m tests.unit.lifecycle.aborting_service DATA_DIR STAGE

Submits one job that aborts the process at the stage and one that does not, unless they are stored
already, draws the stored jobs, and prints how each ended. STAGE is load, step, store, or none.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dependency_injector import providers

from application.settings.settings import Settings
from container import Container
from domain.generation.request import GeneratedImage, GenerationRequest
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.stores import FakeResultStore

MODEL = model_record()


class Aborting(FakeResultStore):
    """Calls `abort` before it keeps pictures."""

    def __init__(self, abort: Callable[[], None]) -> None:
        super().__init__()
        self._abort = abort

    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        self._abort()
        super().write(token, images)


def main() -> None:
    data_dir, stage = sys.argv[1], sys.argv[2]
    container = Container(settings=Settings(api_keys=("k",), data_dir=data_dir))
    generator = FakeImageGenerator()
    drawing: list[str] = []
    generator.on_begin = lambda requests: drawing.__setitem__(slice(None), [requests[0].id])

    def abort(*_anything: object) -> None:
        if drawing == ["deadly"]:
            os.abort()

    if stage == "load":
        generator.after_load_tick = abort
    elif stage == "step":
        generator.after_step = abort
    elif stage == "store":
        container.result_store.override(providers.Object(Aborting(abort)))
    container.image_generator.override(providers.Object(generator))
    container.model_source.override(providers.Object(FakeModelSource({MODEL.path: b"weights"})))
    container.model_registry().refresh()
    job_service = container.job_service()
    job_service.recover()
    is_first = not Path(data_dir, "begun").exists()
    Path(data_dir, "begun").touch()
    for name in ("deadly", "good") if is_first else ():
        request = GenerationRequest(id=name, model_id=MODEL.id, prompt="x", seed=1)
        job_service.submit(request, caller="me")
    while job_service.waiting:
        job_service.run_once()
    for name in ("deadly", "good"):
        print(name, job_service.find("me", name).job.status.value)


if __name__ == "__main__":
    main()
