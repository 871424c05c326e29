"""The weights of a pipeline are the same bytes after a batch with LoRAs, whatever happens in it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.errors import AddonMismatch
from domain.models.record import ModelRecord
from tests.contract.additions.lora.files import low_rank, written
from tests.contract.additions.lora.merging import Kept, merged_into, weights
from tests.contract.additions.lora.tiny import changeable, tiny_sd_1, tiny_sdxl

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return tiny_sd_1()


@pytest.fixture
def lora(pipeline: Any, tmp_path: Path) -> ModelRecord:
    return written(tmp_path / "a.safetensors", low_rank(changeable(pipeline)))


@pytest.fixture
def other(pipeline: Any, tmp_path: Path) -> ModelRecord:
    return written(tmp_path / "b.safetensors", low_rank(changeable(pipeline), seed=1))


class Stopped(BaseException):
    """Ends a drawing, as a watcher does."""


def places(pipeline: Any) -> dict[str, int]:
    """Return where each weight lies in memory."""
    return {
        f"{part}.{name}": parameter.data_ptr()
        for part in ("unet", "text_encoder")
        for name, parameter in getattr(pipeline, part).named_parameters()
    }


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("error", [None, RuntimeError, MemoryError, Stopped, KeyboardInterrupt])
def test_the_tensors_themselves_are_back(
    pipeline: Any, lora: ModelRecord, error: type[BaseException] | None
) -> None:
    plain, before = weights(pipeline), places(pipeline)

    try:
        with merged_into(pipeline, (lora, 1.0)):
            assert not same(weights(pipeline), plain)
            if error is not None:
                raise error
    except BaseException as raised:
        assert error is not None
        assert isinstance(raised, error)

    assert places(pipeline) == before
    assert same(weights(pipeline), plain)


def test_an_end_during_the_merge_changes_nothing(pipeline: Any, lora: ModelRecord) -> None:
    plain, before, calls = weights(pipeline), places(pipeline), 0
    kept = Kept()

    def tick() -> None:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise Stopped

    with pytest.raises(Stopped), merged_into(pipeline, (lora, 1.0), kept=kept, tick=tick):
        raise AssertionError("the block must not begin")

    assert calls == 20
    assert places(pipeline) == before
    assert same(weights(pipeline), plain)
    assert kept.value is None


class _Gpu:
    """A device without room for a second copy of weights, whose tensors are on the CPU."""

    name = "cuda"

    def __init__(self) -> None:
        import torch

        self.torch_device = torch.device("cpu")

    def release_memory(self) -> None:
        """Do nothing: there is nothing to release."""


def _without_room(after: int) -> Callable[..., Iterator[Any]]:
    """Return what merges weights, for a device that has room for one weight, but not for many."""
    from adapters.diffusion.additions.lora.merging import merged_weights

    def merged(changed: Any, device: Any, tick: Any) -> Iterator[Any]:
        import torch

        for number, each in enumerate(merged_weights(changed, device, tick)):
            if number == after:
                raise torch.OutOfMemoryError("CUDA out of memory")
            yield each

    return merged


@pytest.mark.parametrize("end", [None, "in the block", "during the merge"])
def test_a_gpu_without_room_for_a_copy_keeps_the_original_numbers_on_the_host(
    pipeline: Any, lora: ModelRecord, monkeypatch: pytest.MonkeyPatch, end: str | None
) -> None:
    from adapters.diffusion.additions.lora import addition

    with merged_into(pipeline, (lora, 1.0)):
        merged = weights(pipeline)
    plain, before, kept, ticks = weights(pipeline), places(pipeline), Kept(), 0
    monkeypatch.setattr(addition, "merged_weights", _without_room(5))

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if end == "during the merge" and ticks == 30:
            raise Stopped

    try:
        with merged_into(pipeline, (lora, 1.0), kept=kept, tick=tick, device=_Gpu()):
            assert same(weights(pipeline), merged)
            assert places(pipeline) == before
            if end == "in the block":
                raise Stopped
    except Stopped:
        assert end is not None
    else:
        assert end is None

    assert same(weights(pipeline), plain)
    assert places(pipeline) == before
    assert kept.value is None


def test_a_cpu_without_room_raises(
    pipeline: Any, lora: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from adapters.diffusion.additions.lora import addition

    plain = weights(pipeline)
    monkeypatch.setattr(addition, "merged_weights", _without_room(5))
    with pytest.raises(torch.OutOfMemoryError), merged_into(pipeline, (lora, 1.0)):
        raise AssertionError("the block must not begin")
    assert same(weights(pipeline), plain)


def test_a_lora_that_does_not_fit_is_refused_with_its_field(
    pipeline: Any, lora: ModelRecord, tmp_path: Path
) -> None:
    foreign = written(tmp_path / "xl.safetensors", low_rank(changeable(tiny_sdxl())))
    plain = weights(pipeline)

    with (
        pytest.raises(AddonMismatch) as raised,
        merged_into(pipeline, (lora, 1.0), (foreign, 1.0)),
    ):
        raise AssertionError("the block must not begin")

    assert [each.field for each in raised.value.problems] == ["loras[1].model_id"]
    assert "xl.safetensors" in str(raised.value)
    assert same(weights(pipeline), plain)


def test_the_last_merge_is_taken_again(
    pipeline: Any, lora: ModelRecord, other: ModelRecord
) -> None:
    kept, merges = Kept(), 0

    def tick() -> None:
        nonlocal merges
        merges += 1

    found = []
    for loras in [((lora, 1.0),), ((lora, 1.0),), ((other, 1.0),), ((lora, 0.5),), ((lora, 1.0),)]:
        merges = 0
        with merged_into(pipeline, *loras, kept=kept, tick=tick):
            found.append((merges > 0, weights(pipeline)))

    assert [merged for merged, _ in found] == [True, False, True, True, True]
    assert same(found[0][1], found[1][1])
    assert same(found[0][1], found[4][1])
    assert not same(found[0][1], found[2][1])
    changed = sum(each.nbytes for each in (x.merged for x in kept.value.weights))
    assert kept.asked == [changed] * 4


def test_without_room_each_batch_merges_again(pipeline: Any, lora: ModelRecord) -> None:
    kept = Kept(has_room=False)

    for _ in range(2):
        with merged_into(pipeline, (lora, 1.0), kept=kept):
            pass

    assert len(kept.asked) == 2


def test_a_plain_batch_between_two_leaves_the_merge_untouched(
    pipeline: Any, lora: ModelRecord
) -> None:
    import torch

    kept = Kept()
    with merged_into(pipeline, (lora, 1.0), kept=kept):
        first = weights(pipeline)
    with torch.no_grad():
        pipeline.unet(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 4, 24))
    with merged_into(pipeline, (lora, 1.0), kept=kept):
        assert same(weights(pipeline), first)


def test_a_compiled_network_draws_with_the_exchanged_weights(
    pipeline: Any, lora: ModelRecord
) -> None:
    """A new compilation would take minutes. torch's own counter shows that there is none."""
    import torch

    inputs = (torch.randn(1, 4, 8, 8), 1, torch.randn(1, 4, 24))
    unet = pipeline.unet
    with torch.inference_mode():
        plain = unet(*inputs, return_dict=False)[0]
        with merged_into(pipeline, (lora, 1.0)):
            changed = unet(*inputs, return_dict=False)[0]
        compilations: list[int] = []

        def backend(graph: Any, _inputs: Any) -> Any:
            compilations.append(1)
            return graph.forward

        torch._dynamo.reset()
        unet.compile(backend=backend)
        try:
            again = unet(*inputs, return_dict=False)[0]
            graphs = len(compilations)
            with merged_into(pipeline, (lora, 1.0)):
                merged = unet(*inputs, return_dict=False)[0]
            restored = unet(*inputs, return_dict=False)[0]
        finally:
            unet._compiled_call_impl = None
            torch._dynamo.reset()
    assert graphs == len(compilations) > 0
    assert torch.allclose(again, plain, atol=1e-5)
    assert torch.allclose(merged, changed, atol=1e-5)
    assert torch.equal(restored, again)
    assert not torch.allclose(changed, plain, atol=1e-3)
