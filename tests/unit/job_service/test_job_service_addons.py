"""Jobs with LoRAs whose files come, go and break."""

import dataclasses

import pytest

from domain.errors import ModelNotFound, ModelNotLoadable
from domain.generation.parts import Lora
from domain.models.record import ModelKind, ModelRecord, PendingModel, PendingState
from tests.fakes.model_source import model_record
from tests.unit.jobs.scheduling import MODEL, Bench, request


def style_at(path: str, content: bytes = b"style") -> ModelRecord:
    record = model_record(content, path)
    return dataclasses.replace(
        record, kind=ModelKind.LORA, reason="it is a LoRA", is_companion=True
    )


# The file has the name of the checkpoint, in another folder.
STYLE = style_at("models/loras/a.safetensors")


@pytest.fixture
def bench() -> Bench:
    made = Bench(largest_batch=4)
    made.source.others = (STYLE,)
    made.registry.refresh()
    return made


def submit(bench: Bench, name: str, *, with_style: bool = False) -> None:
    changes = {"loras": (Lora(model_id=STYLE.id),)} if with_style else {}
    bench.job_service.submit(request(name, **changes), caller="me")


def drain(bench: Bench) -> None:
    """Draw what can be drawn now."""
    bench.job_service.drain()
    while bench.job_service.run_once():
        pass


def test_a_removed_lora_fails_its_jobs_and_no_other(bench: Bench) -> None:
    for name in ("plain 1", "styled 1", "plain 2", "styled 2"):
        submit(bench, name, with_style=name.startswith("styled"))
    bench.source.others = ()
    bench.registry.refresh()
    drain(bench)
    assert bench.statuses == {
        **dict.fromkeys(("plain 1", "plain 2"), "succeeded"),
        **dict.fromkeys(("styled 1", "styled 2"), "failed"),
    }
    failure = bench.job_service.find("me", "styled 1").job.failure
    assert failure is not None
    assert isinstance(failure.error, ModelNotFound)
    assert failure.error.field == "loras[0].model_id"
    assert failure.error.wanted == STYLE.id


def test_a_broken_lora_is_rejected_and_its_checkpoint_is_not(bench: Bench) -> None:
    submit(bench, "plain")
    submit(bench, "styled", with_style=True)
    reason = "its tensor x holds NaN"
    bench.generator.on_begin = lambda requests: (
        bench.generator.failures.append(
            ModelNotLoadable(reason, STYLE.name, lasting=True, model_id=STYLE.id)
        )
        if requests[0].loras
        else None
    )
    drain(bench)
    assert bench.statuses == {"plain": "succeeded", "styled": "failed"}
    assert (bench.registry.get(STYLE.id).usable, bench.registry.get(STYLE.id).reason) == (
        False,
        reason,
    )
    assert bench.registry.get(MODEL.id).loadable
    bench.registry.refresh()
    assert not bench.registry.get(STYLE.id).usable, "another scan does not forget it"


@pytest.mark.parametrize("name", [STYLE.name, "", "other.safetensors"])
def test_an_error_that_names_no_single_model_rejects_none(bench: Bench, name: str) -> None:
    assert STYLE.name == MODEL.name
    submit(bench, "styled", with_style=True)
    bench.generator.failures = [ModelNotLoadable("it is cut off", name, lasting=True)]
    drain(bench)
    assert bench.statuses == {"styled": "failed"}
    assert bench.registry.get(STYLE.id).usable
    assert bench.registry.get(MODEL.id).loadable


def test_other_bytes_at_the_same_path_are_another_lora(bench: Bench) -> None:
    submit(bench, "styled", with_style=True)
    newer = style_at(STYLE.path, b"newer")
    bench.source.others = (newer,)
    bench.registry.refresh()
    drain(bench)
    assert bench.statuses == {"styled": "failed"}
    assert bench.registry.get(newer.id).usable


def test_jobs_wait_for_a_lora_that_is_being_read(bench: Bench) -> None:
    submit(bench, "styled", with_style=True)
    submit(bench, "plain")
    bench.restart()
    bench.source.others = ()
    bench.source.pending = (PendingModel(STYLE.name, STYLE.path, STYLE.size, PendingState.HASHING),)
    bench.registry.look()
    bench.job_service.recover()
    assert bench.job_service.run_once(), "the other job is drawn meanwhile"
    assert bench.statuses == {"styled": "queued", "plain": "succeeded"}
    bench.source.others, bench.source.pending = (STYLE,), ()
    bench.registry.look()
    drain(bench)
    assert bench.statuses == {"styled": "succeeded", "plain": "succeeded"}
