"""Whether memory is released when a service switches among checkpoints."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.children import in_child
from benchmarks.memory import resident_bytes
from benchmarks.registry.files import Plan, demo_variant, models_in, random_checkpoint
from benchmarks.report import Row
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily
from domain.ports.image_generator import DrawingBatch
from domain.services.drawing_watchers import CallbackWatcher
from tests.fakes.model_locator import FakeModelLocator

__all__ = ["switches"]

_CHECKPOINTS = 3
_SWITCHES = 50
_COMPARED = 5
_PROMPT = "a red circle"
_PIXELS = 256
_STEPS = 2


def switches(plan: Plan, folder: Path) -> Iterator[Row]:
    """Resident memory after the last switch, compared with that after the fifth."""
    count = plan.scaled(_SWITCHES, at_least=_COMPARED + 1)
    demos = folder / "demos"
    demos.mkdir()
    for number in range(_CHECKPOINTS):
        demo_variant(demos / f"{number}.safetensors", number)
    plain = in_child(memory_of_a_variable, str(demos), count, plain=True)
    for room in (1, 2):
        yield _row(plan, f"switches-{room}", demos, count, room, plain)
    if plan.large:
        real = folder / "real"
        real.mkdir()
        for number in range(_CHECKPOINTS):
            path = real / f"{number}.safetensors"
            random_checkpoint(path, ModelFamily.SD_1, seed=number)
        plain = in_child(memory_of_a_variable, str(real), count, plain=True)
        yield _row(plan, "switches-large", real, count, 2, plain)


def _row(plan: Plan, name: str, folder: Path, count: int, room: int, plain: list[int]) -> Row:
    ours = in_child(memory_of_the_generator, str(folder), count, room)
    size = max(path.stat().st_size for path in folder.iterdir())
    return Row(
        name=name,
        what=f"{count} switches among {_CHECKPOINTS} checkpoints of {size / 1e6:,.0f} MB, room for "
        f"{room}, a picture each: change of resident memory from the fifth to the last",
        unit="%",
        ours=_change(ours),
        plain=_change(plain),
        plain_is="one variable that holds the pipeline",
        bound=5,
        bound_of="ours",
        judged=plan.judged,
        note=f"{_course(ours)}; plain: {_course(plain)}",
    )


def memory_of_the_generator(folder: str, count: int, room: int) -> list[int]:
    """Return the bytes after each switch, with `room` for that many pipelines; runs in a child."""
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.image_generator import DiffusersImageGenerator
    from adapters.pictures.codec import PillowPictureCodec

    models = models_in(Path(folder))
    _check(len(models))
    # The files are float16, two bytes per weight.
    weights = models[0].size * find_device("cpu").dtype.itemsize // 2
    # A quarter more: a pipeline does not take exactly the bytes of its file.
    limit = weights * (4 * room + 1) // 4 if room > 1 else 0
    generator = DiffusersImageGenerator(
        FakeModelLocator(*models), PillowPictureCodec(), device="cpu", cache_bytes=limit
    )
    resident = []
    for index in range(count):
        model = models[index % _CHECKPOINTS]
        generator.draw(DrawingBatch(requests=(_request(model.id),)), CallbackWatcher())
        resident.append(resident_bytes())
    return resident


def memory_of_a_variable(folder: str, count: int) -> list[int]:
    """Return the bytes after each switch of a program with one pipeline; runs in a child."""
    import torch

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    models = models_in(Path(folder))
    _check(len(models))
    device = find_device("cpu")
    resident = []
    for index in range(count):
        pipeline = load_pipeline(models[index % _CHECKPOINTS], device)
        with torch.inference_mode():
            pipeline(_PROMPT, num_inference_steps=_STEPS, width=_PIXELS, height=_PIXELS)
        resident.append(resident_bytes())
    return resident


def _check(count: int) -> None:
    if count != _CHECKPOINTS:
        raise RuntimeError(f"{count} models are listed; {_CHECKPOINTS} files were written")


def _request(model_id: str) -> GenerationRequest:
    return GenerationRequest(
        id="benchmark",
        model_id=model_id,
        prompt=_PROMPT,
        num_inference_steps=_STEPS,
        width=_PIXELS,
        height=_PIXELS,
        seed=0,
    )


def _change(resident: list[int]) -> float:
    """Return the change in per cent, up or down."""
    return abs(100 * (resident[-1] / resident[_COMPARED - 1] - 1))


def _course(resident: list[int]) -> str:
    fifth, last = resident[_COMPARED - 1], resident[-1]
    return (
        f"{fifth / 1e6:,.0f} MB, then {last / 1e6:,.0f} MB, at most {max(resident) / 1e6:,.0f} MB"
    )
