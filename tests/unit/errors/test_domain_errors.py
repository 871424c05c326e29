"""Errors carry facts: they can be pickled, stored and restored, and said in other words."""

import dataclasses
import json
import pickle

import pytest

from domain import errors
from domain.errors import DomainError, FieldProblem, Wording, error_classes, restored, row_of

SAMPLES: tuple[DomainError, ...] = (
    errors.InvalidRequest([FieldProblem("steps", "is 0"), FieldProblem("width", "is 1")]),
    errors.InvalidRequest([FieldProblem(f"f{n}", "is wrong") for n in range(150)]),
    errors.AddonMismatch([FieldProblem("loras[0].model_id", "is for sdxl, not sd-1")]),
    errors.Unauthenticated(credential_sent=True),
    errors.Unauthenticated(credential_sent=False),
    errors.ScopeMissing("models:read"),
    errors.TokenMintingForbidden(),
    errors.LinkNotValid(),
    errors.TokensUnavailable(),
    errors.ModelNotFound("x" * 200),
    errors.ModelNotFound("sdxl", stands_for="base.safetensors", is_default=True),
    errors.ModelNotFound("demo", bearers=("a/demo (0123456789)", "b/demo (abcdef0123)")),
    errors.NoModel(),
    errors.ModelNotLoadable("it is a LoRA", "style.safetensors", lasting=True),
    errors.ModelNotLoadable("its table of tensors is cut off"),
    errors.ModelChanged("model.ckpt"),
    errors.OutOfMemory("drawing", "NVIDIA T4", tiling_helps=True),
    errors.GenerationFailed("decoding produced NaN in float16", overflowed="float16"),
    errors.DeviceLost("an illegal memory access"),
    errors.DeviceUnavailable("device is 'cuda'", available=("mps", "cpu"), options=("device",)),
    errors.JobNotFound("a"),
    errors.ImageNotFound("a", 3, pictures=2),
    errors.ImageNotFound("a", 3, pictures=1),
    errors.ImageNotFound("a", 0, status="failed"),
    errors.ImageNotFound("a", 0, status="cancelled"),
    errors.ImageNotFound(number="one"),
    errors.ImageNotFound(),
    errors.ImageNotReady("a", "queued"),
    errors.JobRunning("a", "running"),
    errors.JobNotReadable("width is 4096"),
    errors.PicturesLost("a"),
    errors.IdConflict("a", ("prompt", "output_format"), "png"),
    errors.IdConflict("a"),
    errors.JobCancelled("a"),
    errors.UnreadablePicture("is cut off"),
    errors.PictureFileTooLarge(16_777_216),
    errors.PictureNotFound("cd" * 32),
    errors.PictureNotFound("x" * 200),
    errors.StorageUnavailable("the disk is full"),
    errors.StorageUnavailable("a newer release wrote it", errors.StorageFault.NEWER),
    errors.StorageInUse(),
    errors.QueueFull(waiting=3, retry_after=7),
    errors.QueueFull(waiting=3, retry_after=7, of_caller=True),
    errors.DeadlineUnmet(within=5, predicted=12.5),
    errors.TooManyCallers(),
    errors.TooManyCallers(errors.Activity.LISTENING),
    errors.TooManyCallers(errors.Activity.SENDING),
    errors.ModelsNotRead(),
    errors.ModelsNotRead("demo"),
    errors.ShuttingDown(),
)
each_sample = pytest.mark.parametrize("error", SAMPLES, ids=repr)


def test_there_is_a_sample_of_each_class() -> None:
    assert {type(error) for error in SAMPLES} == set(error_classes())


def test_each_class_has_a_code_of_its_own() -> None:
    codes = [cls.code for cls in error_classes()]
    assert len(codes) > 25
    assert len(set(codes)) == len(codes)


@each_sample
def test_an_error_can_be_pickled(error: DomainError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.facts == error.facts
    assert str(again) == str(error)


@each_sample
def test_an_error_can_be_stored_as_json_and_restored(error: DomainError) -> None:
    stored = json.dumps(error.facts, default=dataclasses.asdict)
    again = restored(error.code, json.loads(stored))
    assert type(again) is type(error)
    assert again is not None
    assert again.facts == error.facts
    assert str(again) == str(error)


@each_sample
def test_the_facts_are_plain_values(error: DomainError) -> None:
    def is_plain(value: object) -> bool:
        if isinstance(value, tuple):
            return all(map(is_plain, value))
        return value is None or isinstance(value, str | int | float | bool | FieldProblem)

    assert all(map(is_plain, error.facts.values()))


@each_sample
def test_the_sentence_is_one_line_and_names_its_texts(error: DomainError) -> None:
    said = str(error)
    assert said
    assert "\n" not in said
    assert not said.endswith((".", ";"))


@pytest.mark.parametrize(
    "code, facts",
    [
        ("no_such_code", {}),
        ("job_not_found", {}),
        ("job_not_found", {"job_id": "a", "colour": "red"}),
        ("invalid_request", {}),
        ("invalid_request", {"problems": [{"row": 1}]}),
        ("invalid_request", {"problems": 7}),
        ("invalid_request", {"problems": [{"field": 1, "message": "is wrong"}]}),
        ("model_not_found", {"wanted": None}),
        ("device_unavailable", {"reason": "x", "available": 3}),
        ("device_unavailable", {"reason": "x", "available": [3]}),
        ("deadline_unmet", {"within": "soon", "predicted": 1.5}),
        ("storage_unavailable", {"reason": "x", "fault": "quota"}),
    ],
)
def test_facts_of_another_release_restore_no_error(code: str, facts: dict[str, object]) -> None:
    assert restored(code, facts) is None


def test_two_errors_with_the_same_facts_are_two_errors() -> None:
    one, other = errors.JobNotFound("a"), errors.JobNotFound("a")
    assert one != other
    assert len({one, other}) == 2


def test_a_row_is_found_for_a_class_below_those_of_the_table() -> None:
    class Late(errors.GenerationFailed):
        """Without a code of its own it is none of the tree's."""

    table: dict[type[DomainError], Wording] = {errors.GenerationFailed: Wording("wait")}
    assert row_of(table, Late("it is late")).of(Late("it is late")) == "it is late; wait"
    with pytest.raises(LookupError, match="JobNotFound"):
        row_of(table, errors.JobNotFound("a"))


def test_a_wording_without_a_remedy_is_the_sentence_alone() -> None:
    assert Wording().of(errors.JobCancelled("a")) == "the job 'a' was cancelled"
    remedy = Wording(lambda error: f"send {error.job_id} again", lambda _: "it is over")
    assert remedy.of(errors.JobCancelled("a")) == "it is over; send a again"
