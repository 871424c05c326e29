"""The routes `txt2img` and `img2img` of AUTOMATIC1111's API."""

from http import HTTPStatus
from typing import Any

from adapters.http.automatic1111.drawing.asked import AskedPictures
from adapters.http.automatic1111.drawing.drawing import Drawing
from adapters.http.automatic1111.drawing.img2img import SdapiImg2ImgSchema
from adapters.http.automatic1111.drawing.pictures import SdapiPicturesSchema
from adapters.http.automatic1111.drawing.txt2img import SdapiTxt2ImgSchema
from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import PictureBlueprint
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from domain.credentials import Scope
from domain.services.credential_checker import CredentialChecker

__all__ = ["img2img_blueprint", "txt2img_blueprint"]

_PICTURES = "The pictures, in the order of their seeds."
_TXT2IMG: dict[str, Any] = {
    "prompt": "a red circle",
    "negative_prompt": "trees",
    "seed": 7,
    "steps": 20,
    "cfg_scale": 7.5,
    "width": 256,
    "height": 256,
    "sampler_name": "DPM++ 2M Karras",
    "override_settings": {"sd_model_checkpoint": "demo"},
}
_RED_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
_IMG2IMG: dict[str, Any] = {**_TXT2IMG, "init_images": [_RED_PIXEL], "denoising_strength": 0.6}


def txt2img_blueprint(drawing: Drawing, checker: CredentialChecker) -> PictureBlueprint:
    """`/sdapi/v1/txt2img`."""
    blueprint = PictureBlueprint("sdapi_txt2img", __name__, **_OPTIONS)
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/txt2img")
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(SdapiTxt2ImgSchema, example=_TXT2IMG)
    @blueprint.response(HTTPStatus.OK, SdapiPicturesSchema, description=_PICTURES)
    def txt2img(asked: AskedPictures) -> dict[str, object]:
        """Draw pictures and wait for them."""
        return drawing(asked, caller=current_principal().name)

    return blueprint


def img2img_blueprint(drawing: Drawing, checker: CredentialChecker) -> PictureBlueprint:
    """`/sdapi/v1/img2img`."""
    blueprint = PictureBlueprint("sdapi_img2img", __name__, **_OPTIONS)
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/img2img")
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(SdapiImg2ImgSchema, example=_IMG2IMG)
    @blueprint.response(HTTPStatus.OK, SdapiPicturesSchema, description=_PICTURES)
    def img2img(asked: AskedPictures) -> dict[str, object]:
        """Draw from pictures, with or without a mask, and wait."""
        return drawing(asked, caller=current_principal().name)

    return blueprint


_OPTIONS: dict[str, Any] = {
    "url_prefix": PREFIX,
    "description": "AUTOMATIC1111's API: pictures.",
    "error_schema": SdapiErrorSchema,
}
