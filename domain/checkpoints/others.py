"""Model files that nothing here draws with, recognised so that the list says what they are.

The names are those of the authors' code, as ComfyUI reads them (`model_detection.py`, `sd.py`,
`clip_vision.py`, `ldm/modules/encoders`) and diffusers converts them (`single_file_utils.py`).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from domain.models.kinds import ModelKind

__all__ = ["other_file"]

_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "net.", "model.")
_VIDEO = "which draws videos, and the service draws pictures"
_NONE = "which nothing here draws with"
_FOLDER = "which can be drawn as a diffusers folder alone; put its folder here"

_NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "head.modulation": f"Wan, {_VIDEO}",
        "txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias": "HunyuanVideo, "
        + _VIDEO,
        "patchify_proj.weight": f"LTX-Video, {_VIDEO}",
        "t5_yproj.weight": f"Mochi, {_VIDEO}",
        "patch_embed.text_proj.weight": f"CogVideoX or CogView, {_NONE}",
        "double_stream_blocks.0.block.adaLN_modulation.1.bias": f"HiDream, {_NONE}",
        "double_layers.0.attn.w1q.weight": f"AuraFlow, {_FOLDER}",
        "mlp_t5.0.weight": f"HunyuanDiT, {_FOLDER}",
        "clip_txt_mapper.weight": f"Stable Cascade, {_NONE}",
        "clip_mapper.weight": f"Stable Cascade, {_NONE}",
        "x_embedder.proj.1.weight": f"Cosmos, {_NONE}",
        "early_stream_modulations.image.lin.weight": f"FLUX.3, {_NONE}",
        "txt_in.text_norm.weight": f"Qwen-Image 2.1, {_NONE}",
        "txtfusion.projector.weight": f"Krea 2, {_NONE}",
        "adaln_single.emb.timestep_embedder.linear_1.bias": f"PixArt, {_FOLDER}",
        "blocks.0.cross_attn.kv_linear.weight": f"PixArt, {_FOLDER}",
    }
)
"""A tensor of each network that draws, and what it is."""
_FILES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("ip_adapter.", "image_proj.", "id_encoder.", "pulid_"), "it is an IP-Adapter or the like"),
    (("redux_up.", "redux_down.", "style_embedding"), "it is a style model (FLUX.1 Redux)"),
    (
        (
            "vision_model.",
            "visual.transformer.",
            "embeddings.patch_embeddings.",
            "embeddings.cls_token",
        ),
        "it is a vision encoder (CLIP vision, SigLIP, DINO), which reads pictures for adapters",
    ),
    (("position_net.",), "it is a GLIGEN model, which places objects"),
    (("control_layers.", "control_all_x_embedder."), "it is a ControlNet of Z-Image"),
    (("320.0.", "640.0.", "768.0.", "1024.0.", "1280.0."), "it is a hypernetwork"),
    (
        ("decoder.1.", "decoder.layers.", "taesd_decoder.", "taesd_encoder."),
        "it is a tiny autoencoder (TAESD), which draws previews",
    ),
    (("audio_vae.", "vocoder."), "it is a part of a model that makes sound"),
)
_MOTION = ".motion_modules."
_UNUSED = "; the service has no use for it"


def other_file(names: Iterable[str]) -> tuple[ModelKind, str] | None:
    """Return what a file is that nothing here draws with, and its reason; None for any other file.

    Args:
        names: The names of its tensors.
    """
    names = frozenset(names)
    for prefix in ("", *_PREFIXES):
        for marker, title in _NETWORKS.items():
            if prefix + marker in names:
                return ModelKind.DIFFUSION_MODEL, f"it is {title}"
    for starts, title in _FILES:
        if any(name.startswith(starts) for name in names):
            return ModelKind.UNKNOWN, title + _UNUSED
    if any(_MOTION in name for name in names):
        title = "it is a motion module (AnimateDiff), which makes videos"
        return ModelKind.UNKNOWN, title + _UNUSED
    return None
