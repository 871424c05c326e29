"""The answer with finished pictures, in the form of AUTOMATIC1111's API."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from flask import json
from marshmallow import fields

from adapters.http.automatic1111.checkpoints import stem
from adapters.http.automatic1111.drawing.asked import AskedPictures
from adapters.http.automatic1111.samplers import MODELS_OWN
from adapters.http.description.answers import AnswerSchema
from application.version import VERSION
from domain.generation.parameters import parameters_text, parse_parameters
from domain.generation.request import GenerationResult
from domain.models.record import SHORT_ID, ModelRecord

__all__ = ["SdapiPicturesSchema", "pictures"]

_Field = TypeVar("_Field", bound=fields.Field[Any])


def _of_txt2img(field: _Field) -> _Field:
    return _only_in(field, "txt2img")


def _of_img2img(field: _Field) -> _Field:
    return _only_in(field, "img2img")


def _only_in(field: _Field, route: str) -> _Field:
    field.metadata = {**field.metadata, "optional": True, "description": f"Only in `{route}`."}
    return field


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
    denoising_strength = fields.Float(
        allow_none=True,
        metadata={"description": "Null for a picture that is drawn in one pass from a prompt."},
    )
    enable_hr = _of_txt2img(fields.Boolean())
    hr_scale = _of_txt2img(fields.Float())
    hr_upscaler = _of_txt2img(fields.String())
    hr_second_pass_steps = _of_txt2img(fields.Integer())
    hr_resize_x = _of_txt2img(fields.Integer())
    hr_resize_y = _of_txt2img(fields.Integer())
    hr_checkpoint_name = _of_txt2img(fields.String())
    resize_mode = _of_img2img(fields.Integer())
    mask_blur = _of_img2img(fields.Integer())
    inpainting_fill = _of_img2img(fields.Integer())
    inpaint_full_res = _of_img2img(fields.Boolean())
    inpaint_full_res_padding = _of_img2img(fields.Integer())
    inpainting_mask_invert = _of_img2img(fields.Integer())
    image_cfg_scale = _of_img2img(fields.Float(allow_none=True))
    initial_noise_multiplier = _of_img2img(fields.Float())
    include_init_images = _of_img2img(fields.Boolean())
    init_images = _of_img2img(
        fields.List(fields.String(metadata={"contentEncoding": "base64"}), allow_none=True)
    )
    mask = _of_img2img(fields.String(allow_none=True, metadata={"contentEncoding": "base64"}))


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
    results: Sequence[GenerationResult],
    model: ModelRecord,
    asked: AskedPictures,
    *,
    maps: Iterable[str],
    warnings: Sequence[str],
    models: Mapping[str, ModelRecord],
) -> dict[str, object]:
    """Return the answer with the pictures that `model` drew, in the order of their seeds.

    Args:
        results: The pictures.
        model: The checkpoint.
        asked: The request.
        maps: Files that follow the pictures, in base64: the maps of ControlNets.
        warnings: What to know about the request.
        models: All models, by their ids.
    """
    first = results[0]
    images = [image for result in results for image in result.images]
    drawn = _drawn(first, model, asked) | {"batch_size": asked.batch_size}
    files = [base64.b64encode(image.data).decode("ascii") for image in images]
    infotexts = [
        parameters_text(
            result.request, seed=image.seed, sampler=drawn["sampler_name"], models=models
        )
        for result in results
        for image in result.images
    ]
    told = {
        **_UNUSED_FEATURES,
        **_of_model(model),
        **_of_vae(first.request.vae_id, models),
        "clip_skip": first.request.clip_skip,
        "denoising_strength": asked.echo["denoising_strength"],
        "extra_generation_params": _extra(infotexts[0]),
        "ignored": asked.ignored,
    }
    each = _each([image.seed for image in images if image.seed is not None], drawn)
    of_results = (text for result in results for text in result.warnings)
    told_warnings = list(dict.fromkeys([*warnings, *of_results]))
    return {
        "images": [*files, *maps] if asked.send_images else [],
        "parameters": {
            **drawn,
            "n_iter": asked.n_iter,
            "send_images": asked.send_images,
            **asked.echo,
        },
        "info": json.dumps(
            drawn | each | told | {"infotexts": infotexts, "warnings": told_warnings}
        ),
    }


def _drawn(result: GenerationResult, model: ModelRecord, asked: AskedPictures) -> dict[str, Any]:
    request = result.request
    return {
        "prompt": asked.prompt,
        "negative_prompt": request.negative_prompt or "",
        "seed": request.seed,
        "steps": request.num_inference_steps,
        "cfg_scale": request.guidance_scale,
        "width": request.width,
        "height": request.height,
        "sampler_name": str(request.scheduler or model.default_scheduler or MODELS_OWN),
    }


def _each(seeds: list[int], drawn: dict[str, Any]) -> dict[str, object]:
    """Return the lists that have an entry for each picture."""
    return {
        "all_prompts": [drawn["prompt"]] * len(seeds),
        "all_negative_prompts": [drawn["negative_prompt"]] * len(seeds),
        "all_seeds": seeds,
        "all_subseeds": seeds,
        "subseed": drawn["seed"],
    }


def _extra(infotext: str) -> dict[str, str]:
    """Return the parameters of a picture that only some pictures have."""
    found = parse_parameters(infotext)
    return {name: value for name, value in found.items() if name not in _ALWAYS_TOLD}


def _of_model(model: ModelRecord) -> dict[str, object]:
    return {
        "sd_model_name": stem(model),
        "sd_model_hash": model.id[:SHORT_ID],
        "version": f"ai-inference {VERSION}",
    }


def _of_vae(vae_id: str | None, models: Mapping[str, ModelRecord]) -> dict[str, object]:
    vae = None if vae_id is None else models.get(vae_id)
    return {
        "sd_vae_name": None if vae is None else vae.name,
        "sd_vae_hash": None if vae_id is None else vae_id[:SHORT_ID],
    }


_ALWAYS_TOLD = frozenset(
    {
        *("Prompt", "Negative prompt", "Steps", "Sampler", "CFG scale", "Seed", "Size", "Size-1"),
        *("Size-2", "Model hash"),
    }
)

# The values of the web UI for features that were not used. This service does not have them.
_UNUSED_FEATURES: dict[str, object] = {
    "subseed_strength": 0,
    "restore_faces": False,
    "face_restoration_model": None,
    "seed_resize_from_w": -1,
    "seed_resize_from_h": -1,
    "index_of_first_image": 0,
    "styles": [],
    "is_using_inpainting_conditioning": False,
}
