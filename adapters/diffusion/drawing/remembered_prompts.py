"""Other pipelines encode prompts inside their call. What one is asked again it answers from memory.

Their text encoders can be large: T5-XXL, which Stable Diffusion 3 and FLUX read with, has nearly
five billion weights.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from adapters.diffusion.drawing.prompt_cache import EncodingCache

__all__ = ["remembered_prompts"]

_ENCODE = "encode_prompt"
_PLAIN = (str, bool, int, float, torch.device, torch.dtype, type(None))


@contextmanager
def remembered_prompts(pipeline: Any, cache: EncodingCache) -> Iterator[None]:
    """Have the pipeline's own `encode_prompt` asked once for the same arguments.

    Where it is given tensors it is always asked, and where it answers with more than tensors
    nothing is kept. `cache` is this pipeline's.
    """
    encode = getattr(pipeline, _ENCODE, None)
    if encode is None:
        yield
        return

    def remembered(*arguments: Any, **options: Any) -> Any:
        key = _key(arguments, options)
        if key is None:
            return encode(*arguments, **options)
        return cache.get(key, lambda: encode(*arguments, **options))

    setattr(pipeline, _ENCODE, remembered)
    try:
        yield
    finally:
        delattr(pipeline, _ENCODE)


def _key(arguments: Sequence[Any], options: Mapping[str, Any]) -> Hashable:
    """What the answer depends on; None where an argument is no plain value."""
    given: dict[Any, Any] = dict(enumerate(arguments)) | dict(options)
    plain = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    for value in plain.values():
        parts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(part, _PLAIN) for part in parts):
            return None
    return (_ENCODE, *plain.items())
