"""Loads a model file, a model folder or a set of files as a pipeline."""

import logging
import time
from collections.abc import Callable
from typing import Any

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import (
    brief,
    give_memory_back,
    is_permanent,
    translated_errors,
)
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.file_identity import proven
from adapters.diffusion.loading.folder_loader import read_folder
from adapters.diffusion.loading.sets import read_set
from adapters.diffusion.loading.single.single_file import read_file
from adapters.diffusion.loading.trained import mark_training
from adapters.diffusion.openvino.backend import accelerate_with_openvino
from adapters.diffusion.pipeline import Pipeline, StableDiffusion, is_stable_diffusion
from adapters.diffusion.untrusted.ticking import ticking
from domain.errors import DeviceLost, DomainError, GenerationFailed, ModelNotLoadable
from domain.models.record import ModelRecord

__all__ = ["load_pipeline"]

_log = logging.getLogger(__name__)


def load_pipeline(model: ModelRecord, device: Device, watcher: GuardedWatcher | None = None) -> Any:
    """Load the pipeline of a model on `device`, in the precision of the plan.

    Args:
        model: The model to load.
        device: The device that will draw.
        watcher: Called at least once a second during the load. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        ModelNotLoadable: The model cannot be used. The message says why.
        OutOfMemory: The model does not fit the memory.
    """
    started = time.monotonic()
    watcher = watcher or GuardedWatcher()
    try:
        with translated_errors(device, f"loading {model.name}", watcher):
            with proven(model) as file, ticking(watcher.loading):
                pipeline = _read(file, device, watcher.loading)
            if is_stable_diffusion(pipeline):
                mark_training(pipeline, model.training)
            if is_stable_diffusion(pipeline) and device.plan.backend == "openvino":
                _accelerate(pipeline, device)
            elif device.plan.backend == "openvino":
                name = type(pipeline).__name__
                dtype = device.plan.dtype_of_others
                _log.warning("torch draws in %s: OpenVINO takes no %s", dtype, name)
    except BaseException as error:
        give_memory_back(device)
        if not isinstance(error, DomainError):  # the watcher ended the load, or the process ends
            raise
        if isinstance(error, DeviceLost) or not isinstance(error, GenerationFailed):
            raise
        raise _not_loadable(model, error) from error
    pipeline.set_progress_bar_config(disable=True)
    # Decoding one image at a time gives the same pixels with a fraction of the peak memory.
    if hasattr(pipeline.vae, "enable_slicing"):
        pipeline.vae.enable_slicing()
    _log.info("loaded %s on %s in %.2f s", model.path, device.name, time.monotonic() - started)
    return pipeline


def _accelerate(pipeline: StableDiffusion, device: Device) -> None:
    plan = device.plan
    accelerate_with_openvino(
        pipeline,
        threads=plan.threads,
        memory_bytes=plan.memory_bytes,
        quantization=plan.quantization,
    )


def _not_loadable(model: ModelRecord, error: Exception) -> ModelNotLoadable:
    _log.warning("%a cannot be loaded", model.path, exc_info=error)
    return ModelNotLoadable(
        f"it is not a whole checkpoint of its configuration: {brief(error)}",
        model.name,
        lasting=is_permanent(error),
    )


def _read(model: ModelRecord, device: Device, tick: Callable[[], None]) -> Pipeline:
    if model.members:
        return read_set(model, device, tick)
    return read_folder(model, device, tick) if model.parts else read_file(model, device, tick)
