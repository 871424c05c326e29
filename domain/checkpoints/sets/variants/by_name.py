"""How Z-Image, Qwen-Image, FLUX.2 klein, Lumina 2 and SANA are drawn.

Z-Image-Turbo has the tensors of Z-Image, and a distilled FLUX.2 klein those of its base. So no
header tells them apart. Their published files have names that do, as have models that hold the
weights of Qwen-Image-Lightning. If a name tells nothing, the
distilled model is assumed, of which most others are made, and every result says so.

Sources of the schedules: `scheduler/scheduler_config.json` of Tongyi-MAI/Z-Image-Turbo (shift 3)
and Tongyi-MAI/Z-Image (shift 6), of Qwen/Qwen-Image, of black-forest-labs/FLUX.2-klein-4B and of
Alpha-VLLM/Lumina-Image-2.0, whose shift ComfyUI has too (`supported_models.py`);
`scripts/convert_sana_to_diffusers.py` of diffusers. Sources of steps and guidance: the model cards
and the documentation of diffusers.
"""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from domain.checkpoints.sets.variants.by_header import Variant
from domain.models.kinds import ModelFamily

__all__ = [
    "LUMINA_2",
    "flux_2_variant",
    "named_variant",
    "qwen_image_variant",
    "sana_variant",
    "z_image_variant",
]

_TRAINED = MappingProxyType({"num_train_timesteps": 1000})


def _flow(**fields: object) -> Mapping[str, object]:
    return MappingProxyType({**_TRAINED, **fields})


_DYNAMIC = MappingProxyType(
    {
        "shift": 1.0,
        "use_dynamic_shifting": True,
        "base_image_seq_len": 256,
        "max_image_seq_len": 8192,
        "time_shift_type": "exponential",
    }
)
_QWEN_IMAGE = Variant(
    _flow(**_DYNAMIC, base_shift=0.5, max_shift=0.9, shift_terminal=0.02), steps=50, guidance=4.0
)
_LIGHTNING_SHIFT = math.log(3)

LUMINA_2 = Variant(_flow(shift=6.0), steps=50, guidance=4.0)
"""Lumina 2, and models made of it."""

_Z_IMAGE_TURBO = Variant(_flow(shift=3.0, use_dynamic_shifting=False), steps=9, guidance=1.0)
_Z_IMAGE = Variant(_flow(shift=6.0, use_dynamic_shifting=False), steps=50, guidance=5.0)
"""The card of Tongyi-MAI/Z-Image has a guidance of 4, counted from 0. The service counts from 1."""
_KLEIN_SCHEDULE = _flow(
    shift=3.0,
    use_dynamic_shifting=True,
    base_shift=0.5,
    max_shift=1.15,
    base_image_seq_len=256,
    max_image_seq_len=4096,
    time_shift_type="exponential",
)
_KLEIN = Variant(_KLEIN_SCHEDULE, steps=4, guidance=1.0)
_KLEIN_BASE = Variant(_KLEIN_SCHEDULE, steps=50, guidance=4.0)

_LIGHTNING = re.compile(r"lightning|lightx2v")
_FOUR_STEPS = re.compile(r"(?:^|[^\d])4[-_ ]?steps?")
_TURBO = re.compile(r"turbo|(?:^|[^a-z])zit(?:[^a-z]|$)")
_BASE = re.compile(r"(?:^|[^a-z])base(?:[^a-z]|$)")
_PUBLISHED_BASE = re.compile(r"z[-_]?image(?:[-_](?:bf16|fp16|fp8.*|q\d.*))?")
_PUBLISHED_KLEIN = re.compile(r"flux[-_.]?2[-_]klein[-_]\d+b(?:[-_](?:bf16|fp8.*|nvfp4.*|q\d.*))?")


def z_image_variant(file: str) -> Variant:
    """Return the variant of Z-Image of a transformer in a file of this name."""
    stem = _stem(file)
    if _TURBO.search(stem):
        return _Z_IMAGE_TURBO
    if _BASE.search(stem) or _PUBLISHED_BASE.fullmatch(stem):
        return _Z_IMAGE
    return Variant(
        _Z_IMAGE_TURBO.scheduler,
        _Z_IMAGE_TURBO.steps,
        _Z_IMAGE_TURBO.guidance,
        note="has the tensors of Z-Image and of Z-Image-Turbo, and neither its header nor its name "
        "says which; it is drawn as Z-Image-Turbo. A name with «base» makes it Z-Image, one with "
        "«turbo» ends this warning",
    )


def flux_2_variant(file: str) -> Variant:
    """Return the variant of FLUX.2 klein of a transformer in a file of this name."""
    stem = _stem(file)
    if _BASE.search(stem):
        return _KLEIN_BASE
    if _PUBLISHED_KLEIN.fullmatch(stem) or "distilled" in stem:
        return _KLEIN
    return Variant(
        _KLEIN.scheduler,
        _KLEIN.steps,
        _KLEIN.guidance,
        note="has the tensors of FLUX.2 klein and of its base, and neither its header nor its name "
        "says which; it is drawn as the distilled model, without guidance. A name with «base» "
        "makes it the base model, one with «distilled» ends this warning",
    )


def qwen_image_variant(file: str) -> Variant:
    """Return the variant of Qwen-Image of a transformer in a file of this name.

    Models that hold the weights of Qwen-Image-Lightning draw in 4 or 8 steps, with a shift of 3 and
    no guidance (ModelTC/Qwen-Image-Lightning, `generate_with_diffusers.py`).
    """
    stem = _stem(file)
    if not _LIGHTNING.search(stem):
        return _QWEN_IMAGE
    shift = {"base_shift": _LIGHTNING_SHIFT, "max_shift": _LIGHTNING_SHIFT}
    steps = 4 if _FOUR_STEPS.search(stem) else 8
    return Variant(_flow(**_DYNAMIC, **shift, shift_terminal=None), steps, guidance=1.0)


def named_variant(family: ModelFamily | None, file: str) -> Variant | None:
    """Return the variant of a file of this name; None for other families.

    All SANA have the same steps and guidance. Its schedule is that of pictures of 1024 pixels here.
    """
    variant_of = _NAMED.get(family) if family is not None else None
    return None if variant_of is None else variant_of(file)


def sana_variant(config: Mapping[str, object]) -> Variant:
    """Return the variant of SANA of a transformer with this configuration.

    Its scheduler is `DPMSolverMultistepScheduler`. The noise of the model for pictures of 4096
    pixels has another shift.
    """
    shift = 6.0 if config["sample_size"] == 128 else 3.0
    return Variant(
        _flow(
            algorithm_type="dpmsolver++",
            solver_order=2,
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=shift,
        ),
        steps=20,
        guidance=4.5,
    )


_NAMED: Mapping[ModelFamily, Callable[[str], Variant]] = MappingProxyType(
    {
        ModelFamily.FLUX_2: flux_2_variant,
        ModelFamily.LUMINA_2: lambda _file: LUMINA_2,
        ModelFamily.QWEN_IMAGE: qwen_image_variant,
        ModelFamily.SANA: lambda _file: sana_variant({"sample_size": 32}),
        ModelFamily.Z_IMAGE: z_image_variant,
    }
)


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0].lower() or file.lower()
