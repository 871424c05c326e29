"""The answer with finished pictures, in the form of AUTOMATIC1111's API."""

import base64
from typing import Any

from flask import json
from marshmallow import fields

from adapters.http.automatic1111.checkpoints import stem
from adapters.http.automatic1111.samplers import MODELS_OWN
from adapters.http.description.answers import AnswerSchema
from application.version import VERSION
from domain.generation.picture_parameters import parameters_text
from domain.generation.request import GenerationResult
from domain.models.record import SHORT_ID, ModelRecord

__all__ = ["SdapiPicturesSchema", "pictures"]


class _SdapiParametersSchema(AnswerSchema):
    """The parameters of the pictures, with defaults filled in."""

    prompt = fields.String()
    negative_prompt = fields.String()
    seed = fields.Integer()
    steps = fields.Integer()
    cfg_scale = fields.Float()
    width = fields.Integer()
    height = fields.Integer()
    sampler_name = fields.String()
    batch_size = fields.Integer()
    n_iter = fields.Integer()
    send_images = fields.Boolean()


class SdapiPicturesSchema(AnswerSchema):
    """The pictures, in the form of AUTOMATIC1111's API."""

    images = fields.List(
        fields.String(metadata={"contentEncoding": "base64", "description": "A picture file."})
    )
    parameters = fields.Nested(_SdapiParametersSchema)
    info = fields.String(
        metadata={
            "contentMediaType": "application/json",
            "description": "More parameters: `all_seeds`, the `infotexts` of all pictures, and "
            "under `ignored` the names of fields that had no effect.",
        }
    )


def pictures(
    result: GenerationResult,
    model: ModelRecord,
    *,
    batch_size: int,
    n_iter: int,
    ignored: list[str],
    send: bool,
) -> dict[str, object]:
    """Return the answer with the pictures that `model` drew, in the order of their seeds.

    Without `send` the answer holds no pictures. `ignored` are the names of fields of the request
    that had no effect.
    """
    drawn = _drawn(result, model) | {"batch_size": batch_size}
    images = [base64.b64encode(image.data).decode("ascii") for image in result.images]
    told = {"ignored": ignored} | _UNUSED_FEATURES | _of_model(model)
    return {
        "images": images if send else [],
        "parameters": drawn | {"n_iter": n_iter, "send_images": send},
        "info": json.dumps(drawn | _each(result, drawn) | told),
    }


def _drawn(result: GenerationResult, model: ModelRecord) -> dict[str, Any]:
    request = result.request
    return {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or "",
        "seed": request.seed,
        "steps": request.num_inference_steps,
        "cfg_scale": request.guidance_scale,
        "width": request.width,
        "height": request.height,
        "sampler_name": str(request.scheduler or model.default_scheduler or MODELS_OWN),
    }


def _each(result: GenerationResult, drawn: dict[str, Any]) -> dict[str, object]:
    """Return the lists that have an entry for each picture."""
    seeds = [image.seed for image in result.images]
    return {
        "all_prompts": [drawn["prompt"]] * len(seeds),
        "all_negative_prompts": [drawn["negative_prompt"]] * len(seeds),
        "all_seeds": seeds,
        "all_subseeds": seeds,
        "subseed": drawn["seed"],
        "infotexts": [
            parameters_text(result.request, seed=seed, sampler=drawn["sampler_name"])
            for seed in seeds
        ],
        "warnings": list(result.warnings),
    }


def _of_model(model: ModelRecord) -> dict[str, object]:
    return {
        "sd_model_name": stem(model),
        "sd_model_hash": model.id[:SHORT_ID],
        "version": f"ai-inference {VERSION}",
    }


# The values of the web UI for features that were not used. This service does not have them.
_UNUSED_FEATURES: dict[str, object] = {
    "subseed_strength": 0,
    "restore_faces": False,
    "face_restoration_model": None,
    "sd_vae_name": None,
    "sd_vae_hash": None,
    "seed_resize_from_w": -1,
    "seed_resize_from_h": -1,
    "denoising_strength": None,
    "extra_generation_params": {},
    "index_of_first_image": 0,
    "styles": [],
    "clip_skip": 1,
    "is_using_inpainting_conditioning": False,
}
