"""Draw a landscape scene: sky, lights, chains of mountains, meadow or lake, trees."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_checkpoint.scenes.moods import MIDDLE_SKY, MOODS, Mood, rgb
from tools.demo_checkpoint.scenes.terrain import (
    Mountains,
    below,
    conifers,
    fractal_line,
    mix,
    paint_mountains,
)

__all__ = ["draw_landscape"]

Array: TypeAlias = NDArray[np.float32]


class _Canvas:
    """A picture being painted: pixels in 0..1, and the coordinates of its axes in short sides."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height, self.short = width, height, min(width, height)
        self.pixel = 1 / self.short
        self.x = ((np.arange(width) + 0.5) / self.short).astype(np.float32)
        self.y = ((np.arange(height) + 0.5) / self.short).astype(np.float32)[:, None]
        self.right, self.bottom = width / self.short, height / self.short
        self.rgb: Array = np.zeros((height, width, 3), dtype=np.float32)

    def distance(self, x: float, y: float) -> Array:
        """Distance of every pixel to a point, (height, width, 1), in short sides."""
        return np.hypot(self.x - x, self.y - y)[..., None].astype(np.float32)

    def disc(self, x: float, y: float, radius: float) -> Array:
        """Anti-aliased mask of a disc, (height, width, 1)."""
        return np.clip((radius - self.distance(x, y)) / self.pixel + 0.5, 0, 1)


def draw_landscape(
    scene: LandscapeScene, *, width: int, height: int, mood: Mood | None = None
) -> NDArray[np.uint8]:
    """Draw a landscape; the result is sRGB, (height, width, 3).

    `mood` has other colours than those of the scene's time.
    """
    rng = np.random.default_rng(scene.seed)
    canvas, mood = _Canvas(width, height), mood or MOODS[scene.time]
    horizon = canvas.bottom * rng.uniform(0.56, 0.66)
    light_x = canvas.right * rng.uniform(0.15, 0.85)
    _paint_sky(canvas, mood, scene, horizon, light_x, rng)
    if "mountains" in scene.features:
        _paint_chains(canvas, mood, "snow" in scene.features, horizon, light_x, rng)
    _paint_hills(canvas, mood, horizon, rng)
    if "trees" in scene.features:
        _paint_forest(canvas, mood, horizon, rng)
    if "lake" in scene.features:
        _paint_lake(canvas, mood, horizon, rng)
    else:
        _paint_meadow(canvas, mood, horizon, rng)
    if "trees" in scene.features:
        _paint_near_trees(canvas, mood, horizon, rng)
    return np.rint(np.clip(canvas.rgb, 0, 1) * 255).astype(np.uint8)


def _paint_sky(
    canvas: _Canvas,
    mood: Mood,
    scene: LandscapeScene,
    horizon: float,
    light_x: float,
    rng: np.random.Generator,
) -> None:
    height = np.clip(canvas.y / horizon, 0, 1)[..., None]
    middle = MIDDLE_SKY.get(scene.time)
    if middle is None:
        sky = mix(mood.zenith, mood.haze, height**1.3)
    else:
        sky = mix(
            mix(mood.zenith, middle, np.clip(height / 0.6, 0, 1)),
            mood.haze,
            np.clip((height - 0.4) / 0.6, 0, 1),
        )
    canvas.rgb[:] = sky
    if "stars" in scene.features:
        _paint_stars(canvas, horizon, rng)
    if "sun" in scene.features:
        low = scene.time == "sunset"
        y = horizon * (rng.uniform(0.45, 0.62) if low else rng.uniform(0.18, 0.36))
        glow, face = (
            (rgb(255, 206, 110), rgb(255, 240, 176))
            if low
            else (rgb(255, 246, 206), rgb(255, 236, 110))
        )
        _paint_light(canvas, light_x, y, rng.uniform(0.06, 0.08), glow, face)
    if "moon" in scene.features:
        y = horizon * rng.uniform(0.2, 0.4)
        _paint_light(
            canvas, light_x, y, rng.uniform(0.055, 0.075), rgb(120, 140, 190), rgb(244, 240, 214)
        )


def _paint_light(
    canvas: _Canvas, x: float, y: float, radius: float, glow: Array, face: Array
) -> None:
    halo = np.exp(-canvas.distance(x, y) / (2.4 * radius))
    canvas.rgb = mix(canvas.rgb, glow, 0.75 * halo)
    canvas.rgb = mix(canvas.rgb, face, canvas.disc(x, y, radius))


def _paint_stars(canvas: _Canvas, horizon: float, rng: np.random.Generator) -> None:
    # A latent pixel is eight pixels wide: fewer and larger stars survive the autoencoder, dust does
    # not.
    for _ in range(int(26 * canvas.right * horizon) + 8):
        x, y = rng.uniform(0, canvas.right), rng.uniform(0, horizon * 0.85)
        radius = rng.uniform(0.006, 0.011)
        reach = int(np.ceil(3 * radius * canvas.short)) + 1
        column, row = int(x * canvas.short), int(y * canvas.short)
        window = (
            slice(max(row - reach, 0), row + reach + 1),
            slice(max(column - reach, 0), column + reach + 1),
        )
        far = np.hypot(canvas.x[window[1]] - x, canvas.y[window[0]] - y)[..., None]
        shine = np.exp(-((far / radius) ** 2)) * rng.uniform(0.7, 1.0)
        canvas.rgb[window] = mix(canvas.rgb[window], rgb(255, 252, 236), shine)


