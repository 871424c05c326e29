"""What text encoders said, kept as long as their pipeline is loaded."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

import torch

__all__ = ["EncodingCache"]

_LIMIT = 64 * 2**20
"""Some hundred prompts of Stable Diffusion 1, a hundred of XL."""

Encoding = tuple[torch.Tensor, ...]


class EncodingCache:
    """Keeps the encodings that were used last, up to `limit` bytes. For one thread."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Encoding] = OrderedDict()
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes of what is kept."""
        return self._used

    def get(self, key: Hashable, encode: Callable[[], Encoding]) -> Encoding:
        """What is kept under `key`; what `encode` makes, where nothing is.

        It is everybody's: nobody may write into it.
        """
        if key not in self._kept:
            made = encode()
            self._used += _bytes(made)
            self._kept[key] = made
            while self._used > self._limit and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._used -= _bytes(oldest)
        self._kept.move_to_end(key)
        return self._kept[key]


def _bytes(encoding: Encoding) -> int:
    return sum(tensor.untyped_storage().nbytes() for tensor in encoding)
