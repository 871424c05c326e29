"""The source pictures of a request, in the sizes that are drawn."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.pictures.encoding import EncodedPictures, encode_pictures
from adapters.diffusion.drawing.pictures.masks import (
    Box,
    box_of,
    cells_of,
    cleaned,
    filled,
    is_binary,
    opacity_of,
)
from adapters.diffusion.drawing.pictures.resizing import (
    as_image,
    as_raster,
    fit_alike,
    padded,
    resized,
)
from domain.checkpoints.families import LATENT_SIDE
from domain.generation.parts import InpaintArea, MaskContent, SourceImage
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest
from domain.sizes import Size

__all__ = ["SizedSource", "Sources"]

_BINARY = 128
_NOTHING_MASKED = "the mask is black everywhere, so nothing was drawn again; white is drawn again"
_SHIFTED = (
    "the mask has other proportions than the picture, so each was cut or padded by itself and they "
    "may not match; send a mask of the same proportions"
)


@dataclass
class SizedSource:
    """The initial image and its mask at one size. What was made once is kept.

    Attributes:
        context: The pipeline and its surroundings.
        source: The part of the request.
        size: Pixels of the result, or of the box that is drawn and put back.
        scale: How much larger that is than the size of the request.
        first: The pictures at the size of the request; None if this is it.
        multiple: The number of which each side that is drawn is a multiple.
    """

    context: DrawingContext[Any]
    source: SourceImage
    size: Size
    scale: float = 1.0
    first: "SizedSource | None" = None
    multiple: int = LATENT_SIDE

    @property
    def drawn(self) -> Size:
        """Pixels that are drawn, before cropping."""
        sides = (self.size.width, self.size.height)
        width, height = (-(-side // self.multiple) * self.multiple for side in sides)
        return Size(width, height)

    @property
    def whole_size(self) -> Size:
        """Pixels of the picture that the drawn box is put back into."""
        if self.source.inpaint_area is InpaintArea.IN_PLACE:
            return Size(self.source.init_image.width, self.source.init_image.height)
        return self.size

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the callers should know."""
        if self.source.mask_image is None:
            return ()
        alike = fit_alike(self.source.init_image, self.source.mask_image, self.source.resize_mode)
        said = () if alike else (_SHIFTED,)
        return said if self._opacity.getbbox() is not None else (*said, _NOTHING_MASKED)

    @cached_property
    def encoded(self) -> EncodedPictures:
        """The latents of `picture`."""
        return encode_pictures(self.context, [self.picture])

    @cached_property
    def encoded_around(self) -> EncodedPictures:
        """The latents of `picture`, with grey where `is_drawn`: for a UNet with nine channels."""
        return encode_pictures(self.context, [self.picture], self.is_drawn)

    @property
    def picture(self) -> Image.Image:
        """What the drawing starts from, at the drawn size: the initial image, or the mask's box.

        With `MaskContent.FILL` the masked part is filled.
        """
        image = self._on_canvas(self._init_image)
        if self.source.mask_content is MaskContent.FILL:
            return filled(image, self.mask)
        return image

    @property
    def mask(self) -> Image.Image:
        """The mask at the drawn size, without its blur. The request has one."""
        return cleaned(self._on_canvas(self._mask))

    @property
    def is_drawn(self) -> np.ndarray:
        """Which pixels are drawn again: (height, width), boolean.

        A mask without grey is rounded, as in diffusers. In a mask with grey every pixel that is not
        black is drawn, because grey mixes.
        """
        levels = np.asarray(self.mask)
        is_plain = self._mask_and_whether_binary[1]
        return np.asarray(levels >= _BINARY if is_plain else levels > 0)

    @property
    def drawn_cells(self) -> np.ndarray:
        """Which latents `is_drawn` covers: (height / 8, width / 8), boolean."""
        mask = Image.fromarray(self.is_drawn.astype(np.uint8) * 255, "L")
        return cells_of(mask, as_diffusers=True)

    @property
    def cells(self) -> np.ndarray:
        """Which latents are drawn again: (height / 8, width / 8), boolean."""
        is_plain = self._mask_and_whether_binary[1] and not self.source.mask_blur
        return cells_of(self.mask, as_diffusers=is_plain)

    def framed(self, image: Image.Image) -> Image.Image:
        """Return what is drawn of a picture of the size `size`, in the same size.

        This is the whole, or the box of the mask.
        """
        if self._box is None:
            return image
        sides = (self.size.width, self.size.height)
        return image.crop(self._box).resize(sides, Image.Resampling.LANCZOS)

    def put_back(self, drawn: Raster) -> Raster:
        """Return the initial image with the masked part of a drawn picture of `size`.

        Where nothing of the mask and its blur is, every pixel is that of the initial image.
        """
        image = as_image(drawn)
        if (box := self._box) is not None:
            left, top, right, bottom = box
            inner = image.resize((right - left, bottom - top), Image.Resampling.LANCZOS)
            image = self._init_image.copy()
            image.paste(inner, (left, top))
        return as_raster(Image.composite(image, self._init_image, self._opacity))

    @cached_property
    def _init_image(self) -> Image.Image:
        raster = self.context.picture(self.source.init_image)
        return self._resized(as_image(raster))

    @cached_property
    def _mask_and_whether_binary(self) -> tuple[Image.Image, bool]:
        if self.source.mask_image is None:
            raise ValueError("the request has no mask")
        sent = cleaned(as_image(self.context.mask(self.source.mask_image)))
        return cleaned(self._resized(sent)), is_binary(sent)

    @property
    def _mask(self) -> Image.Image:
        return self._mask_and_whether_binary[0]

    @cached_property
    def _opacity(self) -> Image.Image:
        return opacity_of(self._mask, (self.source.mask_blur or 0) * self.scale)

    @cached_property
    def _box(self) -> Box | None:
        if self.source.inpaint_area in (None, InpaintArea.WHOLE):
            return None
        if self.first is not None and (box := self.first._box) is not None:
            left, top, right, bottom = (round(side * self.scale) for side in box)
            return (left, top, min(right, self.size.width), min(bottom, self.size.height))
        padding = self.source.inpaint_padding or 0
        return box_of(self._opacity, padding, self.size.width, self.size.height)

    def _resized(self, image: Image.Image) -> Image.Image:
        width, height = self.whole_size.width, self.whole_size.height
        return resized(image, width, height, self.source.resize_mode)

    def _on_canvas(self, image: Image.Image) -> Image.Image:
        """Return what is drawn of a picture, at the drawn size."""
        return padded(self.framed(image), self.drawn.width, self.drawn.height)


@dataclass
class Sources:
    """The source pictures of a batch, in each size that its requests need.

    All groups of the batch share them, so a picture is decoded and encoded once.
    """

    context: DrawingContext[Any]
    multiple: int = LATENT_SIDE
    _made: dict[tuple[SourceImage, Size], SizedSource] = field(default_factory=dict)

    def first(self, request: GenerationRequest) -> SizedSource | None:
        """Return the pictures at the size of the request; None if it has none."""
        if (source := request.source) is None:
            return None
        size = Size(request.width, request.height)
        if (source, size) not in self._made:
            self._made[source, size] = SizedSource(
                self.context, source, size, multiple=self.multiple
            )
        return self._made[source, size]

    def last(self, request: GenerationRequest) -> SizedSource | None:
        """Return the pictures at the size of the result; None if the request has none."""
        first, size = self.first(request), request.last_size
        if first is None or size == first.size:
            return first
        key = (first.source, size)
        if key not in self._made:
            scale = size.width / first.size.width
            self._made[key] = SizedSource(
                self.context, first.source, size, scale, first, self.multiple
            )
        return self._made[key]
