"""Schedulers by name, over a network that predicts perfectly."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, PNDMScheduler

from adapters.diffusion.sampling import Schedulers, new_scheduler, sampler_name
from domain.schedulers import Scheduler

pytestmark = pytest.mark.torch

STABLE_DIFFUSION = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "prediction_type": "epsilon",
}
VELOCITY = STABLE_DIFFUSION | {"prediction_type": "v_prediction"}
ZERO_TERMINAL = VELOCITY | {"rescale_betas_zero_snr": True}
CLEAN = torch.linspace(-2, 2, 64).reshape(1, 4, 4, 4)
OLD_LEAST_NOISE = 0.03  # that the training had, and DDIM leaves


def configuration(**fields: object) -> Mapping[str, Any]:
    """That of a pipeline whose own scheduler was loaded with these fields."""
    found: Mapping[str, Any] = DPMSolverMultistepScheduler.from_config(fields).config
    return found


def signal_of(training: Mapping[str, object]) -> torch.Tensor:
    """How much of the picture is left at each time: the product of the alphas, in float64.

    Of Ho et al., arXiv:2006.11239, equation 4; rescaled as algorithm 1 of Lin et al.,
    arXiv:2305.08891.
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    root = (1 - betas).cumprod(0).sqrt()
    if training.get("rescale_betas_zero_snr"):
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return root**2


def drawn(scheduler: Any, steps: int, training: Mapping[str, object]) -> torch.Tensor:
    """What is drawn with a network that knows that `CLEAN` is the picture."""
    signal, generators = signal_of(training), [torch.Generator().manual_seed(5)]
    scheduler.set_timesteps(steps)
    latents = torch.randn(CLEAN.shape, generator=generators[0]) * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, time).double()
        left = signal[int(time)]
        noise = (seen - left.sqrt() * CLEAN) / (1 - left).sqrt()
        velocity = left.sqrt() * noise - (1 - left).sqrt() * CLEAN
        told = velocity if training["prediction_type"] == "v_prediction" else noise
        extra = {} if hasattr(scheduler, "solver_p") else {"generator": generators}
        latents = scheduler.step(told.float(), time, latents, return_dict=False, **extra)[0]
    return latents


@pytest.mark.parametrize("steps", [1, 2, 7, 20, 150])
@pytest.mark.parametrize(
    "training", [STABLE_DIFFUSION, VELOCITY, ZERO_TERMINAL], ids=["noise", "velocity", "zero"]
)
@pytest.mark.parametrize("spacing", [None, "leading", "trailing", "linspace"])
@pytest.mark.parametrize("name", Scheduler)
def test_a_perfect_network_draws_the_picture(
    name: Scheduler, spacing: str | None, training: dict[str, object], steps: int
) -> None:
    spaced = {} if spacing is None else {"timestep_spacing": spacing}
    scheduler = new_scheduler(name, configuration(**training, **spaced), steps)
    error = (drawn(scheduler, steps, training) - CLEAN).abs().max()
    assert error < 5 * OLD_LEAST_NOISE


@pytest.mark.parametrize("name", [None, *Scheduler])
def test_one_with_kept_tables_draws_the_same_each_time(name: Scheduler | None) -> None:
    found = configuration(**STABLE_DIFFUSION)
    expected = drawn(new_scheduler(name, found, 7), 7, STABLE_DIFFUSION)
    schedulers = Schedulers(found, torch.device("cpu"))
    for _ in range(2):
        scheduler = schedulers.new(name, 7)
        assert torch.equal(drawn(scheduler, 7, STABLE_DIFFUSION), expected)
        # Also the one that was used, once it is set anew.
        assert torch.equal(drawn(scheduler, 7, STABLE_DIFFUSION), expected)
    other = drawn(new_scheduler(name, found, 9), 9, STABLE_DIFFUSION)
    assert torch.equal(drawn(schedulers.new(name, 9), 9, STABLE_DIFFUSION), other)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("training", [STABLE_DIFFUSION, ZERO_TERMINAL], ids=["noise", "zero"])
@pytest.mark.parametrize("name", Scheduler)
def test_each_takes_as_many_steps_as_are_asked_for(
    name: Scheduler, training: dict[str, object], spacing: str
) -> None:
    found = configuration(**training, timestep_spacing=spacing)
    for steps in range(1, 151):
        scheduler = new_scheduler(name, found, steps)
        scheduler.set_timesteps(steps)
        assert len(scheduler.timesteps) == steps
        assert 0 <= int(scheduler.timesteps.min()) <= int(scheduler.timesteps.max()) <= 999


