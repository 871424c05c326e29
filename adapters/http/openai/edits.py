"""The route that draws images from an image, as in the OpenAI API."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Response, request

from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.edge.multipart import FORM_TYPE
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.edge.server_sent_events import HEADERS, MEDIA_TYPE
from adapters.http.openai.answers import ImagesSchema
from adapters.http.openai.drawing import KEY, ImagesDrawer
from adapters.http.openai.edit_bodies import EditBlueprint
from adapters.http.openai.edit_schemas import AskedEdit, ImageEditJsonSchema, ImageEditSchema
from adapters.http.openai.errors import OpenAIErrorSchema
from adapters.http.openai.listing import PREFIX
from adapters.http.openai.names import pictures_told_as
from adapters.http.openai.schemas import AskedImages
from adapters.http.openai.streams import ImageEventSchema
from application.parts import SentParts, SentPicture
from application.pictures import Pictures
from domain.credentials import Scope
from domain.errors import (
    FieldProblem,
    InvalidRequest,
    JobNotFound,
    PictureFileTooLarge,
    PictureNotFound,
    UnreadablePicture,
)
from domain.generation.parts import MaskContent
from domain.ports.picture_codec import PictureCodec
from domain.services.credential_checker import CredentialChecker

__all__ = ["EditedPictures", "edits_blueprint"]

_OPAQUE = (
    "is transparent nowhere, so nothing would be drawn again; make the part to draw transparent, "
    "or send a black-and-white mask as mask_image"
)
_OWN_MASK = (
    "the image is transparent in places, so only these were drawn; send an opaque image to draw "
    "all of it"
)
_UNKNOWN = "names no picture of yours; send the picture, or the id of one that is kept"


class EditedPictures:
    """Makes the parts of a request of its pictures. Transparency becomes a mask."""

    def __init__(self, pictures: Pictures, codec: PictureCodec) -> None:
        self._pictures = pictures
        self._codec = codec

    def __call__(self, asked: AskedEdit, *, caller: str) -> AskedImages:
        """Return the request with its parts.

        A picture with transparency and no mask is its own mask. Its transparent pixels have no
        colours, so `mask_content` is `fill` then by default. A warning says so, because programs
        send pictures with transparent corners without a thought of masks.

        Raises:
            InvalidRequest: One row for each wrong field.
            PictureFileTooLarge, StorageUnavailable: As `Pictures` does.
        """
        request, image = asked.asked, asked.pictures["image"]
        values: dict[str, Any] = {"init_image": image, **asked.values}
        if (sent_mask := asked.pictures.get("mask")) is not None:
            mask = self._transparency("mask", sent_mask, caller)
            if mask is None:
                raise InvalidRequest([FieldProblem("mask", _OPAQUE)])
            values["mask_image"] = SentPicture(data=mask)
        elif "mask_image" not in values:
            own = self._transparency("init_image", image, caller)
            if own is not None:
                fill = {"mask_content": MaskContent.FILL}
                values = {**fill, **values, "mask_image": SentPicture(data=own)}
                request = replace(request, warnings=(*request.warnings, _OWN_MASK))
        return replace(request, parts=SentParts(values))

    def _transparency(self, name: str, picture: SentPicture, caller: str) -> bytes | None:
        """Return the mask of a picture's transparency; None if it is opaque."""
        try:
            data = picture.data
            if data is None:
                _, data = self._pictures.file(caller, picture.id or "")
            return self._codec.transparency_mask(data)
        except UnreadablePicture as error:
            raise InvalidRequest([FieldProblem(name, str(error))]) from error
        except PictureNotFound as error:
            raise InvalidRequest([FieldProblem(name, _UNKNOWN)]) from error


def edits_blueprint(
    draw: ImagesDrawer, with_parts: EditedPictures, checker: CredentialChecker
) -> Blueprint:
    """`/openai/v1/images/edits`."""
    blueprint = EditBlueprint(
        "openai_edits",
        __name__,
        url_prefix=PREFIX,
        description="The OpenAI API: images from images.",
        error_schema=OpenAIErrorSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)
    as_json: Any = {"application/json": {"schema": ImageEditJsonSchema}}

    @blueprint.post("/images/edits")
    @blueprint.request_headers(KEY)
    @blueprint.raises(*SUBMITTING, *DRAWING, JobNotFound, PictureFileTooLarge)
    @blueprint.doc(requestBody={"content": as_json})
    @blueprint.arguments(ImageEditSchema, content_type=FORM_TYPE)
    @blueprint.response(
        HTTPStatus.OK, ImagesSchema, description="The pictures, in the order of their seeds."
    )
    @blueprint.alt_response(
        HTTPStatus.OK,
        schema=ImageEventSchema,
        content_type=MEDIA_TYPE,
        success=True,
        headers=response_headers(*HEADERS),
    )
    def edit(asked: AskedEdit) -> dict[str, object] | Response:
        """Draw pictures from a picture and wait for them, or stream them.

        The size is that of the picture, unless `size` says another.
        """
        names = {
            "init_image": "image" if request.mimetype == FORM_TYPE else "images",
            "mask_image": "mask_image",
        }
        with pictures_told_as(names):
            wanted = with_parts(asked, caller=current_principal().name)
        asked.drop_files()  # the parts have them
        return draw(wanted, kind="image_edit", picture_names=names)

    return blueprint
