"""The routes `extra-single-image` and `extra-batch-images` of AUTOMATIC1111's API."""

from http import HTTPStatus

from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.extras.asked import AskedExtras
from adapters.http.automatic1111.extras.enlarging import Enlarging
from adapters.http.automatic1111.extras.schemas import (
    ExtrasBatchSchema,
    ExtrasSchema,
    SdapiExtraImageSchema,
    SdapiExtraImagesSchema,
)
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import PictureBlueprint
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from domain.credentials import Scope
from domain.services.credential_checker import CredentialChecker

__all__ = ["extras_blueprint"]


def extras_blueprint(enlarge: Enlarging, checker: CredentialChecker) -> PictureBlueprint:
    """`/sdapi/v1/extra-single-image` and `/sdapi/v1/extra-batch-images`."""
    blueprint = PictureBlueprint(
        "sdapi_extras",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: larger pictures.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/extra-single-image")
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(ExtrasSchema)
    @blueprint.response(HTTPStatus.OK, SdapiExtraImageSchema, description="The larger picture.")
    def extra_single_image(asked: AskedExtras) -> dict[str, object]:
        """Enlarge a picture and wait for it."""
        (image,), told = enlarge(asked, caller=current_principal().name)
        return {"image": image, "html_info": told}

    @blueprint.post("/extra-batch-images")
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(ExtrasBatchSchema)
    @blueprint.response(HTTPStatus.OK, SdapiExtraImagesSchema, description="The larger pictures.")
    def extra_batch_images(asked: AskedExtras) -> dict[str, object]:
        """Enlarge several pictures and wait for them."""
        images, told = enlarge(asked, caller=current_principal().name)
        return {"images": images, "html_info": told}

    return blueprint
