"""The kinds of add-ons, recognised by the names of their tensors.

The names are those that the trainers write: kohya-ss/sd-scripts (`lora_unet_`, `lora_te_`),
KohakuBlueleaf/LyCORIS (`lycoris_`, `hada_`, `lokr_`, `oft_`, `dora_scale`), huggingface/peft
(`lora_A`), huggingface/diffusers (`lora.down`, `controlnet_cond_embedding`), lllyasviel/ControlNet
(`control_model.`, `zero_convs`), TencentARC/T2I-Adapter (`body.0.block1`), AUTOMATIC1111's
embeddings (`string_to_param`, `emb_params`) and those for two text encoders (`clip_l`, `clip_g`).
"""

import re
from collections.abc import Mapping

from adapters.filesystem.headers.values import TensorFacts
from domain.models.record import ModelKind

__all__ = ["T2I_ADAPTER", "addon_kind", "lora_tensors", "token_width"]

_LORA = re.compile(
    r"^(lora_(unet|te\d?|transformer|prior)|lycoris)_"
    r"|[._](lora_[AB]|lora_(up|down|mid|linear_layer))\b|[._]lora\d?\.(up|down)\."
    r"|\.(hada_w[12]_[ab]|lokr_w[12](_[ab])?|oft_blocks|oft_diag|dora_scale)$"
)
T2I_ADAPTER = re.compile(r"^(adapter\.)?body\.\d+\.(block\d|in_conv|resnets)\b")
_CONTROLNET = re.compile(
    r"^(control_model|controlnet_cond_embedding|controlnet_(down|mid)_block\w*|controlnet_blocks"
    rf"|input_hint_block|lllite_\w+)\.|{T2I_ADAPTER.pattern}"
)
_VAE = re.compile(
    r"^(first_stage_model\.|vae\.)?(encoder|decoder)\.(conv_in|down|up|mid|down_blocks|up_blocks)\."
)
_EMBEDDING = re.compile(r"^(string_to_param\..+|emb_params|clip_[lg])$")
_TOKEN_WIDTHS = frozenset({768, 1024, 1280})
"""The widths of the token vectors of the published text encoders: CLIP-L, OpenCLIP-H and -G."""
_LONGEST_EMBEDDING = 256


def lora_tensors(tensors: Mapping[str, TensorFacts]) -> frozenset[str]:
    """Return the tensors that are low-rank changes to others, whatever network they change."""
    return frozenset(name for name in tensors if _LORA.search(name))


def addon_kind(tensors: Mapping[str, TensorFacts]) -> ModelKind:
    """Return LoRA, ControlNet, VAE, embedding, or unknown for anything else."""
    if any(_LORA.search(name) for name in tensors):
        return ModelKind.LORA
    for kind, pattern in (
        (ModelKind.CONTROLNET, _CONTROLNET),
        (ModelKind.EMBEDDING, _EMBEDDING),
        (ModelKind.VAE, _VAE),
    ):
        if any(pattern.search(name) for name in tensors):
            return kind
    # diffusers writes an embedding as one tensor, named like the word that it teaches.
    if len(tensors) == 1 and token_width(next(iter(tensors.values()))) in _TOKEN_WIDTHS:
        return ModelKind.EMBEDDING
    return ModelKind.UNKNOWN


def token_width(facts: TensorFacts) -> int | None:
    """Return the width of a token's vector if the tensor is a few of them; None for others."""
    if not facts.shape or len(facts.shape) > 2 or facts.shape[0] == 0:
        return None
    if len(facts.shape) == 2 and facts.shape[0] > _LONGEST_EMBEDDING:
        return None
    return facts.shape[-1]
