"""An inpainting checkpoint draws from pictures as diffusers' inpainting pipelines do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.generation.parts import SecondPass
from domain.models.record import ModelRecord
from domain.services.drawing_watchers import GenerationStep
from tests.contract.channels.drawing import INIT, MASK, SIDE, draw, from_picture, scene
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import new_generator
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.folders.folders import record_of, save_with_channels

pytestmark = pytest.mark.torch

INSIDE = np.asarray(MASK) == 255
STEPS = 10
"""More than 8: with fewer, the samplers begin elsewhere than diffusers'."""


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("nine")
    tiny_sdxl(in_channels=9).save_pretrained(root / "xl")
    return {"sd": save_with_channels(root / "sd", 9), "xl": root / "xl"}


@pytest.fixture(scope="module")
def model(folders: dict[str, Path]) -> ModelRecord:
    return record_of(folders["sd"])


def theirs(folder: Path, kind: str, **call: Any) -> np.ndarray:
    """Return what a pipeline of diffusers draws from the same weights, in levels."""
    import diffusers
    import torch
    from diffusers import EulerDiscreteScheduler

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    loaded = load_pipeline(record_of(folder), find_device("cpu", "float32"))
    absent = ("feature_extractor", "image_encoder", "safety_checker")
    parts = {name: each for name, each in loaded.components.items() if name not in absent}
    pipeline_class = getattr(diffusers, kind)
    if "XL" not in kind:
        parts |= {"safety_checker": None, "feature_extractor": None}
        parts |= {"requires_safety_checker": False}
    parts["scheduler"] = EulerDiscreteScheduler.from_config(loaded.scheduler.config)
    pipeline = pipeline_class(**parts)
    pipeline.set_progress_bar_config(disable=True)
    drawn = pipeline(
        prompt="a red circle on a white background",
        num_inference_steps=STEPS,
        generator=[torch.Generator().manual_seed(3)],
        output_type="np",
        **call,
    ).images
    return np.round(drawn[0] * 255)


@pytest.mark.parametrize(("name", "strength"), [("sd", 1.0), ("sd", 0.6), ("xl", 1.0), ("xl", 0.6)])
def test_the_masked_area_is_that_of_diffusers(
    generator: Any, folders: dict[str, Path], name: str, strength: float
) -> None:
    request = from_picture(
        mask=MASK,
        mask_blur=0,
        strength=strength,
        num_inference_steps=STEPS,
        scheduler="Euler",
        guidance_scale=5.0,
    )
    (found,) = draw(generator, record_of(folders[name]), request).pictures
    kind = {"sd": "StableDiffusionInpaintPipeline", "xl": "StableDiffusionXLInpaintPipeline"}[name]
    expected = theirs(
        folders[name],
        kind,
        image=INIT,
        mask_image=MASK,
        strength=strength,
        guidance_scale=5.0,
        width=SIDE,
        height=SIDE,
    )
    apart = np.abs(found - expected)[INSIDE]
    assert apart.mean() <= 0.5
    assert apart.max() <= 2
    assert np.std(found[INSIDE]) > 1
    assert np.array_equal(found[~INSIDE], np.asarray(INIT)[~INSIDE])


def test_the_picture_round_the_mask_changes_what_is_drawn_in_it(
    generator: Any, model: ModelRecord
) -> None:
    other = scene().rotate(180)
    first, second = (
        draw(
            generator,
            model,
            from_picture(image, mask=MASK, strength=1.0, mask_blur=0, num_inference_steps=2),
            sent=[image, MASK],
        ).pictures[0]
        for image in (INIT, other)
    )
    assert np.abs(first - second)[INSIDE].mean() > 1


def test_images_of_a_batch_are_those_that_are_drawn_alone(
    generator: Any, model: ModelRecord
) -> None:
    changes = {"mask": MASK, "num_inference_steps": 2, "num_images": 3, "seed": 5}
    together = draw(generator, model, from_picture(**changes), at_once=3).pictures
    alone = draw(generator, model, from_picture(**changes)).pictures
    assert len(together) == len(alone) == 3
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= 2
    assert np.abs(together[0] - together[1]).mean() > 1


def test_grey_of_a_mask_mixes_both_pictures(generator: Any, model: ModelRecord) -> None:
    grey = MASK.point(lambda level: level * 100 // 255)
    changes = {"mask_blur": 0, "strength": 1.0, "num_inference_steps": 2}
    (mixed,) = draw(
        generator, model, from_picture(mask=grey, **changes), sent=[INIT, grey]
    ).pictures
    (drawn,) = draw(generator, model, from_picture(mask=MASK, **changes)).pictures
    expected = drawn * (100 / 255) + np.asarray(INIT).astype(int) * (155 / 255)
    assert np.abs(mixed - expected)[INSIDE].max() <= 1.5


def test_an_ended_drawing_leaves_nothing_behind(generator: Any, model: ModelRecord) -> None:
    text = demo_request(num_inference_steps=2)
    before = draw(generator, model, text).pictures[0]

    def stop(step: GenerationStep) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(generator, model, from_picture(mask=MASK), on_step=stop)
    assert np.array_equal(draw(generator, model, text).pictures[0], before)
    unet = generator._prepared()._pipelines.get(model).unet
    assert "_compiled_call_impl" not in unet.__dict__


@pytest.mark.parametrize(
    "changes",
    [
        {"mask_content": "fill"},
        {"mask_content": "noise"},
        {"mask_content": "empty", "strength": 1.0},
        {"inpaint_area": "masked", "inpaint_padding": 16},
        {"width": 260, "height": 300, "resize_mode": "pad"},
        {"second_pass": SecondPass(scale=1.25, num_inference_steps=2)},
        {"second_pass": SecondPass(scale=1.1, upscaler="lanczos")},
        {"strength": 0.0},
    ],
    ids=str,
)
def test_every_way_of_inpainting_keeps_the_outside(
    generator: Any, model: ModelRecord, changes: dict[str, Any]
) -> None:
    plain = "second_pass" not in changes and "width" not in changes
    request = from_picture(mask=MASK, mask_blur=2, num_inference_steps=2, **changes)
    drawn = draw(generator, model, request)
    size = request.result_size
    assert drawn.pictures[0].shape == (size.height, size.width, 3)
    assert drawn.steps == [] or drawn.steps[-1].done == drawn.steps[-1].total == request.steps
    if plain:
        far: np.ndarray = np.ones((SIDE, SIDE), bool)
        far[56:200, 32:168] = False
        assert np.array_equal(drawn.pictures[0][far], np.asarray(INIT)[far])


def test_openvino_draws_the_same(generator: Any, model: ModelRecord) -> None:
    request = from_picture(mask=MASK, num_inference_steps=2, mask_blur=0)
    other = new_generator(device="cpu", dtype="float32", backend="openvino")
    (expected,), (found,) = (draw(each, model, request).pictures for each in (generator, other))
    assert np.abs(found - expected).max() <= 3
    assert np.abs(found - np.asarray(INIT))[INSIDE].mean() > 1
