"""What a user would run instead: diffusers on the same file, with defaults or tuned by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.registry.files import models_in
from domain.models.record import ModelRecord

__all__ = ["WAYS", "diffusers_pipeline", "only_model_in", "step_times"]

WAYS = ("plain", "tuned")
"""`plain`: the code of diffusers' page on loading single files, in the default
precision; on a GPU in float16, as its page on speed begins. `tuned`: in the precision that is
fastest on the device, with channels-last convolutions, which those pages advise next."""


def only_model_in(folder: str) -> ModelRecord:
    """Return the only model in the folder. It is hashed, and therefore in the page cache."""
    (model,) = models_in(Path(folder))
    return model


def diffusers_pipeline(model: ModelRecord, way: str) -> Any:
    """Return the pipeline, ready to be called on the best available device."""
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
    # The service's own default, so that both draw the same image.
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config, algorithm_type="dpmsolver++", solver_order=2
    )
    pipeline.to(device.torch_device)
    if way == "tuned":
        pipeline.unet.to(memory_format=device.memory_format)
        pipeline.vae.to(memory_format=device.memory_format)
    return pipeline


def step_times(times: list[float], clock: Callable[[], float]) -> Callable[..., dict[str, Any]]:
    """Return a callback for the end of each step that records the time of its call."""

    def note(_pipeline: Any, _step: int, _time: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        times.append(clock())
        return {}

    return note


@contextmanager
def _configuration_of(model: ModelRecord) -> Iterator[str]:
    """Return a folder with the model's configuration; without it diffusers would ask a hub."""
    from adapters.diffusion.families import configuration_files
    from adapters.diffusion.loading.embedded_configuration import configuration_folder
    from adapters.diffusion.loading.weights import read_metadata
    from domain.checkpoints.configurations import embedded_configuration

    files = embedded_configuration(read_metadata(model))
    if files is None:
        if model.family is None:
            raise RuntimeError(f"{model.path} belongs to no known family")
        files = configuration_files(model.family)
    with configuration_folder(files) as folder:
        yield folder
