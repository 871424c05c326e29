"""What every load of a model beside a checkpoint has in common."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import give_memory_back, translated_errors
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.loading.file_identity import proven
from adapters.diffusion.untrusted.ticking import ticking
from domain.models.record import ModelRecord

__all__ = ["loading_companion"]

_log = logging.getLogger(__name__)


@contextmanager
def loading_companion(
    model: ModelRecord, device: Device, watcher: GuardedWatcher
) -> Iterator[ModelRecord]:
    """Yield the model with a path that leads to the very file that its id names.

    The block must copy what it keeps of the file, so that a later write cannot reach it. Errors of
    libraries become errors of the domain. After an error the memory of the block is given back.

    Args:
        model: The model to load.
        device: The device that will draw.
        watcher: Called for each module that the block makes. Its exception ends the load.

    Raises:
        ModelChanged: The file is not the one that the model's id names.
        OutOfMemory: The model does not fit the memory.
    """
    began = time.monotonic()
    try:
        with (
            translated_errors(device, f"loading {model.name}", watcher),
            proven(model) as file,
            ticking(watcher.loading),
        ):
            yield file
    except BaseException:
        give_memory_back(device)
        raise
    _log.info("loaded %s on %s in %.2f s", model.path, device.name, time.monotonic() - began)
