"""Pictures that callers send, by the SHA-256 of the file."""

from http import HTTPStatus
from typing import Any

from flask import Response, request
from marshmallow import fields
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from adapters.http.description.answers import AnswerSchema
from adapters.http.description.examples import PICTURE
from adapters.http.description.headers import response_headers
from adapters.http.description.parameters import path_parameter
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint, read_picture
from adapters.http.generation.schemas import media_type, picture_id
from adapters.http.v1.jobs.image_response import describes_image, image_response
from application.pictures import Pictures, kept_as
from domain import errors
from domain.credentials import Scope
from domain.generation.output_formats import OutputFormat
from domain.pictures import PictureRef
from domain.services.credential_checker import CredentialChecker

__all__ = ["images_blueprint"]

_FIELD = "image"
"""The name of the body in an error."""
_ID = path_parameter("picture_id", "The `id` of the picture.", pattern="^[0-9a-fA-F]{64}$")
_BODY = {
    "required": True,
    "description": "The picture file. Its content decides the format, not `Content-Type`.",
    "content": {
        each.media_type: {"schema": {"type": "string", "format": "binary"}} for each in OutputFormat
    },
}


class _PictureSchema(AnswerSchema):
    """A picture file. Its `id` names it wherever a request takes a picture."""

    id = picture_id()
    media_type = media_type()
    width = fields.Integer(metadata={"description": "Pixels, with the Exif orientation applied."})
    height = fields.Integer(metadata={"description": "Pixels, with the Exif orientation applied."})
    size = fields.Integer(metadata={"description": "The size of the file in bytes."})


def images_blueprint(pictures: Pictures, checker: CredentialChecker) -> Blueprint:
    """`/v1/images`. Each caller sees the pictures that it sent or that were drawn for it."""
    blueprint = Blueprint(
        "images", __name__, url_prefix="/v1", description="Pictures, by the hash of the file."
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/images")
    @blueprint.raises(
        *(BadRequest, UnsupportedMediaType, errors.InvalidRequest, errors.PictureFileTooLarge),
        *(errors.TooManyCallers, errors.OutOfMemory, errors.ShuttingDown),
        *(errors.StorageUnavailable, errors.StorageInUse),
    )
    @blueprint.doc(requestBody=_BODY)
    @blueprint.response(
        HTTPStatus.CREATED,
        _PictureSchema,
        description="The picture is kept.",
        example=PICTURE,
        headers=response_headers("Location"),
    )
    @blueprint.alt_response(
        HTTPStatus.OK,
        schema=_PictureSchema,
        success=True,
        description="You had this picture before: you sent it, or it was drawn for you.",
        headers=response_headers("Location"),
    )
    def send() -> tuple[PictureRef, HTTPStatus, dict[str, Any]]:
        """Send a picture file. A request can then name the picture by its `id`."""
        kept = kept_as(_FIELD, pictures, current_principal().name, read_picture(request))
        status = HTTPStatus.CREATED if kept.is_new else HTTPStatus.OK
        return kept.ref, status, {"Location": f"/v1/images/{kept.ref.id}"}

    @blueprint.get("/images/<picture_id>", parameters=[_ID])
    @blueprint.request_headers("If-None-Match")
    @blueprint.raises(errors.PictureNotFound, errors.StorageUnavailable)
    @describes_image(blueprint)
    def get_picture(picture_id: str) -> Response:
        """A picture that you sent or that was drawn for you, as a file."""
        ref, data = pictures.file(current_principal().name, picture_id)
        return image_response(data, name=ref.id, lasting=True)

    return blueprint
