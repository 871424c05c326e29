"""Requests for pictures of AUTOMATIC1111's API, after their fields are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.http.automatic1111.controlnet import AskedControl
from adapters.http.automatic1111.networks import AskedLora
from domain.generation.fields.judging import JudgedFields
from domain.generation.parts import InpaintArea, MaskContent, ResizeMode
from domain.samplers import Scheduler

__all__ = ["AskedMask", "AskedPictures", "AskedSecondPass", "AskedSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSecondPass:
    """The second pass («hires fix»).

    Attributes:
        scale: The factor of the width and the height.
        strength: The share of the schedule that is drawn again.
        steps: The steps of the pass; None for those of the first pass.
        upscaler: The name of an upscaler.
        checkpoint: The name of the checkpoint of this pass; empty for that of the first pass.
    """

    scale: float
    strength: float
    steps: int | None
    upscaler: str
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedMask:
    """A mask. White is drawn again.

    Attributes:
        data: The file. If it has transparency, its opaque part counts as white.
        is_inverted: Whether black is drawn again instead.
        blur: Pixels, Gaussian.
        content: What lies under the mask at the start.
        area: The area that is drawn.
        padding: Pixels round the box of the mask.
    """

    data: bytes = field(repr=False)
    is_inverted: bool
    blur: int
    content: MaskContent
    area: InpaintArea
    padding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSource:
    """The pictures that the drawing starts from.

    Attributes:
        images: The files; image *i* of a batch starts from picture *i*.
        strength: The share of the schedule that is drawn.
        resize_mode: How the pictures get the size of the request.
        image_guidance: How closely instruct-pix2pix keeps the picture; None if it is not said.
        noise_multiplier: The factor of the noise.
        mask: The mask; None to draw the whole picture.
    """

    images: tuple[bytes, ...] = field(repr=False)
    strength: float
    resize_mode: ResizeMode
    image_guidance: float | None
    noise_multiplier: float
    mask: AskedMask | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPictures:
    """A request for pictures.

    Attributes:
        fields: The fields of a `GenerationRequest`.
        scheduler: The scheduler; None for the model's own.
        checkpoint: The name of a model; empty for the checkpoint of the caller's options.
        jpeg_quality: The quality; None for the quality of the caller's options.
        batch_size: The number of pictures, times `n_iter`.
        n_iter: The number of pictures, times `batch_size`.
        prompt: The prompt as it was sent, with the networks that it names.
        loras: The LoRAs that the prompt names.
        vae: The name of a VAE, or `Automatic`; empty for the VAE of the caller's options.
        clip_skip: The clip skip, and the field that says it; None for that of the options.
        controls: The units of ControlNet that are switched on.
        send_images: Whether the answer holds the pictures.
        ignored: The names of fields, settings and scripts without effect.
        echo: More parameters of the request that the answer repeats.
        second_pass: The second pass; None without one.
        source: The pictures that the drawing starts from; None for a prompt alone.
    """

    fields: JudgedFields
    scheduler: Scheduler | None
    checkpoint: str
    jpeg_quality: int | None
    batch_size: int
    n_iter: int
    prompt: str
    loras: tuple[AskedLora, ...]
    vae: str
    clip_skip: tuple[int, str] | None
    controls: tuple[AskedControl, ...]
    send_images: bool
    ignored: list[str]
    echo: Mapping[str, Any] = field(repr=False)
    second_pass: AskedSecondPass | None = None
    source: AskedSource | None = None
