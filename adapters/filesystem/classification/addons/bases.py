"""The family of checkpoints that an add-on was made for.

Names and shapes come first: the width of the vectors that describe a token to the UNet, and that of
a text encoder's own vectors. What a trainer wrote into the metadata comes last.
"""

import re
from collections.abc import Mapping
from math import prod
from types import MappingProxyType

from adapters.filesystem.classification.addons.kinds import token_width
from adapters.filesystem.headers.values import Header, TensorFacts
from domain.checkpoints.additions.lora_layouts import LoraFile, LoraModule, Role
from domain.checkpoints.families import FAMILIES
from domain.models.record import ModelFamily, ModelKind

__all__ = ["addon_base"]

_CONTEXT: Mapping[int, ModelFamily] = MappingProxyType(
    {
        FAMILIES[family].unet.context: family
        for family in (ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL)
    }
)
"""The families by the width of the vectors that describe a token to the UNet."""
_TOKEN: Mapping[int, ModelFamily] = MappingProxyType(
    {768: ModelFamily.SD_1, 1024: ModelFamily.SD_2, 1280: ModelFamily.SDXL}
)
"""The families by the width of a vector of an embedding: CLIP-L, OpenCLIP-H, OpenCLIP-G."""
_CROSS_ATTENTION = re.compile(r"attn2[._]to_[kv](?![a-z])")
_TEXT_ENCODER = re.compile(r"^lora_te_text_model_.*(q_proj|k_proj|v_proj|fc1)$")
# Only SDXL has several transformer blocks in one place of its UNet.
_DEEP = re.compile(r"transformer_blocks[._][1-9]")
_IN_A_UNET = ("attentions", "put_blocks", "middle_block")
_OF_SDXL = ("lora_te2_", "text_encoder_2.", "add_embedding.")
_WHOLE = (Role.DOWN, Role.HADA_W1_B, Role.DIFF)
"""The tensors whose second dimension is the number of inputs of the layer."""
_FACTORS = ((Role.LOKR_W1, Role.LOKR_W1_B), (Role.LOKR_W2, Role.LOKR_W2_B))
"""The tensors of the two factors of a Kronecker product, whole or as a product with a rank."""
_TOLD = (
    ("sdxl", ModelFamily.SDXL),
    ("stable-diffusion-xl", ModelFamily.SDXL),
    ("sd_v1", ModelFamily.SD_1),
    ("stable-diffusion-v1", ModelFamily.SD_1),
    ("sd_v2", ModelFamily.SD_2),
    ("stable-diffusion-v2", ModelFamily.SD_2),
    ("sd3", ModelFamily.SD_3),
    ("stable-diffusion-3", ModelFamily.SD_3),
    ("flux", ModelFamily.FLUX),
)


def addon_base(kind: ModelKind, header: Header, lora: LoraFile | None) -> ModelFamily | None:
    """Return the family of checkpoints that the add-on was made for; None if it is not known.

    A width that no published family has decides too: the metadata is not asked then. The VAEs of
    Stable Diffusion 1, 2 and XL have the same tensors, so only the metadata can tell them apart.

    Args:
        kind: LoRA, VAE, embedding or ControlNet.
        header: Its tensors and metadata.
        lora: The changes in a LoRA; None for another kind, and if they were not read.
    """
    tensors, width = header.tensors, None
    if kind is ModelKind.EMBEDDING:
        widths, width = _TOKEN, _token_width(tensors)
    elif kind is ModelKind.VAE:
        widths = _CONTEXT
    elif (family := _by_names(tensors)) is not None:
        return family
    elif lora is None:
        widths, width = _CONTEXT, _context_of_network(tensors)
    else:
        widths, width = _CONTEXT, _width(lora, _CROSS_ATTENTION)
        if width is None:
            # Only kohya's trainer gives the text encoder of SDXL another name.
            widths, width = _TOKEN, _width(lora, _TEXT_ENCODER)
    return _by_metadata(header.metadata) if width is None else widths.get(width)


def _token_width(tensors: Mapping[str, TensorFacts]) -> int | None:
    """Return the width of an embedding's vectors; the wider one if it is for two text encoders."""
    if "clip_g" in tensors:
        return token_width(tensors["clip_g"])
    widths = {token_width(facts) for facts in tensors.values()} - {None}
    return widths.pop() if len(widths) == 1 else None


def _by_names(tensors: Mapping[str, TensorFacts]) -> ModelFamily | None:
    if any("double_blocks" in name or "single_transformer_blocks" in name for name in tensors):
        return ModelFamily.FLUX
    if any("joint_blocks" in name or "add_k_proj" in name for name in tensors):
        return ModelFamily.SD_3
    for name in tensors:
        is_deep = any(place in name for place in _IN_A_UNET) and _DEEP.search(name)
        if is_deep or name.startswith(_OF_SDXL):
            return ModelFamily.SDXL
    return None


def _context_of_network(tensors: Mapping[str, TensorFacts]) -> int | None:
    """Return the width of the vectors that describe a token, as a ControlNet's attention has it."""
    for name, facts in tensors.items():
        is_whole = name.endswith((".to_k.weight", ".to_v.weight")) and len(facts.shape) == 2
        if is_whole and _CROSS_ATTENTION.search(name):
            return facts.shape[1]
    return None


def _width(lora: LoraFile, pattern: re.Pattern[str]) -> int | None:
    """Return the inputs of the first changed layer with such a name, if its shapes tell them."""
    widths = (_inputs(module) for module in lora.modules if pattern.search(module.label))
    return next((width for width in widths if width is not None), None)


def _inputs(module: LoraModule) -> int | None:
    shapes = {role: facts.shape for role, facts in module.facts.items() if len(facts.shape) >= 2}
    whole = [shapes[role][1] for role in _WHOLE if role in shapes]
    factors = [
        next((shapes[role][1] for role in factor if role in shapes), None) for factor in _FACTORS
    ]
    if not whole and None not in factors:
        return prod(width for width in factors if width is not None)
    return next(iter(whole), None)


def _by_metadata(metadata: Mapping[str, str]) -> ModelFamily | None:
    for key in ("ss_base_model_version", "modelspec.architecture"):
        for start, family in _TOLD:
            if metadata.get(key, "").lower().startswith(start):
                return family
    return None
