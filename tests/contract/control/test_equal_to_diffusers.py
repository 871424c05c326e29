"""Pictures with ControlNets equal those of the pipelines that diffusers has for them."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
from PIL import Image

from domain.generation.parts import Control, SecondPass
from domain.models.record import ModelRecord
from domain.samplers import Scheduler
from tests.contract.conftest import DEMO_MODEL
from tests.contract.control.drawing import control, engine_for, outline
from tests.contract.control.files import new_controlnet, save_controlnet
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.test_sdxl import MODEL as TINY_XL
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.from_pictures.drawing import Files, circle, draw, one_by_one, scene

pytestmark = pytest.mark.torch

APART = 0.5
"""The most that pictures may differ on average, of 255."""
CHANGED = 2
"""How much a ControlNet must change a picture at least, so that the test can fail."""
PROMPT, SEED = "a red square on a white background", 3
LONG, STRENGTH = 20, 0.16
"""int(20 × 0.16) = 3 steps run. With so many steps no sampler has a rule of its own for long ones.
"""


@pytest.fixture(scope="module")
def demo() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


@pytest.fixture(scope="module")
def engine(demo: Any) -> Any:
    return engine_for(demo)


@pytest.fixture(scope="module")
def networks(demo: Any) -> list[Any]:
    return [new_controlnet(demo.unet, seed=seed, strength=0.6) for seed in (1, 2)]


@pytest.fixture(scope="module")
def models(networks: list[Any], tmp_path_factory: pytest.TempPathFactory) -> list[ModelRecord]:
    folder = tmp_path_factory.mktemp("controlnets")
    layouts = ("diffusers", "original")
    return [
        save_controlnet(folder, each, layout=layout)
        for each, layout in zip(networks, layouts, strict=True)
    ]


def seeded() -> Any:
    import torch

    return [torch.Generator("cpu").manual_seed(SEED)]


def theirs(kind: Any, pipeline: Any, networks: Any, scheduler: Any, **call: Any) -> np.ndarray:
    """Return what a pipeline of diffusers draws: (height, width, 3), 0 to 255."""
    parts = {**pipeline.components, "scheduler": scheduler, "controlnet": networks}
    options: dict[str, Any] = {"requires_safety_checker": False}
    if "XL" in kind.__name__:
        options = {"add_watermarker": False, "force_zeros_for_empty_prompt": True}
    made = kind(**parts, **options)
    made.set_progress_bar_config(disable=True)
    values: dict[str, Any] = {
        "prompt": PROMPT,
        "guidance_scale": 7.5,
        "generator": seeded(),
        "output_type": "np",
        "eta": 0.0,
    }
    found: np.ndarray = 255 * made(**(values | call)).images[0]
    return found


def scheduler_of(pipeline: Any, kind: Any, **options: Any) -> Any:
    return kind.from_config(pipeline.scheduler.config, **options)


def ours(
    engine: Any,
    files: Files,
    controls: tuple[Control, ...],
    model: ModelRecord = DEMO_MODEL,
    **changes: Any,
) -> np.ndarray:
    """Return a picture, which differs from that without ControlNets."""
    wanted = demo_request(prompt=PROMPT, **changes)
    (without,) = one_by_one(draw(engine, [wanted], files, model=model))
    steered = demo_request(prompt=PROMPT, controls=controls, **changes)
    (found,) = one_by_one(draw(engine, [steered], files, model=model))
    assert np.abs(found - without).mean() > CHANGED
    return found


@pytest.mark.parametrize("start, end", [(0.0, 1.0), (0.25, 1.0), (0.0, 0.7)])
def test_text_to_image(
    engine: Any,
    demo: Any,
    networks: list[Any],
    models: list[ModelRecord],
    start: float,
    end: float,
) -> None:
    files, steps = Files(), 4
    control_of = control(files, models[0], outline(), scale=0.8, start=start, end=end)
    found = ours(engine, files, (control_of,), scheduler=Scheduler.EULER, num_inference_steps=steps)
    expected = theirs(
        diffusers.StableDiffusionControlNetPipeline,
        demo,
        networks[0],
        scheduler_of(demo, diffusers.EulerDiscreteScheduler, timestep_spacing="trailing"),
        image=outline(),
        num_inference_steps=steps,
        controlnet_conditioning_scale=0.8,
        control_guidance_start=start,
        control_guidance_end=end,
    )
    assert np.abs(found - expected).mean() <= APART


def test_continuous_noise(demo: Any, networks: list[Any], models: list[ModelRecord]) -> None:
    """A ControlNet sees the input and the noise level of a network of EDM, as the UNet does."""
    from adapters.diffusion.loading.trained import mark_training
    from domain.models.training import Prediction, Training

    absent = ("feature_extractor", "image_encoder", "safety_checker")
    parts = {name: each for name, each in demo.components.items() if name not in absent}
    options = {"sigma_max": 120.0, "sigma_data": 1.0, "sigma_schedule": "exponential"}
    parts["scheduler"] = diffusers.EDMEulerScheduler(**options, prediction_type="v_prediction")
    pipeline = diffusers.StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    mark_training(pipeline, Training(Prediction.EDM_VELOCITY).completed())
    files, steps = Files(), 3
    control_of = control(files, models[0], outline(), scale=0.8)
    changes: dict[str, Any] = {"guidance_scale": 3.0, "num_inference_steps": steps}
    found = ours(engine_for(pipeline), files, (control_of,), **changes)
    expected = theirs(
        diffusers.StableDiffusionControlNetPipeline,
        pipeline,
        networks[0],
        pipeline.scheduler,
        image=outline(),
        controlnet_conditioning_scale=0.8,
        **changes,
    )
    assert np.abs(found - expected).mean() <= APART


def test_two_controlnets_at_once(
    engine: Any, demo: Any, networks: list[Any], models: list[ModelRecord]
) -> None:
    files, maps, steps = Files(), [outline(), scene()], 4
    controls = (
        control(files, models[0], maps[0], scale=0.7, start=0.25),
        control(files, models[1], maps[1], scale=0.4, end=0.75),
    )
    found = ours(engine, files, controls, scheduler=Scheduler.EULER, num_inference_steps=steps)
    expected = theirs(
        diffusers.StableDiffusionControlNetPipeline,
        demo,
        networks,
        scheduler_of(demo, diffusers.EulerDiscreteScheduler, timestep_spacing="trailing"),
        image=maps,
        num_inference_steps=steps,
        controlnet_conditioning_scale=[0.7, 0.4],
        control_guidance_start=[0.25, 0.0],
        control_guidance_end=[1.0, 0.75],
    )
    assert np.abs(found - expected).mean() <= APART


@pytest.mark.parametrize(
    "name, kind, options",
    [
        (Scheduler.EULER_A, diffusers.EulerAncestralDiscreteScheduler, {}),
        # Two evaluations of the network in a step: diffusers counts these, and not the steps.
        (Scheduler.HEUN_KARRAS, diffusers.HeunDiscreteScheduler, {"use_karras_sigmas": True}),
    ],
    ids=["Euler a", "Heun Karras"],
)
def test_image_to_image(
    engine: Any,
    demo: Any,
    networks: list[Any],
    models: list[ModelRecord],
    name: Scheduler,
    kind: Any,
    options: dict[str, Any],
) -> None:
    files, init = Files(), scene()
    found = ours(
        engine,
        files,
        (control(files, models[0], outline(), start=0.2, end=0.7),),
        scheduler=name,
        num_inference_steps=LONG,
        source=files.source(init, strength=STRENGTH),
    )
    expected = theirs(
        diffusers.StableDiffusionControlNetImg2ImgPipeline,
        demo,
        networks[0],
        scheduler_of(demo, kind, **options),
        image=init,
        control_image=outline(),
        strength=STRENGTH,
        num_inference_steps=LONG,
        controlnet_conditioning_scale=1.0,
        control_guidance_start=0.2,
        control_guidance_end=0.7,
    )
    assert np.abs(found - expected).mean() <= APART


def test_inpainting(engine: Any, demo: Any, networks: list[Any], models: list[ModelRecord]) -> None:
    files, init, mask = Files(), scene(), circle()
    inside = np.asarray(mask) > 0
    wanted = demo_request(
        prompt=PROMPT,
        scheduler=Scheduler.EULER,
        num_inference_steps=LONG,
        controls=(control(files, models[0], outline()),),
        source=files.source(init, mask, strength=STRENGTH, mask_blur=0),
    )
    (found,) = one_by_one(draw(engine, [wanted], files))
    expected = theirs(
        diffusers.StableDiffusionControlNetInpaintPipeline,
        demo,
        networks[0],
        scheduler_of(demo, diffusers.EulerDiscreteScheduler),
        image=init,
        mask_image=mask,
        control_image=outline(),
        width=256,
        height=256,
        strength=STRENGTH,
        num_inference_steps=LONG,
        controlnet_conditioning_scale=1.0,
    )
    assert np.abs(found - expected)[inside].mean() <= APART
    assert np.array_equal(found[~inside], np.asarray(init)[~inside])


def test_a_second_pass_follows_the_map_at_its_own_size(
    engine: Any, demo: Any, networks: list[Any], models: list[ModelRecord]
) -> None:
    files, steps, again, strength, side = Files(), 2, 10, 0.25, 384
    large = outline(side, side)
    found = ours(
        engine,
        files,
        (control(files, models[0], large),),
        scheduler=Scheduler.EULER,
        num_inference_steps=steps,
        second_pass=SecondPass(
            scale=1.5, strength=strength, num_inference_steps=again, upscaler="lanczos"
        ),
    )
    generator = seeded()
    first = theirs(
        diffusers.StableDiffusionControlNetPipeline,
        demo,
        networks[0],
        scheduler_of(demo, diffusers.EulerDiscreteScheduler, timestep_spacing="trailing"),
        image=large,
        width=256,
        height=256,
        num_inference_steps=steps,
        controlnet_conditioning_scale=1.0,
        generator=generator,
    )
    picture = Image.fromarray(first.round().astype(np.uint8))
    expected = theirs(
        diffusers.StableDiffusionControlNetImg2ImgPipeline,
        demo,
        networks[0],
        scheduler_of(demo, diffusers.EulerDiscreteScheduler),
        image=picture.resize((side, side), Image.Resampling.LANCZOS),
        control_image=large,
        strength=strength,
        num_inference_steps=again,
        controlnet_conditioning_scale=1.0,
        generator=generator,
    )
    assert np.abs(found - expected).mean() <= APART


@pytest.mark.parametrize("layout", ["diffusers", "bare"])
@pytest.mark.parametrize("from_picture", [False, True])
def test_stable_diffusion_xl(layout: str, from_picture: bool, tmp_path: Path) -> None:
    pipeline = tiny_sdxl()
    # Random weights: the embedding of the prompt would be lost beside stronger maps.
    network = new_controlnet(pipeline.unet, seed=5, strength=1.0)
    model = save_controlnet(tmp_path, network, layout=layout)
    files, init = Files(), scene()
    steps = LONG if from_picture else 4
    changes: dict[str, Any] = (
        {"source": files.source(init, strength=STRENGTH)} if from_picture else {}
    )
    found = ours(
        engine_for(pipeline),
        files,
        (control(files, model, outline(), scale=0.9),),
        TINY_XL,
        scheduler=Scheduler.EULER,
        num_inference_steps=steps,
        **changes,
    )
    kind: Any = diffusers.StableDiffusionXLControlNetPipeline
    call: dict[str, Any] = {"image": outline()}
    if from_picture:
        kind = diffusers.StableDiffusionXLControlNetImg2ImgPipeline
        call = {"image": init, "control_image": outline(), "strength": STRENGTH}
    spacing = {} if from_picture else {"timestep_spacing": "trailing"}
    expected = theirs(
        kind,
        pipeline,
        network,
        scheduler_of(pipeline, diffusers.EulerDiscreteScheduler, **spacing),
        num_inference_steps=steps,
        controlnet_conditioning_scale=0.9,
        **call,
    )
    assert np.abs(found - expected).mean() <= APART
