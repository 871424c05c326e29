"""Tokens of a prompt, cut into the pieces that a text encoder reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

__all__ = ["Cutter", "Piece"]

_BACK_OFF = 20
"""The tokens after a comma that move to the next piece with the words that they belong to
(`comma_padding_backtrack`, the default of AUTOMATIC1111's web UI)."""
_PLACEHOLDER = 0
"""The token in the place of a vector. Its own vector is replaced."""


@dataclass(slots=True)
class Piece:
    """The tokens between the start token and the end token.

    Attributes:
        ids: The tokens.
        weights: The factor of the embedding of each.
        vectors: The vectors (width,) that stand in the place of tokens, by their position.
    """

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    vectors: dict[int, torch.Tensor] = field(default_factory=dict)

    @property
    def is_weighted(self) -> bool:
        """Whether any weight differs from 1."""
        return any(weight != 1 for weight in self.weights)

    def append(self, token: int, weight: float, vector: torch.Tensor | None = None) -> None:
        """Append a token, or a vector in its place."""
        if vector is not None:
            self.vectors[len(self.ids)] = vector
        self.ids.append(token)
        self.weights.append(weight)

    def split_off(self, start: int) -> "Piece":
        """Remove the tokens from `start` on, and return them as a piece."""
        rest = Piece()
        for position in range(start, len(self.ids)):
            vector = self.vectors.pop(position, None)
            rest.append(self.ids[position], self.weights[position], vector)
        del self.ids[start:], self.weights[start:]
        return rest


class Cutter:
    """Cuts tokens into pieces.

    Args:
        room: The most tokens of a piece.
        comma: The token of a comma. If a piece is full, the tokens after its last comma move to the
            next piece, unless they are more than 20. None to cut anywhere.
    """

    def __init__(self, room: int, comma: int | None = None) -> None:
        self._room = room
        self._comma = comma
        self._done: list[Piece] = []
        self._piece = Piece()
        self._last_comma: int | None = None

    def add(self, tokens: Sequence[int], weight: float) -> None:
        """Add tokens."""
        for token in tokens:
            if len(self._piece.ids) == self._room:
                self._make_room(token)
            if token == self._comma:
                self._last_comma = len(self._piece.ids)
            self._piece.append(token, weight)

    def add_vectors(self, vectors: Sequence[torch.Tensor], weight: float) -> None:
        """Add the vectors of one word, at most as many as a piece has room for. All of them come
        into one piece.
        """
        if len(self._piece.ids) + len(vectors) > self._room:
            self.end_piece()
        for vector in vectors:
            self._piece.append(_PLACEHOLDER, weight, vector)

    def end_piece(self) -> None:
        """Begin a new piece."""
        self._begin(Piece())

    def pieces(self) -> list[Piece]:
        """Return all pieces; at least one."""
        return [*self._done, *self._last()]

    def _last(self) -> Iterator[Piece]:
        if self._piece.ids or not self._done:
            yield self._piece

    def _make_room(self, token: int) -> None:
        comma = self._last_comma
        if token == self._comma or comma is None or self._room - comma > _BACK_OFF:
            self.end_piece()
        else:
            self._begin(self._piece.split_off(comma + 1))

    def _begin(self, piece: Piece) -> None:
        self._done.append(self._piece)
        self._piece, self._last_comma = piece, None
