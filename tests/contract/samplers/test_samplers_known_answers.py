"""Samplers against the expected results: exact answers, and other implementations."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    KDPM2DiscreteScheduler,
    LCMScheduler,
    LMSDiscreteScheduler,
    PNDMScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)

from adapters.diffusion.sampling import new_scheduler
from adapters.diffusion.sampling.spacing import is_leap
from domain.samplers import Sampler, Scheduler
from tests.contract.samplers.known_networks import (
    STABLE_DIFFUSION,
    VELOCITY,
    ZERO_TERMINAL,
    configuration,
    drawn,
    gaussian,
)

pytestmark = pytest.mark.torch

TRAININGS = {"noise": STABLE_DIFFUSION, "velocity": VELOCITY, "zero": ZERO_TERMINAL}
MEAN, DEVIATION = 0.7, 0.5
NETWORK = gaussian(MEAN, DEVIATION)
LEAPING = {Sampler.LCM, Sampler.TCD}
"""Jumping to the finished latents is exact only for networks distilled for it."""


def errors(name: Scheduler, training: Mapping[str, object], steps: list[int]) -> Iterator[float]:
    """Return each error against the exact solution of the flow from noise to the distribution.

    Karras et al., arXiv:2206.00364, equation 1: each number keeps its place in the normal
    distribution.
    """
    for number in steps:
        scheduler = new_scheduler(name, configuration(**training), number)
        scheduler.set_timesteps(number)
        noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
        start, most = float(scheduler.init_noise_sigma), float(scheduler.training_levels()[-1])
        # Latents of variance 1, or a picture of scale 1 with that much noise.
        root, rest = ((most**2 + 1) ** -0.5, most * (most**2 + 1) ** -0.5), (1.0, most)
        picture, left = root if start == 1 else rest
        spread = (picture**2 * DEVIATION**2 + left**2) ** 0.5
        exact = MEAN + DEVIATION * (noise * start - picture * MEAN) / spread
        found = drawn(scheduler, number, training, NETWORK, side=16, begin=noise)
        yield float((found - exact).abs().mean())


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize(
    "name", [name for name in Scheduler if not name.sampler.is_stochastic], ids=str
)
def test_more_steps_come_nearer_to_the_exact_answer(name: Scheduler, training: str) -> None:
    if (name, training) == (Scheduler.PLMS, "zero"):
        return  # refused
    few, many = errors(name, TRAININGS[training], [12, 120])
    assert many < 0.03
    assert many < few / 2 or many < 0.005


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize(
    "name",
    [name for name in Scheduler if name.sampler.is_stochastic and name.sampler not in LEAPING],
    ids=str,
)
def test_stochastic_samplers_draw_the_distribution(name: Scheduler, training: str) -> None:
    scheduler = new_scheduler(name, configuration(**TRAININGS[training]), 120)
    found = drawn(scheduler, 120, TRAININGS[training], NETWORK, seeds=tuple(range(16)), side=16)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(DEVIATION, abs=0.05)


def spaced(schedule: str) -> dict[str, object]:
    return {f"use_{schedule.lower()}_sigmas": True}


class LmsAsStable(LMSDiscreteScheduler):
    """diffusers' own, with the highest order whose weights are at most the sigma of the step."""

    def step(self, model_output: Any, timestep: Any, sample: Any, **kwargs: Any) -> Any:
        if self.step_index is None:
            self._init_step_index(timestep)
        now, order = self.step_index, min(self.step_index + 1, 4)
        while order > 1:
            weights = [self.get_lms_coefficient(order, now, each) for each in range(order)]
            if sum(map(abs, weights)) <= float(self.sigmas[now]):
                break
            order -= 1
        return super().step(model_output, timestep, sample, order=order, **kwargs)


class PlmsAsStable(PNDMScheduler):
    """diffusers' own, by the same rule. Its weights are those of Adams and Bashforth."""

    WEIGHTS = (
        (1.0,),
        (1.5, -0.5),
        (23 / 12, -16 / 12, 5 / 12),
        (55 / 24, -59 / 24, 37 / 24, -0.375),
    )

    def step_plms(self, model_output: Any, timestep: Any, sample: Any, **kwargs: Any) -> Any:
        if self.counter < 2:
            return super().step_plms(model_output, timestep, sample, **kwargs)
        self.counter += 1
        self.ets.append(model_output)
        before = timestep - 1000 // self.num_inference_steps
        levels = [
            float((1 - signal) / signal) ** 0.5
            for signal in (
                self.alphas_cumprod[timestep],
                self.alphas_cumprod[before] if before >= 0 else self.final_alpha_cumprod,
            )
        ]
        part = 1 - levels[1] / levels[0]
        weights = max(
            (each for each in self.WEIGHTS if len(each) <= len(self.ets)),
            key=lambda each: len(each) * (sum(map(abs, each)) * part <= 1 or len(each) == 1),
        )
        mean = sum(
            weight * noise for weight, noise in zip(weights, reversed(self.ets), strict=False)
        )
        return (self._get_prev_sample(sample, timestep, before, mean),)


