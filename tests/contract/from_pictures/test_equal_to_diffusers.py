"""Pictures from pictures equal those of the pipelines that diffusers has for them."""

from typing import Any

import diffusers
import numpy as np
import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.parts import SecondPass
from domain.samplers import Scheduler
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.test_sdxl import MODEL as TINY_XL
from tests.contract.drawing.test_sdxl import engine_with
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.from_pictures.drawing import Files, circle, draw, one_by_one, scene

pytestmark = pytest.mark.torch

APART = 0.5
"""The most that pictures may differ on average, of 255."""
STEPS, STRENGTH = 20, 0.16
"""int(20 × 0.16) = 3 steps run. With so many steps no sampler has a rule of its own for long ones.
"""
ETA = 0.3
"""The noise of TCD, as its authors have it. The pipelines of diffusers ask for none."""
SEED, PROMPT = 3, "a red square on a white background"
DPM: dict[str, object] = {"algorithm_type": "sde-dpmsolver++"}
NO_CLIPPING: dict[str, object] = {"clip_sample": False}
SAMPLERS: dict[Scheduler | None, tuple[Any, dict[str, object]]] = {
    None: (diffusers.DPMSolverMultistepScheduler, {}),
    Scheduler.EULER: (diffusers.EulerDiscreteScheduler, {}),
    Scheduler.EULER_KARRAS: (diffusers.EulerDiscreteScheduler, {"use_karras_sigmas": True}),
    Scheduler.EULER_A: (diffusers.EulerAncestralDiscreteScheduler, {}),
    Scheduler.HEUN_KARRAS: (diffusers.HeunDiscreteScheduler, {"use_karras_sigmas": True}),
    Scheduler.DPMPP_2M: (diffusers.DPMSolverMultistepScheduler, {}),
    Scheduler.DPMPP_2M_KARRAS: (
        diffusers.DPMSolverMultistepScheduler,
        {"use_karras_sigmas": True},
    ),
    Scheduler.DPMPP_2M_SDE: (diffusers.DPMSolverMultistepScheduler, DPM),
    Scheduler.UNIPC: (diffusers.UniPCMultistepScheduler, {}),
    Scheduler.DDIM: (
        diffusers.DDIMScheduler,
        NO_CLIPPING | {"set_alpha_to_one": False},
    ),
    Scheduler.LCM: (diffusers.LCMScheduler, NO_CLIPPING),
    Scheduler.TCD: (diffusers.TCDScheduler, NO_CLIPPING),
}
"""The samplers that both have. LMS of diffusers counts steps that were never made, and has the
weights of another method in the middle of a drawing; PLMS cannot begin there."""


def pipeline_of(generator: DiffusersImageGenerator) -> Any:
    generator.prepare()
    engine: Any = generator._engine
    return engine._pipelines.get(DEMO_MODEL)