@pytest.mark.parametrize("name", Scheduler)
def test_noise_is_never_predicted_where_there_is_nothing_else(name: Scheduler) -> None:
    training = STABLE_DIFFUSION | {"rescale_betas_zero_snr": True}
    scheduler = new_scheduler(name, configuration(**training, timestep_spacing="trailing"), 3)
    scheduler.set_timesteps(3)
    latents = torch.ones(1, 4, 4, 4)
    extra = {} if hasattr(scheduler, "solver_p") else {"generator": [torch.Generator()]}
    for time in scheduler.timesteps:
        latents = scheduler.step(torch.ones(1, 4, 4, 4), time, latents, **extra, return_dict=False)[
            0
        ]
    assert bool(torch.isfinite(latents).all())


@pytest.mark.parametrize("name", Scheduler)
def test_where_the_noise_is_pure_each_begins_there(name: Scheduler) -> None:
    scheduler = new_scheduler(name, configuration(**ZERO_TERMINAL), 10)
    scheduler.set_timesteps(10)
    assert int(scheduler.timesteps[0]) == 999


@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, EulerDiscreteScheduler])
@pytest.mark.parametrize("spaced", ["use_karras_sigmas", "use_exponential_sigmas"])
@pytest.mark.parametrize("name", Scheduler)
def test_a_name_means_the_same_whatever_the_model_asks_for(
    name: Scheduler, spaced: str, kind: Any
) -> None:
    plain, asking = (
        new_scheduler(name, kind.from_config(STABLE_DIFFUSION | more).config, 20)
        for more in ({}, {spaced: True})
    )
    for scheduler in (plain, asking):
        scheduler.set_timesteps(20)
    assert torch.equal(plain.timesteps, asking.timesteps)
    if hasattr(plain, "sigmas"):
        assert torch.equal(plain.sigmas, asking.sigmas)


def test_the_noise_of_the_training_is_the_models_own_even_where_it_is_its_classs_default() -> None:
    """PNDM has other betas by default than LCM has, so they must be handed on."""
    own = PNDMScheduler.from_config({"skip_prk_steps": True})
    for name in Scheduler:
        found = new_scheduler(name, own.config, 5).config
        assert (found.beta_start, found.beta_schedule) == (0.0001, "linear")


def test_karras_noise_levels_are_those_of_the_one_that_is_named_so() -> None:
    plain, karras = (
        new_scheduler(name, configuration(**STABLE_DIFFUSION), 20)
        for name in (Scheduler.DPMPP_2M, Scheduler.DPMPP_2M_KARRAS)
    )
    for scheduler in (plain, karras):
        scheduler.set_timesteps(20)
    # Karras et al., arXiv:2206.00364, equation 5, with rho 7.
    least, most = 0.0292, 14.6146
    ramp = torch.linspace(0, 1, 20)
    levels = (most ** (1 / 7) + ramp * (least ** (1 / 7) - most ** (1 / 7))) ** 7
    assert torch.allclose(karras.sigmas[:-1], levels, rtol=0.01)
    assert not torch.allclose(plain.sigmas[:-1], levels, rtol=0.01)


def test_noise_of_a_step_is_the_same_in_each_precision() -> None:
    for name in (Scheduler.EULER_A, Scheduler.LCM):
        latents = []
        for dtype in (torch.float32, torch.bfloat16):
            scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
            scheduler.set_timesteps(4)
            zero, seed = torch.zeros(1, 4, 8, 8, dtype=dtype), torch.Generator().manual_seed(1)
            (step, _) = scheduler.step(zero, scheduler.timesteps[0], zero, generator=[seed])
            assert step.dtype == dtype
            latents.append(step.float())
        assert latents[0].std() > 0.1
        assert torch.allclose(*latents, rtol=0.01)


@pytest.mark.parametrize("karras", [False, True])
def test_what_draws_by_default_is_named_by_what_it_does(karras: bool) -> None:
    found = configuration(**STABLE_DIFFUSION, use_karras_sigmas=karras)
    assert sampler_name(None, found) == ("DPM++ 2M Karras" if karras else "DPM++ 2M")
    assert new_scheduler(None, found, 5).config.use_karras_sigmas == karras
    for name, steps in itertools.product(Scheduler, (1, 20)):
        assert sampler_name(name, found) == name, steps


@pytest.mark.parametrize(
    "name", [Scheduler.LCM, Scheduler.EULER, Scheduler.EULER_A, Scheduler.DDIM]
)
def test_no_step_asks_the_device_which_it_is(name: Scheduler) -> None:
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    scheduler.set_timesteps(4)
    on_device = scheduler.timesteps.to("meta")  # of which nothing can be read
    scheduler.timesteps = on_device
    zero, seed = torch.zeros(1, 4, 8, 8), torch.Generator().manual_seed(1)
    for timestep in on_device:
        scheduler.step(zero, timestep, zero, generator=[seed])
    assert scheduler.timesteps is on_device
