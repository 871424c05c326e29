"""How long a checkpoint of real size takes to load."""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.children import in_child
from benchmarks.memory import give_back
from benchmarks.registry.files import Plan, demo_variant, models_in, random_checkpoint
from benchmarks.report import Row
from domain.models.record import ModelFamily
from tests.fakes.model_locator import FakeModelLocator

__all__ = ["load"]

_ROUNDS = 3


def load(plan: Plan, folder: Path) -> Iterator[Row]:
    """`load_pipeline` against reading the bytes and converting them."""
    path = folder / "random.safetensors"
    if plan.judged:
        random_checkpoint(path, ModelFamily.SD_1, seed=1)
    else:
        demo_variant(path, 0)
    ours, reading, mapping = [], [], []
    for _ in range(_ROUNDS):
        ours.append(in_child(seconds_to_load, str(folder)))
        reading.append(in_child(seconds_to_read, str(folder), plain=True))
        mapping.append(in_child(seconds_to_map, str(folder), plain=True))
    plain = {
        "read into memory": statistics.median(each["seconds"] for each in reading),
        "mapped": statistics.median(each["seconds"] for each in mapping),
    }
    faster, slower = sorted(plain, key=lambda way: plain[way])
    first, again = (statistics.median(each[which] for each in ours) for which in ("first", "again"))
    yield Row(
        name="load",
        what=f"load_pipeline of {path.stat().st_size / 1e9:.2f} GB, float16 to {ours[0]['dtype']}",
        unit="s",
        ours=first,
        plain=plain[faster],
        plain_is=f"the bytes {faster} and converted, with torch",
        bound=1.3,
        bound_of="ratio",
        judged=plan.judged,
        note="ours with the large pages that the service asks for; "
        f"medians of {_ROUNDS} new processes each, torch and diffusers imported before, page "
        f"cache warm, as much memory written and freed right before; a second load in the process "
        f"takes {again:.2f} s; the bytes {slower} and converted: {plain[slower]:.2f} s",
    )


def seconds_to_load(folder: str) -> dict[str, Any]:
    """Time the first load in this process and one after it; runs in a child process."""
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.image_generator import DiffusersImageGenerator
    from adapters.diffusion.loading.loader import load_pipeline
    from adapters.pictures.codec import PillowPictureCodec

    DiffusersImageGenerator(
        FakeModelLocator(), PillowPictureCodec(), device="cpu"
    ).prepare()  # as the service has when a request comes
    device = find_device("cpu")
    (model,) = models_in(Path(folder))  # which reads it into the page cache too
    seconds = []
    for _ in range(2):
        _touch_memory(model.size)
        began = time.perf_counter()
        pipeline = load_pipeline(model, device)
        seconds.append(time.perf_counter() - began)
        del pipeline
        give_back()
    dtype = str(device.dtype).removeprefix("torch.")
    return {"first": seconds[0], "again": seconds[1], "dtype": dtype}


def seconds_to_read(folder: str) -> dict[str, Any]:
    """Time reading the whole file and converting each tensor; runs in a child process."""
    import torch

    from adapters.diffusion.devices.device import find_device

    dtype = find_device("cpu").dtype
    (model,) = models_in(Path(folder))
    _touch_memory(model.size)
    began = time.perf_counter()
    content = torch.empty(model.size, dtype=torch.uint8)
    view = memoryview(content.numpy())
    with open(model.path, "rb", buffering=0) as file:
        at = 0
        while count := file.readinto(view[at:]):
            at += count
    data_at = 8 + int.from_bytes(view[:8], "little")
    table = json.loads(bytes(view[8:data_at]))
    table.pop("__metadata__", None)
    converted = []
    for row in table.values():
        begin, end = (data_at + offset for offset in row["data_offsets"])
        numbers = content[begin:end].view(torch.float16).reshape(row["shape"])
        converted.append(numbers.to(dtype, copy=True))
    return {"seconds": time.perf_counter() - began, "tensors": len(converted)}


def seconds_to_map(folder: str) -> dict[str, Any]:
    """Time mapping the file as safetensors does and converting each tensor; runs in a child."""
    import safetensors.torch

    from adapters.diffusion.devices.device import find_device

    dtype = find_device("cpu").dtype
    (model,) = models_in(Path(folder))
    _touch_memory(model.size)
    began = time.perf_counter()
    weights = safetensors.torch.load_file(model.path)
    converted = [tensor.to(dtype, copy=True) for tensor in weights.values()]
    return {"seconds": time.perf_counter() - began, "tensors": len(converted)}


def _touch_memory(size: int) -> None:
    """Make the guest system own as much memory as a load takes.

    A virtual machine gets memory that it uses for the first time from its host. The speed of that
    is unrelated to the load, and depends on whether the previous process used the memory.
    """
    import torch

    torch.ones(size * 3 // 2, dtype=torch.uint8)