def of_diffusers(kind: Any, pipeline: Any, scheduler: Any) -> Any:
    """Return a pipeline of diffusers with the same networks."""
    parts = {**pipeline.components, "scheduler": scheduler}
    made = kind(**parts, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


def eta_of(name: Scheduler | None) -> float:
    return ETA if name is Scheduler.TCD else 0.0


def seeded(seed: int = SEED) -> Any:
    import torch

    return [torch.Generator("cpu").manual_seed(seed)]


@pytest.mark.parametrize("name", SAMPLERS, ids=str)
def test_image_to_image(float32_generator: DiffusersImageGenerator, name: Scheduler | None) -> None:
    files, init = Files(), scene()
    wanted = demo_request(
        prompt=PROMPT,
        num_inference_steps=STEPS,
        scheduler=name,
        source=files.source(init, strength=STRENGTH),
    )
    (ours,) = one_by_one(draw(float32_generator, [wanted], files))
    pipeline = pipeline_of(float32_generator)
    kind, options = SAMPLERS[name]
    scheduler = kind.from_config(pipeline.scheduler.config, **options)
    theirs = of_diffusers(diffusers.StableDiffusionImg2ImgPipeline, pipeline, scheduler)(
        prompt=PROMPT,
        image=init,
        strength=STRENGTH,
        num_inference_steps=STEPS,
        guidance_scale=7.5,
        eta=eta_of(name),
        generator=seeded(),
        output_type="np",
    ).images[0]
    assert np.abs(ours - 255 * theirs).mean() <= APART


@pytest.mark.parametrize("name", SAMPLERS, ids=str)
def test_inpainting(float32_generator: DiffusersImageGenerator, name: Scheduler | None) -> None:
    files, init, mask = Files(), scene(), circle()
    wanted = demo_request(
        prompt=PROMPT,
        num_inference_steps=STEPS,
        scheduler=name,
        source=files.source(init, mask, strength=STRENGTH, mask_blur=0),
    )
    (ours,) = one_by_one(draw(float32_generator, [wanted], files))
    theirs = inpainted(float32_generator, name, init, mask, STRENGTH)
    inside = np.asarray(mask) > 0
    assert np.abs(ours - theirs)[inside].mean() <= APART


def test_inpainting_from_noise_alone(float32_generator: DiffusersImageGenerator) -> None:
    files, init, mask, steps = Files(), scene(), circle(), 3
    wanted = demo_request(
        prompt=PROMPT,
        num_inference_steps=steps,
        scheduler=Scheduler.EULER,
        source=files.source(init, mask, strength=1.0, mask_blur=0),
    )
    (ours,) = one_by_one(draw(float32_generator, [wanted], files))
    theirs = inpainted(
        float32_generator,
        Scheduler.EULER,
        init,
        mask,
        1.0,
        steps=steps,
        timestep_spacing="trailing",  # of few steps
    )
    inside = np.asarray(mask) > 0
    assert np.abs(ours - theirs)[inside].mean() <= APART


def inpainted(
    generator: DiffusersImageGenerator,
    name: Scheduler | None,
    init: Image.Image,
    mask: Image.Image,
    strength: float,
    *,
    steps: int = STEPS,
    **more: object,
) -> np.ndarray:
    """Return what diffusers draws: (height, width, 3), 0 to 255."""
    pipeline = pipeline_of(generator)
    kind, options = SAMPLERS[name]
    scheduler = kind.from_config(pipeline.scheduler.config, **options, **more)
    found: np.ndarray = of_diffusers(diffusers.StableDiffusionInpaintPipeline, pipeline, scheduler)(
        prompt=PROMPT,
        image=init,
        mask_image=mask,
        width=init.width,
        height=init.height,
        strength=strength,
        num_inference_steps=steps,
        guidance_scale=7.5,
        eta=eta_of(name),
        generator=seeded(),
        output_type="np",
    ).images[0]
    return 255 * found


@pytest.mark.parametrize("upscaler", ["latent", "lanczos"])
def test_a_second_pass_is_image_to_image_with_the_same_generator(
    float32_generator: DiffusersImageGenerator, upscaler: str
) -> None:
    import torch

    steps, again, strength, size = 2, 10, 0.25, 384
    wanted = demo_request(
        prompt=PROMPT,
        num_inference_steps=steps,
        scheduler=Scheduler.EULER_A,
        second_pass=SecondPass(
            scale=1.5, strength=strength, num_inference_steps=again, upscaler=upscaler
        ),
    )
    (ours,) = one_by_one(draw(float32_generator, [wanted], Files()))
    assert ours.shape == (size, size, 3)
    pipeline = pipeline_of(float32_generator)
    kind = diffusers.EulerAncestralDiscreteScheduler
    few = kind.from_config(pipeline.scheduler.config, timestep_spacing="trailing")
    first = of_diffusers(diffusers.StableDiffusionPipeline, pipeline, few)
    generator = seeded()
    common: dict[str, Any] = {"prompt": PROMPT, "guidance_scale": 7.5, "generator": generator}
    drawn = first(
        **common,
        width=256,
        height=256,
        num_inference_steps=steps,
        output_type="latent" if upscaler == "latent" else "pil",
    ).images
    enlarged = (
        torch.nn.functional.interpolate(drawn, scale_factor=1.5, mode="bilinear")
        if upscaler == "latent"
        else drawn[0].resize((size, size), Image.Resampling.LANCZOS)
    )
    many = kind.from_config(pipeline.scheduler.config)
    theirs = of_diffusers(diffusers.StableDiffusionImg2ImgPipeline, pipeline, many)(
        **common, image=enlarged, strength=strength, num_inference_steps=again, output_type="np"
    ).images[0]
    assert np.abs(ours - 255 * theirs).mean() <= APART


@pytest.mark.parametrize("has_mask", [False, True])
def test_stable_diffusion_xl(has_mask: bool) -> None:
    pipeline = tiny_sdxl()
    files, init, mask = Files(), scene(), circle()
    fields: dict[str, Any] = {"mask_blur": 0} if has_mask else {}
    wanted = demo_request(
        prompt=PROMPT,
        num_inference_steps=STEPS,
        scheduler=Scheduler.EULER_A,
        source=files.source(init, mask if has_mask else None, strength=STRENGTH, **fields),
    )
    engine = engine_with(pipeline)
    (ours,) = one_by_one(draw(engine, [wanted], files, model=TINY_XL))
    kind = (
        diffusers.StableDiffusionXLInpaintPipeline
        if has_mask
        else diffusers.StableDiffusionXLImg2ImgPipeline
    )
    scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(pipeline.scheduler.config)
    parts = {**pipeline.components, "scheduler": scheduler}
    made = kind(**parts, add_watermarker=False, force_zeros_for_empty_prompt=True)
    made.set_progress_bar_config(disable=True)
    masked = {"mask_image": mask, "width": 256, "height": 256} if has_mask else {}
    theirs = made(
        prompt=PROMPT,
        image=init,
        strength=STRENGTH,
        num_inference_steps=STEPS,
        guidance_scale=7.5,
        generator=seeded(),
        output_type="np",
        **masked,
    ).images[0]
    apart = np.abs(ours - 255 * theirs)
    assert (apart[np.asarray(mask) > 0] if has_mask else apart).mean() <= APART
