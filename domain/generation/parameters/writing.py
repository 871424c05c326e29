"""Writes the parameters of a picture, as AUTOMATIC1111 writes them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.generation.parameters.beside import (
    beside_settings,
    name_of,
    number_text,
    prompt_with_loras,
)
from domain.generation.parameters.reading import NEGATIVE, parse_parameters
from domain.generation.parts import (
    InpaintArea,
    MaskContent,
    ResizeMode,
    SecondPass,
    SourceImage,
    Upscale,
)
from domain.generation.request import GenerationRequest
from domain.models.record import SHORT_ID, ModelRecord

__all__ = ["PictureParameters", "enlarged_text", "parameters_text"]

# The words of that web UI (`modules/ui.py`). It writes nothing for its own defaults.
_RESIZE_MODES = {ResizeMode.STRETCH: "Just resize", ResizeMode.PAD: "Resize and fill"}
_MASKED_CONTENTS: Mapping[MaskContent | None, str] = {
    MaskContent.FILL: "fill",
    MaskContent.NOISE: "latent noise",
    MaskContent.EMPTY: "latent nothing",
}
_NO_MODELS: Mapping[str, ModelRecord] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PictureParameters:
    """The texts of a picture: its `parameters`, which may be empty, and its other `items`."""

    text: str = ""
    items: Mapping[str, str] = field(default_factory=dict)


def parameters_text(
    request: GenerationRequest,
    *,
    seed: int | None,
    sampler: str,
    models: Mapping[str, ModelRecord] = _NO_MODELS,
) -> str:
    """Return the parameters of the picture of `request` with `seed`.

    Args:
        request: What was drawn.
        seed: The seed of the picture.
        sampler: The scheduler's name for people.
        models: The records of the models that the request names, by their ids.
    """
    lines = [prompt_with_loras(request, models)]
    if request.negative_prompt:
        lines.append(f"{NEGATIVE} {request.negative_prompt}")
    source, second = request.source, request.second_pass
    settings: dict[str, object] = {
        "Steps": request.num_inference_steps,
        "Sampler": sampler,
        "CFG scale": f"{request.guidance_scale:g}",
        "Image CFG scale": None if source is None else source.image_guidance_scale,
        "Seed": seed,
        "Size": f"{request.width}x{request.height}",
        "Model hash": request.model_id[:SHORT_ID],
        **_source_settings(source),
        **_second_settings(second, models),
    }
    if source is not None and second is not None:
        # That web UI has no second pass after a picture, and so no word for its strength.
        settings["Denoising strength"] = source.strength
        settings["Hires denoising strength"] = second.strength
    settings |= beside_settings(request, models)
    settings |= _upscale_settings(request.upscale, models)
    lines.append(
        ", ".join(
            f"{name}: {_quoted(value)}" for name, value in settings.items() if value is not None
        )
    )
    return "\n".join(lines)


def enlarged_text(source: str, *, upscaler: str, scale: float, width: int, height: int) -> str:
    """Return the parameters of a picture that was enlarged.

    They are those of the picture before, with AUTOMATIC1111's names of what was done to it
    (`scripts/postprocessing_upscale.py`).

    Args:
        source: The parameters of the picture before; empty if it has none.
        upscaler: The name of the upscaler, for people.
        scale: The factor of the width.
        width: Pixels of the enlarged picture.
        height: Pixels of the enlarged picture.
    """
    done = f"Postprocess upscale by: {scale:g}, Postprocess upscaler: {_quoted(upscaler)}"
    text = source.rstrip()
    if parse_parameters(text).keys() - {"Prompt", "Negative prompt"}:
        return f"{text}, {done}"
    # A line of settings has at least three of them.
    settings = f"{done}, Size: {width}x{height}"
    return f"{text}\n{settings}" if text else settings


def _source_settings(source: SourceImage | None) -> dict[str, object]:
    """Return the settings of a picture that the drawing started from, in that web UI's words."""
    if source is None:
        return {}
    found: dict[str, object] = {"Denoising strength": source.strength}
    if source.resize_mode is not ResizeMode.CROP:
        found["Resize mode"] = _RESIZE_MODES[source.resize_mode]
    if source.noise_multiplier != 1:
        found["Noise multiplier"] = source.noise_multiplier
    if source.mask_image is not None:
        found["Mask blur"] = source.mask_blur or None
        if source.mask_content in _MASKED_CONTENTS:
            found["Masked content"] = _MASKED_CONTENTS[source.mask_content]
        if source.inpaint_area is not InpaintArea.WHOLE:
            found["Inpaint area"] = "Only masked"
            found["Masked area padding"] = source.inpaint_padding
        found["Mask hash"] = source.mask_image.id[:SHORT_ID]
    return found | {"Init image hash": source.init_image.id[:SHORT_ID]}


def _second_settings(
    second: SecondPass | None, models: Mapping[str, ModelRecord]
) -> dict[str, object]:
    if second is None:
        return {}
    name = second.upscaler.capitalize()
    if second.model_id is not None:
        name = name_of(second.model_id, models)
    return {
        "Denoising strength": second.strength,
        "Hires upscale": second.scale,
        "Hires steps": second.num_inference_steps,
        "Hires upscaler": name,
    }


def _upscale_settings(
    upscale: Upscale | None, models: Mapping[str, ModelRecord]
) -> dict[str, object]:
    if upscale is None:
        return {}
    model = models.get(upscale.model_id)
    own = None if model is None else model.scale
    return {
        "Postprocess upscale by": own if upscale.scale is None else upscale.scale,
        "Postprocess upscaler": name_of(upscale.model_id, models),
    }


def _quoted(value: object) -> str:
    """Return a value of the line of settings, in quotes if it holds a separator."""
    text = number_text(value) if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if re.search('[,:\n"]', text) else text
