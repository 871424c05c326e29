"""Which schedulers go with a model."""

import dataclasses

import pytest

from adapters.filesystem.classification.folders import PIPELINES
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
        *(ModelFamily.SD_1, ModelFamily.SD_1_INPAINT, ModelFamily.SD_2, ModelFamily.SD_2_V),
        *(ModelFamily.SDXL, ModelFamily.SDXL_INPAINT),
    ],
)
@pytest.mark.parametrize("model", [FILE, FOLDER], ids=["file", "folder"])
def test_stable_diffusion_takes_all_of_them(model: ModelRecord, family: ModelFamily) -> None:
    found = listed(dataclasses.replace(model, family=family))
    assert found == (tuple(Scheduler), Scheduler.DPMPP_2M)


def test_so_does_a_file_that_brings_its_own_configuration() -> None:
    assert listed(FILE) == (tuple(Scheduler), Scheduler.DPMPP_2M)


@pytest.mark.parametrize("family", [ModelFamily.SD_3, ModelFamily.FLUX, None])
def test_other_folders_take_none(family: ModelFamily | None) -> None:
    assert listed(dataclasses.replace(FOLDER, family=family)) == ((), None)


def test_what_can_not_be_drawn_with_takes_none() -> None:
    assert listed(dataclasses.replace(FILE, reason="it is broken")) == ((), None)
    assert listed(dataclasses.replace(FILE, kind=ModelKind.LORA)) == ((), None)


def test_a_folder_takes_them_exactly_if_it_is_drawn_as_stable_diffusion() -> None:
    for pipeline, family in PIPELINES.items():
        model = dataclasses.replace(FOLDER, family=family)
        assert bool(model.schedulers) == pipeline.startswith(
            ("StableDiffusionPipeline", "StableDiffusionInpaint", "StableDiffusionXL")
        )
