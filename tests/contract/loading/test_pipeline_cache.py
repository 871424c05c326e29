"""Which pipelines stay loaded, and that the memory of the others is released."""

import contextlib
import dataclasses
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import OutOfMemory
from domain.generation.request import GenerationRequest
from domain.models.components import ModelMember
from domain.models.record import ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.generating import generate, new_generator

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]
WEIGHTS = 4 * 1000
MODELS = {name: ModelRecord(name * 64, name, WEIGHTS, f"{name}.ckpt", ".ckpt") for name in "abcd"}


class Loader:
    """Loads stand-ins of `WEIGHTS` bytes, and knows which of them still exist."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.alive: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()

    def __call__(self, model: ModelRecord, _device: Any) -> Any:
        import torch

        class Pipeline:
            def __init__(self) -> None:
                part = torch.nn.Linear(1000, 1, bias=False)
                self.components = {"unet": part, "also": part, "tokenizer": object()}
                self.itself = self

        self.loads.append(model.name)
        pipeline = self.alive[model.name] = Pipeline()
        return pipeline


@pytest.fixture
def loader() -> Loader:
    return Loader()


def make_cache(loader: Loader, limit: int) -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.pipeline_cache import PipelineCache

    return PipelineCache(find_device("cpu"), limit, loader)


def use(cache: Any, names: str) -> None:
    for name in names:
        cache.get(MODELS[name])


@pytest.mark.parametrize(
    ("limit", "used", "loads", "kept"),
    [
        (2 * WEIGHTS, "abab", "ab", "ab"),
        (2 * WEIGHTS, "abac", "abc", "ac"),
        (2 * WEIGHTS, "abcab", "abcab", "ab"),
        (2 * WEIGHTS - 1, "aba", "aba", "a"),
        (3 * WEIGHTS, "abcd", "abcd", "bcd"),
        (0, "aabb", "ab", "b"),
    ],
)
def test_the_least_recently_used_is_evicted_first(
    loader: Loader, limit: int, used: str, loads: str, kept: str
) -> None:
    cache = make_cache(loader, limit)
    use(cache, used)
    assert "".join(loader.loads) == loads
    assert sorted(cache.model_ids) == sorted(name * 64 for name in kept)
    assert cache.used == WEIGHTS * len(kept)
    assert [each.id for each in cache.loaded] == list(cache.model_ids)
    assert {each.size for each in cache.loaded} == {WEIGHTS}
    assert sorted(loader.alive) == sorted(kept)


@pytest.mark.parametrize(
    ("needed", "kept"), [("", "bcd"), ("a", "acd"), ("ab", "abd"), ("abc", "bcd"), ("abcd", "bcd")]
)
def test_what_a_batch_needs_is_evicted_last(loader: Loader, needed: str, kept: str) -> None:
    cache = make_cache(loader, 3 * WEIGHTS)
    use(cache, "abc")
    cache.keep_longest([name * 64 for name in needed])
    use(cache, "d")
    assert "".join(sorted(loader.alive)) == kept


def test_the_checkpoint_of_a_batch_is_evicted_after_what_the_batch_does_not_need(
    request_for: RequestFor,
) -> None:
    generator = new_generator(device="cpu")
    requests = [request_for(num_inference_steps=1)]
    generate(generator, DEMO_MODEL, requests)
    engine: Any = generator._engine
    cache = engine._pipelines
    checkpoint = cache._pipelines[DEMO_MODEL.id]
    cache._load = Loader()
    use(cache, "a")
    cache._limit = cache.used  # there is no room for an add-on, and `a` was used last

    def add_on(_batch: Any) -> Any:
        use(cache, "b")
        return {}, {}

    engine._beside = add_on
    generate(generator, DEMO_MODEL, requests)
    assert cache._pipelines[DEMO_MODEL.id] is checkpoint
    assert "a" * 64 not in cache.model_ids


def test_room_is_made_before_a_load(loader: Loader) -> None:
    cache = make_cache(loader, 2 * WEIGHTS)
    use(cache, "ab")
    alive_at_load: list[list[str]] = []

    def load(model: ModelRecord, device: Any) -> Any:
        alive_at_load.append(sorted(loader.alive))
        return loader(model, device)

    cache._load = load
    use(cache, "c")
    assert alive_at_load == [["b"]]


def test_a_failed_load_leaves_the_others(loader: Loader) -> None:
    cache = make_cache(loader, 4 * WEIGHTS)
    use(cache, "ab")

    def fail(_model: Any, _device: Any) -> Any:
        raise OutOfMemory("too large")

    cache._load = fail
    with pytest.raises(OutOfMemory):
        use(cache, "c")
    assert sorted(loader.alive) == ["a", "b"]


def test_all_others_can_be_evicted(loader: Loader) -> None:
    cache = make_cache(loader, 4 * WEIGHTS)
    use(cache, "abc")
    assert cache.drop_all_but("b" * 64)
    assert sorted(loader.alive) == ["b"]
    assert not cache.drop_all_but("b" * 64)


def test_two_models_stay_loaded_and_one_is_evicted_if_there_is_room_for_one(
    request_for: RequestFor,
) -> None:
    other = dataclasses.replace(DEMO_MODEL, id="0f" * 32)
    for cache_bytes, loads_again in ((None, False), (0, True)):
        generator = new_generator(device="cpu", cache_bytes=cache_bytes)
        times = [
            generate(generator, model, [request_for(model_id=model.id, num_inference_steps=1)])
            for model in (DEMO_MODEL, other, DEMO_MODEL)
        ]
        engine: Any = generator._engine
        assert (len(engine._pipelines.model_ids) == 1) == loads_again
        assert times[0].images == times[2].images


def test_after_out_of_memory_the_others_are_evicted_and_it_is_retried(
    request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = new_generator(device="cpu")
    other = dataclasses.replace(DEMO_MODEL, id="0f" * 32)
    request = request_for(num_inference_steps=1)
    before = generate(generator, DEMO_MODEL, [request]).images
    generate(generator, other, [request_for(model_id=other.id, num_inference_steps=1)])
    engine: Any = generator._engine
    real, failures = engine._draw, [MemoryError()]

    def draw(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(engine, "_draw", draw)
    assert generate(generator, DEMO_MODEL, [request]).images == before
    assert engine._pipelines.model_ids == (DEMO_MODEL.id,)
    failures.append(MemoryError())
    with pytest.raises(OutOfMemory):
        generate(generator, DEMO_MODEL, [request])
    gc.collect()
    assert generate(generator, DEMO_MODEL, [request]).images == before


def test_a_container_limits_the_share_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.diffusion.devices import device
    from adapters.diffusion.devices import probe as probing

    limit = tmp_path / "memory.max"
    monkeypatch.setattr(probing, "_OWN_GROUP", tmp_path / "missing")
    monkeypatch.setattr(probing, "_GROUPS", tmp_path)
    whole = device.find_device("cpu").cache_bytes()
    limit.write_text("max\n")
    assert device.find_device("cpu").cache_bytes() == whole
    limit.write_text("1000000\n")
    assert device.find_device("cpu").cache_bytes() == 500_000


class SmallDevice(Loader):
    """Has room for a model only if its weights are offloaded."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[str] = []

    def __call__(self, model: ModelRecord, device: Any) -> Any:
        self.wanted.append(device.plan.offload)
        if device.plan.offload != "model":
            raise OutOfMemory("loading does not fit")
        return super().__call__(model, device)


