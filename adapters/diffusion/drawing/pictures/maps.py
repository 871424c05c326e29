"""The maps that ControlNets follow, in the sizes that are drawn."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image

from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.pictures.resizing import as_image, as_raster, padded, resized
from adapters.diffusion.drawing.pictures.source import SizedSource
from domain.generation.parts import Control
from domain.pictures import PictureRef
from domain.sizes import Size

__all__ = ["ControlMaps"]


@dataclass
class ControlMaps:
    """The maps of a batch, in each size that its passes need. What was made once is kept.

    A picture gets the drawn size first, and its map is made then. So the lines of `canny` are as
    thin as those of the training, and not resampled.
    """

    context: DrawingContext[Any]
    _pictures: dict[PictureRef, Image.Image] = field(default_factory=dict)
    _made: dict[tuple[Control, Size, Size], torch.Tensor] = field(default_factory=dict)

    def at(
        self, control: Control, size: Size, drawn: Size, source: SizedSource | None
    ) -> torch.Tensor:
        """Return the map of a ControlNet: (1, 3, height, width) in float32, 0 to 1, on the device.

        Args:
            control: The part of the request.
            size: Pixels of the result.
            drawn: Pixels that are drawn, before cropping.
            source: The initial image of this pass; None for text alone. If the box of a mask is
                drawn at full size, the map is that of the box.

        Raises:
            GenerationFailed: The batch does not have the picture.
            UnreadablePicture: The file is not a picture.
            OutOfMemory: The host does not have enough memory.
        """
        key = (control, size, drawn)
        if key not in self._made:
            image = resized(
                self._picture(control.image), size.width, size.height, control.resize_mode
            )
            if source is not None:
                image = source.framed(image)
            image = padded(image, drawn.width, drawn.height)
            if control.preprocessor is not None:
                raster = self.context.map_of(as_raster(image), control.preprocessor)
                image = as_image(raster)
            self._made[key] = self._tensor(image)
        return self._made[key]

    def _picture(self, ref: PictureRef) -> Image.Image:
        if ref not in self._pictures:
            self._pictures[ref] = as_image(self.context.picture(ref))
        return self._pictures[ref]

    def _tensor(self, image: Image.Image) -> torch.Tensor:
        levels = torch.from_numpy(np.array(image)).to(self.context.device.torch_device)
        return levels.permute(2, 0, 1)[None].float() / 255
