"""CosXL, CosXL Edit and Playground v2.5, tiny and as folders, draw as diffusers draws them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.models.record import ModelFamily, ModelInput
from domain.models.training import Prediction
from domain.samplers import Scheduler
from tests.contract.drawing.generating import new_generator
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.from_pictures.drawing import Files, scene
from tests.contract.trainings.test_folders_own_scheduler import APART, COSXL, PLAYGROUND
from tests.contract.trainings.tiny import drawn, listed, of_diffusers, with_scheduler

pytestmark = pytest.mark.torch

MEAN, SPREAD = [-1.6574, 1.886, -1.383, 2.5155], [8.4927, 5.9022, 6.5498, 5.2299]
"""The latents of playgroundai/playground-v2.5-1024px-aesthetic."""
SIDES = {"width": 256, "height": 256}


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return a function that returns a tiny folder of SDXL with so many input channels."""
    made: dict[int, Path] = {}

    def folder(channels: int) -> Path:
        if channels not in made:
            made[channels] = tmp_path_factory.mktemp("sdxl") / "xl"
            tiny_sdxl(channels).save_pretrained(made[channels])
        return made[channels]

    return folder


def playground(plain: Path, folder: Path) -> Path:
    with_scheduler(plain, folder, "EDMDPMSolverMultistepScheduler", PLAYGROUND)
    path = folder / "vae/config.json"
    told = json.loads(path.read_text("utf-8"))
    told |= {"latents_mean": MEAN, "latents_std": SPREAD, "scaling_factor": 0.5}
    path.write_text(json.dumps(told), "utf-8")
    return folder


def pipeline_of(folder: Path, name: str, **options: Any) -> Any:
    import diffusers

    kind = getattr(diffusers, name)
    return kind.from_pretrained(folder, add_watermarker=False, **options)


def test_playground(generator: Any, plain: Callable[[int], Path], tmp_path: Path) -> None:
    folder = playground(plain(4), tmp_path / "xl")
    model, files, init = listed(tmp_path), Files(), scene()
    assert model.family is ModelFamily.SDXL
    assert model.default_scheduler is Scheduler.DPMPP_2M
    wanted = of_diffusers(pipeline_of(folder, "StableDiffusionXLPipeline"))
    assert np.abs(drawn(generator, model) - wanted).mean() <= APART
    source = files.source(init, strength=0.5)
    ours = drawn(generator, model, files, num_inference_steps=4, source=source)
    pipeline = pipeline_of(folder, "StableDiffusionXLImg2ImgPipeline")
    theirs = of_diffusers(pipeline, image=init, strength=0.5, num_inference_steps=4)
    assert np.abs(ours - theirs).mean() <= APART


def test_cosxl(generator: Any, plain: Callable[[int], Path], tmp_path: Path) -> None:
    folder = with_scheduler(plain(4), tmp_path / "xl", "EDMEulerScheduler", COSXL)
    model = listed(tmp_path)
    assert model.default_scheduler is Scheduler.EULER
    wanted = of_diffusers(pipeline_of(folder, "StableDiffusionXLPipeline"))
    assert np.abs(drawn(generator, model) - wanted).mean() <= APART


def test_cosxl_as_the_other_scheduler_of_diffusers_has_it(
    generator: Any, plain: Callable[[int], Path], tmp_path: Path
) -> None:
    options: dict[str, object] = {"timestep_type": "continuous"}
    options |= {"sigma_min": 0.002, "sigma_max": 120.0, "use_exponential_sigmas": True}
    options |= {"prediction_type": "v_prediction"}
    with_scheduler(plain(4), tmp_path / "one/xl", "EulerDiscreteScheduler", options)
    with_scheduler(plain(4), tmp_path / "two/xl", "EDMEulerScheduler", COSXL)
    one, two = (listed(tmp_path / name) for name in ("one", "two"))
    assert one.training is not None
    assert one.training.prediction is Prediction.EDM_VELOCITY
    assert np.array_equal(drawn(generator, one), drawn(generator, two))


@pytest.mark.parametrize("is_edit", [True, False])
def test_cosxl_edit(
    generator: Any, plain: Callable[[int], Path], tmp_path: Path, is_edit: bool
) -> None:
    folder = with_scheduler(plain(8), tmp_path / "xl", "EDMEulerScheduler", COSXL)
    name = "StableDiffusionXLInstructPix2PixPipeline"
    index = folder / "model_index.json"
    told = json.loads(index.read_text("utf-8"))
    told |= {"_class_name": name, "is_cosxl_edit": is_edit}
    index.write_text(json.dumps(told), "utf-8")
    model, files, init = listed(tmp_path), Files(), scene()
    assert (model.reason, model.family) == (None, ModelFamily.SDXL_PIX2PIX)
    assert model.inputs == (ModelInput.IMAGE, ModelInput.MASK)
    source = files.source(init, strength=1.0, image_guidance_scale=1.5)
    ours = drawn(generator, model, files, source=source)
    pipeline = pipeline_of(folder, name, is_cosxl_edit=is_edit)
    theirs = of_diffusers(pipeline, image=init, image_guidance_scale=1.5, **SIDES)
    assert np.abs(ours - theirs).mean() <= APART


def test_a_mask_a_second_pass_and_a_batch(
    generator: Any, plain: Callable[[int], Path], tmp_path: Path
) -> None:
    from PIL import Image

    from domain.generation.parts import SecondPass

    playground(plain(4), tmp_path / "xl")
    model, files, init = listed(tmp_path), Files(), scene()
    half = Image.new("L", init.size)
    half.paste(255, (0, 0, init.width // 2, init.height))
    source = files.source(init, half, mask_blur=0, strength=0.6)
    found = drawn(generator, model, files, num_inference_steps=4, source=source)
    outside = np.asarray(half) == 0
    assert np.array_equal(found[outside], np.asarray(init).astype(int)[outside])
    assert np.abs(found - np.asarray(init))[~outside].mean() > 4 * APART
    second = SecondPass(upscaler="latent", scale=1.25, strength=0.5)
    larger = drawn(generator, model, second_pass=second)
    assert larger.shape == (320, 320, 3)
