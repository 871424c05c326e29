"""The CLIP text encoders of a checkpoint, by the names and shapes of its tensors."""

import re
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts

__all__ = ["clip_layers", "token_widths"]

_PLACES = (
    ("cond_stage_model.", "conditioner.embedders.0.", "text_encoder/"),
    ("conditioner.embedders.1.", "text_encoder_2/"),
)
"""The beginnings of the names of the first and of the second text encoder."""
_TOKENS = "token_embedding.weight"
_LAYER = re.compile(r"\bencoder\.layers\.(\d{1,4})\.")
"""A layer in transformers' names. Those of OpenCLIP are named `resblocks`."""


def token_widths(checkpoint: Mapping[str, TensorFacts]) -> tuple[int, ...]:
    """Return the width of a token's vector in each text encoder, in order.

    Args:
        checkpoint: The tensors by the names of the original code or, in a folder, by the part and
            the name in it, such as `text_encoder/text_model.embeddings.token_embedding.weight`.
    """
    widths = []
    for places in _PLACES:
        for name, facts in checkpoint.items():
            if name.startswith(places) and name.endswith(_TOKENS) and len(facts.shape) == 2:
                widths.append(facts.shape[1])
                break
    return tuple(widths)


def clip_layers(checkpoint: Mapping[str, TensorFacts]) -> int | None:
    """Return the layers of the text encoder of Stable Diffusion 1 that `clip_skip` counts.

    None if the checkpoint has another text encoder, or several.

    Args:
        checkpoint: As of `token_widths`.
    """
    if len(token_widths(checkpoint)) != 1:
        return None
    found = [
        int(layer[1])
        for name in checkpoint
        if name.startswith(_PLACES[0]) and (layer := _LAYER.search(name)) is not None
    ]
    return max(found) + 1 if found else None
