"""Samplers for continuous noise and flows against exact answers, and against diffusers."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from diffusers import EDMDPMSolverMultistepScheduler, EDMEulerScheduler

from adapters.diffusion.sampling import TRAINING, LastSteps, new_scheduler
from domain.errors import GenerationFailed
from domain.models.fitting_schedulers import fitting_schedulers
from domain.models.training import Prediction, Training
from domain.samplers import Sampler, Schedule, Scheduler
from tests.contract.samplers.known_networks import STABLE_DIFFUSION, configuration

pytestmark = pytest.mark.torch

MEAN, DEVIATION = 0.7, 0.5
PLAYGROUND = Training(Prediction.EDM).completed()
COSXL = Training(Prediction.EDM_VELOCITY).completed()
TRAININGS = {"playground": PLAYGROUND, "cosxl": COSXL}
FLOW = Training(Prediction.FLOW, shift=3.0)
FITTING = fitting_schedulers(PLAYGROUND)
SOME = [
    each
    for each in FITTING
    if each.schedule is Schedule.AUTOMATIC or each.sampler is Sampler.DPMPP_2M
]
"""Each sampler, and each schedule with one of them."""


def told_by(training: Training) -> Mapping[str, Any]:
    """The configuration of a single file's scheduler, with its training."""
    return {**configuration(**STABLE_DIFFUSION), TRAINING: training}


def finished(seen: torch.Tensor, sigma: float) -> torch.Tensor:
    """The mean of a normal distribution's numbers, given them with noise."""
    variance = DEVIATION**2 + sigma**2
    return MEAN + DEVIATION**2 / variance * (seen - MEAN)


def output(training: Training, given: torch.Tensor, time: float) -> torch.Tensor:
    """What the best network predicts; Karras et al., arXiv:2206.00364, table 1."""
    assert training.sigma_data is not None
    sigma, spread = float(torch.tensor(4 * time).exp()), training.sigma_data
    whole = sigma**2 + spread**2
    seen = given * whole**0.5
    share = sigma * spread / whole**0.5
    sign = -1 if training.prediction is Prediction.EDM_VELOCITY else 1
    return sign * (finished(seen, sigma) - spread**2 / whole * seen) / share


def denoised(scheduler: Any, steps: int, training: Training, noise: torch.Tensor) -> torch.Tensor:
    scheduler.set_timesteps(steps)
    latents = noise * scheduler.init_noise_sigma
    generators = [torch.Generator().manual_seed(each) for each in range(len(noise))]
    # As the pipelines of diffusers find out whether a scheduler adds noise.
    has_noise = "generator" in inspect.signature(scheduler.step).parameters
    more = {"generator": generators} if has_noise else {}
    for time in scheduler.timesteps:
        given = scheduler.scale_model_input(latents, time)
        told = output(training, given.double(), float(time)).float()
        latents = scheduler.step(told, time, latents, return_dict=False, **more)[0]
    return latents


def new_noise(pictures: int = 1) -> torch.Tensor:
    return torch.randn(pictures, 4, 16, 16, generator=torch.Generator().manual_seed(1))


