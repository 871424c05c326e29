"""Add-ons of a checkpoint (LoRAs, embeddings, ControlNets and VAEs), recognised by tensor names.

The names are those that the trainers write: kohya-ss/sd-scripts (`lora_unet_`, `lora_te_`),
KohakuBlueleaf/LyCORIS (`hada_`, `lokr_`, `oft_`, `dora_scale`), huggingface/peft (`lora_A`),
huggingface/diffusers (`lora.down`, `controlnet_cond_embedding`), lllyasviel/ControlNet
(`control_model.`, `zero_convs`), AUTOMATIC1111's embeddings (`string_to_param`, `emb_params`) and
those for two text encoders (`clip_l`, `clip_g`).
"""

import re
from collections.abc import Mapping

from adapters.filesystem.headers.values import Header, TensorFacts
from domain.models.record import ModelFamily, ModelKind

__all__ = ["addon_family", "addon_kind", "is_lora"]

_LORA = re.compile(
    r"^lora_(unet|te\d?|transformer|prior)_|[._](lora_[AB]|lora_(up|down|mid|linear_layer))\b"
    r"|[._]lora\d?\.(up|down)\.|\.(hada_w[12]_[ab]|lokr_w[12](_[ab])?|oft_blocks|oft_diag|dora_scale)$"
)
_CONTROLNET = re.compile(
    r"^(control_model|controlnet_cond_embedding|controlnet_(down|mid)_block\w*|controlnet_blocks"
    r"|input_hint_block|lllite_\w+)\."
)
_VAE = re.compile(
    r"^(first_stage_model\.|vae\.)?(encoder|decoder)\.(conv_in|down|up|mid|down_blocks|up_blocks)\."
)
_EMBEDDING = re.compile(r"^(string_to_param\..+|emb_params|clip_[lg])$")
_CROSS_ATTENTION = re.compile(r"attn2[._](processor\.)?to_[kv](?![a-z])")
_INPUT_SIDE = re.compile(r"[._](lora_A|lora_down|lora\.down|hada_w1_b|lokr_w2_b)\b|_lora\.down\b")
# Width of a token's vector, by the text encoder that reads it: CLIP-L, OpenCLIP-H, OpenCLIP-G.
_EMBEDDING_FAMILIES = {768: ModelFamily.SD_1, 1024: ModelFamily.SD_2, 1280: ModelFamily.SDXL}
# Width of the vectors that describe a token to the UNet.
_CONTEXT_FAMILIES = {768: ModelFamily.SD_1, 1024: ModelFamily.SD_2, 2048: ModelFamily.SDXL}
_BASE_MODELS = (
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
_LONGEST_EMBEDDING = 256


def is_lora(tensors: Mapping[str, TensorFacts]) -> bool:
    """Return True if any tensor is a low-rank change to another, whatever network it changes."""
    return any(_LORA.search(name) for name in tensors)


def addon_kind(tensors: Mapping[str, TensorFacts]) -> ModelKind:
    """Return LoRA, ControlNet, VAE, embedding, or unknown for anything else."""
    if is_lora(tensors):
        return ModelKind.LORA
    for kind, pattern in (
        (ModelKind.CONTROLNET, _CONTROLNET),
        (ModelKind.EMBEDDING, _EMBEDDING),
        (ModelKind.VAE, _VAE),
    ):
        if any(pattern.search(name) for name in tensors):
            return kind
    # diffusers writes an embedding as one tensor, named like the word that it teaches.
    if len(tensors) == 1 and _token_width(next(iter(tensors.values()))) in _EMBEDDING_FAMILIES:
        return ModelKind.EMBEDDING
    return ModelKind.UNKNOWN


def addon_family(kind: ModelKind, header: Header) -> ModelFamily | None:
    """Return the family of checkpoints that the add-on was made for; None if unknown."""
    if kind is ModelKind.EMBEDDING:
        return _embedding_family(header.tensors)
    if kind not in (ModelKind.LORA, ModelKind.CONTROLNET):
        return None  # the VAEs of SD 1.x, 2.x and SDXL have the same tensors
    return (
        _family_by_name(header.tensors)
        or _family_by_context(header.tensors)
        or _family_by_metadata(header.metadata)
    )


def _embedding_family(tensors: Mapping[str, TensorFacts]) -> ModelFamily | None:
    if "clip_g" in tensors:
        return ModelFamily.SDXL
    widths = {_token_width(facts) for facts in tensors.values()} - {None}
    return _EMBEDDING_FAMILIES.get(widths.pop() or 0) if len(widths) == 1 else None


def _token_width(facts: TensorFacts) -> int | None:
    """Return the width of a token's vector if the tensor is a few of them; None for others."""
    if not facts.shape or len(facts.shape) > 2 or facts.shape[0] == 0:
        return None
    if len(facts.shape) == 2 and facts.shape[0] > _LONGEST_EMBEDDING:
        return None
    return facts.shape[-1]


def _family_by_name(tensors: Mapping[str, TensorFacts]) -> ModelFamily | None:
    if any("double_blocks" in name or "single_transformer_blocks" in name for name in tensors):
        return ModelFamily.FLUX
    if any("joint_blocks" in name or "add_k_proj" in name for name in tensors):
        return ModelFamily.SD_3
    if any(name.startswith(("lora_te2_", "text_encoder_2.", "add_embedding.")) for name in tensors):
        return ModelFamily.SDXL
    return None


def _family_by_context(tensors: Mapping[str, TensorFacts]) -> ModelFamily | None:
    for name, facts in tensors.items():
        if not _CROSS_ATTENTION.search(name) or len(facts.shape) < 2:
            continue
        whole = name.endswith((".to_k.weight", ".to_v.weight"))
        if whole or _INPUT_SIDE.search(name):
            return _CONTEXT_FAMILIES.get(facts.shape[1])
    return None


def _family_by_metadata(metadata: Mapping[str, str]) -> ModelFamily | None:
    for key in ("ss_base_model_version", "modelspec.architecture"):
        for start, family in _BASE_MODELS:
            if metadata.get(key, "").lower().startswith(start):
                return family
    return None
