"""Names that programs give to the text encoders of a checkpoint, beside those of the original code.

The original code has CLIP-L by transformers' names and OpenCLIP by open_clip's. Some programs save
OpenCLIP by transformers' names too: the queries, keys and values of an attention are then three
matrices in place of one, and the projection is `text_projection.weight`, which is the transposed
matrix (diffusers, `scripts/convert_diffusers_to_original_sdxl.py` before and after its correction;
ComfyUI, `comfy/utils.py`, `clip_text_transformers_convert`).
"""

import re
from collections.abc import Mapping

from domain.checkpoints.additions.network_modules.text_encoders import IN_LAYER, OUTSIDE
from domain.checkpoints.arranged.place import Place
from domain.checkpoints.header_values import TensorFacts

__all__ = ["text_encoder_places"]

_SECOND, _FIRST = "conditioner.embedders.1.", "cond_stage_model."
_WIDTH_OF_SD_2 = 1024
"""The width of OpenCLIP-H. The first text encoder is CLIP-L with 768 otherwise."""
_TOKENS = "embeddings.token_embedding.weight"
_OUTSIDE = {theirs: own for own, theirs in OUTSIDE.items()}
_INSIDE = {theirs: own for own, theirs in IN_LAYER.items()}
_LAYER = re.compile(r"encoder\.layers\.(\d{1,4})\.(.+)\.(weight|bias)")
_QUERY = "self_attn.q_proj"
_OTHERS = ("self_attn.k_proj", "self_attn.v_proj")


def text_encoder_places(tensors: Mapping[str, TensorFacts]) -> Mapping[str, Place]:
    """Return the places of the tensors of OpenCLIP that the file has by other names.

    Args:
        tensors: All tensors of a checkpoint by name.
    """
    places: dict[str, Place] = {}
    for start in (_SECOND, _FIRST):
        wrapper = f"{start}transformer."
        inner = f"{wrapper}text_model."
        tokens = tensors.get(inner + _TOKENS)
        if tokens is not None and (start == _SECOND or tokens.shape[-1:] == (_WIDTH_OF_SD_2,)):
            places |= _of_transformers(tensors, inner, f"{start}model.")
        for name in (f"{start}model.text_projection.weight", f"{wrapper}text_projection.weight"):
            own = f"{start}model.text_projection"
            is_matrix = name in tensors and len(tensors[name].shape) == 2
            if is_matrix and own not in tensors and start == _SECOND:
                places[own] = Place((name,), is_turned=True)
    return places


def _of_transformers(
    tensors: Mapping[str, TensorFacts], inner: str, start: str
) -> dict[str, Place]:
    places = {}
    for name in tensors:
        if not name.startswith(inner):
            continue
        rest = name.removeprefix(inner)
        if rest in _OUTSIDE:
            places[start + _OUTSIDE[rest]] = Place((name,))
        elif (match := _LAYER.fullmatch(rest)) is not None:
            number, layer, kind = match.groups()
            block = f"{start}transformer.resblocks.{number}."
            if layer in _INSIDE:
                places[f"{block}{_INSIDE[layer]}.{kind}"] = Place((name,))
            elif layer == _QUERY:
                others = [name.replace(_QUERY, each) for each in _OTHERS]
                if all(each in tensors for each in others):
                    places[f"{block}attn.in_proj_{kind}"] = Place((name, *others))
    return places
