"""The tiles in which a picture is enlarged."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Span", "Surroundings", "Tile", "tiles_of"]

_EXACT_REACH = 48
"""With surroundings of this many pixels or fewer, a tile is the same as the whole picture.

A network that reaches farther gets fewer, because most of the work would be for pixels that are
thrown away. The far ones hardly change the result: each block of an RRDB adds a fifth of what it
finds. Real-ESRGAN's own program takes 10 pixels.
"""
_CONTEXT, _BLEND = 24, 8


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The pixels round a tile of the source that are computed with it.

    Attributes:
        context: Pixels whose result is thrown away.
        blend: Pixels beyond the border of a tile where it fades into its neighbour, and as many
            inside.
    """

    context: int
    blend: int = 0

    @classmethod
    def of(cls, reach: int, unshuffle: int = 1) -> "Surroundings":
        """Return those of a network with this reach.

        A network that makes channels of squares of pixels sees fewer and larger pixels.
        """
        if reach <= _EXACT_REACH:
            return cls(reach)
        return cls(_CONTEXT * unshuffle, _BLEND * unshuffle)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of target pixels along one side.

    Attributes:
        first: The first pixel.
        last: The one after the last pixel.
        fade: How many of the first pixels fade from the tile before into this one.
    """

    first: int
    last: int
    fade: int

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the target: its rows and columns."""

    rows: Span
    columns: Span

    @property
    def pixels(self) -> int:
        """The number of pixels, with those that are written twice."""
        return len(self.rows) * len(self.columns)


def tiles_of(
    width: int, height: int, *, source: tuple[int, int], side: int, blend: int
) -> Iterator[Tile]:
    """Yield the tiles of a target, row by row from the top.

    Args:
        width: Width of the target in pixels.
        height: Height of the target in pixels.
        source: Width and height of the source.
        side: The most pixels of the source on each side of a tile. A tile is larger if it would
            fade out on one side before it has faded in on the other one.
        blend: As in `Surroundings`; pixels of the source.
    """
    side = max(side, 4 * blend)
    columns = list(_spans(width, source[0], side, blend))
    for rows in _spans(height, source[1], side, blend):
        for each in columns:
            yield Tile(rows, each)


def _spans(target: int, source: int, side: int, blend: int) -> Iterator[Span]:
    """Cut a side into parts of about one length, and let each extend over its borders."""
    count = min(-(-source // side), target)
    extra = -(-blend * target // source) if count > 1 else 0
    for number in range(count):
        first, last = number * target // count, (number + 1) * target // count
        begin, end = max(first - extra, 0), min(last + extra, target)
        fade = 0 if number == 0 else min(first + extra, end) - begin
        yield Span(begin, end, fade)
