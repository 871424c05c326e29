"""The route `txt2img` of AUTOMATIC1111's API."""

import uuid
from http import HTTPStatus
from typing import Any

from adapters.http.automatic1111.checkpoints import chosen_checkpoint
from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.options import CallersOptions, Options
from adapters.http.automatic1111.prefix import JOB_PREFIX, PREFIX
from adapters.http.automatic1111.txt2img.pictures import SdapiPicturesSchema, pictures
from adapters.http.automatic1111.txt2img.schemas import AskedTxt2Img, SdapiTxt2ImgSchema
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from adapters.http.edge.route_errors import DRAWING, SUBMITTING
from adapters.http.generation.schemas import generation_request
from adapters.http.generation.waiting import WaitingCallers
from application.settings.settings import Settings
from domain.credentials import Scope
from domain.generation.output_formats import OutputFormat
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["txt2img_blueprint"]

_EXAMPLE = {
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


def txt2img_blueprint(
    settings: Settings,
    registry: ModelRegistry,
    options: CallersOptions,
    draw: WaitingCallers,
    checker: CredentialChecker,
) -> Blueprint:
    """`/sdapi/v1/txt2img`."""
    blueprint = Blueprint(
        "sdapi_txt2img",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: pictures.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/txt2img")
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(SdapiTxt2ImgSchema, example=_EXAMPLE)
    @blueprint.response(
        HTTPStatus.OK, SdapiPicturesSchema, description="The pictures, in the order of their seeds."
    )
    def txt2img(asked: AskedTxt2Img) -> dict[str, object]:
        """Draw pictures and wait for them."""
        caller = current_principal().name
        own = options.of(caller)
        named = asked.checkpoint
        model = chosen_checkpoint(registry, named) if named else own.model(registry)
        request = generation_request(
            asked.fields,
            settings,
            id=JOB_PREFIX + uuid.uuid4().hex,
            model_id=model.id,
            scheduler=asked.scheduler,
            **_format(asked, own),
        )
        result = draw.pictures(request, caller=caller)
        return pictures(
            result,
            model,
            batch_size=asked.batch_size,
            n_iter=asked.n_iter,
            ignored=asked.ignored,
            send=asked.send_images,
        )

    return blueprint


def _format(asked: AskedTxt2Img, own: Options) -> dict[str, Any]:
    """Return the format and the quality of a request, or else those of its caller's options."""
    name = OutputFormat(asked.fields.get("output_format", own.samples_format))
    quality = own.jpeg_quality if asked.jpeg_quality is None else asked.jpeg_quality
    return {"output_format": name, "quality": quality if name.has_quality else None}
