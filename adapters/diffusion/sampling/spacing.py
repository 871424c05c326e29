"""The noise levels of a sampler's steps.

A noise level is a sigma: the noise beside a picture of scale 1, sqrt((1 - a) / a), where a is the
cumulated product of the alphas (Karras et al., arXiv:2206.00364, table 1). A table has one sigma
for each timestep of the training, in rising order. The formulas are those of AUTOMATIC1111's
`modules/sd_schedulers.py` and of k-diffusion's `sampling.py` and `external.py`.
"""

import numpy as np

from domain.samplers import Schedule

__all__ = ["is_leap", "noise_levels", "timesteps_of"]

_RHO = 7.0
"""Karras et al., arXiv:2206.00364, section 3."""
_BETA = 0.6
"""Both parameters of the beta distribution, as in Lee et al. (arXiv:2407.12173)."""
_BETA_TERMS = 60
"""Terms of its series, and bisections. The remaining error is below the precision of float64."""
_LEAP = 3.0
"""A step that divides its sigma by more than this is a leap."""


def is_leap(sigma: float, lower: float) -> bool:
    """Whether a step is so long that slopes of the latents say nothing about its end.

    The first step of a drawing of few steps is one, and so is the last step of some spacings. In
    such a step a difference of two slopes is many times the difference of the finished latents, and
    it drowns the picture. The samplers then take the mean of the finished latents, which is right
    to the same order (Lu et al., arXiv:2211.01095, section 3).
    """
    return sigma > _LEAP * lower


def noise_levels(schedule: Schedule, steps: int, table: np.ndarray) -> np.ndarray:
    """Return the sigma of each step in falling order, without the 0 after the last step.

    Args:
        schedule: Any noise schedule except `AUTOMATIC`, which the sampler decides.
        steps: The number of steps, at least 1.
        table: The sigma of each timestep of the training, in rising order.

    Raises:
        ValueError: The schedule is `AUTOMATIC`.
    """
    last = len(table) - 1
    match schedule:
        case Schedule.NORMAL:
            return _at(np.linspace(last, 0, steps), table)
        case Schedule.SGM_UNIFORM:
            return _at(np.linspace(last, 0, steps + 1)[:-1], table)
        case Schedule.SIMPLE:
            return table[last - (np.arange(steps) * len(table) / steps).astype(int)]
        case Schedule.KARRAS:
            ends = table[[-1, 0]] ** (1 / _RHO)
            return np.asarray(np.linspace(ends[0], ends[1], steps) ** _RHO)
        case Schedule.EXPONENTIAL:
            return np.exp(np.linspace(np.log(table[-1]), np.log(table[0]), steps))
        case Schedule.BETA:
            # The distribution is over the timesteps, as in the paper. AUTOMATIC1111 and diffusers
            # apply it to the range of sigmas. That leaves so few steps at the noise levels where
            # the picture takes shape that samplers of second order burn it.
            return _at(_beta_quantiles(1 - np.linspace(0, 1, steps)) * last, table)
    raise ValueError(f"{schedule} has no noise levels of its own")


def _beta_quantiles(shares: np.ndarray) -> np.ndarray:
    """Return the quantiles of the beta distribution whose parameters are both `_BETA`.

    The integral of the density is a power series (NIST Digital Library of Mathematical Functions,
    8.17.7). It is evaluated up to the middle, where each term is less than half of the term before.
    The other half of the distribution is its mirror image. Bisection inverts the integral.
    """
    powers = np.arange(_BETA_TERMS)
    factors = np.cumprod(np.append(1.0, (powers[1:] - _BETA) / powers[1:])) / (_BETA + powers)

    def integral(values: np.ndarray) -> np.ndarray:
        return np.asarray(values**_BETA * np.polynomial.polynomial.polyval(values, factors))

    wanted = np.minimum(shares, 1 - shares) * 2 * integral(np.array(0.5))
    low, high = np.zeros(len(shares)), np.full(len(shares), 0.5)
    for _ in range(_BETA_TERMS):
        middle = (low + high) / 2
        is_low = integral(middle) < wanted
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return np.where(shares <= 0.5, low, 1 - low)


def timesteps_of(levels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the timestep of each sigma, interpolated linearly in the logarithm of sigma."""
    return np.interp(np.log(levels), np.log(table), np.arange(len(table), dtype=np.float64))


def _at(timesteps: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the sigma of each timestep; the inverse of `timesteps_of`."""
    return np.exp(np.interp(timesteps, np.arange(len(table)), np.log(table)))
