"""The families of published VAE files, by the SHA-256 of the file.

The VAEs of Stable Diffusion 1, 2 and XL have the same tensors, and their files have no metadata. So
only the bytes tell them apart. Other tools list the same hashes: InvokeAI and the registries of
Hugging Face and Civitai.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.models.kinds import ModelFamily

__all__ = ["PUBLISHED_VAES"]

_SD_1 = (
    # stabilityai/sd-vae-ft-mse-original, .ckpt and .safetensors; stabilityai/sd-vae-ft-mse
    "c6a580b13a5bc05a5e16e4dbb80608ff2ec251a162311590c1f34c013d7f3dab",
    "735e4c3a447a3255760d7f86845f09f937809baa529c17370d83e4c3758f3c75",
    "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815",
    # stabilityai/sd-vae-ft-ema-original, .ckpt and .safetensors
    "0b204ad0cae549e0a7e298d803d57e36363760dec71c63109c1da3e1147ec520",
    "95f26a5ab04779d5467d1fcecaf93160ffa523afe399b835b3e1bb77ff2d937a",
)
_SDXL = (
    # stabilityai/sdxl-vae
    "63aeecb90ff7bc1c115395962d3e803571385b61938377bc7089b36e81e92e2e",
    # madebyollin/sdxl-vae-fp16-fix
    "235745af8d86bf4a4c1b5b4f529868b37019a10f7c0b2e79ad0abca3a22bc6e1",
)
PUBLISHED_VAES: Mapping[str, ModelFamily] = MappingProxyType(
    {**dict.fromkeys(_SD_1, ModelFamily.SD_1), **dict.fromkeys(_SDXL, ModelFamily.SDXL)}
)
"""The base of each file. Stable Diffusion 2 has the latents of Stable Diffusion 1."""
