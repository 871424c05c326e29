"""The route that reads the parameters in a picture."""

import base64
from http import HTTPStatus
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import PictureBlueprint
from adapters.http.generation.fields import CheckedString
from domain.credentials import Scope
from domain.errors import UnreadablePicture
from domain.generation.parameters import parse_parameters
from domain.ports.picture_codec import PictureCodec
from domain.services.credential_checker import CredentialChecker

__all__ = ["png_info_blueprint"]

_DATA_URL = "data:"


def _text_problem(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be a picture in base64, or a data URL"
    return None


class _SdapiPngInfoRequestSchema(Schema):
    """The picture to read."""

    class Meta:
        unknown = EXCLUDE

    image = CheckedString(
        _text_problem,
        required=True,
        metadata={
            "minLength": 1,
            "contentEncoding": "base64",
            "description": "A PNG, JPEG or WebP file, in base64 or as a data URL.",
        },
    )

    @post_load
    def _decode(self, data: dict[str, str], **_: Any) -> dict[str, bytes]:
        text = data["image"].strip()
        if text[: len(_DATA_URL)].lower() == _DATA_URL:
            text = text.partition(",")[2]
        try:
            return {"image": base64.b64decode("".join(text.split()), validate=True)}
        except ValueError as error:
            raise ValidationError("is not base64", "image") from error


def _texts(description: str, **options: Any) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": description},
        **options,
    )


class _SdapiPngInfoSchema(AnswerSchema):
    """The parameters that a picture carries."""

    info = fields.String(
        metadata={"description": "The parameters as text; empty if the picture has none."}
    )
    items_ = _texts("The other texts in the file.", data_key="items")
    parameters = _texts("The parameters of `info` by name.")


def png_info_blueprint(codec: PictureCodec, checker: CredentialChecker) -> PictureBlueprint:
    """`/sdapi/v1/png-info`."""
    blueprint = PictureBlueprint(
        "sdapi_png_info",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: the parameters of pictures.",
        error_schema=SdapiErrorSchema,
        pictures=1,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/png-info")
    @blueprint.raises(UnreadablePicture)
    @blueprint.arguments(_SdapiPngInfoRequestSchema)
    @blueprint.response(HTTPStatus.OK, _SdapiPngInfoSchema)
    def png_info(fields: dict[str, bytes]) -> dict[str, object]:
        """Read the parameters that a picture carries."""
        found = codec.parameters(fields["image"])
        return {
            "info": found.text,
            "items_": found.items,
            "parameters": parse_parameters(found.text),
        }

    return blueprint
