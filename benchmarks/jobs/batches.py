"""How much faster jobs are when they are drawn together."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from application.jobs.submission import Submission
from application.settings.settings import Settings
from benchmarks.children import in_child
from benchmarks.registry.files import demo_variant
from benchmarks.report import Row
from container import Container
from domain.generation.request import GenerationRequest

__all__ = ["batches"]

_LARGEST = (1, 2, 4, 8)
_JOBS = 8
_ROUNDS = 5
_STEPS = 8


def batches(folder: Path, scale: float) -> Iterator[Row]:
    """Eight jobs of one shape at once, for each largest batch, on the device that is found."""
    models = folder / "models"
    models.mkdir()
    demo_variant(models / "demo.safetensors", 0)
    rounds = max(1, int(_ROUNDS * scale))
    for largest in _LARGEST:
        found = in_child(seconds_of, str(models), str(folder / f"data-{largest}"), largest, rounds)
        yield Row(
            name=f"batches-{largest}",
            what=f"pictures a second, {_JOBS} jobs in flight, MAX_BATCH={largest}",
            unit="1/s",
            ours=_JOBS / found["together"],
            plain=_JOBS / found["alone"],
            plain_is="the same jobs one after another",
            bound=1.0,
            bound_of="ratio",
            at_least=True,
            judged=scale == 1 and largest == found["own"],
            note=f"demo checkpoint, 256x256, {_STEPS} steps, {found['device']}, the best of "
            f"{rounds} alternating rounds"
            + ("; the default" if largest == found["own"] else f"; the default is {found['own']}"),
        )


def seconds_of(models: str, data: str, largest: int, rounds: int) -> dict[str, float | str]:
    """Return the shortest time of the jobs together and one by one; runs in a child process."""
    own = Container(settings=Settings(model_dirs=(models,), data_dir=data)).image_generator()
    own.prepare()
    settings = Settings(model_dirs=(models,), data_dir=data, max_batch=largest)
    container = Container(settings=settings)
    container.model_registry().refresh()
    generator, scheduler = container.image_generator(), container.job_service()
    generator.prepare()
    (model,) = container.model_registry().models()
    thread = threading.Thread(target=scheduler.run_forever)
    thread.start()
    request = GenerationRequest(
        id="0",
        model_id=model.id,
        prompt="a lake at night",
        width=256,
        height=256,
        num_inference_steps=_STEPS,
    )

    def submit(name: str, seed: int) -> Submission:
        wanted = dataclasses.replace(request, id=f"{name} {seed}", seed=seed)
        return scheduler.submit(wanted, caller="me")

    def together(name: str) -> float:
        began = time.perf_counter()
        for job in [submit(name, seed) for seed in range(_JOBS)]:
            job.wait()
        return time.perf_counter() - began

    def alone(name: str) -> float:
        began = time.perf_counter()
        for seed in range(_JOBS):
            submit(name, seed).wait()
        return time.perf_counter() - began

    for number in range(4):  # the batch size starts at one and doubles
        together(f"warm {number}")
    seconds = [(together(f"t {number}"), alone(f"a {number}")) for number in range(rounds)]
    scheduler.drain()
    thread.join()
    container.job_records().close()
    return {
        "together": min(each for each, _ in seconds),
        "alone": min(each for _, each in seconds),
        "own": own.largest_batch,
        "device": str(generator.device),
    }