@pytest.mark.parametrize(
    ("offload", "loaded", "wanted"),
    [("auto", "a", ["auto", "model"]), ("none", "", ["none"]), ("model", "a", ["model"])],
)
def test_weights_are_offloaded_if_little_memory_is_free(
    offload: str, loaded: str, wanted: list[str]
) -> None:
    loader = SmallDevice()
    cache = make_cache(loader, 0)
    plan = dataclasses.replace(cache._device.plan, offload=offload)
    cache._device = dataclasses.replace(cache._device, plan=plan)
    with contextlib.suppress(OutOfMemory):
        use(cache, "a")
    assert "".join(loader.loads) == loaded
    assert loader.wanted == wanted


def test_others_are_evicted_before_weights_are_offloaded() -> None:
    loader = SmallDevice()
    cache = make_cache(loader, 10 * WEIGHTS)
    automatic = dataclasses.replace(cache._device.plan, offload="auto")
    cache._device = dataclasses.replace(cache._device, plan=automatic)
    use(cache, "a")
    with pytest.raises(OutOfMemory):
        use(cache, "b")
    assert cache.drop_all_but(MODELS["b"].id)
    use(cache, "b")
    assert loader.wanted == ["auto", "model", "auto", "auto", "model"]


def test_nothing_is_offloaded_into_scarce_host_memory() -> None:
    def load(_model: ModelRecord, device: Any) -> Any:
        assert device.plan.offload == "auto"
        raise OutOfMemory("loading does not fit") from MemoryError()

    loader: Any = load
    cache = make_cache(loader, 0)
    automatic = dataclasses.replace(cache._device.plan, offload="auto")
    cache._device = dataclasses.replace(cache._device, plan=automatic)
    with pytest.raises(OutOfMemory):
        use(cache, "a")


