"""Jobs for a model of several files, of which one goes, changes or gets better."""

import dataclasses

import pytest

from domain.errors import ModelChanged, ModelNotFound
from domain.models.record import ModelKind
from tests.unit.jobs.scheduling import Bench, request
from tests.unit.sets.set_records import T5, file, tree

BETTER = file("m/diffusion_models/t5.safetensors", T5)


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.source.others = tree()
    made.registry.refresh()
    made.job_service.submit(request("plain"), caller="me")
    made.job_service.submit(request("set", model_id=set_of(made), scheduler=None), caller="me")
    return made


def set_of(bench: Bench) -> str:
    (found,) = (each for each in bench.registry.models(ModelKind.CHECKPOINT) if each.members)
    return found.id


def drain(bench: Bench) -> None:
    bench.job_service.drain()
    while bench.job_service.run_once():
        pass


@pytest.mark.parametrize("number", range(4))
def test_that_a_removed_file_fails_the_jobs_of_its_set_alone(bench: Bench, number: int) -> None:
    bench.source.others = tuple(each for place, each in enumerate(tree()) if place != number)
    bench.registry.refresh()
    drain(bench)
    assert bench.statuses == {"plain": "succeeded", "set": "failed"}
    failure = bench.job_service.find("me", "set").job.failure
    assert failure is not None
    assert isinstance(failure.error, ModelNotFound)


def test_that_a_replaced_file_fails_the_jobs_of_its_set_alone(bench: Bench) -> None:
    wanted = set_of(bench)
    other = dataclasses.replace(tree()[3], id="ab" * 32)
    bench.source.others = (*tree()[:3], other)
    bench.registry.refresh()
    assert set_of(bench) != wanted
    drain(bench)
    assert bench.statuses == {"plain": "succeeded", "set": "failed"}


def test_that_a_better_file_fails_no_job(bench: Bench) -> None:
    wanted = set_of(bench)
    bench.source.others = tree(BETTER)
    bench.registry.refresh()
    assert set_of(bench) != wanted
    drain(bench)
    assert bench.statuses == {"plain": "succeeded", "set": "succeeded"}


def test_that_a_file_that_changes_on_the_disk_fails_the_job_with_the_reason(bench: Bench) -> None:
    wanted = set_of(bench)
    bench.generator.on_begin = lambda requests: (
        bench.generator.failures.append(ModelChanged("flux.safetensors", wanted))
        if requests[0].model_id == wanted
        else None
    )
    drain(bench)
    assert bench.statuses == {"plain": "succeeded", "set": "failed"}
    failure = bench.job_service.find("me", "set").job.failure
    assert failure is not None
    assert isinstance(failure.error, ModelChanged)
