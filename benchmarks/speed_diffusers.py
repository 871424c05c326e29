"""What a user would run instead: diffusers on the same file, as it comes or tuned by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.registry_files import models_in
from domain.models.record import ModelRecord

__all__ = ["WAYS", "diffusers_pipeline", "only_model_in", "step_times"]

WAYS = ("plain", "tuned")
"""`plain`: as diffusers' page on loading single files shows it, in the precision that it takes by
itself; on a GPU in float16, as its page on speed begins. `tuned`: in the precision that is fastest
on the device, with convolutions channels-last, which is what those pages advise next."""


def only_model_in(folder: str) -> ModelRecord:
    """The one model that lies there, hashed, and so in the page cache."""
    (model,) = models_in(Path(folder))
    return model


def diffusers_pipeline(model: ModelRecord, way: str) -> Any:
    """The pipeline, ready to be called on the best device there is."""
    import torch
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    from adapters.diffusion.devices.device import find_device

    device = find_device()
    own = torch.float32 if device.name == "cpu" else torch.float16
    with _configuration_of(model) as folder:
        pipeline = StableDiffusionPipeline.from_single_file(
            model.path,
            config=folder,
            torch_dtype=own if way == "plain" else device.dtype,
            local_files_only=True,
            safety_checker=None,
        )
    pipeline.set_progress_bar_config(disable=True)
    # The service's own default, so that the same is drawn.
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config, algorithm_type="dpmsolver++", solver_order=2
    )
    pipeline.to(device.torch_device)
    if way == "tuned":
        pipeline.unet.to(memory_format=device.memory_format)
        pipeline.vae.to(memory_format=device.memory_format)
    return pipeline


def step_times(times: list[float], clock: Callable[[], float]) -> Callable[..., dict[str, Any]]:
    """A callback for the end of each step, that notes when it was called."""

    def note(_pipeline: Any, _step: int, _time: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        times.append(clock())
        return {}

    return note


@contextmanager
def _configuration_of(model: ModelRecord) -> Iterator[str]:
    """A folder with the model's configuration, which diffusers would else ask a hub for."""
    from adapters.diffusion.families import configuration_files
    from adapters.diffusion.loading.embedded_configuration import (
        configuration_folder,
        embedded_configuration,
    )
    from adapters.diffusion.loading.weights import read_metadata

    files = embedded_configuration(read_metadata(model))
    if files is None:
        if model.family is None:
            raise RuntimeError(f"{model.path} is of no family")
        files = configuration_files(model.family)
    with configuration_folder(files) as folder:
        yield folder
