"""The schedulers that a model supports."""

import dataclasses

import pytest

from domain.checkpoints.pipelines import PIPELINES, STABLE_DIFFUSION_CLASSES
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.samplers import Scheduler
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


def test_an_unusable_model_supports_none() -> None:
    assert listed(dataclasses.replace(FILE, reason="it is broken")) == ((), None)
    assert listed(dataclasses.replace(FILE, kind=ModelKind.LORA)) == ((), None)


def test_a_folder_supports_them_only_if_it_is_drawn_as_stable_diffusion() -> None:
    for pipeline, family in PIPELINES.items():
        model = dataclasses.replace(FOLDER, family=family)
        assert bool(model.schedulers) == (pipeline in STABLE_DIFFUSION_CLASSES)
