"""The layouts of files of textual inversion.

Known layouts: AUTOMATIC1111's web UI (`string_to_param`, a table with one word, and `emb_params`),
diffusers (one tensor, whose name is the word), and the two tensors of SDXL (`clip_l` and `clip_g`,
for its first and its second text encoder), as kohya-ss/sd-scripts writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts

__all__ = ["MOST_VECTORS", "EmbeddingLayout", "embedding_layout"]

MOST_VECTORS = 75
"""The tokens that a piece of a prompt has room for. The vectors of a word are never split."""
_TABLE, _NUMBERS = "string_to_param.", "string_to_token."
_ONE, _TWO = "emb_params", ("clip_l", "clip_g")
_FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})


@dataclass(frozen=True, slots=True)
class EmbeddingLayout:
    """The vectors in a file.

    Attributes:
        names: The name of the tensor for each text encoder, in the order of the pipeline.
        widths: The width of each.
        vectors: The vectors of the word, 1 to 75, the same for each text encoder.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    vectors: int


def embedding_layout(tensors: Mapping[str, TensorFacts]) -> EmbeddingLayout:
    """Return the vectors in a file with these tensors.

    A tensor is (vectors, width), or (width,) for one vector.

    Raises:
        UnusableAddition: It is not an embedding, or not one that can be drawn with. The reason says
            why.
    """
    names = _names(tensors)
    shapes = [_shape(name, tensors[name]) for name in names]
    counts = {count for count, _ in shapes}
    if len(counts) > 1:
        raise UnusableAddition(
            f"it has {shapes[0][0]} vectors for the first text encoder and {shapes[1][0]} for the "
            "second"
        )
    return EmbeddingLayout(names, tuple(width for _, width in shapes), counts.pop())


def _names(tensors: Mapping[str, TensorFacts]) -> tuple[str, ...]:
    own = [name for name in tensors if not name.startswith(_NUMBERS)]
    if set(own) & set(_TWO):
        if set(own) != set(_TWO):
            wrong = sorted(set(own) ^ set(_TWO))
            lacks = wrong[0] in _TWO
            raise UnusableAddition(
                f"it has no {wrong[0]}, the vectors for another text encoder of SDXL"
                if lacks
                else f"it has vectors besides clip_l and clip_g: {_shown(wrong[0])}"
            )
        return _TWO
    if len(own) != 1:
        raise UnusableAddition(f"it holds {len(own)} tensors where an embedding holds one")
    return (own[0],)


def _shape(name: str, facts: TensorFacts) -> tuple[int, int]:
    if len(facts.shape) not in (1, 2) or min(facts.shape) < 1:
        raise UnusableAddition(
            f"its tensor {_shown(name)} has the shape {facts.shape}, which is not one of vectors"
        )
    if facts.dtype not in _FLOATS:
        raise UnusableAddition(
            f"its tensor {_shown(name)} holds {facts.dtype}, which nothing here draws with"
        )
    count = facts.shape[0] if len(facts.shape) == 2 else 1
    if count > MOST_VECTORS:
        raise UnusableAddition(
            f"it has {count} vectors, and a word of a prompt may have at most {MOST_VECTORS}"
        )
    return count, facts.shape[-1]


def _shown(name: str) -> str:
    return ascii(name[:100])[1:-1]
