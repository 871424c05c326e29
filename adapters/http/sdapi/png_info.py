"""What a picture says of itself."""

import base64
from http import HTTPStatus
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from adapters.http.auth import protect
from adapters.http.fields import CheckedString
from adapters.http.parsing import PictureBlueprint
from adapters.http.sdapi.door import PREFIX
from domain.credentials import Scope
from domain.picture_parameters import parse_parameters
from domain.ports.picture_parameters import PictureParametersReader
from domain.services.credential_checker import CredentialChecker

__all__ = ["png_info_blueprint"]

_DATA_URL = "data:"


def _text_problem(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be a picture in base64, or a data URL"
    return None


class _PngInfoRequestSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    image = CheckedString(_text_problem, required=True)

    @post_load
    def _decode(self, data: dict[str, str], **_: Any) -> dict[str, bytes]:
        text = data["image"].strip()
        if text[: len(_DATA_URL)].lower() == _DATA_URL:
            text = text.partition(",")[2]
        try:
            return {"image": base64.b64decode("".join(text.split()), validate=True)}
        except ValueError as error:
            raise ValidationError("is no base64", "image") from error


class _PngInfoSchema(Schema):
    info = fields.String()
    items_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="items")
    parameters = fields.Dict(keys=fields.String(), values=fields.String())


def png_info_blueprint(
    reader: PictureParametersReader, checker: CredentialChecker
) -> PictureBlueprint:
    """`/sdapi/v1/png-info`."""
    blueprint = PictureBlueprint(
        "sdapi_png_info", __name__, url_prefix=PREFIX, description="AUTOMATIC1111's API: texts."
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/png-info")
    @blueprint.arguments(_PngInfoRequestSchema)
    @blueprint.response(HTTPStatus.OK, _PngInfoSchema)
    def png_info(fields: dict[str, bytes]) -> dict[str, object]:
        found = reader.read(fields["image"])
        return {
            "info": found.text,
            "items_": found.items,
            "parameters": parse_parameters(found.text),
        }

    return blueprint
