"""The names of models beside the checkpoint keep their meaning for the id of a job."""

import dataclasses
from typing import Any, cast

import pytest

from application.job import Job, JobView
from application.jobs.job_service import JobService
from application.model_choice import ModelChoice
from domain.errors import JobNotFound, ModelNotFound
from domain.generation.parts import Embedding, Lora
from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_source import FakeModelSource
from tests.unit.parts.sent_bodies import MODEL, RECORDS

LORA, WORD = RECORDS[ModelKind.LORA], RECORDS[ModelKind.EMBEDDING]
OLD = "cd" * 32
REQUEST = GenerationRequest(
    id="one",
    model_id=MODEL.id,
    prompt="x",
    seed=1,
    loras=(Lora(model_id=OLD),),
    embeddings=(Embedding(model_id=OLD, token="old"),),
)
NAMES = {"loras[0].model_id": "sharp-lora", "embeddings[0].token": ""}
OF = {"caller": "me", "job_id": "one"}


class OneJob:
    """Knows one job."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def find(self, caller: str, job_id: str) -> JobView:
        """Return the job."""
        if (caller, job_id) != self._job.key:
            raise JobNotFound(job_id)
        return JobView(self._job)


def choice(request: GenerationRequest = REQUEST, **changes: Any) -> ModelChoice:
    """Return the choice of a caller whose job with the id `one` has this request."""
    source = FakeModelSource({MODEL.path: b"weights"})
    source.others = (LORA, WORD)
    registry = ModelRegistry(source)
    registry.refresh()
    facts: dict[str, Any] = {"other_names": NAMES, "token": "t", "created_at": 0.0, **changes}
    job = Job(caller="me", request=request, seed_drawn=False, **facts)
    return ModelChoice(registry, cast(JobService, OneJob(job)))


def beside(choose: ModelChoice, name: str, **of: Any) -> str:
    return choose.beside(name, field="loras[0].model_id", kind=ModelKind.LORA, **{**OF, **of})


def test_a_name_means_what_it_meant_for_the_job() -> None:
    assert beside(choice(), "sharp-lora") == OLD
    assert beside(choice(), "sharp-lora", job_id="two") == LORA.id
    assert beside(choice(), "sharp-lora.safetensors") == LORA.id, "the job was given another name"


def test_a_job_whose_request_has_lost_the_field_decides_nothing() -> None:
    lost = dataclasses.replace(REQUEST, loras=())
    assert beside(choice(lost), "sharp-lora") == LORA.id


def test_a_token_that_was_left_out_is_that_of_the_job() -> None:
    def token(choose: ModelChoice, model_id: str, job_id: str | None = "one") -> str:
        return choose.token(model_id, within="embeddings[0]", caller="me", job_id=job_id)

    assert token(choice(), OLD) == "old"
    assert token(choice(), WORD.id) == "sharp-embedding"
    assert token(choice(other_names={}), WORD.id, None) == "sharp-embedding"
    for choose, job_id in ((choice(other_names={}), "one"), (choice(), None)):
        with pytest.raises(ModelNotFound) as raised:
            token(choose, OLD, job_id)
        assert raised.value.field == "embeddings[0].model_id"
