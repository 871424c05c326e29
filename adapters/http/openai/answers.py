"""The pictures, in the form of the OpenAI Images API."""

import base64
import time
from collections.abc import Sequence

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema
from adapters.http.openai.quality import QUALITIES, told_quality
from adapters.http.openai.schemas import AskedImages
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GeneratedImage, GenerationResult

__all__ = ["ImagesSchema", "images_answer", "in_base64"]


class _OpenAIImageSchema(AnswerSchema):
    """A picture, in the `response_format` of the request."""

    b64_json = fields.String(
        metadata={
            "optional": True,
            "contentEncoding": "base64",
            "description": "The picture file.",
        }
    )
    url = fields.String(
        metadata={
            "optional": True,
            "format": "uri",
            "description": "A link that opens the picture without a credential until it expires.",
        }
    )
    seed = fields.Integer()


class ImagesSchema(AnswerSchema):
    """The pictures, in the form of the OpenAI API."""

    created = fields.Integer(metadata={"description": "Seconds since 1970."})
    data = fields.List(fields.Nested(_OpenAIImageSchema))
    output_format = fields.String(metadata={"enum": list(OutputFormat)})
    background = fields.String(metadata={"enum": ["opaque"]})
    quality = fields.String(
        metadata={
            "enum": sorted({told_quality(each, auto="medium") for each in QUALITIES}),
            "description": "The `quality` of the request.",
        }
    )
    size = fields.String(metadata={"pattern": "^[0-9]+x[0-9]+$"})
    warnings = fields.List(
        fields.String(),
        metadata={
            "description": "How the pictures differ from the request, for a person to read. "
            "OpenAI's own API does not have this field."
        },
    )


def in_base64(image: GeneratedImage) -> dict[str, str]:
    """Return the picture itself."""
    return {"b64_json": base64.b64encode(image.data).decode("ascii")}


def images_answer(
    result: GenerationResult, pictures: Sequence[dict[str, str]], asked: AskedImages
) -> dict[str, object]:
    """Return the answer with the pictures, in the order of their seeds and the requested form."""
    first = result.images[0]
    return {
        "created": int(time.time()),
        "data": [
            {**picture, "seed": image.seed}
            for picture, image in zip(pictures, result.images, strict=True)
        ],
        "output_format": result.request.output_format.value,
        "background": "opaque",
        "quality": told_quality(asked.effort, auto="medium"),
        "size": f"{first.width}x{first.height}",
        "warnings": [*asked.warnings, *result.warnings],
    }
