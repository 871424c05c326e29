"""Many pictures on one sheet, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

__all__ = ["contact_sheet"]


def contact_sheet(pictures: Sequence[Image.Image], *, columns: int, cell: int = 256) -> Image.Image:
    """Lay pictures out row by row, each fitted into a square cell of `cell` pixels."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * cell, rows * cell), "white")
    for index, picture in enumerate(pictures):
        fitted = picture.copy()
        fitted.thumbnail((cell, cell))
        row, column = divmod(index, columns)
        left = column * cell + (cell - fitted.width) // 2
        sheet.paste(fitted, (left, row * cell + (cell - fitted.height) // 2))
    return sheet
