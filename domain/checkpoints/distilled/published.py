"""Published files of distilled models, by the SHA-256 of the file.

The page of each file at Hugging Face shows the SHA-256 (its Git LFS pointer). The same digests
stand in public lists of downloads for ComfyUI and stable-diffusion.cpp.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.models.distilled import Distilled, Evidence, Method

__all__ = ["PUBLISHED_DISTILLED"]

PUBLISHED_DISTILLED: Mapping[str, Distilled] = MappingProxyType(
    {
        # stabilityai/sdxl-turbo, sd_xl_turbo_1.0_fp16.safetensors (6,938,081,905 bytes)
        "e869ac7d6942cb327d68d5ed83a40447aadf20e0c3358d98b2cc9e270db0da26": Distilled(
            Method.TURBO, Evidence.BYTES, native_side=512
        ),
        # stabilityai/sd-turbo, sd_turbo.safetensors (5,214,561,328 bytes)
        "3f067a1b943cf162f2b8f8588f6cf5824bd5b4c7d1d88d87164b9ca123616549": Distilled(
            Method.TURBO, Evidence.BYTES, native_side=512
        ),
        # ByteDance/SDXL-Lightning, sdxl_lightning_2step.safetensors, -4step- and -8step-
        # (6,938,040,682 bytes each)
        "87e61f60b85d9f1c577bd9053872c7678b7d39f6f52d470081ff6ea3b49ddf98": Distilled(
            Method.LIGHTNING, Evidence.BYTES, own_steps=2
        ),
        "e0d996ee0013e79d9d3561f50fcafb9a17e3ff07b780358e3b66d67932c4d490": Distilled(
            Method.LIGHTNING, Evidence.BYTES, own_steps=4
        ),
        "43f0501ac4ffcef84f3fc32a47779f24c181647fa97ef7f5ec4428107d732ae9": Distilled(
            Method.LIGHTNING, Evidence.BYTES, own_steps=8
        ),
    }
)
"""What the bytes of a file prove."""