def errors(name: Scheduler, training: Training, counts: list[int]) -> Iterator[float]:
    """Return each error against the exact solution of the flow from noise to the distribution."""
    noise, most = new_noise(), training.sigma_max
    assert most is not None
    start = noise * (most**2 + 1) ** 0.5
    exact = MEAN + DEVIATION * (start - MEAN) / (DEVIATION**2 + most**2) ** 0.5
    for steps in counts:
        found = denoised(new_scheduler(name, told_by(training), steps), steps, training, noise)
        yield float((found - exact).abs().mean())


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("name", [name for name in SOME if not name.sampler.is_stochastic], ids=str)
def test_more_steps_come_nearer_to_the_exact_answer(name: Scheduler, training: str) -> None:
    few, many = errors(name, TRAININGS[training], [8, 40])
    assert many < 0.1
    assert many < few / 2 or many < 0.005


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("name", [name for name in SOME if name.sampler.is_stochastic], ids=str)
def test_stochastic_samplers_draw_the_distribution(name: Scheduler, training: str) -> None:
    of_it = TRAININGS[training]
    found = denoised(new_scheduler(name, told_by(of_it), 60), 60, of_it, new_noise(16))
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(DEVIATION, abs=0.05)


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("name", [None, *SOME], ids=str)
def test_every_drawing_begins_at_the_largest_noise(name: Scheduler | None, training: str) -> None:
    most = TRAININGS[training].sigma_max
    for steps in (1, 4):
        scheduler = new_scheduler(name, told_by(TRAININGS[training]), steps)
        scheduler.set_timesteps(steps)
        sigmas = scheduler.sigmas.tolist()
        assert sigmas[0] == pytest.approx(most, rel=0.01 if "Beta" in str(name) else 1e-3)
        assert sigmas == sorted(sigmas, reverse=True)
        assert sigmas[-1] == 0
        assert float(scheduler.timesteps[0]) == pytest.approx(
            float(torch.tensor(sigmas[0]).log()) / 4, abs=1e-4
        )
        assert LastSteps(scheduler, 0).mixture_after(0).picture > 0


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("count", [4, 20])
def test_the_samplers_of_publication_are_those_of_diffusers(training: str, count: int) -> None:
    of_it, noise = TRAININGS[training], new_noise()
    options: dict[str, Any] = {
        "sigma_max": of_it.sigma_max,
        "sigma_data": of_it.sigma_data,
        "prediction_type": "epsilon" if training == "playground" else "v_prediction",
        "sigma_schedule": "karras" if training == "playground" else "exponential",
    }
    for name, kind in (
        (Scheduler.EULER, EDMEulerScheduler),
        (Scheduler.DPMPP_2M, EDMDPMSolverMultistepScheduler),
    ):
        ours = new_scheduler(name, told_by(of_it), count)
        found = denoised(ours, count, of_it, noise)
        theirs = kind(**options)
        wanted = denoised(theirs, count, of_it, noise)
        # One of the two is the class of diffusers. The other one is own code, in another scale.
        assert torch.allclose(found, wanted, atol=2e-3)
        assert torch.allclose(ours.sigmas.double(), theirs.sigmas.double(), rtol=1e-4)


@pytest.mark.parametrize(
    ("training", "name"),
    [(PLAYGROUND, Scheduler.DDIM), (COSXL, Scheduler.LCM), (FLOW, Scheduler.EULER_KARRAS)],
)
def test_a_sampler_of_another_process_is_refused(training: Training, name: Scheduler) -> None:
    with pytest.raises(GenerationFailed, match="cannot draw with a model of this training"):
        new_scheduler(name, told_by(training), 4)


@pytest.mark.parametrize("name", fitting_schedulers(FLOW), ids=str)
def test_samplers_of_a_flow_come_nearer_to_the_exact_answer(name: Scheduler) -> None:
    noise, found = new_noise(), []
    for steps in (10, 80):
        scheduler = new_scheduler(name, told_by(FLOW), steps)
        scheduler.set_timesteps(steps)
        latents = noise * scheduler.init_noise_sigma
        for time in scheduler.timesteps:
            given = scheduler.scale_model_input(latents, time).double()
            sigma = float(time) / 1000
            variance = (1 - sigma) ** 2 * DEVIATION**2 + sigma**2
            clean = MEAN + (1 - sigma) * DEVIATION**2 / variance * (given - (1 - sigma) * MEAN)
            told = ((given - clean) / sigma).float()
            latents = scheduler.step(told, time, latents, return_dict=False)[0]
        found.append(float((latents - (MEAN + DEVIATION * noise)).abs().mean()))
    few, many = found
    assert many < 0.03
    assert many < few / 2


def test_a_flow_has_the_levels_of_its_shift() -> None:
    scheduler = new_scheduler(None, told_by(FLOW), 4)
    scheduler.set_timesteps(4)
    assert scheduler.sigmas.tolist() == pytest.approx([1, 0.8577, 0.6022, 0.0089, 0], abs=1e-4)


@pytest.mark.parametrize("sampler", Sampler)
def test_a_network_that_predicts_the_picture_draws_it(sampler: Sampler) -> None:
    name = Scheduler(sampler)
    told = configuration(**STABLE_DIFFUSION | {"prediction_type": "sample"})
    steps, picture = 6, torch.full((1, 4, 4, 4), 0.4)
    scheduler = new_scheduler(name, told, steps)
    scheduler.set_timesteps(steps)
    latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    latents = latents * scheduler.init_noise_sigma
    more = {"generator": [torch.Generator().manual_seed(0)]}
    for time in scheduler.timesteps:
        scheduler.scale_model_input(latents, time)
        extra = more if "generator" in scheduler.step.__code__.co_varnames else {}
        latents = scheduler.step(picture, time, latents, return_dict=False, **extra)[0]
    # These three end at the least noise of the training.
    is_rough = sampler in (Sampler.DDIM, Sampler.PLMS, Sampler.TCD)
    assert torch.allclose(latents, picture, atol=0.15 if is_rough else 1e-3)
