"""At how much noise the steps of a sampler stand.

Noise levels are sigmas: the noise beside a picture of scale 1, sqrt((1 - a) / a) where a is the
cumulated product of the alphas (Karras et al., arXiv:2206.00364, table 1). A table of them, one a
timestep of the training, rises. The formulas are those of AUTOMATIC1111's
`modules/sd_schedulers.py` and of k-diffusion's `sampling.py` and `external.py`.
"""

import numpy as np

from domain.samplers import Schedule

__all__ = ["is_leap", "noise_levels", "timesteps_of"]

_RHO = 7.0
"""Karras et al., arXiv:2206.00364, section 3."""
_BETA = 0.6
"""Both parameters of the beta distribution, as Lee et al. have them (arXiv:2407.12173)."""
_BETA_TERMS = 60
"""Of its series, and halvings: what is left is less than float64 tells."""
_LEAP = 3.0
"""A step to less than one of so many parts of its sigma."""


def is_leap(sigma: float, lower: float) -> bool:
    """Whether a step is so long that slopes of the latents tell nothing of its end.

    Few steps have such a first one, and some spacings such a last one. A difference of two slopes
    counts there many times what the finished latents differ by, and the picture drowns. Then the
    mean of finished latents is taken in its place, which is right to the same order (Lu et al.,
    arXiv:2211.01095, section 3).
    """
    return sigma > _LEAP * lower


def noise_levels(schedule: Schedule, steps: int, table: np.ndarray) -> np.ndarray:
    """The sigma at each of so many steps, falling, without the 0 after the last one.

    Args:
        schedule: Any but `AUTOMATIC`, which is a sampler's own.
        steps: At least 1.
        table: The sigma of each timestep of the training, rising.
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
            # Of the timesteps, as in the paper. AUTOMATIC1111 and diffusers take shares of the
            # range of sigmas. That leaves so few steps where the picture takes shape that samplers
            # of second order burn it.
            return _at(_beta_quantiles(1 - np.linspace(0, 1, steps)) * last, table)
    raise ValueError(f"{schedule} has no noise levels of its own")


def _beta_quantiles(shares: np.ndarray) -> np.ndarray:
    """Below which values so large shares of the beta distribution with both parameters `_BETA` lie.

    The integral of the distribution's density is a power series (NIST Digital Library of
    Mathematical Functions, 8.17.7), taken up to the middle, where each term is less than half of
    the one before; the rest is its mirror image. It is inverted by bisection.
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
    """The timestep of each sigma, between two of the training by the logarithms of theirs."""
    return np.interp(np.log(levels), np.log(table), np.arange(len(table), dtype=np.float64))


def _at(timesteps: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The sigma of each timestep; the inverse of `timesteps_of`."""
    return np.exp(np.interp(timesteps, np.arange(len(table)), np.log(table)))
