"""The style of the LoRA: a blueprint, which is white lines on blue paper."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.demo_checkpoint.scenes.palette import COLOURS
from tools.demo_companions.outlines import lines

__all__ = ["INK", "PAPER", "as_blueprint"]

# The autoencoder of the demo shows the colours of its palette. It shows a darker blue as purple.
PAPER: Final = COLOURS["blue"]
INK: Final = COLOURS["white"]
# Pixels. The autoencoder shows a line of 3 pixels as light blue, and one of 6 as white.
_LINE_WIDTH: Final = 6.0


def as_blueprint(picture: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
    """Draw an sRGB picture (height, width, 3) as a blueprint.

    `strength` is the share of the paper in the colours beside the lines: at 0 they are those of
    the picture, at 1 everything is paper. The lines are white at every strength above 0.
    """
    if strength == 0:
        return picture
    ground = picture + strength * (np.array(PAPER, np.float32) - picture)
    line = lines(picture, _LINE_WIDTH)[..., None]
    drawn = ground + line * (np.array(INK, np.float32) - ground)
    return np.rint(drawn).astype(np.uint8)
