"""Pictures, asked for as that API's clients do."""

import uuid
from http import HTTPStatus
from typing import Any

from adapters.http.auth import current_principal, protect
from adapters.http.parsing import Blueprint
from adapters.http.route_errors import DRAWING, SUBMITTING
from adapters.http.schemas import generation_request
from adapters.http.sdapi.checkpoints import chosen_checkpoint
from adapters.http.sdapi.door import JOB_PREFIX, PREFIX
from adapters.http.sdapi.failures import SdapiFailureSchema
from adapters.http.sdapi.pictures import SdapiPicturesSchema, pictures
from adapters.http.sdapi.schemas import SdapiTxt2ImgSchema
from adapters.http.waiting import WaitingCallers
from application.settings import Settings
from domain.credentials import Scope
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
    settings: Settings, registry: ModelRegistry, draw: WaitingCallers, checker: CredentialChecker
) -> Blueprint:
    """`/sdapi/v1/txt2img`."""
    blueprint = Blueprint(
        "sdapi_txt2img",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: pictures.",
        failure_schema=SdapiFailureSchema,
    )
    protect(blueprint, checker, Scope.INFERENCE_RUN, basic=True)

    @blueprint.post("/txt2img")
    @blueprint.raises(*SUBMITTING, *DRAWING)
    @blueprint.arguments(SdapiTxt2ImgSchema, example=_EXAMPLE)
    @blueprint.response(HTTPStatus.OK, SdapiPicturesSchema, description="In order of their seeds.")
    def txt2img(fields: dict[str, Any]) -> dict[str, object]:
        """Draw pictures and wait for them."""
        answer = {name: fields.pop(name) for name in ("batch_size", "n_iter")}
        send = fields.pop("send_images")
        model = chosen_checkpoint(registry, fields.pop("checkpoint"))
        job_id = JOB_PREFIX + uuid.uuid4().hex
        wanted = generation_request({**fields, "id": job_id, "model_id": model.id}, settings)
        result = draw.pictures(wanted, caller=current_principal().name)
        return pictures(result, model, **answer, send=send)

    return blueprint
