"""The schema of a request for pictures from a picture, as in the OpenAI Images API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from marshmallow import ValidationError

from adapters.http.generation.fields import CheckedString
from adapters.http.generation.sent_pictures import sent_parts
from adapters.http.openai.pictures import MOST_PICTURES, PictureField, one_picture
from adapters.http.openai.schemas import AskedImages, ImagesRequestSchema, one_of
from application.parts import NO_PARTS, SentPicture
from application.parts.checking import sent_problems
from domain.errors import FieldProblem
from domain.generation.fields.judging import JudgedFields

__all__ = ["AskedEdit", "ImageEditJsonSchema", "ImageEditSchema"]

_PICTURES = ("init_image", "mask_image")
_FIDELITIES = ("low", "high")
_FIDELITY = (
    "input_fidelity changes nothing here; `strength` says how much is drawn again (less keeps more "
    "of the picture)"
)
_IMAGE = (
    "The picture to draw from: a PNG, JPEG or WebP file. If it is transparent somewhere and there "
    "is no mask, the transparent part is drawn again. Several pictures are refused, because no "
    "model of this service draws from several."
)
_MASK = "A picture of the same proportions: where it is transparent, `image` is drawn again."
_MASK_IMAGE = (
    "A mask in the form of this service's own API: white and transparent is drawn again, black "
    "stays, grey mixes."
)
_FILE = {"type": "string", "format": "binary"}
_REFERENCE = {
    "type": "object",
    "properties": {
        "image_url": {
            "type": "string",
            "description": "A `data:` URL in base64. The service opens no other links.",
        },
        "file_id": {
            "type": "string",
            "description": "The id of a picture that you sent to `/v1/images`, or that was drawn "
            "for you.",
        },
    },
    "minProperties": 1,
    "maxProperties": 1,
}


@dataclass(frozen=True, slots=True)
class AskedEdit:
    """A request for pictures from a picture.

    Attributes:
        asked: The parameters that a request for pictures from text has too.
        pictures: `image` to draw from, and perhaps a `mask` that is transparent where the image is
            drawn again.
        values: The other values of the parts of the request, for `SentParts`.
    """

    asked: AskedImages
    pictures: dict[str, SentPicture]
    values: dict[str, Any] = field(default_factory=dict)

    def drop_files(self) -> None:
        """Forget the pictures, so that a request that waits long does not hold their files."""
        self.pictures.clear()
        self.values.clear()


class ImageEditSchema(ImagesRequestSchema):
    """A request for pictures from a picture, as a form. An empty field counts as left out."""

    class Meta(ImagesRequestSchema.Meta):
        exclude: tuple[str, ...] = ("init_image",)

    null_is_left_out = False  # a form has no null
    refused: ClassVar[Mapping[str, str]] = {
        **ImagesRequestSchema.refused,
        "markup": "is not supported: this service reads no markup; send a mask",
    }

    image = PictureField(required=True, metadata={"description": _IMAGE, **_FILE})
    mask = PictureField(metadata={"description": _MASK, **_FILE})
    mask_image = PictureField(metadata={"description": _MASK_IMAGE, **_FILE})
    input_fidelity = CheckedString(
        one_of(*_FIDELITIES),
        metadata={
            "enum": [*_FIDELITIES, None],
            "description": "Accepted, and changes nothing but the warnings. See `strength`.",
        },
    )

    def judged_parts(self, values: Mapping[str, Any]) -> tuple[Any, Sequence[FieldProblem]]:
        """Return the checked values of the parts, and what is wrong with them.

        The picture may be its own mask, so it is not known yet whether there is a mask.
        """
        given = {name: value for name, value in values.items() if value is not None}
        rows: list[FieldProblem] = []
        if given.pop("init_image", None) is not None:
            rows.append(
                FieldProblem("init_image", "is not a parameter of this request; send image")
            )
        if "mask_image" in given:
            try:
                given["mask_image"] = one_picture(given["mask_image"])
            except ValidationError as error:
                del given["mask_image"]
                rows.append(FieldProblem("mask_image", str(error.messages[0])))
        found, problems = sent_parts(given)
        rows += [*problems, *sent_problems(found, wrong=_PICTURES)]
        return found, rows

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> AskedEdit:  # type: ignore[override]
        """Return the argument of the route. Raise ValidationError for two masks."""
        if "mask" in found and "mask_image" in found.get("parts", {}):
            raise ValidationError({"mask": ["cannot be sent with mask_image; send one of them"]})
        warnings = (_FIDELITY,) if "input_fidelity" in found else ()
        return AskedEdit(
            replace(super().loaded(judged, {**found, "parts": NO_PARTS}), warnings=warnings),
            {name: found[name] for name in ("image", "mask") if name in found},
            dict(found.get("parts", {})),
        )


class ImageEditJsonSchema(ImageEditSchema):
    """A request for pictures from a picture, as JSON. A null counts as left out.

    It describes such a body. `ImageEditSchema` loads it.
    """

    class Meta(ImageEditSchema.Meta):
        exclude = ("init_image", "image")

    null_is_left_out = True
    images = PictureField(
        required=True,
        metadata={
            "description": _IMAGE,
            "type": "array",
            "items": _REFERENCE,
            "minItems": 1,
            "maxItems": MOST_PICTURES,
        },
    )
    mask = PictureField(metadata={"description": _MASK, **_REFERENCE})
    mask_image = PictureField(metadata={"description": _MASK_IMAGE, **_REFERENCE})
