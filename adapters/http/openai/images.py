"""The routes that draw images, as in the OpenAI API."""

from http import HTTPStatus

from flask import Response

from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint, PictureBlueprint
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.edge.server_sent_events import HEADERS, MEDIA_TYPE
from adapters.http.openai.answers import ImagesSchema
from adapters.http.openai.drawing import KEY, ImagesDrawer
from adapters.http.openai.errors import OpenAIErrorSchema
from adapters.http.openai.listing import PREFIX
from adapters.http.openai.schemas import AskedImages, ImagesRequestSchema
from adapters.http.openai.streams import ImageEventSchema
from domain.credentials import Scope
from domain.errors import JobNotFound
from domain.services.credential_checker import CredentialChecker

__all__ = ["images_blueprint"]

_EXAMPLE = {"prompt": "a red circle", "n": 1, "size": "512x512"}


def images_blueprint(draw: ImagesDrawer, checker: CredentialChecker) -> Blueprint:
    """`/openai/v1/images/generations`."""
    blueprint = PictureBlueprint(
        "openai_images",
        __name__,
        url_prefix=PREFIX,
        description="The OpenAI API: images.",
        error_schema=OpenAIErrorSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/images/generations")
    @blueprint.request_headers(KEY)
    @blueprint.raises(*SUBMITTING, *DRAWING, JobNotFound)
    @blueprint.arguments(ImagesRequestSchema, example=_EXAMPLE)
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
    def generate(asked: AskedImages) -> dict[str, object] | Response:
        """Draw pictures and wait for them, or stream them."""
        return draw(asked, kind="image_generation")

    return blueprint
