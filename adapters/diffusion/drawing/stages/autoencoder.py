"""Runs the autoencoder of Stable Diffusion 1, 2 and XL within the memory that there is.

The pipelines of diffusers run it too. But they lose the latents if it runs out of memory or
produces NaN, and they cast an XL autoencoder to float32 and back for each picture.
"""

import gc
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from adapters.diffusion.devices.errors import is_out_of_memory
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.pipeline import StableDiffusion
from application.settings.plan_overrides import AUTO
from domain.errors import OutOfMemory

__all__ = ["Autoencoding", "latents_of", "precision_of", "unscaled"]

_TILE, _SMALL_TILE = 64, 32
"""Latents on each side of a tile. The small one is for pictures of a single large tile."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Autoencoding:
    """One use of the autoencoder, in one direction.

    Attributes:
        context: The pipeline and its surroundings.
        run: Calls the autoencoder, in the precision that it has then.
        height: Latents.
        width: Latents.
        verb: What it does, such as `decoding`.
        whole_failed: What did not fit, if the plan allows no tiles.
        in_tiles: The warning for a picture that was done in tiles because memory was short.
    """

    context: DrawingContext[StableDiffusion]
    run: Callable[[], torch.Tensor]
    height: int
    width: int
    verb: str
    whole_failed: str
    in_tiles: str

    def __call__(self, given: torch.Tensor, warn: Callable[[str], None]) -> torch.Tensor:
        """Return what `run` returns.

        If the whole does not fit, even after other pipelines were unloaded, it is done in tiles if
        the plan allows that, and `warn` receives a text. If the result is NaN in half precision,
        the autoencoder stays in float32 from then on.

        Args:
            given: What the autoencoder reads. If it is NaN, the precision is not to blame.
            warn: Receives what changes the picture.

        Raises:
            OutOfMemory: It does not fit, and the plan allows no tiles.
        """
        vae = self.context.pipeline.vae
        try:
            made = self._fitting(warn)
            dtype = precision_of(vae)
            if dtype != torch.float32 and not _is_finite(made) and _is_finite(given):
                _log.warning("the autoencoder overflows in %s; it is float32 now", dtype)
                vae.to(dtype=torch.float32)
                made = self._fitting(warn)
        finally:
            self.context.pipeline.maybe_free_model_hooks()
        return made

    def _fitting(self, warn: Callable[[str], None]) -> torch.Tensor:
        context = self.context
        vae, tiling = context.pipeline.vae, context.device.plan.vae_tiling
        if tiling != "on":
            made = self._if_it_fits()
            if made is None and context.make_room():
                made = self._if_it_fits()
            if made is not None:
                return made
            if tiling != AUTO:
                raise OutOfMemory(self.whole_failed, context.device.name, tiling_helps=True)
        longest = max(self.height, self.width)
        side = _TILE if longest > _TILE else _SMALL_TILE
        has_tiles = hasattr(vae, "tile_latent_min_size")
        if has_tiles and tiling == AUTO and longest > side:
            size = self.height, self.width
            _log.info("%s in tiles: %d × %d latents do not fit at once", self.verb, *size)
            warn(self.in_tiles)
        with _tiles(context.pipeline, side) if has_tiles else nullcontext():
            return self.run()

    def _if_it_fits(self) -> torch.Tensor | None:
        try:
            return self.run()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            # The frames of the error still hold the tensors that did not fit.
            traceback.clear_frames(error.__traceback__)
        gc.collect()
        self.context.device.release_memory()
        return None


def latents_of(vae: Any, encoded: torch.Tensor) -> torch.Tensor:
    """Return what the encoder produced, in the scale of the UNet's latents."""
    if (moments := _moments(vae, encoded)) is None:
        return encoded * float(vae.config.scaling_factor)
    mean, spread = moments
    return (encoded - mean) * vae.config.scaling_factor / spread


def unscaled(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Return latents of the UNet in the scale of the decoder: the inverse of `latents_of`."""
    if (moments := _moments(vae, latents)) is None:
        return latents / vae.config.scaling_factor
    mean, spread = moments
    return latents * spread / vae.config.scaling_factor + mean


def precision_of(vae: Any) -> torch.dtype:
    """Return `vae.dtype`, which itself looks through all parts of the network."""
    dtype: torch.dtype = next(vae.parameters()).dtype
    return dtype


def _moments(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the mean and the spread of each channel, if the configuration has them."""
    found = [getattr(vae.config, f"latents_{name}", None) for name in ("mean", "std")]
    if not all(found):
        return None
    mean, spread = (
        torch.tensor(each).view(1, -1, 1, 1).to(like.device, like.dtype) for each in found
    )
    return mean, spread


@contextmanager
def _tiles(pipeline: StableDiffusion, side: int) -> Iterator[None]:
    vae = pipeline.vae
    vae.tile_latent_min_size, vae.tile_sample_min_size = side, side * pipeline.vae_scale_factor
    vae.enable_tiling()
    try:
        yield
    finally:
        vae.disable_tiling()


def _is_finite(tensor: torch.Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
