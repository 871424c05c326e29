"""The schedulers that a model supports."""

import dataclasses

import pytest

from domain.checkpoints.pipelines import PIPELINES, STABLE_DIFFUSION_CLASSES
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.models.training import Prediction, Training
from domain.samplers import Sampler, Scheduler
from tests.fakes.model_source import model_record

FILE = model_record()
FOLDER = dataclasses.replace(FILE, name="folder", extension="")


def listed(model: ModelRecord) -> tuple[object, object]:
    return model.schedulers, model.default_scheduler


@pytest.mark.parametrize(
    "family",
    [
        *(ModelFamily.SD_1, ModelFamily.SD_1_INPAINT, ModelFamily.SD_1_PIX2PIX),
        *(ModelFamily.SD_2, ModelFamily.SD_2_V, ModelFamily.SD_2_INPAINT),
        *(ModelFamily.SDXL, ModelFamily.SDXL_INPAINT, ModelFamily.SDXL_PIX2PIX),
    ],
)
@pytest.mark.parametrize("model", [FILE, FOLDER], ids=["file", "folder"])
def test_stable_diffusion_supports_all_schedulers(model: ModelRecord, family: ModelFamily) -> None:
    found = listed(dataclasses.replace(model, family=family))
    assert found == (tuple(Scheduler), Scheduler.DPMPP_2M)


def test_a_file_with_its_own_configuration_supports_all_schedulers() -> None:
    assert listed(FILE) == (tuple(Scheduler), Scheduler.DPMPP_2M)


@pytest.mark.parametrize("family", [ModelFamily.SD_3, ModelFamily.FLUX, None])
def test_other_folders_support_none(family: ModelFamily | None) -> None:
    assert listed(dataclasses.replace(FOLDER, family=family)) == ((), None)


def trained(**fields: object) -> ModelRecord:
    training = Training(**fields)  # type: ignore[arg-type]
    return dataclasses.replace(FILE, training=training)


@pytest.mark.parametrize(
    ("prediction", "default", "refused"),
    [
        (Prediction.EPSILON, Scheduler.DPMPP_2M, ()),
        (Prediction.VELOCITY, Scheduler.DPMPP_2M, ()),
        (Prediction.SAMPLE, Scheduler.DPMPP_2M, ()),
        (Prediction.EDM, Scheduler.DPMPP_2M, ("DDIM", "PLMS", "LCM", "TCD")),
        (Prediction.EDM_VELOCITY, Scheduler.EULER, ("DDIM", "PLMS", "LCM", "TCD")),
    ],
)
def test_the_schedulers_fit_what_the_model_predicts(
    prediction: Prediction, default: Scheduler, refused: tuple[str, ...]
) -> None:
    found = trained(prediction=prediction)
    assert found.default_scheduler is default
    assert set(Scheduler) - set(found.schedulers) == {Scheduler(each) for each in refused}


def test_a_flow_has_three_samplers_without_a_schedule() -> None:
    found = trained(prediction=Prediction.FLOW)
    assert listed(found) == (
        (Scheduler.EULER, Scheduler.DPMPP_2M, Scheduler.UNIPC),
        Scheduler.EULER,
    )


def test_pure_noise_leaves_plms_out() -> None:
    found = trained(prediction=Prediction.VELOCITY, zero_terminal_snr=True)
    assert set(Scheduler) - set(found.schedulers) == {Scheduler.PLMS}


@pytest.mark.parametrize("sampler", Sampler)
def test_the_sampler_that_a_training_fixes_is_the_default(sampler: Sampler) -> None:
    assert trained(sampler=sampler).default_scheduler is Scheduler(sampler)


def test_an_unusable_model_supports_none() -> None:
    assert listed(dataclasses.replace(FILE, reason="it is broken")) == ((), None)
    assert listed(dataclasses.replace(FILE, kind=ModelKind.LORA)) == ((), None)


def test_a_folder_supports_them_only_if_it_is_drawn_as_stable_diffusion() -> None:
    for pipeline, family in PIPELINES.items():
        model = dataclasses.replace(FOLDER, family=family)
        assert bool(model.schedulers) == (pipeline in STABLE_DIFFUSION_CLASSES)
