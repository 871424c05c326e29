"""Samplers that begin in the middle, as a drawing from a picture does."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from adapters.diffusion.sampling import LastSteps, Schedulers
from domain.errors import GenerationFailed
from domain.samplers import Scheduler
from tests.contract.samplers.known_networks import (
    STABLE_DIFFUSION,
    VELOCITY,
    ZERO_TERMINAL,
    Network,
    configuration,
    gaussian,
    signal_at,
    sure_of,
)

pytestmark = pytest.mark.torch

CLEAN = torch.linspace(-2, 2, 64).reshape(1, 4, 4, 4)
LEAST_NOISE = 0.03
"""The training's least noise level, which the last step of DDIM leaves in the latents."""
NAMES = [None, *(name for name in Scheduler if name is not Scheduler.PLMS)]
TRAININGS = {"noise": STABLE_DIFFUSION, "velocity": VELOCITY, "zero": ZERO_TERMINAL}


def begun(
    name: Scheduler | None, training: Mapping[str, object], steps: int, first: int
) -> LastSteps:
    schedulers = Schedulers(configuration(**training), torch.device("cpu"))
    return schedulers.from_step(name, steps, first)


def noisy(scheduler: LastSteps, clean: torch.Tensor, seed: int = 4) -> torch.Tensor:
    mixture = scheduler.mixture_after(0)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    return mixture.picture * clean + mixture.noise * noise


def drawn_on(
    scheduler: LastSteps,
    latents: torch.Tensor,
    training: Mapping[str, object],
    network: Network,
) -> torch.Tensor:
    """Draw from noisy latents, as a pipeline does."""
    generators = [torch.Generator().manual_seed(5)]
    has_noise = "generator" in scheduler.step.__code__.co_varnames
    extra: dict[str, Any] = {"generator": generators} if has_noise else {}
    for number, time in enumerate(scheduler.timesteps):
        seen = scheduler.scale_model_input(latents, time).double()
        signal = signal_at(float(time), training)
        assert_level(scheduler, number, float(time), training)
        clean = network(seen, signal)
        told = (seen - signal**0.5 * clean) / (1 - signal) ** 0.5
        if training["prediction_type"] == "v_prediction":
            told = signal**0.5 * told - (1 - signal) ** 0.5 * clean
        latents = scheduler.step(told.float(), time, latents, return_dict=False, **extra)[0]
    return latents


def assert_level(
    scheduler: LastSteps, evaluations: int, time: float, training: Mapping[str, object]
) -> None:
    """The network is told the time of the noise that is in the latents.

    Two schedules round the time to a whole number, so by at most a half.
    """
    mixture = scheduler.mixture_after(evaluations)
    signals = [signal_at(time + off, training) for off in (-0.5, 0.5)]
    least, most = (((1 - signal) / signal) ** 0.5 for signal in signals)
    assert 0.99 * least <= mixture.noise / mixture.picture <= 1.01 * most


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_network_that_knows_the_picture_draws_it_from_any_step(
    name: Scheduler | None, training: str
) -> None:
    for steps in (1, 4, 20):
        for first in sorted({0, 1, steps // 2, steps - 1} & set(range(steps))):
            scheduler = begun(name, TRAININGS[training], steps, first)
            latents = noisy(scheduler, CLEAN)
            found = drawn_on(scheduler, latents, TRAININGS[training], sure_of(CLEAN))
            assert (found - CLEAN).abs().max() < 5 * LEAST_NOISE, (steps, first)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_the_last_steps_are_those_of_the_whole_drawing(name: Scheduler | None) -> None:
    schedulers = Schedulers(configuration(**STABLE_DIFFUSION), torch.device("cpu"))
    for steps in (4, 20):
        whole = schedulers.new(name, steps).timesteps
        for first in (0, 1, steps - 1):
            rest = schedulers.from_step(name, steps, first)
            evaluations = len(rest.timesteps)
            assert torch.equal(rest.timesteps, whole[len(whole) - evaluations :])
            done = [rest.steps_done(number) for number in range(1, evaluations + 1)]
            counted = [number for number in done if number is not None]
            assert counted == list(range(1, steps - first + 1))
            assert rest.mixture_after(evaluations) == (1.0, 0.0)


@pytest.mark.parametrize("first", [5, 15])
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_latents_of_a_known_distribution_stay_in_it(name: Scheduler | None, first: int) -> None:
    """The best network for normally distributed latents moves them, and keeps their spread.

    Too much or too little noise at the start changes it, and so does an error in the first steps.
    Thirty steps are few for some samplers, wherever they begin.
    """
    mean, deviation = 0.7, 0.5
    # The numbers are independent, so few latents have the spread well enough.
    clean = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))
    spreads = []
    for begin in (0, first):
        scheduler = begun(name, STABLE_DIFFUSION, 30, begin)
        latents = noisy(scheduler, mean + deviation * clean)
        found = drawn_on(scheduler, latents, STABLE_DIFFUSION, gaussian(mean, deviation))
        assert float(found.mean()) == pytest.approx(mean, abs=0.05)
        spreads.append(float(found.std()))
    whole, rest = spreads
    assert rest == pytest.approx(whole, abs=0.04)
    assert rest == pytest.approx(deviation, abs=0.2)


def test_plms_cannot_begin_in_the_middle() -> None:
    with pytest.raises(GenerationFailed, match=r"PLMS cannot begin after .*; choose another"):
        begun(Scheduler.PLMS, STABLE_DIFFUSION, 20, 1)
    scheduler = begun(Scheduler.PLMS, STABLE_DIFFUSION, 20, 0)
    latents = noisy(scheduler, CLEAN)
    found = drawn_on(scheduler, latents, STABLE_DIFFUSION, sure_of(CLEAN))
    assert (found - CLEAN).abs().max() < 5 * LEAST_NOISE


@pytest.mark.parametrize("name", [Scheduler.EULER_A, Scheduler.LCM, Scheduler.DPMPP_SDE])
def test_the_kept_tables_begin_a_drawing_again(name: Scheduler) -> None:
    schedulers = Schedulers(configuration(**STABLE_DIFFUSION), torch.device("cpu"))
    found = []
    for _ in range(2):
        scheduler = schedulers.from_step(name, 8, 3)
        latents = noisy(scheduler, CLEAN)
        found.append(drawn_on(scheduler, latents, STABLE_DIFFUSION, gaussian(0.7, 0.5)))
    assert torch.equal(*found)
