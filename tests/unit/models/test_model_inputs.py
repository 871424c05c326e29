"""What a model draws from: text, a picture, a picture with a mask."""

import dataclasses

import pytest

from domain.checkpoints.pipelines import (
    COUNTERPARTS,
    PIPELINES,
    STABLE_DIFFUSION_CLASSES,
    pipeline_inputs,
)
from domain.models.record import ModelFamily, ModelInput, ModelKind
from tests.fakes.model_source import model_record
from tests.paths import ROOT

TEXT, IMAGE, MASK = ModelInput
PIX2PIX = (ModelFamily.SD_1_PIX2PIX, ModelFamily.SDXL_PIX2PIX)


@pytest.mark.parametrize("family", [None, *ModelFamily])
def test_only_instruct_pix2pix_needs_a_picture_and_takes_image_guidance(
    family: ModelFamily | None,
) -> None:
    model = dataclasses.replace(model_record(), family=family)
    assert model.takes_image_guidance == (family in PIX2PIX)
    assert model.inputs == ((IMAGE, MASK) if family in PIX2PIX else (TEXT, IMAGE, MASK))


def test_a_folder_draws_from_what_its_pipeline_draws_from() -> None:
    folder = dataclasses.replace(model_record(), extension="", pipeline_inputs=(TEXT, IMAGE))
    assert folder.inputs == (TEXT, IMAGE)


def test_what_cannot_draw_has_no_inputs() -> None:
    assert dataclasses.replace(model_record(), reason="it is broken").inputs == ()
    assert dataclasses.replace(model_record(), kind=ModelKind.LORA).inputs == ()


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("StableDiffusionInstructPix2PixPipeline", (TEXT, IMAGE, MASK)),
        ("FluxPipeline", (TEXT, IMAGE, MASK)),
        ("LatentConsistencyModelPipeline", (TEXT, IMAGE)),
        ("PixArtSigmaPipeline", (TEXT,)),
    ],
)
def test_the_inputs_of_a_pipeline(name: str, inputs: tuple[ModelInput, ...]) -> None:
    assert pipeline_inputs(name) == inputs


def test_only_pipelines_of_folders_have_counterparts() -> None:
    assert COUNTERPARTS.keys() <= PIPELINES.keys() - STABLE_DIFFUSION_CLASSES.keys()


def test_the_page_of_models_names_every_family() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert [family for family in ModelFamily if f"`{family}`" not in page] == []
