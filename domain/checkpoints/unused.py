"""Tensors of a checkpoint's networks that loading leaves out without a change of any picture.

If loading would leave out any other tensor, the file is refused: a network without some of its
tensors draws other pictures than its author's.
"""

import re

__all__ = ["PARTS", "is_harmless", "is_harmless_in_a_folder", "part_of", "unexpected_reason"]

PARTS = {
    "model.diffusion_model.": "UNet",
    "first_stage_model.": "VAE",
    "cond_stage_model.": "text encoder",
    "conditioner.embedders.": "text encoder",
}
"""The part that a tensor belongs to, by the start of its name in the original code's layout."""

_SHOWN = 3

_HARMLESS = re.compile(
    "|".join(
        (
            # transformers' CLIP kept the numbers 0 to 76 as a buffer until 4.31
            # (`modeling_clip.py`), and merge tools write them in any type.
            r"\.embeddings\.position_ids$",
            # CLIP's temperature and projection, which compare texts with pictures. Stable Diffusion
            # 1 and 2, and XL's first encoder, use neither. ComfyUI saved them for a while
            # (`comfy/supported_models.py`, `process_clip_state_dict_for_saving`), and Stability
            # AI's files hold open_clip's.
            r"^(cond_stage_model|conditioner\.embedders\.\d)(\.model)?\.logit_scale$",
            r"^cond_stage_model(\.model)?\.text_projection(\.weight)?$",
            r"^conditioner\.embedders\.0\.text_projection(\.weight)?$",
            r"^(cond_stage_model|conditioner\.embedders\.0)\.transformer\.text_projection\.weight$",
            # open_clip's causal mask (`transformer.py`) is the same for each text.
            r"^(cond_stage_model|conditioner\.embedders\.1)\.model\.attn_mask$",
            # The last layer of Stable Diffusion 2's text encoder, which is read up to the one
            # before (diffusers, `SD_2_TEXT_ENCODER_KEYS_TO_IGNORE`).
            r"^cond_stage_model\.model\.transformer\.resblocks\.23\.",
            # The half of CLIP that looks at pictures.
            r"^(cond_stage_model|conditioner\.embedders\.\d)\.(model\.visual|transformer\.vision_model)\.",
            # The VAE's critic and averages, which only its training uses (CompVis/latent-diffusion,
            # `autoencoder.py` and `ema.py`).
            r"^first_stage_model\.(loss|model_ema|discriminator)\.",
        )
    )
)


_HARMLESS_IN_A_TEXT_ENCODER = re.compile(
    "|".join(
        (
            # Numbers that transformers counts itself: the places of tokens, and the frequencies of
            # rotary embeddings (`modeling_rope_utils.py`).
            r"(^|\.)position_ids$",
            r"(^|\.)rotary_emb\.inv_freq$",
            # CLIP's temperature, its projection and its half that looks at pictures. A network with
            # a projection reads it, so that it is not left over.
            r"^logit_scale$",
            r"^(text|visual)_projection\.weight$",
            r"^vision_model\.",
            # The half of T5 that writes texts, and the last layers of language models and of BERT,
            # which name tokens. Pictures are drawn after the layers before them.
            r"^decoder\.",
            r"^lm_head\.",
            r"^(cls|pooler|bert\.pooler)\.",
        )
    )
)
_HARMLESS_IN_A_VAE = re.compile(r"^(loss|model_ema|discriminator)\.")  # as above


def is_harmless_in_a_folder(part: str, name: str) -> bool:
    """Return whether a part of a diffusers folder draws the same without this tensor of its file.

    Args:
        part: The name of the part's folder, such as `text_encoder_2`.
        name: The tensor's name in the layout of diffusers and transformers.
    """
    if part.startswith("text_encoder"):
        return _HARMLESS_IN_A_TEXT_ENCODER.search(name) is not None
    return part == "vae" and _HARMLESS_IN_A_VAE.search(name) is not None


def part_of(name: str) -> str | None:
    """Return the part that a tensor belongs to; None for a tensor outside all networks.

    Such tensors are, for example, `model_ema.…` (the averages, for which `averages` has the rule),
    the sampler's tables (`alphas_cumprod`, `denoiser.sigmas`) and the states of optimizers.
    """
    return next((part for start, part in PARTS.items() if name.startswith(start)), None)


def is_harmless(name: str) -> bool:
    """Return whether a network draws the same without this tensor."""
    return _HARMLESS.search(name) is not None


def unexpected_reason(part: str, names: list[str]) -> str:
    """Return why a file is refused whose `part` holds tensors that no network reads."""
    first = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"its {part} holds tensors that no {part} of its kind has ({first}{more}); drawn without "
        "them its pictures would be wrong"
    )
