"""Latents of Stable Diffusion 1, 2 and XL to pixels.

The pipelines of diffusers do this too. But they lose the latents if the decoder runs out of memory
or produces NaN, and they cast an XL autoencoder to float32 and back for each picture.
"""

import gc
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import is_out_of_memory
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stages import Canvas, Stage
from adapters.diffusion.pipeline import StableDiffusion
from application.settings.plan_overrides import AUTO
from domain.errors import OutOfMemory

__all__ = ["Decoding"]

_TILE, _SMALL_TILE = 64, 32
"""Latents on each side of a tile. The small one is for pictures of a single large tile."""

_TILED = (
    "memory was short, so the picture was decoded in tiles, which changes it a little; "
    "ask for a smaller one to have it whole"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoding(Stage):
    """Latents to pixels.

    If the whole does not fit, even after other pipelines were unloaded, it is decoded in tiles if
    the plan allows that, and the callers are warned. If decoding produces NaN in half precision,
    the autoencoder stays in float32 from then on.
    """

    context: DrawingContext[StableDiffusion]

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Replace `canvas.latents` by `canvas.pixels`, in float32.

        Raises:
            OutOfMemory: It does not fit, and the plan allows no tiles.
        """
        latents, canvas.latents = canvas.latents, None
        canvas.pixels = _decode(
            self.context.pipeline,
            latents,
            self.context.device,
            self.context.make_room,
            canvas.warn,
        )


def _decode(
    pipeline: StableDiffusion,
    latents: torch.Tensor,
    device: Device,
    make_room: Callable[[], bool],
    warn: Callable[[str], None],
) -> torch.Tensor:
    fitting = partial(_fitting, pipeline, latents, device, make_room, warn)
    try:
        pixels = fitting()
        dtype = _precision(pipeline.vae)
        if dtype != torch.float32 and not _is_finite(pixels) and _is_finite(latents):
            _log.warning("the autoencoder overflows in %s; it is float32 now", dtype)
            pipeline.vae.to(dtype=torch.float32)
            pixels = fitting()
    finally:
        pipeline.maybe_free_model_hooks()
    return (pixels.float() * 0.5 + 0.5).clamp(0, 1)


def _fitting(
    pipeline: StableDiffusion,
    latents: torch.Tensor,
    device: Device,
    make_room: Callable[[], bool],
    warn: Callable[[str], None],
) -> torch.Tensor:
    tiling = device.plan.vae_tiling
    if tiling != "on":
        pixels = _if_it_fits(pipeline, latents, device)
        if pixels is None and make_room():
            pixels = _if_it_fits(pipeline, latents, device)
        if pixels is not None:
            return pixels
        if tiling != AUTO:
            raise OutOfMemory(
                "the picture is drawn, and decoding it as a whole", device.name, tiling_helps=True
            )
    side = _TILE if max(latents.shape[-2:]) > _TILE else _SMALL_TILE
    knows_tiles = hasattr(pipeline.vae, "tile_latent_min_size")
    if knows_tiles and tiling == AUTO and max(latents.shape[-2:]) > side:
        _log.info("decoding in tiles: %d × %d latents do not fit at once", *latents.shape[-2:])
        warn(_TILED)
    with _tiles(pipeline, side) if knows_tiles else nullcontext():
        return _decoded(pipeline, latents)


def _if_it_fits(
    pipeline: StableDiffusion, latents: torch.Tensor, device: Device
) -> torch.Tensor | None:
    try:
        return _decoded(pipeline, latents)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        # The frames of the error still hold the tensors that did not fit.
        traceback.clear_frames(error.__traceback__)
    gc.collect()
    device.release_memory()
    return None


def _decoded(pipeline: StableDiffusion, latents: torch.Tensor) -> torch.Tensor:
    vae = pipeline.vae
    given = latents.to(_precision(vae))
    mean, spread = (getattr(vae.config, f"latents_{name}", None) for name in ("mean", "std"))
    if mean and spread:
        of_mean, of_spread = (
            torch.tensor(each).view(1, -1, 1, 1).to(given.device, given.dtype)
            for each in (mean, spread)
        )
        given = given * of_spread / vae.config.scaling_factor + of_mean
    else:
        given = given / vae.config.scaling_factor
    pixels: torch.Tensor = vae.decode(given, return_dict=False)[0]
    return pixels


@contextmanager
def _tiles(pipeline: StableDiffusion, side: int) -> Iterator[None]:
    vae = pipeline.vae
    vae.tile_latent_min_size, vae.tile_sample_min_size = side, side * pipeline.vae_scale_factor
    vae.enable_tiling()
    try:
        yield
    finally:
        vae.disable_tiling()


def _precision(vae: Any) -> torch.dtype:
    """As `vae.dtype`, which looks through all parts of the network."""
    dtype: torch.dtype = next(vae.parameters()).dtype
    return dtype


def _is_finite(tensor: torch.Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