DIRECT: list[tuple[Scheduler, Any, dict[str, object]]] = [
    (Scheduler.EULER, EulerDiscreteScheduler, {}),
    (Scheduler.EULER_A, EulerAncestralDiscreteScheduler, {}),
    (Scheduler.HEUN, HeunDiscreteScheduler, {"timestep_spacing": "trailing"}),
    (Scheduler.LMS, LmsAsStable, {}),
    (Scheduler.DPMPP_2M, DPMSolverMultistepScheduler, {}),
    (Scheduler.DPMPP_2M_SDE, DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    (Scheduler.UNIPC, UniPCMultistepScheduler, {}),
    (Scheduler.DDIM, DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": False}),
    (Scheduler.PLMS, PlmsAsStable, {"skip_prk_steps": True}),
    (Scheduler.LCM, LCMScheduler, {"clip_sample": False}),
    (Scheduler.TCD, TCDScheduler, {"clip_sample": False}),
    (Scheduler.DPMPP_2M_KARRAS, DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    *(
        (Scheduler(f"{name} {schedule}"), kind, spaced(schedule))
        for name, kind in (
            ("Euler", EulerDiscreteScheduler),
            ("Heun", HeunDiscreteScheduler),
            ("LMS", LmsAsStable),
        )
        for schedule in ("Karras", "Exponential")
    ),
]


@pytest.mark.parametrize("steps", [9, 20, 30])
@pytest.mark.parametrize("training", ["noise", "velocity"])
@pytest.mark.parametrize(("name", "kind", "options"), DIRECT, ids=lambda value: str(value)[:30])
def test_samplers_of_diffusers_draw_the_same_as_diffusers(
    name: Scheduler, kind: Any, options: dict[str, object], training: str, steps: int
) -> None:
    if (name, training) == (Scheduler.PLMS, "velocity"):
        return  # diffusers averages velocities, which is another method
    if (name, steps) == (Scheduler.HEUN_KARRAS, 9):
        return  # its last step is so long that ours uses another order
    found = TRAININGS[training]
    known = {key: value for key, value in found.items() if key != "rescale_betas_zero_snr"}
    ours = new_scheduler(name, kind.from_config(known, **options).config, steps)
    direct = kind.from_config(known, **options)
    expected = drawn(direct, steps, found, NETWORK, seeds=(1, 2))
    assert torch.allclose(
        drawn(ours, steps, found, NETWORK, seeds=(1, 2)), expected, rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("steps", [9, 20, 30])
@pytest.mark.parametrize("spacing", [None, "leading", "trailing", "linspace"])
@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [row for row in DIRECT if row[0].sampler in {"Euler", "Euler a", "DPM++ 2M", "UniPC", "DDIM"}],
    ids=lambda value: str(value)[:30],
)
def test_the_names_of_the_first_release_draw_the_same_bits_as_diffusers(
    name: Scheduler, kind: Any, options: dict[str, object], spacing: str | None, steps: int
) -> None:
    if name.schedule != "Automatic" and name is not Scheduler.DPMPP_2M_KARRAS:
        return
    if (name, spacing) == (Scheduler.DDIM, "linspace"):
        return  # its step would start from a wrong position
    spaced = STABLE_DIFFUSION | ({} if spacing is None else {"timestep_spacing": spacing})
    ours = new_scheduler(name, kind.from_config(spaced, **options).config, steps)
    expected = drawn(kind.from_config(spaced, **options), steps, STABLE_DIFFUSION, NETWORK)
    assert torch.equal(drawn(ours, steps, STABLE_DIFFUSION, NETWORK), expected)


@pytest.mark.parametrize("schedule", ["Karras", "Exponential"])
@pytest.mark.parametrize(
    ("sampler", "kind"),
    [("DPM++ 2M", DPMSolverMultistepScheduler), ("UniPC", UniPCMultistepScheduler)],
)
def test_with_rounded_times_the_noise_levels_equal_those_of_diffusers(
    sampler: str, kind: Any, schedule: str
) -> None:
    direct = kind.from_config(STABLE_DIFFUSION, **spaced(schedule))
    ours = new_scheduler(Scheduler(f"{sampler} {schedule}"), direct.config, 20)
    for scheduler in (direct, ours):
        scheduler.set_timesteps(20)
    assert torch.allclose(ours.sigmas, direct.sigmas, rtol=1e-4)
    assert (ours.timesteps - direct.timesteps).abs().max() <= 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_dpm2_equals_diffusers_at_equal_noise_levels() -> None:
    trailing = STABLE_DIFFUSION | {"timestep_spacing": "trailing"}
    direct = KDPM2DiscreteScheduler.from_config(trailing)
    for steps in (9, 20):
        ours = new_scheduler(Scheduler.DPM2, direct.config, steps)
        expected = drawn(direct, steps, STABLE_DIFFUSION, NETWORK)
        assert torch.allclose(
            drawn(ours, steps, STABLE_DIFFUSION, NETWORK), expected, rtol=0, atol=1e-3
        )


def reference(name: Sampler, levels: list[float], seed: int) -> torch.Tensor:
    """The stochastic methods as k-diffusion has them, in its own variables and in float64.

    `t` is the negative logarithm of sigma. Eta and the noise's scale are 1.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise() -> torch.Tensor:
        return torch.randn(1, 4, 8, 8, generator=generator).double()

    def clean(x: torch.Tensor, sigma: float) -> torch.Tensor:
        signal = 1 / (sigma**2 + 1)
        return NETWORK(x * signal**0.5, signal)

    def ancestral(sigma: float, lower: float) -> tuple[float, float]:
        up = min(lower, (lower**2 * (sigma**2 - lower**2) / sigma**2) ** 0.5)
        return (lower**2 - up**2) ** 0.5, up

    x = noise() * levels[0]
    kept: list[torch.Tensor] = []
    spans: list[float] = []
    for sigma, lower in pairwise(levels):
        first = clean(x, sigma)
        if lower == 0:
            return first
        t, span = -math.log(sigma), math.log(sigma) - math.log(lower)
        down, up = ancestral(sigma, lower)
        if name is Sampler.DPM2_A:
            middle = math.exp((math.log(sigma) + math.log(down)) / 2)
            second = x + (x - first) / sigma * (middle - sigma)
            slope = (second - clean(second, middle)) / middle
            x = x + slope * (down - sigma) + up * noise()
        elif name is Sampler.DPMPP_2S_A:
            h = -math.log(down) - t
            middle = math.exp(-(t + h / 2))
            second = middle / sigma * x - math.expm1(-h / 2) * first
            x = down / sigma * x - math.expm1(-h) * clean(second, middle) + up * noise()
        elif name is Sampler.DPMPP_SDE:
            middle = math.exp(-(t + span / 2))
            half_down, half_up = ancestral(sigma, middle)
            one = noise()
            second = half_down / sigma * x - math.expm1(t + math.log(half_down)) * first
            known = clean(second + half_up * one, middle)
            # Brownian motion over sigma: independent where its parts do not overlap.
            motion = (sigma - middle) ** 0.5 * one + (middle - lower) ** 0.5 * noise()
            both = motion / (sigma - lower) ** 0.5
            x = down / sigma * x - math.expm1(t + math.log(down)) * known + up * both
        else:
            decay = -math.expm1(-2 * span)
            x = math.exp(-2 * span) * x + decay * first
            phi_2 = math.expm1(-2 * span) / (2 * span) + 1
            if len(kept) > 1 and name is Sampler.DPMPP_3M_SDE:
                r_0, r_1 = spans[-1] / span, spans[-2] / span
                d_0, d_1 = (first - kept[-1]) / r_0, (kept[-1] - kept[-2]) / r_1
                slope = d_0 + (d_0 - d_1) * r_0 / (r_0 + r_1)
                x = x + phi_2 * slope - (phi_2 / (2 * span) - 0.5) * (d_0 - d_1) / (r_0 + r_1)
            elif kept:
                change = (first - kept[-1]) * span / spans[-1]
                factor = 0.5 * decay if name is Sampler.DPMPP_2M_SDE else phi_2
                x = x + factor * change
            x = x + noise() * lower * decay**0.5
            kept.append(first)
            spans.append(span)
    raise AssertionError("the levels end in 0")


@pytest.mark.parametrize("schedule", ["", " Karras", " Exponential", " SGM Uniform", " Beta"])
@pytest.mark.parametrize("steps", [12, 20])
@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("sampler", ["DPM2 a", "DPM++ 2S a", "DPM++ SDE", "DPM++ 2M SDE"])
def test_stochastic_methods_equal_those_of_k_diffusion(
    sampler: str, training: str, steps: int, schedule: str
) -> None:
    assert_as_reference(Scheduler(f"{sampler}{schedule}"), training, steps)


@pytest.mark.parametrize("schedule", [" Karras", " Exponential", " SGM Uniform"])
@pytest.mark.parametrize("training", TRAININGS)
def test_the_third_order_method_equals_that_of_k_diffusion(training: str, schedule: str) -> None:
    """With this many steps none is so long that ours falls back to second order."""
    if (training, schedule) == ("zero", " Karras"):
        return  # there the last steps are
    assert_as_reference(Scheduler(f"DPM++ 3M SDE{schedule}"), training, 40)


def assert_as_reference(name: Scheduler, training: str, steps: int) -> None:
    found = TRAININGS[training]
    scheduler = new_scheduler(name, configuration(**found), steps)
    scheduler.set_timesteps(steps)
    levels = getattr(scheduler, "_levels", None) or scheduler.sigmas.double().tolist()
    # Before new noise raises it, a step goes down to lower / sigma * lower.
    if name.sampler is Sampler.DPM2_A and any(
        is_leap(sigma, lower**2 / sigma) for sigma, lower in pairwise(levels[:-1])
    ):
        return  # there k-diffusion's noise hides the picture
    ours = drawn(scheduler, steps, found, NETWORK, seeds=(3,), side=8)
    expected = reference(name.sampler, levels, 3)
    assert torch.allclose(
        ours.double(), expected, rtol=0, atol=0.03 if training == "zero" else 0.01
    )
