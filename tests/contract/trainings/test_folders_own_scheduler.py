"""A folder is drawn with its own scheduler where its training fixes one, as diffusers draws it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.samplers import Scheduler
from tests.contract.drawing.generating import new_generator
from tests.contract.from_pictures.drawing import Files, scene
from tests.contract.trainings.tiny import (
    drawn,
    listed,
    of_diffusers,
    save_folder,
    with_scheduler,
)

pytestmark = pytest.mark.torch

APART = 0.5
"""The most that pictures may differ on average, of 255."""
SD: Mapping[str, object] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
TRAILING = {**SD, "timestep_spacing": "trailing"}
FLOW = {**SD, "use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
COSXL: Mapping[str, object] = {
    "sigma_min": 0.002,
    "sigma_max": 120.0,
    "sigma_data": 1.0,
    "prediction_type": "v_prediction",
    "sigma_schedule": "exponential",
}
PLAYGROUND: Mapping[str, object] = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5}
CASES: dict[str, tuple[str, Mapping[str, object], Scheduler, int]] = {
    "edm": ("EDMDPMSolverMultistepScheduler", PLAYGROUND, Scheduler.DPMPP_2M, 2),
    "edm of order 3": (
        "EDMDPMSolverMultistepScheduler",
        {**PLAYGROUND, "solver_order": 3, "rho": 5.0},
        Scheduler.DPMPP_2M,
        6,
    ),
    "edm velocity": ("EDMEulerScheduler", COSXL, Scheduler.EULER, 2),
    "flow": ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}, Scheduler.EULER, 2),
    "flow dpm": ("DPMSolverMultistepScheduler", FLOW, Scheduler.DPMPP_2M, 2),
    "flow unipc": ("UniPCMultistepScheduler", FLOW, Scheduler.UNIPC, 2),
    "lcm": ("LCMScheduler", SD, Scheduler.LCM, 2),
    "tcd": ("TCDScheduler", SD, Scheduler.TCD, 2),
    "ddim trailing": ("DDIMScheduler", {**TRAILING, "clip_sample": False}, Scheduler.DDIM, 2),
    "euler trailing": ("EulerDiscreteScheduler", TRAILING, Scheduler.EULER, 2),
    "euler a trailing": ("EulerAncestralDiscreteScheduler", TRAILING, Scheduler.EULER_A, 1),
    "unipc trailing": ("UniPCMultistepScheduler", TRAILING, Scheduler.UNIPC, 2),
    "lms trailing": ("LMSDiscreteScheduler", TRAILING, Scheduler.LMS, 2),
    "euler that ends early": (
        "EulerDiscreteScheduler",
        {**SD, "final_sigmas_type": "sigma_min"},
        Scheduler.EULER,
        2,
    ),
    "sample": (
        "EulerDiscreteScheduler",
        {**TRAILING, "prediction_type": "sample"},
        Scheduler.EULER,
        2,
    ),
    "cosine betas": (
        "DDIMScheduler",
        {**TRAILING, "beta_schedule": "squaredcos_cap_v2", "clip_sample": False},
        Scheduler.DDIM,
        2,
    ),
    "trained betas": (
        "DDIMScheduler",
        {**TRAILING, "trained_betas": [0.001] * 500, "num_train_timesteps": 500}
        | {"clip_sample": False},
        Scheduler.DDIM,
        2,
    ),
}


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(tmp_path_factory.mktemp("plain") / "sd")


def pipeline_of(folder: Path, kind: str = "StableDiffusionPipeline") -> Any:
    import diffusers

    return getattr(diffusers, kind).from_pretrained(folder)


def for_stable_diffusion(pipeline: Any) -> Any:
    """Give a scheduler for flows what Stable Diffusion's pipelines ask of one."""
    scheduler: Any = pipeline.scheduler
    if not hasattr(scheduler, "init_noise_sigma"):
        more = {"init_noise_sigma": 1.0, "scale_model_input": lambda _self, sample, _time: sample}
        kind: Any = type("Flow", (type(scheduler),), more)
        pipeline.scheduler = kind.from_config(scheduler.config)
    return pipeline


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_that_of_diffusers(
    generator: Any, plain: Path, tmp_path: Path, case: str
) -> None:
    name, options, default, steps = CASES[case]
    folder = with_scheduler(plain, tmp_path / "sd", name, options)
    model = listed(tmp_path)
    assert model.default_scheduler is default
    ours = drawn(generator, model, num_inference_steps=steps)
    eta = {"eta": 0.3} if name == "TCDScheduler" else {}
    pipeline = for_stable_diffusion(pipeline_of(folder))
    theirs = of_diffusers(pipeline, num_inference_steps=steps, **eta)
    assert np.abs(ours - theirs).mean() <= APART
    # Naming the default changes nothing.
    assert np.array_equal(
        ours, drawn(generator, model, num_inference_steps=steps, scheduler=default)
    )


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("case", ["edm", "edm velocity", "lcm", "euler trailing"])
def test_a_drawing_from_a_picture_is_that_of_diffusers(
    generator: Any, plain: Path, tmp_path: Path, case: str
) -> None:
    name, options, _, _ = CASES[case]
    folder = with_scheduler(plain, tmp_path / "sd", name, options)
    model, files, init = listed(tmp_path), Files(), scene()
    source = files.source(init, strength=0.5)
    ours = drawn(generator, model, files, num_inference_steps=4, source=source)
    pipeline = pipeline_of(folder, "StableDiffusionImg2ImgPipeline")
    theirs = of_diffusers(pipeline, num_inference_steps=4, image=init, strength=0.5)
    assert np.abs(ours - theirs).mean() <= APART


def test_the_schedulers_draw_different_pictures(
    generator: Any, plain: Path, tmp_path: Path
) -> None:
    """Without this the comparisons above would say nothing."""
    pictures = []
    for case in ("edm", "edm velocity", "flow", "euler trailing", "sample"):
        name, options, _, _ = CASES[case]
        with_scheduler(plain, tmp_path / case / "sd", name, options)
        pictures.append(drawn(generator, listed(tmp_path / case)))
    for number, one in enumerate(pictures):
        assert all(np.abs(one - other).mean() > 4 * APART for other in pictures[:number])