def test_a_value_beside_a_pipeline_counts_and_goes_before_any_pipeline(loader: Loader) -> None:
    cache = make_cache(loader, 3 * WEIGHTS)
    use(cache, "ab")
    beside = cache.beside("a" * 64)
    beside.keep("value", WEIGHTS)
    assert cache.used == 3 * WEIGHTS
    assert {each.id: each.size for each in cache.loaded} == {
        "a" * 64: 2 * WEIGHTS,
        "b" * 64: WEIGHTS,
    }

    use(cache, "c")

    assert beside.get() is None
    assert sorted(loader.alive) == ["a", "b", "c"]
    assert cache.used == 3 * WEIGHTS


@pytest.mark.parametrize(("size", "is_kept"), [(WEIGHTS, True), (WEIGHTS + 1, False)])
def test_a_value_is_kept_only_within_the_limit(loader: Loader, size: int, is_kept: bool) -> None:
    cache = make_cache(loader, 2 * WEIGHTS)
    use(cache, "a")

    cache.beside("a" * 64).keep("value", size)

    assert (cache.beside("a" * 64).get() == "value") is is_kept
    assert cache.used <= 2 * WEIGHTS


def test_room_for_a_value_is_made_of_other_pipelines(loader: Loader) -> None:
    cache = make_cache(loader, 2 * WEIGHTS)
    use(cache, "ab")

    cache.beside("b" * 64).make_room(WEIGHTS)

    assert sorted(loader.alive) == ["b"]


def test_a_value_goes_with_its_pipeline(loader: Loader) -> None:
    cache = make_cache(loader, 4 * WEIGHTS)
    use(cache, "ab")
    cache.beside("a" * 64).keep("value", WEIGHTS)
    assert cache.drop_all_but("b" * 64)
    use(cache, "a")
    assert cache.beside("a" * 64).get() is None


def test_a_value_is_given_up_if_memory_is_short(loader: Loader) -> None:
    cache = make_cache(loader, 4 * WEIGHTS)
    use(cache, "a")
    cache.beside("a" * 64).keep("value", WEIGHTS)
    assert cache.drop_all_but("a" * 64)
    assert cache.used == WEIGHTS
    assert not cache.drop_all_but("a" * 64)


def test_a_pipeline_of_torch_stands_beside_that_of_the_plan(loader: Loader) -> None:
    cache = make_cache(loader, 4 * WEIGHTS)
    devices = []

    def load(model: ModelRecord, device: Any) -> Any:
        devices.append((device.plan.backend, device.plan.quantization))
        return loader(model, device)

    cache._load = load
    plan = dataclasses.replace(cache._device.plan, backend="openvino", quantization="int8")
    cache._device = dataclasses.replace(cache._device, plan=plan)

    first, second = cache.get(MODELS["a"]), cache.get(MODELS["a"], in_torch=True)

    assert first is not second
    assert devices == [("openvino", "int8"), ("torch", "none")]
    assert cache.get(MODELS["a"]) is first
    assert cache.get(MODELS["a"], in_torch=True) is second
    assert [(each.id, each.size) for each in cache.loaded] == [("a" * 64, 2 * WEIGHTS)]


def test_a_set_whose_network_has_a_new_name_is_loaded_again(loader: Loader) -> None:
    def named(name: str) -> ModelRecord:
        members = (ModelMember("transformer", "e" * 64, name, f"/{name}", ".safetensors", 1),)
        return dataclasses.replace(MODELS["a"], members=members)

    cache = make_cache(loader, limit=4 * WEIGHTS)
    turbo = cache.get(named("fox-turbo.safetensors"))
    assert cache.get(named("fox-turbo.safetensors")) is turbo
    assert cache.get(named("fox-base.safetensors")) is not turbo
    assert [each.id for each in cache.loaded] == [MODELS["a"].id]
