"""The transformer of Qwen-Image, whose authors publish the names of diffusers.

Its text encoder is Qwen2.5-VL, and its autoencoder has the form of Wan 2.1's (diffusers,
`QwenImageTransformer2DModel`; Qwen/Qwen-Image). ComfyUI's files have the same names.
"""

from domain.checkpoints.sets.networks.qwen_image import OTHER_QWEN_IMAGES
from domain.checkpoints.sets.placed import SQUARE, Layout, PlacedComponent, View, transformer
from domain.checkpoints.sets.words import QWEN_IMAGE, WITH_VISION
from domain.models.components import ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["qwen_image"]

_BLOCK, _MODULATION = (
    "transformer_blocks.0.attn.add_k_proj.weight",
    "transformer_blocks.0.img_mod.1.weight",
)


def qwen_image(view: View) -> PlacedComponent | None:
    """Recognise Qwen-Image. Qwen-Image-Edit has the same tensors, and only its name tells it."""
    if not view.has(_BLOCK, _MODULATION, "img_in.weight", "txt_in.weight", "proj_out.weight"):
        return None
    channels = view.rows("proj_out.weight") // SQUARE
    needs = (
        Need(
            "text_encoder",
            ComponentType.QWEN_2_5_VL,
            view.columns("txt_in.weight"),
            kind=WITH_VISION,
        ),
        Need("vae", ComponentType.VAE_QWEN_IMAGE, channels, kind=QWEN_IMAGE),
    )
    other = next((text for name, text in OTHER_QWEN_IMAGES.items() if view.has(name)), None)
    problem = None if other is None else f"it is {other}; choose Qwen-Image"
    if problem is None and view.columns("img_in.weight") != view.rows("proj_out.weight"):
        problem = "it draws from more than a prompt, as no known Qwen-Image does"
    return transformer(view, Layout.DIFFUSERS, ModelFamily.QWEN_IMAGE, channels, needs, problem)
