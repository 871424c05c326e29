"""What the id or the name of a file tells, where its tensors tell nothing.

The autoencoders of FLUX.1 and of Stable Diffusion 3 have the same tensors, as do those of
Qwen-Image and Wan 2.1, and Gemma 2 before and after it was trained to follow instructions. The ids
of published files are the SHA-256 that their repositories at Hugging Face show. A name is less
certain, and is what people go by.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from domain.checkpoints.sets.variants.choosing import variant_of
from domain.checkpoints.sets.words import BASE, FLUX_1, INSTRUCTED, QWEN_IMAGE, SD_3, WAN
from domain.models.components import Component, ComponentType
from domain.models.kinds import ModelFamily

__all__ = ["kind_of", "variant_note"]

_PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        # black-forest-labs/FLUX.1-schnell and -dev, `ae.safetensors`; Comfy-Org/z_image_turbo and
        # Comfy-Org/Lumina_Image_2.0_Repackaged have the same file.
        "afc8e28272cd15db3919bacdb6918ce9c1ed22e96cb12c4d5ed0fba823529e38": FLUX_1,
        # black-forest-labs/FLUX.1-schnell and Tongyi-MAI/Z-Image-Turbo,
        # `vae/diffusion_pytorch_model.safetensors`
        "f5b59a26851551b67ae1fe58d32e76486e1e812def4696a4bea97f16604d40a3": FLUX_1,
        # stabilityai/stable-diffusion-3-medium-diffusers, `vae/diffusion_pytorch_model.safetensors`
        "f9b67a279283625caee39d61eacb5324243848477b4eb535355eaaa8423d4e09": SD_3,
        # Comfy-Org/Qwen-Image_ComfyUI, `qwen_image_vae.safetensors`
        "a70580f0213e67967ee9c95f05bb400e8fb08307e017a924bf3441223e023d1f": QWEN_IMAGE,
        # Qwen/Qwen-Image, `vae/diffusion_pytorch_model.safetensors`
        "0c8bc8b758c649abef9ea407b95408389a3b2f610d0d10fcb054fe171d0a8344": QWEN_IMAGE,
        # Comfy-Org/Wan_2.1_ComfyUI_repackaged, `wan_2.1_vae.safetensors`
        "2fc39d31359a4b0a64f55876d8ff7fa8d780956ae2cb13463b0223e15148976b": WAN,
    }
)
_NAMED: Mapping[tuple[ComponentType, int | None], tuple[tuple[str, re.Pattern[str]], ...]] = (
    MappingProxyType(
        {
            (ComponentType.VAE_KL, 16): (
                (SD_3, re.compile(r"sd[-_. ]?3|stable[-_. ]?diffusion[-_. ]?v?3")),
                (FLUX_1, re.compile(r"flux|^ae$|z[-_. ]?image|lumina|chroma")),
            ),
            (ComponentType.VAE_QWEN_IMAGE, 16): (
                (WAN, re.compile(r"\bwan|[-_]wan")),
                (QWEN_IMAGE, re.compile(r"qwen")),
            ),
            (ComponentType.GEMMA_2, None): (
                (INSTRUCTED, re.compile(r"(^|[-_. ])(it|instruct)($|[-_. ])|sana")),
                (BASE, re.compile(r"lumina|(^|[-_. ])base($|[-_. ])")),
            ),
        }
    )
)
"""The words of a name that tell each kind, in lower case. The first that is found decides."""
_VARIANTS: Mapping[ModelFamily, tuple[re.Pattern[str], str]] = MappingProxyType(
    {
        ModelFamily.FLUX: (
            re.compile(r"kontext"),
            "has the name of FLUX.1 Kontext, which changes pictures as the prompt says; here it "
            "draws as FLUX.1 dev does, and does not see the picture otherwise",
        ),
        ModelFamily.QWEN_IMAGE: (
            re.compile(r"edit"),
            "has the name of Qwen-Image-Edit, which changes pictures as the prompt says; here it "
            "draws as Qwen-Image does, and does not see the picture otherwise",
        ),
    }
)


def kind_of(component: Component, model_id: str, paths: Iterable[str]) -> str:
    """Return which of several of its type a component is, as `Need.kind`; empty if nothing tells.

    Its header decides, then its id, then the name of the file, then that of its folder.

    Args:
        component: What the file holds.
        model_id: The SHA-256 of the file.
        paths: The paths of the file.
    """
    if component.kind:
        return component.kind
    if (published := _PUBLISHED.get(model_id)) is not None:
        return published
    named = _NAMED.get((component.type, component.width)) or _NAMED.get((component.type, None), ())
    files = [PurePosixPath(path) for path in paths]
    for name in (*(each.stem for each in files), *(each.parent.name for each in files)):
        for kind, words in named:
            if words.search(name.lower()):
                return kind
    return ""


def variant_note(family: ModelFamily | None, variant: str, name: str) -> str | None:
    """Return what to say of a variant that its header alone does not tell; None for nothing.

    Args:
        family: The family of the network that draws.
        variant: What its header shows, as `Component.variant`.
        name: The name of its file.
    """
    row = _VARIANTS.get(family) if family is not None else None
    if row is not None and row[0].search(name.lower()):
        return row[1]
    found = variant_of(family, variant, name)
    return None if found is None else found.note