def _paint_chains(
    canvas: _Canvas,
    mood: Mood,
    snow: bool,
    horizon: float,
    light_x: float,
    rng: np.random.Generator,
) -> None:
    # Aerial perspective: the farther the chain, the more of the haze's colour it takes.
    room = min(horizon, 0.75)
    for veil, height, spacing in ((0.55, 0.66, 0.42), (0.12, 0.52, 0.5)):
        chain = Mountains(
            foot=horizon + 0.02,
            height=room * height * rng.uniform(0.9, 1.1),
            spacing=spacing * rng.uniform(0.85, 1.2),
            lit=mix(mood.rock_lit, mood.haze, veil),
            shade=mix(mood.rock_shade, mood.haze, veil),
            snow_lit=mix(mood.snow_lit, mood.haze, veil * 0.4),
            snow_shade=mix(mood.snow_shade, mood.haze, veil * 0.4),
            snow_depth=room * 0.2 if snow else 0.0,
            light_from_left=light_x < canvas.right / 2,
        )
        canvas.rgb = paint_mountains(canvas.rgb, rng, chain, canvas.x, canvas.y, canvas.pixel)


def _paint_hills(canvas: _Canvas, mood: Mood, horizon: float, rng: np.random.Generator) -> None:
    for veil, rise in ((0.4, 0.055), (0.15, 0.03)):
        line = horizon - rise * (0.75 + fractal_line(rng, canvas.x, wavelength=0.6, octaves=3))
        colour = mix(mood.grass_far, mood.haze, veil)
        canvas.rgb = mix(canvas.rgb, colour, below(line, canvas.y, pixel=canvas.pixel))


def _paint_forest(canvas: _Canvas, mood: Mood, horizon: float, rng: np.random.Generator) -> None:
    spots = rng.uniform(-0.05, canvas.right + 0.05, int(26 * canvas.right))
    dense = fractal_line(rng, spots.astype(np.float32), wavelength=0.5, octaves=2) > -0.1
    trees = [
        (x * canvas.short, (horizon + 0.008) * canvas.short, rng.uniform(0.07, 0.12) * canvas.short)
        for x in spots[dense]
    ]
    mask, light = conifers(trees, width=canvas.width, height=canvas.height)
    far = mix(mix(mood.tree_shade, mood.tree_lit, light), mood.haze, 0.12)
    canvas.rgb = mix(canvas.rgb, far, mask)


def _paint_meadow(canvas: _Canvas, mood: Mood, horizon: float, rng: np.random.Generator) -> None:
    depth = canvas.bottom - horizon
    near = mix(mood.grass_far, mood.grass_near, 0.25)
    canvas.rgb = mix(
        canvas.rgb, near, below(np.full_like(canvas.x, horizon), canvas.y, pixel=canvas.pixel)
    )
    for share in (0.15, 0.4, 0.7):
        swell = fractal_line(rng, canvas.x, wavelength=0.9, octaves=2)
        line = horizon + depth * (share + 0.12 * swell)
        fade = np.clip((canvas.y - horizon) / depth, 0, 1)[..., None]
        colour = mix(mood.grass_far, mood.grass_near, np.clip(share + 0.45 * fade, 0, 1))
        canvas.rgb = mix(canvas.rgb, colour, below(line, canvas.y, pixel=canvas.pixel))


def _paint_lake(canvas: _Canvas, mood: Mood, horizon: float, rng: np.random.Generator) -> None:
    """Mirror everything above the waterline, tinted, rippled and darker towards the viewer."""
    first = round(horizon * canvas.short)
    rows = np.arange(first, canvas.height)
    far = (rows - first + 0.5) / max(canvas.height - first, 1)
    ripple = np.sin(2 * np.pi * 14 * np.sqrt(far) + rng.uniform(0, 6.28)) * 0.012 * far
    source = np.clip(first - 1 - (rows - first) * 1.25 + ripple * canvas.short, 0, first - 1)
    mirrored = canvas.rgb[source.astype(int)]
    tint = (0.3 + 0.35 * far)[:, None, None].astype(np.float32)
    canvas.rgb[first:] = mix(mirrored, mood.water, tint)
    shine = np.clip(1 - (rows - first) / (0.018 * canvas.short), 0, 1)[:, None, None]
    canvas.rgb[first:] = mix(canvas.rgb[first:], mood.haze, (0.6 * shine).astype(np.float32))
    bank = fractal_line(rng, canvas.x, wavelength=0.7, octaves=3)
    line = canvas.bottom * 0.93 + 0.05 * bank
    canvas.rgb = mix(canvas.rgb, mood.grass_near, below(line, canvas.y, pixel=canvas.pixel))


def _paint_near_trees(
    canvas: _Canvas, mood: Mood, horizon: float, rng: np.random.Generator
) -> None:
    trees = []
    for side in (0.0, canvas.right):
        for _ in range(rng.integers(1, 4)):
            x = abs(side - rng.uniform(-0.02, 0.24))
            foot = canvas.bottom * rng.uniform(0.93, 1.0)
            trees.append((x, foot, rng.uniform(0.3, 0.5)))
    scaled = [(x * canvas.short, y * canvas.short, size * canvas.short) for x, y, size in trees]
    mask, light = conifers(scaled, width=canvas.width, height=canvas.height)
    canvas.rgb = mix(canvas.rgb, mix(mood.tree_shade, mood.tree_lit, light), mask)
