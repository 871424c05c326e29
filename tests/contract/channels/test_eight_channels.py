"""An InstructPix2Pix checkpoint changes a picture as diffusers' pipeline for it does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import GenerationFailed
from domain.generation.parts import SecondPass
from domain.models.record import ModelRecord
from tests.contract.channels.drawing import INIT, MASK, SIDE, draw, from_picture
from tests.contract.channels.test_nine_channels import STEPS, theirs
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import new_generator
from tests.contract.folders.folders import record_of, save_with_channels

pytestmark = pytest.mark.torch

CLASS = "StableDiffusionInstructPix2PixPipeline"


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_with_channels(tmp_path_factory.mktemp("eight") / "sd", 8, CLASS)


@pytest.fixture(scope="module")
def model(folder: Path) -> ModelRecord:
    return record_of(folder)


@pytest.mark.parametrize("scale", [None, 2.0])
def test_the_picture_is_that_of_diffusers(
    generator: Any, model: ModelRecord, folder: Path, scale: float | None
) -> None:
    request = from_picture(
        strength=1.0,
        num_inference_steps=STEPS,
        scheduler="Euler",
        guidance_scale=5.0,
        image_guidance_scale=scale,
    )
    drawn = draw(generator, model, request)
    expected = theirs(
        folder, CLASS, image=INIT, guidance_scale=5.0, image_guidance_scale=scale or 1.5
    )
    apart = np.abs(drawn.pictures[0] - expected)
    assert apart.mean() <= 0.5
    assert apart.max() <= 2
    assert np.std(expected) > 10
    assert drawn.steps[-1].total == STEPS


def test_the_strength_says_how_many_steps_run(generator: Any, model: ModelRecord) -> None:
    drawn = {
        strength: draw(generator, model, from_picture(strength=strength))
        for strength in (0.0, 0.25, 0.75)
    }
    assert [len(each.steps) for each in drawn.values()] == [0, 1, 3]
    apart = [np.abs(each.pictures[0] - np.asarray(INIT)).mean() for each in drawn.values()]
    assert apart == sorted(apart)


def test_a_mask_keeps_the_outside(generator: Any, model: ModelRecord) -> None:
    request = from_picture(mask=MASK, mask_blur=0, num_inference_steps=2)
    (found,) = draw(generator, model, request).pictures
    outside = np.asarray(MASK) == 0
    assert np.array_equal(found[outside], np.asarray(INIT)[outside])
    assert np.abs(found - np.asarray(INIT))[~outside].mean() > 1


def test_batches_a_second_pass_and_the_picture_alone(generator: Any, model: ModelRecord) -> None:
    changes = {
        "num_inference_steps": 2,
        "num_images": 2,
        "guidance_scale": 1.0,
        "second_pass": SecondPass(scale=1.25),
    }
    together = draw(generator, model, from_picture(**changes), at_once=2).pictures
    alone = draw(generator, model, from_picture(**changes)).pictures
    assert together[0].shape == (SIDE * 5 // 4, SIDE * 5 // 4, 3)
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= 2


def test_without_a_picture_it_does_not_draw(generator: Any, model: ModelRecord) -> None:
    with pytest.raises(GenerationFailed, match="init_image"):
        draw(generator, model, demo_request())


def test_openvino_draws_the_same(generator: Any, model: ModelRecord) -> None:
    request = from_picture(strength=1.0, num_inference_steps=2)
    other = new_generator(device="cpu", dtype="float32", backend="openvino")
    (expected,), (found,) = (draw(each, model, request).pictures for each in (generator, other))
    assert np.abs(found - expected).max() <= 3
