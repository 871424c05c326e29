"""What text encoders said, kept as long as their pipeline is loaded."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch

__all__ = ["EncodingCache"]

_LIMIT = 64 * 2**20
"""A hundred prompts of XL or more, and of FLUX a dozen."""


class EncodingCache:
    """Keeps the encodings that were used last, up to `limit` bytes. For one thread."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes of what is kept."""
        return self._used

    def get(self, key: Hashable, encode: Callable[[], Any]) -> Any:
        """What is kept under `key`; what `encode` makes, where nothing is.

        A tensor, or a tuple of tensors and None, is kept; anything else is not. It is everybody's:
        nobody may write into it.
        """
        if key not in self._kept:
            made = encode()
            size = _bytes(made)
            if size is None or size > self._limit:
                return made
            self._used += size
            self._kept[key] = made
            while self._used > self._limit:
                _, oldest = self._kept.popitem(last=False)
                self._used -= _bytes(oldest) or 0
        self._kept.move_to_end(key)
        return self._kept[key]


def _bytes(encoding: Any) -> int | None:
    """None when it is nothing to keep."""
    parts = encoding if isinstance(encoding, tuple) else (encoding,)
    if not all(isinstance(part, torch.Tensor | None) for part in parts):
        return None
    return sum(part.untyped_storage().nbytes() for part in parts if part is not None)
