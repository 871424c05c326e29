"""The first step of schedulers, with few steps and from the middle."""

import itertools

import pytest
import torch

from adapters.diffusion.sampling import new_scheduler
from domain.samplers import Scheduler
from tests.contract.samplers.known_networks import (
    PLAIN,
    STABLE_DIFFUSION,
    VELOCITY,
    configuration,
    drawn,
    gaussian,
    signal_at,
    sure_of,
)

pytestmark = pytest.mark.torch

SPACINGS = {
    "none": {},
    "leading": {"timestep_spacing": "leading"},  # the same as SDXL
    "linspace": {"timestep_spacing": "linspace"},
    "trailing": {"timestep_spacing": "trailing"},
}
# The spacing of diffusers' classes is trailing. Samplers with two evaluations have more between.
TRAILING = {
    1: [999],
    2: [999, 499],
    4: [999, 749, 499, 249],
    8: [999, 874, 749, 624, 499, 374, 249, 124],
}
OF_STEPS: dict[Scheduler, dict[int, list[int]]] = {
    **{name: TRAILING for name in PLAIN if name not in (Scheduler.LCM, Scheduler.TCD)},
    Scheduler.DPMPP_2M_KARRAS: {
        1: [999],
        2: [999, 0],
        4: [999, 687, 146, 0],
        8: [999, 890, 746, 549, 299, 90, 12, 0],
    },
}


def timesteps(name: Scheduler | None, steps: int, spacing: dict[str, str]) -> list[int]:
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION, **spacing), steps)
    scheduler.set_timesteps(steps)
    found = [round(float(time)) for time in scheduler.timesteps]
    if name is Scheduler.PLMS and steps > 1:
        return found[:1] + found[2:]  # the second evaluation of its first step
    return found[:: getattr(scheduler, "order", 1)]


@pytest.mark.parametrize("name", [None, *Scheduler])
def test_few_steps_start_at_pure_noise(name: Scheduler | None) -> None:
    for spacing, steps in itertools.product(SPACINGS, range(1, 9)):
        assert timesteps(name, steps, SPACINGS[spacing])[0] == 999, (spacing, steps)


@pytest.mark.parametrize("name", OF_STEPS)
def test_few_steps_are_spaced_down_from_there(name: Scheduler) -> None:
    for spacing, steps in itertools.product(SPACINGS, TRAILING):
        expected = OF_STEPS[name][steps]
        assert timesteps(name, steps, SPACINGS[spacing]) == expected, (spacing, steps)


def test_the_model_default_is_spaced_the_same_way() -> None:
    for steps, expected in TRAILING.items():
        assert timesteps(None, steps, SPACINGS["leading"]) == expected


def test_more_steps_are_spaced_as_the_model_says() -> None:
    assert timesteps(Scheduler.EULER, 10, SPACINGS["leading"])[:2] == [901, 801]
    assert timesteps(Scheduler.EULER, 10, SPACINGS["linspace"])[:2] == [999, 888]
    assert timesteps(Scheduler.EULER, 10, SPACINGS["trailing"])[:2] == [999, 899]
    assert timesteps(None, 9, SPACINGS["leading"])[:2] == [901, 801]


@pytest.mark.parametrize("name", [Scheduler.LCM, Scheduler.TCD])
def test_one_step_methods_start_there_with_any_number_of_steps(name: Scheduler) -> None:
    for steps in range(1, 151):
        assert timesteps(name, steps, {})[0] == 999, steps


@pytest.mark.parametrize("name", Scheduler)
def test_few_steps_leave_no_noise_in_the_picture(name: Scheduler) -> None:
    """One evaluation of noise gives the mean, which a network that knows the picture shows."""
    clean = torch.linspace(-2, 2, 64).reshape(1, 4, 4, 4)
    for training, steps in itertools.product((STABLE_DIFFUSION, VELOCITY), (1, 2, 4, 8)):
        scheduler = new_scheduler(name, configuration(**training), steps)
        found = drawn(scheduler, steps, training, sure_of(clean))
        assert (found - clean).abs().max() < 0.15


FROM_THE_MIDDLE = [name for name in PLAIN if name is not Scheduler.PLMS]


@pytest.mark.parametrize("first", [1, 5, 19])
@pytest.mark.parametrize("name", FROM_THE_MIDDLE)
def test_a_drawing_can_start_at_any_step(name: Scheduler, first: int) -> None:
    """Start from a picture as image-to-image does: add that step's noise, then do the rest."""
    steps, clean = 20, torch.full((1, 4, 4, 4), 0.5)
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), steps)
    scheduler.set_timesteps(steps)
    begin = first * scheduler.order
    scheduler.set_begin_index(begin)
    times = scheduler.timesteps[begin:]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
    latents = scheduler.add_noise(clean, noise, times[:1])
    network, generators = sure_of(clean), [torch.Generator().manual_seed(3)]
    done = []
    for look, time in enumerate(times, start=1):
        seen = scheduler.scale_model_input(latents, time).double()
        signal = signal_at(float(time), STABLE_DIFFUSION)
        told = (seen - signal**0.5 * network(seen, signal)) / (1 - signal) ** 0.5
        extra = {} if hasattr(scheduler, "solver_p") else {"generator": generators}
        latents = scheduler.step(told.float(), time, latents, return_dict=False, **extra)[0]
        done.append(scheduler.steps_done(look))
    assert (latents - clean).abs().max() < 0.15
    assert [number for number in done if number is not None] == list(range(1, steps - first + 1))


def test_lms_from_the_middle_equals_lms_of_the_rest() -> None:
    """diffusers uses an order that needs evaluations which were never made."""
    network, rest = gaussian(0.7, 0.5), 12
    scheduler = new_scheduler(Scheduler.LMS_KARRAS, configuration(**STABLE_DIFFUSION), 20)
    scheduler.set_timesteps(20)
    scheduler.set_begin_index(20 - rest)
    levels = scheduler.sigmas[20 - rest :].double().tolist()
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    spread = (0.5**2 + levels[0] ** 2) ** 0.5
    latents = 0.7 + noise * spread
    for time in scheduler.timesteps[20 - rest :]:
        seen = scheduler.scale_model_input(latents, time).double()
        signal = signal_at(float(time), STABLE_DIFFUSION)
        told = (seen - signal**0.5 * network(seen, signal)) / (1 - signal) ** 0.5
        latents = scheduler.step(told.float(), time, latents, return_dict=False)[0]
    assert (latents - (0.7 + 0.5 * noise)).abs().mean() < 0.02


@pytest.mark.parametrize("name", [Scheduler.DPM2, Scheduler.DPMPP_SDE])
def test_second_evaluations_are_between_the_steps(name: Scheduler) -> None:
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    scheduler.set_timesteps(4)
    times = scheduler.timesteps.tolist()
    assert times == sorted(set(times), reverse=True)
    assert len(times) == 7


@pytest.mark.parametrize("name", [Scheduler.HEUN, Scheduler.DPM2_A, Scheduler.DPMPP_2S_A])
def test_second_evaluations_may_be_at_the_end_of_a_step(name: Scheduler) -> None:
    """Halfway to the lower end of an ancestral step is its end, by the logarithm."""
    scheduler = new_scheduler(name, configuration(**STABLE_DIFFUSION), 4)
    scheduler.set_timesteps(4)
    times = scheduler.timesteps.tolist()
    assert times[1::2] == pytest.approx(times[2::2], abs=1e-3)
