"""How the variants of FLUX.1, Chroma and Stable Diffusion 3 are drawn, as far as a header tells.

Sources of the schedules: `scheduler/scheduler_config.json` of black-forest-labs/FLUX.1-dev and
FLUX.1-schnell, and of stabilityai/stable-diffusion-3-medium-diffusers, whose shift 3.5 has too.
Chroma has that of lllyasviel/stable-diffusion-webui-forge (`backend/huggingface/Chroma`). Sources
of steps and guidance: the model cards, and for Chroma the documentation of diffusers.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "CHROMA",
    "DEV",
    "SCHNELL",
    "SD_3_5_LARGE",
    "SD_3_5_MEDIUM",
    "SD_3_MEDIUM",
    "SD_3_SCHEDULE",
    "Variant",
    "flux_variant",
    "sd3_variant",
]


@dataclass(frozen=True, slots=True)
class Variant:
    """How a model is drawn.

    Attributes:
        scheduler: The configuration of `FlowMatchEulerDiscreteScheduler`.
        steps: The steps that its authors draw with.
        guidance: The guidance scale that its authors draw with; 1 for none.
        note: What the header cannot tell, as `ModelRecord.note`; None if it tells all.
    """

    scheduler: Mapping[str, object]
    steps: int
    guidance: float
    note: str | None = None


def _flow(shift: float, *, is_dynamic: bool) -> Mapping[str, object]:
    return MappingProxyType(
        {
            "num_train_timesteps": 1000,
            "shift": shift,
            "use_dynamic_shifting": is_dynamic,
            "base_shift": 0.5,
            "max_shift": 1.15,
            "base_image_seq_len": 256,
            "max_image_seq_len": 4096,
        }
    )


_UNSHIFTED = _flow(1.0, is_dynamic=False)
SD_3_SCHEDULE: Mapping[str, object] = MappingProxyType({"num_train_timesteps": 1000, "shift": 3.0})
"""The schedule of Stable Diffusion 3 and 3.5, and of the turbo."""

CHROMA = Variant(_UNSHIFTED, steps=40, guidance=3.0)
"""Chroma. Its fine-tunes for few steps (Flash) have the same tensors."""
DEV, SCHNELL = "FLUX.1 dev", "FLUX.1 schnell"
SD_3_MEDIUM = "Stable Diffusion 3 medium"
SD_3_5_MEDIUM, SD_3_5_LARGE = "Stable Diffusion 3.5 medium", "Stable Diffusion 3.5 large"

_DEV = Variant(_flow(3.0, is_dynamic=True), steps=28, guidance=3.5)
_SCHNELL = Variant(_UNSHIFTED, steps=4, guidance=1.0)
_SD_3_MEDIUM = Variant(SD_3_SCHEDULE, steps=28, guidance=7.0)
_SD_3_5_MEDIUM = Variant(SD_3_SCHEDULE, steps=40, guidance=4.5)
_LARGE = Variant(SD_3_SCHEDULE, steps=28, guidance=3.5)
_TURBO = Variant(SD_3_SCHEDULE, steps=4, guidance=1.0)
_SCHNELL_NAME = re.compile(r"schnell")
_LARGE_NAME = re.compile(r"large")


def flux_variant(variant: str, file: str) -> Variant:
    """Return how a transformer of FLUX.1 is drawn.

    Args:
        variant: `DEV` or `SCHNELL`, as `Component.variant`.
        file: The name of its file.
    """
    if variant == DEV:
        return _DEV
    if _SCHNELL_NAME.search(file.lower()):
        return _SCHNELL
    return dataclasses.replace(
        _SCHNELL,
        note="has no input for the guidance, and no «schnell» in its name; it is drawn as FLUX.1 "
        "schnell. A model that needs a negative prompt (de-distilled) is drawn without it",
    )


def sd3_variant(variant: str, file: str) -> Variant:
    """Return how a transformer of Stable Diffusion 3 or 3.5 is drawn.

    Args:
        variant: `SD_3_MEDIUM`, `SD_3_5_MEDIUM` or `SD_3_5_LARGE`, as `Component.variant`.
        file: The name of its file. Only this tells the turbo of 3.5 large.
    """
    if variant != SD_3_5_LARGE:
        return _SD_3_MEDIUM if variant == SD_3_MEDIUM else _SD_3_5_MEDIUM
    if "turbo" in file.lower():
        return _TURBO
    if _LARGE_NAME.search(file.lower()):
        return _LARGE
    return dataclasses.replace(
        _LARGE,
        note="has the tensors of Stable Diffusion 3.5 large, which its turbo has too, and its name "
        "says neither; it is drawn as 3.5 large. A name with «turbo» or «large» ends this warning",
    )
