"""Keeps as many pipelines loaded as fit the memory."""

import dataclasses
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import give_memory_back
from application.settings.plan_overrides import AUTO
from domain.errors import OutOfMemory
from domain.models.components import DRAWS
from domain.models.record import SHORT_ID, ModelRecord
from domain.ports.device_report import LoadedModel

__all__ = ["BesidePipeline", "PipelineCache", "cache_key", "pipeline_bytes"]

_IN_TORCH = " in torch"

_log = logging.getLogger(__name__)


class _Cached(Protocol):
    """What has networks: a pipeline, or an upscaler."""

    @property
    def components(self) -> Mapping[str, Any]:
        """Networks and other parts, by name."""


Loaded = TypeVar("Loaded", bound=_Cached)


class PipelineCache(Generic[Loaded]):
    """Keeps the pipelines that were used last, up to `limit` bytes of weights. For one thread.

    Upscalers and add-ons stand beside pipelines, under the same limit. It always keeps one, however
    large that is. It makes room before a load, by the size of the file, and again after the load,
    by the real size of the weights.

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
        self._needed: frozenset[str] = frozenset()
        self.loaded: tuple[LoadedModel, ...] = ()
        """The models that are loaded, least recently used first. Any thread may read it."""

    @property
    def used(self) -> int:
        """Bytes of the weights that are loaded."""
        return sum(self._bytes.values()) + sum(each.size for each in self._beside.values())

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The keys of the pipelines that are loaded, least recently used first."""
        return tuple(self._pipelines)

    def get(self, model: ModelRecord, *, in_torch: bool = False) -> Loaded:
        """Return the model's pipeline, loaded if it is not. Raises what the load raises.

        Args:
            model: The model to load.
            in_torch: Whether torch runs all networks, whatever the plan says. Such a pipeline
                stands beside the one of the plan, under a key of its own.
        """
        key = cache_key(model, in_torch=in_torch)
        if key not in self._pipelines:
            self._make_room(model.size)
            pipeline = self._loaded(model, _in_torch(self._device) if in_torch else self._device)
            self._pipelines[key] = pipeline
            self._bytes[key] = pipeline_bytes(pipeline)
            self._make_room(0, keep=key)
        self._pipelines.move_to_end(key)
        self._note()
        return self._pipelines[key]

    def keep_longest(self, model_ids: Collection[str]) -> None:
        """Evict these models last, until the next call. A batch needs all of them together."""
        self._needed = frozenset(model_ids)

    def drop_all_but(self, key: str) -> bool:
        """Give back the memory of everything but one pipeline.

        Returns:
            Whether there was anything else.
        """
        others = [each for each in self._pipelines if each != key]
        has_values = bool(self._beside)
        self._beside.clear()
        self._drop(others)
        if has_values and not others:
            give_memory_back(self._device)
        return bool(others) or has_values

    def beside(self, key: str) -> "BesidePipeline":
        """Return the place beside a pipeline that is loaded."""
        return BesidePipeline(self, key)

    def _loaded(self, model: ModelRecord, device: Device) -> Loaded:
        try:
            return self._load(model, device)
        except OutOfMemory as error:
            # The memory of the others comes first: the caller drops them and asks again. And
            # weights cannot wait in the memory of a host that is short of it.
            is_of_host = isinstance(error.__cause__, MemoryError)
            if self._pipelines or is_of_host or device.plan.offload != AUTO:
                raise
        _log.info("%s does not fit the free memory of the device", model.name)
        plan = dataclasses.replace(device.plan, offload="model")
        return self._load(model, dataclasses.replace(device, plan=plan))

    def _note(self) -> None:
        sizes: dict[str, int] = {}
        for key in self._pipelines:
            model_id, value = _id_of(key), self._beside.get(key)
            size = self._bytes[key] + (0 if value is None else value.size)
            sizes[model_id] = sizes.pop(model_id, 0) + size
        self.loaded = tuple(LoadedModel(each, size) for each, size in sizes.items())

    def _make_room(self, coming: int, keep: str | None = None) -> None:
        going, left = [], self.used + coming
        for key in [each for each in self._pipelines if each in self._beside]:
            if left <= self._limit:
                break
            left -= self._beside.pop(key).size
        for key in sorted(self._pipelines, key=self._is_needed):
            if left <= self._limit:
                break
            if key != keep:
                going.append(key)
                left -= self._bytes[key]
        self._drop(going)

    def _is_needed(self, key: str) -> bool:
        return _id_of(key) in self._needed

    def _drop(self, keys: list[str]) -> None:
        for key in keys:
            del self._pipelines[key], self._bytes[key]
            self._beside.pop(key, None)
            _log.info("gave back the memory of model %s", key[:SHORT_ID])
        self._note()
        if keys:
            give_memory_back(self._device)  # a pipeline and its modules refer to each other


def cache_key(model: ModelRecord, *, in_torch: bool = False) -> str:
    """Return the key of a model's pipeline in the cache.

    The training is a part of it, because a file beside the model can change it at any time. So is
    the name of the network of a set that draws, which can tell the schedule: a Z-Image becomes a
    Z-Image-Turbo by a new name, with the same id.
    """
    training = "" if model.training is None else f" {model.training}"
    named = "".join(f" {each.name}" for each in model.members if each.role == DRAWS)
    return model.id + training + named + (_IN_TORCH if in_torch else "")


def _id_of(key: str) -> str:
    return key.partition(" ")[0]


def _in_torch(device: Device) -> Device:
    plan = dataclasses.replace(device.plan, backend="torch", quantization="none")
    return dataclasses.replace(device, plan=plan)


@dataclass(frozen=True, slots=True)
class _Value:
    value: Any
    size: int


class BesidePipeline:
    """The place beside a pipeline for one value. For the thread of the cache.

    Args:
        cache: The cache of the pipeline.
        key: The key of the pipeline.
    """

    def __init__(self, cache: PipelineCache[Any], key: str) -> None:
        self._cache = cache
        self._key = key

    def get(self) -> Any:
        """Return the value; None if there is none."""
        found = self._cache._beside.get(self._key)
        return None if found is None else found.value

    def make_room(self, size: int) -> None:
        """Give the value up, and other pipelines as far as `size` bytes need their room."""
        self._cache._beside.pop(self._key, None)
        self._cache._make_room(size, keep=self._key)

    def keep(self, value: Any, size: int) -> None:
        """Keep a value of `size` bytes, if that is within the limit."""
        is_there = self._key in self._cache._pipelines
        if is_there and self._cache.used + size <= self._cache._limit:
            self._cache._beside[self._key] = _Value(value, size)
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
