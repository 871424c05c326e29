"""Tensors of a checkpoint that loading would skip."""

import re
from collections.abc import Iterable, Mapping

from adapters.filesystem.classification.optional import NEEDS_GGUF, gguf_is_installed
from adapters.filesystem.headers.values import Header, TensorFacts, shown
from domain.checkpoints.layouts import Shape
from domain.checkpoints.quantised import QUANTISED_BY_TYPE, quantisation_of
from domain.checkpoints.unused import is_harmless, part_of, unexpected_reason

__all__ = [
    "quantised",
    "quantised_part",
    "unexpected",
    "unexpected_of_any_size",
    "unreadable_codes",
]

_LAYER = r"(weight|bias)"
_TRANSFORMER = (
    r"(attn[12]\.(to_[qkv]\.weight|to_[qkv]\.bias|to_out\.0\.{layer})|ff\.net\.(0\.proj|2)\.{layer}"
    r"|norm[123]\.{layer})"
).replace("{layer}", _LAYER)
_BLOCK = (
    rf"(in_layers\.[02]|emb_layers\.1|out_layers\.[03]|skip_connection|norm|proj_in|proj_out|op|conv"
    rf")\.{_LAYER}|transformer_blocks\.\d+\.{_TRANSFORMER}|{_LAYER}"
)
# The names that the original code gives to networks of any size, by part.
_NAMES = {
    "UNet": re.compile(
        rf"model\.diffusion_model\.((time_embed|label_emb\.0)\.[02]\.{_LAYER}|out\.[02]\.{_LAYER}"
        rf"|(input_blocks\.\d+|output_blocks\.\d+|middle_block)\.\d+\.({_BLOCK}))"
    ),
    "VAE": re.compile(
        rf"first_stage_model\.((quant_conv|post_quant_conv)\.{_LAYER}|(encoder|decoder)\."
        rf"((conv_in|norm_out|conv_out)\.{_LAYER}"
        rf"|(mid\.block_\d|(up|down)\.\d+\.block\.\d+)\.(norm[12]|conv[12]|nin_shortcut)\.{_LAYER}"
        rf"|(mid\.attn_\d|(up|down)\.\d+\.attn\.\d+)\.(norm|q|k|v|proj_out)\.{_LAYER}"
        rf"|(up|down)\.\d+\.(up|down)sample\.conv\.{_LAYER}))"
    ),
    "text encoder": re.compile(
        rf"cond_stage_model\.(transformer\.(text_model\.)?("
        rf"embeddings\.(token|position)_embedding\.weight|final_layer_norm\.{_LAYER}"
        rf"|encoder\.layers\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|out_proj)|mlp\.fc[12]"
        rf"|layer_norm[12])\.{_LAYER})"
        rf"|model\.(token_embedding\.weight|positional_embedding|ln_final\.{_LAYER}"
        rf"|transformer\.resblocks\.\d+\.((ln_[12]|attn\.out_proj|mlp\.c_fc|mlp\.c_proj)\.{_LAYER}"
        rf"|attn\.in_proj_{_LAYER})))"
    ),
}


def unreadable_codes(header: Header) -> str | None:
    """Return why the codes of a file cannot be read, or None; None too for codes of other tools."""
    known = header.quantisation
    if known is None:
        return None
    if known.fault is None and known.needs_gguf and not gguf_is_installed():
        return NEEDS_GGUF
    return known.fault


def quantised(header: Header) -> str | None:
    """Return why a file is refused if its weights are codes that cannot be read, or None."""
    if (reason := unreadable_codes(header)) is not None:
        return reason
    is_known = header.quantisation is not None
    found = None if is_known else quantisation_of(header.tensors, header.metadata)
    found = found or _by_type(header.tensors)
    if found is None:
        return None
    form, name = found
    return (
        f"its weights are quantised: they are {form}, as its '{shown(name)}' shows; get the model "
        "in 16 or 32 bits"
    )


def quantised_part(header: Header) -> str | None:
    """Return why a file is refused as a part of a folder if its weights are codes, or None."""
    known = header.quantisation
    if known is None or known.fault is not None or not (known.layers or known.needs_gguf):
        return quantised(header)
    return f"its weights are codes ({known.label}), which the service reads from single files alone"


def _by_type(tensors: Mapping[str, TensorFacts]) -> tuple[str, str] | None:
    for name, facts in tensors.items():
        is_code = facts.dtype in QUANTISED_BY_TYPE and name.endswith(".weight")
        if is_code and part_of(name) is not None:
            return f"codes of the type {facts.dtype}", name
    return None


def unexpected(tensors: Iterable[str], needed: Mapping[str, Mapping[str, Shape]]) -> str | None:
    """Return why a known family's checkpoint is refused: it has tensors that the family lacks."""
    known = {name for names in needed.values() for name in names}
    return _reason(name for name in tensors if name not in known)


def unexpected_of_any_size(tensors: Iterable[str]) -> str | None:
    """Return the same for a checkpoint with its own configuration, by the patterns of names.

    Loading shows whether its configuration uses these tensors.
    """
    return _reason(
        name
        for name in tensors
        if (part := part_of(name)) is not None and not _NAMES[part].fullmatch(name)
    )


def _reason(names: Iterable[str]) -> str | None:
    by_part: dict[str, list[str]] = {}
    for name in names:
        part = part_of(name)
        if part is not None and not is_harmless(name):
            by_part.setdefault(part, []).append(shown(name))
    return next((unexpected_reason(part, found) for part, found in by_part.items()), None)
