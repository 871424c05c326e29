"""How the variants of FLUX.1, Chroma and Stable Diffusion 3 are drawn, as far as a header tells.

Sources of the schedules: `scheduler/scheduler_config.json` of black-forest-labs/FLUX.1-dev and
FLUX.1-schnell, and of stabilityai/stable-diffusion-3-medium-diffusers, whose shift 3.5 has too.
Chroma has that of lllyasviel/stable-diffusion-webui-forge (`backend/huggingface/Chroma`). Sources
of steps and guidance: the model cards, and for Chroma the documentation of diffusers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CHROMA", "Variant", "flux_variant", "sd3_variant"]


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
_SD_3 = MappingProxyType({"num_train_timesteps": 1000, "shift": 3.0})

CHROMA = Variant(_UNSHIFTED, steps=40, guidance=3.0)
"""Chroma. Its fine-tunes for few steps (Flash) have the same tensors."""


def flux_variant(config: Mapping[str, object]) -> Variant:
    """Return the variant of FLUX.1 of a transformer with this configuration.

    FLUX.1 dev has an input for the guidance, and schnell none.
    """
    if config["guidance_embeds"]:
        return Variant(_flow(3.0, is_dynamic=True), steps=28, guidance=3.5)
    return Variant(
        _UNSHIFTED,
        steps=4,
        guidance=1.0,
        note="has no input for the guidance, so it is drawn as FLUX.1 schnell is; a model that "
        "needs a negative prompt (de-distilled) is drawn without it",
    )


def sd3_variant(config: Mapping[str, object]) -> Variant:
    """Return the variant of Stable Diffusion 3 of a transformer with this configuration.

    Stable Diffusion 3 has no norm of queries and keys, and 3.5 medium alone has blocks with two
    attentions. 3.5 large and its turbo have the same tensors.
    """
    if config["qk_norm"] is None:
        return Variant(_SD_3, steps=28, guidance=7.0)
    if config["dual_attention_layers"]:
        return Variant(_SD_3, steps=40, guidance=4.5)
    return Variant(
        _SD_3,
        steps=28,
        guidance=3.5,
        note="has the tensors of Stable Diffusion 3.5 large, which its turbo has too; if it is the "
        "turbo, draw with 4 steps and a guidance_scale of 1",
    )
