"""The output of text encoders, kept as long as their pipeline is loaded.

Text encoders can be large: T5-XXL, which Stable Diffusion 3 and FLUX read with, has nearly five
billion weights.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from adapters.diffusion.pipeline import Pipeline
from domain.generation.request import GenerationRequest

__all__ = ["NOT_OF_THE_TEXT", "EncodingKey", "KeptPrompts", "PromptCache", "remembered_prompts"]

NOT_OF_THE_TEXT = frozenset(
    {
        *("id", "prompt", "negative_prompt", "width", "height", "seed", "num_images"),
        *("num_inference_steps", "guidance_scale", "scheduler", "output_format", "quality"),
        *("source", "second_pass", "upscale", "controls", "vae_id"),
    }
)
"""The fields of a request that do not change what a given text is encoded to."""

_LIMIT = 64 * 2**20
"""Bytes: a hundred prompts of XL or more, and a dozen of FLUX."""
_ENCODE = "encode_prompt"
_PLAIN = (str, bool, int, float, torch.device, torch.dtype, type(None))


@dataclass(frozen=True, slots=True)
class EncodingKey:
    """Everything but the text itself that decides what the text is encoded to.

    These are all fields of a request but the named few of `NOT_OF_THE_TEXT`: the model, whose text
    encoders read, and whatever changes these encoders or the way that they read. A field that is
    added to requests separates encodings until somebody adds it to `NOT_OF_THE_TEXT`.
    """

    facts: tuple[tuple[str, Hashable], ...]

    @classmethod
    def of(cls, request: GenerationRequest) -> "EncodingKey":
        """Return the key of the encodings of this request."""
        return cls(
            tuple(
                (row.name, getattr(request, row.name))
                for row in dataclasses.fields(request)
                if row.name not in NOT_OF_THE_TEXT
            )
        )


class PromptCache:
    """Keeps the encodings that were used last, up to `limit` bytes. For one thread."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes of the encodings that are kept."""
        return self._used

    def under(self, key: EncodingKey) -> "KeptPrompts":
        """The encodings of this key, which no other key shares."""
        return KeptPrompts(self, key)

    def _get(self, place: Hashable, encode: Callable[[], Any]) -> Any:
        if place not in self._kept:
            made = encode()
            size = _bytes(made)
            if size is None or size > self._limit:
                return made
            self._used += size
            self._kept[place] = made
            while self._used > self._limit:
                _, oldest = self._kept.popitem(last=False)
                self._used -= _bytes(oldest) or 0
        self._kept.move_to_end(place)
        return self._kept[place]


@dataclass(frozen=True, slots=True)
class KeptPrompts:
    """The encodings of `cache` under one key."""

    cache: PromptCache
    key: EncodingKey

    def get(self, text: Hashable, encode: Callable[[], Any]) -> Any:
        """The encoding of `text`, made by `encode` if it is not kept.

        A tensor, or a tuple of tensors and None, is kept; anything else is not. All drawings share
        what is kept, so nobody may write into it.
        """
        return self.cache._get((self.key, text), encode)


@contextmanager
def remembered_prompts(pipeline: Pipeline, prompts: KeptPrompts) -> Iterator[None]:
    """The pipeline's own `encode_prompt` runs once for the same arguments.

    With tensors among its arguments it always runs. If it returns more than tensors, nothing is
    kept. `prompts` belongs to this pipeline.
    """
    encode = getattr(pipeline, _ENCODE, None)
    if encode is None:
        yield
        return

    def remembered(*arguments: Any, **options: Any) -> Any:
        text = _plain(type(pipeline).__name__, arguments, options)
        if text is None:
            return encode(*arguments, **options)
        return prompts.get(text, lambda: encode(*arguments, **options))

    setattr(pipeline, _ENCODE, remembered)
    try:
        yield
    finally:
        delattr(pipeline, _ENCODE)


def _plain(kind: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Hashable:
    """The arguments as something to look up; None if one of them is not a plain value."""
    given: dict[Any, Any] = dict(enumerate(arguments)) | dict(options)
    plain = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    for value in plain.values():
        parts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(part, _PLAIN) for part in parts):
            return None
    return (kind, _ENCODE, *plain.items())


def _bytes(encoding: Any) -> int | None:
    """The size of an encoding; None if it is not one that can be kept."""
    parts = encoding if isinstance(encoding, tuple) else (encoding,)
    if not all(isinstance(part, torch.Tensor | None) for part in parts):
        return None
    return sum(part.untyped_storage().nbytes() for part in parts if part is not None)
