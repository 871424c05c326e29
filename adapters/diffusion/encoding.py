"""Pixels to PNG."""

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from domain.generation import GenerationRequest
from domain.models import SHORT_ID

__all__ = ["crop_centre", "encode_png", "parameters_text"]

# zlib's fastest level: half a second of a slower one would save a tenth of the bytes.
_COMPRESS_LEVEL = 1


def crop_centre(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle `width` × `height` pixels; an odd pixel goes from the right and the bottom."""
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def parameters_text(request: GenerationRequest, *, seed: int, sampler: str) -> str:
    """What was drawn, as the field's tools read it from the PNG text `parameters`.

    The form is AUTOMATIC1111's: the prompt, a line for the negative prompt, a line of settings.
    """
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    lines.append(
        f"Steps: {request.num_inference_steps}, Sampler: {sampler}, "
        f"CFG scale: {request.guidance_scale:g}, Seed: {seed}, "
        f"Size: {request.width}x{request.height}, Model hash: {request.model_id[:SHORT_ID]}"
    )
    return "\n".join(lines)


def encode_png(image: Image.Image, parameters: str | None) -> bytes:
    """`image` as PNG, with `parameters` as its text of that name unless it is None."""
    text = PngInfo()
    if parameters is not None:
        text.add_text("parameters", parameters)
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=text, compress_level=_COMPRESS_LEVEL)
    return stream.getvalue()
