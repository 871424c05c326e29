"""How much memory a load takes, beside the size of the loaded model."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.children import in_child
from benchmarks.memory import anonymous_bytes, give_back, peak_bytes, reset_peak
from benchmarks.registry.files import Plan, models_in, random_checkpoint
from benchmarks.report import Row
from domain.models.record import ModelFamily

__all__ = ["loading_memory"]

_BOUND = 1.15
_EVERY_SECONDS = 0.01
_SHARD_BYTES = "2GB"


def loading_memory(plan: Plan, folder: Path) -> Iterator[Row]:
    """Load an SDXL-shaped file of 7 GB, and the same as a folder of shards."""
    family = ModelFamily.SDXL if plan.judged else ModelFamily.SD_1
    files, folders = folder / "file", folder / "folder"
    for each in (files, folders):
        each.mkdir()
    random_checkpoint(files / "random.safetensors", family, seed=1)
    for kind, place in (("file", files), ("folder of shards", folders)):
        if place is folders:
            in_child(write_folder, str(files), str(folders / "random"))
        found = in_child(memory_to_load, str(place))
        yield Row(
            name=f"loading-memory-{place.name}",
            what=f"peak of memory while loading a {kind} of {found['size'] / 1e9:.1f} GB",
            unit="GB",
            ours=found["peak"] / 1e9,
            plain=found["weights"] / 1e9,
            plain_is=f"the weights in {found['dtype']}",
            bound=_BOUND,
            bound_of="ratio",
            judged=plan.judged,
            note="anonymous memory, read each 10 ms, without that before the load; "
            f"with the pages of mapped files the peak is {found['resident'] / 1e9:.1f} GB",
        )


def memory_to_load(folder: str) -> dict[str, Any]:
    """Return the bytes of the weights and of the peaks; runs in a child process."""
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline
    from adapters.diffusion.loading.pipeline_cache import pipeline_bytes

    device = find_device("cpu")
    (model,) = models_in(Path(folder))
    give_back()
    reset_peak()
    resident, before = peak_bytes(), anonymous_bytes()
    with _watched() as peak:
        pipeline = load_pipeline(model, device)
    return {
        "size": model.size,
        "weights": pipeline_bytes(pipeline),
        "peak": peak[0] - before,
        "resident": peak_bytes() - resident,
        "dtype": str(device.dtype).removeprefix("torch."),
    }


def write_folder(files: str, folder: str) -> dict[str, Any]:
    """Write the model of a file as a folder of shards; runs in a child process."""
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    (model,) = models_in(Path(files))
    pipeline = load_pipeline(model, find_device("cpu", "float16"))
    pipeline.save_pretrained(folder, max_shard_size=_SHARD_BYTES)
    return {}


@contextmanager
def _watched() -> Iterator[list[int]]:
    """Yield the largest number of anonymous bytes so far, in a list."""
    peak, done = [anonymous_bytes()], threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY_SECONDS):
            peak[0] = max(peak[0], anonymous_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
