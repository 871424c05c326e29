"""How many images one device draws at once."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from domain.generation.parts import SourceImage
from domain.generation.request import BatchKey
from domain.services.memory_shortage import halved

__all__ = ["BatchPolicy"]

_REMEMBERED_SHAPES = 256
_SUCCESSES_TO_FORGET = 100


@dataclass(slots=True)
class _Limit:
    images: int = 1
    failed: int | None = None
    successes: int = 0


class BatchPolicy:
    """Decides how many images of each shape one device draws at once: measured, not guessed.

    The limit of a shape starts at one. It doubles with every full batch until memory runs out. From
    then on it is half of what failed, and grows by one towards it. After a hundred full batches the
    failure is forgotten, because something else may have used the memory.

    Each worker has a policy of its own, and its thread alone calls the methods.

    Args:
        largest: How many images may ever be drawn at once with the model of this id, as the device
            and the model say.
    """

    def __init__(self, largest: Callable[[str], int]) -> None:
        self._largest = largest
        self._limits: OrderedDict[BatchKey, _Limit] = OrderedDict()

    def limit(self, key: BatchKey) -> int:
        """How many images with this key are drawn at once now."""
        return min(self._of(key).images, self._largest(key.model_id))

    def succeeded(self, key: BatchKey, images: int) -> None:
        """This number of images was drawn at once."""
        limit = self._of(key)
        if images < limit.images:
            return
        limit.successes += 1
        if limit.failed is None:
            limit.images = min(limit.images * 2, self._largest(key.model_id))
        elif limit.images + 1 < limit.failed:
            limit.images += 1
        elif limit.successes >= _SUCCESSES_TO_FORGET:
            limit.failed = None

    def failed(self, key: BatchKey, images: int) -> int:
        """This number of images did not fit into memory at once. Returns how many to try now."""
        limit = self._of(key)
        limit.images = halved(images)
        limit.failed = images
        limit.successes = 0
        return limit.images

    def _of(self, key: BatchKey) -> _Limit:
        shape = key._replace(others=tuple(map(_memory_of, key.others)))
        limit = self._limits.setdefault(shape, _Limit())
        self._limits.move_to_end(shape)
        while len(self._limits) > _REMEMBERED_SHAPES:
            self._limits.popitem(last=False)
        return limit


def _memory_of(value: object) -> object:
    """Return what decides the memory of a batch in a value of `BatchKey.others`.

    Another source picture takes no other memory, and nor does another strength.
    """
    if isinstance(value, SourceImage):
        return "a source with a mask" if value.mask_image is not None else "a source"
    return value
