"""Cheap previews of latents: a linear map to colours in place of the decoder."""

import io
import logging
import weakref
from typing import Any

import torch
from PIL import Image

from adapters.diffusion.drawing.stages.autoencoder import unscaled
from adapters.diffusion.pipeline import Pipeline

__all__ = ["Previews"]

_LONGEST = 224
"""Pixels of a preview's longer side."""
_LOOK_SIDE = 16
"""Latents on the longer side of the excerpt that is decoded for a preview."""
_FIELD_SIDE = 8
_FIELDS = 3
"""Uniform fields for each channel of the latents."""
_WITH_CHANNELS = 4
"""The dimensions of latents (n, channels, height, width)."""
_FIELDS_WEIGHT = 0.01
_JPEG_QUALITY = 80

_Normal = tuple[torch.Tensor, torch.Tensor]

_log = logging.getLogger(__name__)


class Previews:
    """Makes small pictures of the work so far.

    The autoencoders of Stable Diffusion map latents to colours almost linearly, and tables of their
    factors are published. But the best linear map differs between pictures. So the map is fitted to
    each preview by least squares. The target is the output of the pipeline's own decoder for the
    same latents with rows and columns left out. For 512 × 512 pixels this costs a sixteenth of the
    whole decoding. A few uniform fields, decoded once, limit colours that the excerpt does not
    contain.
    """

    def __init__(self) -> None:
        self._fields: weakref.WeakKeyDictionary[Any, _Normal | None] = weakref.WeakKeyDictionary()

    def jpeg(self, pipeline: Pipeline, latents: Any, index: int) -> bytes | None:
        """Return a JPEG of image `index` of latents (n, channels, height, width).

        None if there are no cheap previews of this pipeline's latents.
        """
        if getattr(pipeline, "_all_hooks", None):
            return None  # decoding a preview would move an offloaded UNet from the device
        try:
            with torch.inference_mode():
                clean = _predicted(pipeline, latents)
                if clean is None or clean.ndim != 4:
                    return None
                vae = pipeline.vae
                fields = self._fields[vae] if vae in self._fields else _even_fields(vae)
                if fields is None or not all(map(_is_finite, fields)):
                    return None  # `decode` will convert a decoder that overflows to float32
                self._fields[vae] = fields
                look = clean[index : index + 1]
                weights = _fitted(_left_out(look), vae, fields)
                return _picture(look[0].float().cpu(), weights)
        except Exception:  # a failed preview must not fail the drawing
            _log.warning("no previews of %s", type(pipeline).__name__, exc_info=True)
            self._fields[pipeline.vae] = None
            return None


def _even_fields(vae: Any) -> _Normal | None:
    channels = getattr(vae.config, "latent_channels", None)
    if channels is None:
        return None
    noise = torch.Generator("cpu").manual_seed(0)
    colours = torch.randn(_FIELDS * channels, channels, 1, 1, generator=noise)
    return _normal(colours.expand(-1, -1, _FIELD_SIDE, _FIELD_SIDE), vae)


def _left_out(latents: torch.Tensor) -> torch.Tensor:
    """Return the latents with at most `_LOOK_SIDE` rows and columns."""
    step = -(-max(latents.shape[-2:]) // _LOOK_SIDE)
    return latents[..., ::step, ::step]


def _fitted(latents: torch.Tensor, vae: Any, fields: _Normal) -> torch.Tensor:
    """Return (channels + 1, 3): the factors of each channel and a constant, for RGB from 0 to 1."""
    (known, wanted), (more_known, more_wanted) = _normal(latents, vae), fields
    weights = torch.linalg.solve(
        known + _FIELDS_WEIGHT * more_known, wanted + _FIELDS_WEIGHT * more_wanted
    )
    return weights.float()


def _normal(latents: torch.Tensor, vae: Any) -> _Normal:
    """Return both sides of the normal equations for the map from latents to decoded colours."""
    given = _for_decoder(latents, vae).to(vae.device, vae.dtype)
    decoded = torch.cat([vae.decode(part).sample for part in given.split(16)])
    pixels = (decoded / 2 + 0.5).clamp(0, 1)
    colours = torch.nn.functional.adaptive_avg_pool2d(pixels, latents.shape[-2:])
    known, wanted = (
        # Metal has no float64.
        each.permute(0, 2, 3, 1).flatten(0, 2).cpu().double()
        for each in (latents, colours)
    )
    known = torch.cat([known, torch.ones(len(known), 1)], dim=1)
    return known.T @ known / len(known), known.T @ wanted / len(known)


def _for_decoder(latents: torch.Tensor, vae: Any) -> torch.Tensor:
    """Return latents of the network in the scale of the decoder."""
    if getattr(vae.config, "latents_mean", None) and latents.ndim == _WITH_CHANNELS:
        return unscaled(vae, latents)
    scale = getattr(vae.config, "scaling_factor", 1.0)
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return latents / scale + shift


def _is_finite(tensor: torch.Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def _predicted(pipeline: Pipeline, latents: Any) -> torch.Tensor | None:
    """Return the finished latents that the scheduler predicts, or else those of the step."""
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
