"""The cost of a job without its drawing: the queue, two stores, the wake-up."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from application.settings.settings import Settings
from benchmarks.report import Row
from container import Container
from domain.generation.request import GenerationRequest
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record

__all__ = ["scheduling"]

_JOBS = 500


def scheduling(folder: Path, scale: float) -> Iterator[Row]:
    """Jobs one after another over a generator that takes no time, against calling the generator."""
    model = model_record()
    settings = Settings(data_dir=str(folder / "data"))
    container = Container(settings=settings)
    container.model_source.override(FakeModelSource({model.path: b"weights"}))
    container.image_generator.override(FakeImageGenerator())
    container.model_registry().refresh()
    use_case, scheduler = container.generate_images(), container.job_service()
    request = GenerationRequest(
        id="0", model_id=model.id, prompt="x", seed=1, width=256, height=256, num_inference_steps=1
    )
    count = max(10, int(_JOBS * scale))
    thread = threading.Thread(target=scheduler.run_forever)
    thread.start()
    scheduler.submit(dataclasses.replace(request, id="warm"), caller="me").wait()
    began = time.perf_counter()
    for number in range(count):
        use_case(dataclasses.replace(request, id=f"plain {number}"))
    plain = (time.perf_counter() - began) / count
    began = time.perf_counter()
    for number in range(count):
        scheduler.submit(dataclasses.replace(request, id=str(number)), caller="me").wait()
    ours = (time.perf_counter() - began) / count
    scheduler.drain()
    thread.join()
    container.job_records().close()
    yield Row(
        name="scheduling",
        what="a job from submit to its result, without the drawing",
        unit="ms",
        ours=1000 * (ours - plain),
        plain=1000 * plain,
        plain_is="the same generator called",
        bound=5,
        bound_of="ours",
        judged=scale == 1,
        note=f"{count} jobs one after another, each stored in SQLite on disk three times and its "
        "picture once, all synchronised",
    )
