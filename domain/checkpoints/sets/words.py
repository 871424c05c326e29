"""Names of components for people."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.models.components import Component, ComponentType, Need

__all__ = [
    "BASE",
    "FLUX_1",
    "INSTRUCTED",
    "PROJECTED",
    "QWEN_IMAGE",
    "SD_3",
    "UNPROJECTED",
    "WAN",
    "WITH_VISION",
    "component_words",
    "need_words",
]

FLUX_1, SD_3 = "FLUX.1", "Stable Diffusion 3"
"""The autoencoders of 16 channels, which have the same tensors."""
PROJECTED, UNPROJECTED = "with its projection", "without its projection"
"""CLIP text encoders: Stable Diffusion 3 draws with the projected summary of the prompt."""
QWEN_IMAGE, WAN = "Qwen-Image", "Wan 2.1"
"""The autoencoders with 3-D convolutions, which have the same tensors."""
INSTRUCTED, BASE = "that follows instructions (it)", "that was not trained to follow instructions"
"""Gemma 2: SANA has the first, and Lumina 2 the second, with the same tensors."""
WITH_VISION = "with its vision part"
"""Qwen2.5-VL: without this part, its tensors are those of Qwen2.5."""

_NAMES: Mapping[tuple[ComponentType, int], str] = MappingProxyType(
    {
        (ComponentType.CLIP, 768): "CLIP-L",
        (ComponentType.CLIP, 1024): "CLIP-H",
        (ComponentType.CLIP, 1280): "CLIP-G",
        (ComponentType.T5, 4096): "T5-XXL",
        (ComponentType.QWEN_3, 1024): "Qwen3-0.6B",
        (ComponentType.QWEN_3, 2560): "Qwen3-4B",
        (ComponentType.QWEN_3, 4096): "Qwen3-8B",
        (ComponentType.QWEN_2_5_VL, 3584): "Qwen2.5-VL-7B",
        (ComponentType.GEMMA_2, 2304): "Gemma-2-2B",
    }
)
"""The published text encoders by type and width."""
_TYPES: Mapping[ComponentType, str] = MappingProxyType(
    {
        ComponentType.TRANSFORMER: "transformer",
        ComponentType.CLIP: "CLIP",
        ComponentType.T5: "T5",
        ComponentType.QWEN_3: "Qwen3",
        ComponentType.QWEN_2_5_VL: "Qwen2.5-VL",
        ComponentType.GEMMA_2: "Gemma-2",
    }
)
_VAES: Mapping[ComponentType, str] = MappingProxyType(
    {
        ComponentType.VAE_KL: "",
        ComponentType.VAE_KL_FLUX_2: "FLUX.2 ",
        ComponentType.VAE_QWEN_IMAGE: "3-D ",
        ComponentType.VAE_DC: "deep compression (DC-AE) ",
    }
)


def need_words(need: Need) -> str:
    """Return what a diffusion model needs, such as `a Qwen3-4B text encoder`."""
    return _words(need.type, need.width, need.kind)


def component_words(component: Component) -> str:
    """Return what a component is, such as `a CLIP-L text encoder`."""
    return _words(component.type, component.width, component.kind)


def _words(kind: ComponentType, width: int | None, which: str) -> str:
    if kind in _VAES:
        channels = "" if width is None else f" of {width} channels"
        whose = f", that of {which}" if which else ""
        return f"a {_VAES[kind]}VAE{channels}{whose}"
    named = _NAMES.get((kind, width or 0))
    text = f"a {named or _TYPES[kind]} text encoder"
    if named is None and width is not None:
        text += f" of width {width}"
    return f"{text} {which}" if which else text
