"""Schedulers by name, over a network that predicts perfectly."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, PNDMScheduler

from adapters.diffusion.sampling import Schedulers, new_scheduler, sampler_name
from domain.errors import GenerationFailed
from domain.samplers import Scheduler
from tests.contract.samplers.known_networks import (
    PLAIN,
    STABLE_DIFFUSION,
    VELOCITY,
    ZERO_TERMINAL,
    configuration,
    drawn,
    signal_at,
    sure_of,
)

pytestmark = pytest.mark.torch

CLEAN = torch.linspace(-2, 2, 64).reshape(1, 4, 4, 4)
OLD_LEAST_NOISE = 0.03  # which the training had, and DDIM omits


@pytest.mark.parametrize(
    "training", [STABLE_DIFFUSION, VELOCITY, ZERO_TERMINAL], ids=["noise", "velocity", "zero"]
)
@pytest.mark.parametrize("spacing", [None, "leading", "trailing", "linspace"])
@pytest.mark.parametrize("name", PLAIN)
def test_a_perfect_network_draws_the_picture(
    name: Scheduler, spacing: str | None, training: dict[str, object]
) -> None:
    if (name, training) == (Scheduler.PLMS, ZERO_TERMINAL):
        return  # refused, as another test shows
    spaced = {} if spacing is None else {"timestep_spacing": spacing}
    for steps in (1, 2, 7, 20, 150):
        assert_drawn(name, configuration(**training, **spaced), steps, training)


@pytest.mark.parametrize(
    "training", [STABLE_DIFFUSION, VELOCITY, ZERO_TERMINAL], ids=["noise", "velocity", "zero"]
)
@pytest.mark.parametrize("name", [name for name in Scheduler if name not in PLAIN])
def test_each_schedule_draws_the_picture(name: Scheduler, training: dict[str, object]) -> None:
    for steps in (1, 2, 7, 20):
        assert_drawn(name, configuration(**training), steps, training)


def assert_drawn(
    name: Scheduler, found: Mapping[str, Any], steps: int, training: Mapping[str, object]
) -> None:
    scheduler = new_scheduler(name, found, steps)
    error = (drawn(scheduler, steps, training, sure_of(CLEAN)) - CLEAN).abs().max()
    assert error < 5 * OLD_LEAST_NOISE, steps


@pytest.mark.parametrize("name", [None, *Scheduler])
def test_a_scheduler_with_cached_tables_draws_the_same_each_time(name: Scheduler | None) -> None:
    found = configuration(**STABLE_DIFFUSION)
    expected = drawn(new_scheduler(name, found, 7), 7, STABLE_DIFFUSION, sure_of(CLEAN))
    schedulers = Schedulers(found, torch.device("cpu"))
    for _ in range(2):
        scheduler = schedulers.new(name, 7)
        assert torch.equal(drawn(scheduler, 7, STABLE_DIFFUSION, sure_of(CLEAN)), expected)
        # The used scheduler too, once it is set again.
        assert torch.equal(drawn(scheduler, 7, STABLE_DIFFUSION, sure_of(CLEAN)), expected)
    other = drawn(new_scheduler(name, found, 9), 9, STABLE_DIFFUSION, sure_of(CLEAN))
    assert torch.equal(drawn(schedulers.new(name, 9), 9, STABLE_DIFFUSION, sure_of(CLEAN)), other)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("training", [STABLE_DIFFUSION, ZERO_TERMINAL], ids=["noise", "zero"])
@pytest.mark.parametrize("name", PLAIN)
def test_each_scheduler_takes_the_requested_number_of_steps(
    name: Scheduler, training: dict[str, object], spacing: str
) -> None:
    if (name, training) == (Scheduler.PLMS, ZERO_TERMINAL):
        return
    found = configuration(**training, timestep_spacing=spacing)
    for steps in (*range(1, 22), 30, 50, 61, 75, 99, 100, 120, 150):
        assert_takes(name, found, steps)


@pytest.mark.parametrize("training", [STABLE_DIFFUSION, ZERO_TERMINAL], ids=["noise", "zero"])
@pytest.mark.parametrize("name", [name for name in Scheduler if name not in PLAIN])
def test_each_schedule_takes_that_number_too(name: Scheduler, training: dict[str, object]) -> None:
    for steps in (1, 2, 3, 8, 9, 61, 150):
        assert_takes(name, configuration(**training), steps)


def assert_takes(name: Scheduler, found: Mapping[str, Any], steps: int) -> None:
    scheduler = new_scheduler(name, found, steps)
    scheduler.set_timesteps(steps)
    looks = name.sampler.evaluations(steps)
    assert len(scheduler.timesteps) == looks
    assert 0 <= float(scheduler.timesteps.min()) <= float(scheduler.timesteps.max()) <= 999
    done = [scheduler.steps_done(look) for look in range(1, looks + 1)]
    assert [number for number in done if number is not None] == list(range(1, steps + 1))
    assert done[-1] == steps


def test_a_sampler_that_cannot_start_at_pure_noise_is_refused() -> None:
    with pytest.raises(GenerationFailed, match=r"PLMS cannot draw .*; choose another scheduler"):
        new_scheduler(Scheduler.PLMS, configuration(**ZERO_TERMINAL), 20)


@pytest.mark.parametrize("name", Scheduler)
def test_noise_is_never_predicted_at_pure_noise(name: Scheduler) -> None:
    if name is Scheduler.PLMS:
        return  # refused
    training = STABLE_DIFFUSION | {"rescale_betas_zero_snr": True}
    scheduler = new_scheduler(name, configuration(**training, timestep_spacing="trailing"), 3)
    scheduler.set_timesteps(3)
    latents = torch.ones(1, 4, 4, 4)
    extra = {} if hasattr(scheduler, "solver_p") else {"generator": [torch.Generator()]}
    for time in scheduler.timesteps:
        scheduler.scale_model_input(latents, time)
        latents = scheduler.step(torch.ones(1, 4, 4, 4), time, latents, **extra, return_dict=False)[
            0
        ]
    assert bool(torch.isfinite(latents).all())


@pytest.mark.parametrize("name", Scheduler)
def test_with_pure_noise_each_scheduler_starts_there(name: Scheduler) -> None:
    if name is Scheduler.PLMS:
        return  # refused
    scheduler = new_scheduler(name, configuration(**ZERO_TERMINAL), 10)
    scheduler.set_timesteps(10)
    assert int(scheduler.timesteps[0]) == 999


@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, EulerDiscreteScheduler])
@pytest.mark.parametrize("spaced", ["use_karras_sigmas", "use_exponential_sigmas"])
@pytest.mark.parametrize("name", Scheduler)
def test_a_name_means_the_same_for_every_model(name: Scheduler, spaced: str, kind: Any) -> None:
    plain, asking = (
        new_scheduler(name, kind.from_config(STABLE_DIFFUSION | more).config, 20)
        for more in ({}, {spaced: True})
    )
    for scheduler in (plain, asking):
        scheduler.set_timesteps(20)
    assert torch.equal(plain.timesteps, asking.timesteps)
    if hasattr(plain, "sigmas"):
        assert torch.equal(plain.sigmas, asking.sigmas)


def test_the_training_noise_is_that_of_the_model_even_if_it_is_the_class_default() -> None:
    """PNDM has other default betas than LCM, so they must be passed on."""
    own = PNDMScheduler.from_config({"skip_prk_steps": True})
    for name in Scheduler:
        found = new_scheduler(name, own.config, 5).config
        assert (found.beta_start, found.beta_schedule) == (0.0001, "linear")


@pytest.mark.parametrize("name", [name for name in PLAIN if name is not Scheduler.PLMS])
def test_the_rescaling_to_pure_noise_is_passed_on_too(name: Scheduler) -> None:
    """Some classes of diffusers do not know it."""
    signal = new_scheduler(name, configuration(**ZERO_TERMINAL), 20).alphas_cumprod
    expected = [signal_at(time, ZERO_TERMINAL) for time in (0, 500, 998, 999)]
    assert signal[[0, 500, 998, 999]].tolist() == pytest.approx(expected, rel=0.01)


def test_karras_noise_levels_are_those_of_the_paper() -> None:
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


STOCHASTIC = [name for name in Scheduler if name.sampler.is_stochastic]


def looks(name: Scheduler, dtype: torch.dtype, seeds: list[int]) -> torch.Tensor:
    """Return latents (seeds, 4, 8, 8) after two evaluations of zeros: only new noise is left."""
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    scheduler.set_timesteps(4)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    latents = torch.zeros(len(seeds), 4, 8, 8, dtype=dtype)
    for time in scheduler.timesteps[:2]:
        told = torch.zeros_like(scheduler.scale_model_input(latents, time))
        latents = scheduler.step(told, time, latents, generator=generators, return_dict=False)[0]
        assert latents.dtype == dtype
    return latents.float()


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_noise_of_a_step_is_the_same_in_each_precision(name: Scheduler) -> None:
    exact = looks(name, torch.float32, [1])
    assert exact.std() > 0.1
    for dtype in (torch.bfloat16, torch.float16):
        assert torch.allclose(looks(name, dtype, [1]), exact, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_noise_of_each_picture_is_its_own(name: Scheduler) -> None:
    together = looks(name, torch.float32, [1, 2, 3])
    for number, seed in enumerate([1, 2, 3]):
        assert torch.equal(together[number : number + 1], looks(name, torch.float32, [seed]))
    assert not torch.allclose(together[0], together[1])


@pytest.mark.parametrize("name", [name for name in Scheduler if name not in STOCHASTIC])
def test_the_other_samplers_add_no_noise(name: Scheduler) -> None:
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    scheduler.set_timesteps(4)
    extra = {} if hasattr(scheduler, "solver_p") else {"generator": [generator]}
    for time in scheduler.timesteps:
        latents = scheduler.scale_model_input(torch.ones(1, 4, 4, 4), time)
        scheduler.step(latents, time, latents, return_dict=False, **extra)
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "DPM++ 2M"),
        ({"use_karras_sigmas": True}, "DPM++ 2M Karras"),
        ({"use_exponential_sigmas": True}, "DPM++ 2M Exponential"),
        ({"use_beta_sigmas": True}, "DPM++ 2M Beta"),
    ],
)
def test_the_default_is_named_by_what_it_does(asked: dict[str, object], expected: str) -> None:
    found = configuration(**STABLE_DIFFUSION, **asked)
    assert sampler_name(None, found) == expected
    own, named = (new_scheduler(name, found, 20) for name in (None, Scheduler(expected)))
    for scheduler in (own, named):
        scheduler.set_timesteps(20)
    # diffusers rounds the times of the steps that a configuration requests.
    assert torch.allclose(own.sigmas, named.sigmas, rtol=0.01)
    for name in Scheduler:
        assert sampler_name(name, found) == name


@pytest.mark.parametrize("name", PLAIN)
def test_no_step_waits_for_the_device(name: Scheduler) -> None:
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    scheduler.set_timesteps(4)
    on_device = scheduler.timesteps.to("meta")  # whose values cannot be read
    scheduler.timesteps = on_device
    zero, seed = torch.zeros(1, 4, 8, 8), torch.Generator().manual_seed(1)
    extra = {} if hasattr(scheduler, "solver_p") else {"generator": [seed]}
    for timestep in on_device:
        scheduler.scale_model_input(zero, timestep)
        scheduler.step(zero, timestep, zero, **extra)
    assert scheduler.timesteps is on_device
