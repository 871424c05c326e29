"""The maps that ControlNets follow."""

from http import HTTPStatus

from flask import Response
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from adapters.http.description.examples import EXAMPLE_PICTURE_ID
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.v1.drawing.preprocessing_schemas import AskedMap, PreprocessRequestSchema
from application.parts import MakeMap
from domain import errors
from domain.credentials import Scope
from domain.generation.output_formats import OutputFormat
from domain.services.credential_checker import CredentialChecker

__all__ = ["preprocessing_blueprint"]

_EXAMPLE = {
    "image": {"id": EXAMPLE_PICTURE_ID},
    "preprocessor": {"name": "canny", "low": 100, "high": 200},
}


def preprocessing_blueprint(make_map: MakeMap, checker: CredentialChecker) -> Blueprint:
    """`/v1/preprocess`."""
    blueprint = Blueprint(
        "preprocessing",
        __name__,
        url_prefix="/v1",
        description="The maps that ControlNets follow.",
        pictures=1,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN)

    @blueprint.post("/preprocess")
    @blueprint.raises(
        *(BadRequest, UnsupportedMediaType, errors.InvalidRequest, errors.PictureFileTooLarge),
        *(errors.TooManyCallers, errors.OutOfMemory, errors.GenerationFailed),
        errors.StorageUnavailable,
    )
    @blueprint.arguments(PreprocessRequestSchema, example=_EXAMPLE)
    @blueprint.response(
        HTTPStatus.OK,
        {},
        content_type=OutputFormat.PNG.media_type,
        description="The map, with the size of the picture.",
    )
    def preprocess(asked: AskedMap) -> Response:
        """The map that a preprocessor makes of a picture, as a PNG file.

        A request with this picture and this preprocessor in `controls` follows this map, resized
        like the picture. Nothing is drawn and nothing is kept. An equal body gives equal bytes.
        """
        data = make_map(asked.picture, asked.preprocessor, caller=current_principal().name)
        return Response(data, content_type=OutputFormat.PNG.media_type)

    return blueprint
