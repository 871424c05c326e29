"""A cheap look at latents: a linear map to colours instead of the decoder."""

import io
import logging
import weakref
from typing import Any

import torch
from PIL import Image

__all__ = ["Previews"]

_LONGEST = 224
"""Pixels of a preview's longer side."""
_SIDE = 8
_SAMPLES = 12
_JPEG_QUALITY = 80

_log = logging.getLogger(__name__)


class Previews:
    """Small pictures of the work so far.

    That latents map to colours almost linearly is known of Stable Diffusion's autoencoders, whose
    factors circulate as tables. Here they are fitted to each pipeline's own decoder, by least
    squares over a few small latents, when the first preview is asked for: it costs a few percent
    of one picture's decoding, and holds for any autoencoder.
    """

    def __init__(self) -> None:
        self._maps: weakref.WeakKeyDictionary[Any, torch.Tensor | None] = (
            weakref.WeakKeyDictionary()
        )

    def jpeg(self, pipeline: Any, latents: Any, index: int) -> bytes | None:
        """Image `index` of latents (n, channels, height, width), a JPEG; None where there is no
        cheap look at this pipeline's latents.
        """
        try:
            with torch.inference_mode():
                clean = _predicted(pipeline, latents)
                if clean is None or clean.ndim != 4:
                    return None
                if pipeline.vae not in self._maps:
                    self._maps[pipeline.vae] = self._fitted(pipeline)
                weights = self._maps[pipeline.vae]
                return None if weights is None else _picture(clean[index].float().cpu(), weights)
        except Exception:  # a look is never worth a picture
            _log.warning("no previews of %s", type(pipeline).__name__, exc_info=True)
            self._maps[pipeline.vae] = None
            return None

    def _fitted(self, pipeline: Any) -> torch.Tensor | None:
        """(channels + 1, 3): factors of each channel, and a constant, to RGB from 0 to 1."""
        vae = pipeline.vae
        channels = getattr(vae.config, "latent_channels", None)
        if channels is None:
            return None
        noise = torch.Generator("cpu").manual_seed(0)
        # Even fields, for flat regions say most of what colour a latent is.
        fields = torch.randn(_SAMPLES * channels, channels, 1, 1, generator=noise)
        latents = fields.expand(-1, -1, _SIDE, _SIDE)
        scale = getattr(vae.config, "scaling_factor", 1.0)
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        given = (latents / scale + shift).to(vae.device, vae.dtype)
        decoded = torch.cat([vae.decode(part).sample for part in given.split(16)]).float().cpu()
        colours = (decoded.mean(dim=(2, 3)) / 2 + 0.5).clamp(0, 1)
        known = torch.cat([fields[:, :, 0, 0], torch.ones(len(fields), 1)], dim=1)
        return torch.linalg.lstsq(known, colours).solution


def _predicted(pipeline: Any, latents: Any) -> torch.Tensor | None:
    """The clean latents that a multistep scheduler has just predicted, else those of the step."""
    outputs = getattr(pipeline.scheduler, "model_outputs", None)
    if outputs and isinstance(outputs[-1], torch.Tensor):
        newest: torch.Tensor = outputs[-1]
        return newest
    return latents if isinstance(latents, torch.Tensor) else None


def _picture(latent: torch.Tensor, weights: torch.Tensor) -> bytes:
    pixels = latent.permute(1, 2, 0) @ weights[:-1] + weights[-1]
    array = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    height, width = array.shape[:2]
    factor = _LONGEST / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    stream = io.BytesIO()
    Image.fromarray(array).resize(size, Image.Resampling.BICUBIC).save(
        stream, "JPEG", quality=_JPEG_QUALITY
    )
    return stream.getvalue()
