"""Keeps as many pipelines loaded as fit the memory."""

import dataclasses
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import give_memory_back
from application.settings.plan_overrides import AUTO
from domain.errors import OutOfMemory
from domain.models.record import SHORT_ID, ModelRecord
from domain.ports.device_report import LoadedModel

__all__ = ["BesidePipeline", "PipelineCache", "pipeline_bytes"]

_log = logging.getLogger(__name__)


class _Cached(Protocol):
    """What has networks: a pipeline, or an upscaler."""

    @property
    def components(self) -> Mapping[str, Any]:
        """Networks and other parts, by name."""


Loaded = TypeVar("Loaded", bound=_Cached)


class PipelineCache(Generic[Loaded]):
    """Keeps the pipelines that were used last, up to `limit` bytes of weights. For one thread.

    Upscalers stand beside pipelines, under the same limit. It always keeps one, however large that
    is. It makes room before a load, by the size of the file, and again after the load, by the real
    size of the weights.

    A value may stand beside each pipeline, such as weights that were made of its own. It counts
    under the same limit, is given up before any pipeline, and goes with its pipeline.
    """

    def __init__(
        self, device: Device, limit: int, load: Callable[[ModelRecord, Device], Loaded]
    ) -> None:
        self._device = device
        self._limit = limit
        self._load = load
        self._pipelines: OrderedDict[str, Loaded] = OrderedDict()
        self._bytes: dict[str, int] = {}
        self._beside: dict[str, _Value] = {}
        self.loaded: tuple[LoadedModel, ...] = ()
        """The models that are loaded, least recently used first. Any thread may read it."""

    @property
    def used(self) -> int:
        """Bytes of the weights that are loaded."""
        return sum(self._bytes.values()) + sum(each.size for each in self._beside.values())

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that are loaded, least recently used first."""
        return tuple(self._pipelines)

    def get(self, model: ModelRecord) -> Loaded:
        """The model's pipeline, loaded if it is not. Raises what the load raises."""
        if model.id not in self._pipelines:
            self._make_room(model.size)
            pipeline = self._loaded(model)
            self._pipelines[model.id] = pipeline
            self._bytes[model.id] = pipeline_bytes(pipeline)
            self._make_room(0, keep=model.id)
        self._pipelines.move_to_end(model.id)
        self._note()
        return self._pipelines[model.id]

    def drop_all_but(self, model_id: str) -> bool:
        """Give back the memory of everything but this pipeline; false if there is nothing else."""
        others = [each for each in self._pipelines if each != model_id]
        has_values = bool(self._beside)
        self._beside.clear()
        self._drop(others)
        if has_values and not others:
            give_memory_back(self._device)
        return bool(others) or has_values

    def beside(self, model_id: str) -> "BesidePipeline":
        """Return the place beside a pipeline that is loaded."""
        return BesidePipeline(self, model_id)

    def _loaded(self, model: ModelRecord) -> Loaded:
        try:
            return self._load(model, self._device)
        except OutOfMemory as error:
            # The memory of the others comes first: the caller drops them and asks again. And
            # weights cannot wait in the memory of a host that is short of it.
            is_of_host = isinstance(error.__cause__, MemoryError)
            if self._pipelines or is_of_host or self._device.plan.offload != AUTO:
                raise
        _log.info("%s does not fit the free memory of the device", model.name)
        plan = dataclasses.replace(self._device.plan, offload="model")
        return self._load(model, dataclasses.replace(self._device, plan=plan))

    def _note(self) -> None:
        self.loaded = tuple(LoadedModel(each, self._size(each)) for each in self._pipelines)

    def _size(self, model_id: str) -> int:
        beside = self._beside.get(model_id)
        return self._bytes[model_id] + (0 if beside is None else beside.size)

    def _make_room(self, coming: int, keep: str | None = None) -> None:
        going, left = [], self.used + coming
        for model_id in [each for each in self._pipelines if each in self._beside]:
            if left <= self._limit:
                break
            left -= self._beside.pop(model_id).size
        for model_id in self._pipelines:
            if left <= self._limit:
                break
            if model_id != keep:
                going.append(model_id)
                left -= self._bytes[model_id]
        self._drop(going)

    def _drop(self, model_ids: list[str]) -> None:
        for model_id in model_ids:
            del self._pipelines[model_id], self._bytes[model_id]
            self._beside.pop(model_id, None)
            _log.info("gave back the memory of model %s", model_id[:SHORT_ID])
        self._note()
        if model_ids:
            give_memory_back(self._device)  # a pipeline and its modules refer to each other


@dataclass(frozen=True, slots=True)
class _Value:
    value: Any
    size: int


class BesidePipeline:
    """The place beside a pipeline for one value. For the thread of the cache.

    Args:
        cache: The cache of the pipeline.
        model_id: The model of the pipeline.
    """

    def __init__(self, cache: PipelineCache[Any], model_id: str) -> None:
        self._cache = cache
        self._model_id = model_id

    def get(self) -> Any:
        """Return the value; None if there is none."""
        found = self._cache._beside.get(self._model_id)
        return None if found is None else found.value

    def make_room(self, size: int) -> None:
        """Give the value up, and other pipelines as far as `size` bytes need their room."""
        self._cache._beside.pop(self._model_id, None)
        self._cache._make_room(size, keep=self._model_id)

    def keep(self, value: Any, size: int) -> None:
        """Keep a value of `size` bytes, if that is within the limit."""
        is_there = self._model_id in self._cache._pipelines
        if is_there and self._cache.used + size <= self._cache._limit:
            self._cache._beside[self._model_id] = _Value(value, size)
            self._cache._note()


def pipeline_bytes(pipeline: _Cached) -> int:
    """Bytes of the weights of a pipeline. What its parts share counts once."""
    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    sizes = {
        storage.data_ptr(): storage.nbytes()
        for part in parts
        for tensor in (*part.parameters(), *part.buffers())
        for storage in [tensor.untyped_storage()]
    }
    # The weights of a network that another library runs are in that library.
    sizes |= {
        id(module): module.weight_bytes
        for part in parts
        for module in part.modules()
        if hasattr(module, "weight_bytes")
    }
    return sum(sizes.values())
