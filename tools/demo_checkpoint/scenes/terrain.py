"""The ground of a landscape: noise, ridges, shaded mountains and conifers, all in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["Mountains", "below", "conifers", "fractal_line", "mix", "paint_mountains"]

Array: TypeAlias = NDArray[np.float32]


def mix(first: Array, second: Array, share: Array | float) -> Array:
    """Blend two colour arrays; share is how much of the second shows, 0..1."""
    return first + (second - first) * share


def fractal_line(
    rng: np.random.Generator, x: Array, *, wavelength: float, octaves: int, gain: float = 0.5
) -> Array:
    """Sum of value noise octaves along x, about -1..1; wavelength is in x's unit."""
    total = np.zeros_like(x)
    amplitude, norm = 1.0, 0.0
    for _ in range(octaves):
        knots = np.arange(int((x.max() - x.min()) / wavelength) + 3)
        heights = rng.uniform(-1, 1, len(knots))
        position = (x - x.min()) / wavelength
        whole = np.floor(position).astype(int)
        ease = position - whole
        ease = ease * ease * (3 - 2 * ease)
        total += amplitude * (heights[whole] * (1 - ease) + heights[whole + 1] * ease)
        norm += amplitude
        amplitude *= gain
        wavelength /= 2
    return total / norm


def below(line: Array, y: Array, *, pixel: float) -> Array:
    """Return a smooth mask (height, width, 1) below y(x); pixel is its height in y's unit."""
    return np.clip((y - line) / pixel + 0.5, 0, 1)[..., None]


@dataclass(frozen=True, slots=True)
class Mountains:
    """One chain: its foot and its highest peaks, and its colours (sRGB in 0..1)."""

    foot: float
    height: float
    spacing: float
    lit: Array
    shade: Array
    snow_lit: Array
    snow_shade: Array
    snow_depth: float
    light_from_left: bool


def paint_mountains(
    picture: Array, rng: np.random.Generator, chain: Mountains, x: Array, y: Array, pixel: float
) -> Array:
    """Paint a chain of peaks; x is (width,), y is (height, 1), both in short sides."""
    count = int((x.max() - x.min()) / chain.spacing) + 3
    peaks_x = x.min() + (np.arange(count) - 1 + rng.uniform(0.15, 0.85, count)) * chain.spacing
    peaks_h = chain.height * rng.uniform(0.55, 1.0, count)
    slope = rng.uniform(1.0, 1.5, count)
    rise = peaks_h[:, None] - slope[:, None] * np.abs(x[None] - peaks_x[:, None])
    roughness = 0.05 * fractal_line(rng, x, wavelength=0.16, octaves=5, gain=0.55)
    ridge = chain.foot - np.maximum(rise.max(axis=0), -0.02) - roughness

    # The edge between light and shade runs down from each peak in a zigzag.
    depth = y - ridge
    # So does the valley between two peaks, which a straight column-wise border would draw as a
    # wall.
    zigzag = 0.05 * fractal_line(rng, y[:, 0], wavelength=0.11, octaves=3)[:, None]
    wander = (x + 2 * zigzag)[None] - peaks_x[:, None, None]
    own = (peaks_h[:, None, None] - slope[:, None, None] * np.abs(wander)).argmax(axis=0)
    lean = 0.25 * depth * np.sin(own * 2.4)
    side = (x - peaks_x[own]) + zigzag + lean
    lit_side = np.clip((-side if chain.light_from_left else side) / (2 * pixel) + 0.5, 0, 1)
    rock = mix(chain.shade, chain.lit, lit_side[..., None])

    if chain.snow_depth > 0:
        jag = fractal_line(rng, x, wavelength=0.09, octaves=3, gain=0.7)
        line = chain.foot - peaks_h[own] + chain.snow_depth * (1 + 0.45 * jag)
        snow = mix(chain.snow_shade, chain.snow_lit, lit_side[..., None])
        rock = mix(snow, rock, below(line, y, pixel=2 * pixel))
    return mix(picture, rock, below(ridge, y, pixel=pixel))


def conifers(
    trees: list[tuple[float, float, float]], *, width: int, height: int
) -> tuple[Array, Array]:
    """Draw conifers (x, foot y, height) in pixels; return mask and lit part (height, width, 1)."""
    scale = 3
    mask = Image.new("L", (width * scale, height * scale))
    light = Image.new("L", mask.size)
    pen, light_pen = ImageDraw.Draw(mask), ImageDraw.Draw(light)
    for x, foot, size in sorted(trees, key=lambda tree: tree[1]):
        x, foot, size = x * scale, foot * scale, size * scale
        pen.rectangle([x - size * 0.03, foot - size * 0.2, x + size * 0.03, foot], fill=255)
        for tier in range(4):
            top = foot - size * (1 - 0.19 * tier)
            base = foot - size * (0.66 - 0.19 * tier)
            half = size * (0.12 + 0.055 * tier)
            pen.polygon([(x, top), (x - half, base), (x + half, base)], fill=255)
            light_pen.polygon([(x, top), (x + half, base), (x + half * 0.15, base)], fill=0)
            light_pen.polygon([(x, top), (x - half, base), (x + half * 0.1, base)], fill=255)
    return _alpha(mask, scale), _alpha(light, scale)


def _alpha(mask: Image.Image, scale: int) -> Array:
    return (np.asarray(mask.reduce(scale), dtype=np.float32) / 255)[..., None]
