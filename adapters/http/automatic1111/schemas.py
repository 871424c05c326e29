"""What that API's clients may ask for, and which of it there is here."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validates_schema

from adapters.http.automatic1111.samplers import (
    MODELS_OWN,
    SAMPLER_NAMES,
    SCHEDULES,
    Chosen,
    chosen_scheduler,
)
from adapters.http.automatic1111.unsupported import (
    MORE_FIELDS,
    MORE_SETTINGS,
    ignored_names,
    refusals,
    refused_settings,
)
from adapters.http.edge.redaction import current_redactor
from adapters.http.generation.fields import CheckedString, LimitedString
from adapters.http.generation.rules import images_rule
from adapters.http.generation.schemas import (
    limited_guidance,
    limited_integer,
    limited_text,
    limited_word,
)
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GenerationRequest
from domain.limits import TextLength

__all__ = ["CHECKPOINT", "CHECKPOINT_NAME", "SdapiTxt2ImgSchema", "named_format"]

_SETTINGS = "override_settings"
_CHECKPOINT_SETTING = "sd_model_checkpoint"
_FORMAT_SETTING = "samples_format"
CHECKPOINT = f"{_SETTINGS}.{_CHECKPOINT_SETTING}"
_READ_SETTINGS = (_CHECKPOINT_SETTING, _FORMAT_SETTING, "jpeg_quality")
CHECKPOINT_NAME = TextLength(0, 4096)
"""A path is a name too, and Linux' PATH_MAX is 4096."""
_WORD = TextLength(0, 100)
_NUMBERS = ("steps", "cfg_scale", "width", "height", "seed", "batch_size", "n_iter")
_NUMBER = re.compile(r"\s*-?[0-9]{1,20}(\.[0-9]{1,20})?\s*")
_RANDOM = -1
_JPG = "jpg"

# A LoRA or hypernetwork of that web UI, as `modules/extra_networks.py` finds it in a prompt.
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]+>")
_NO_NETWORK = {"not": {"pattern": "<[^:>]+:[^>]+>"}}  # what `\w` is, languages do not agree on
_SAMPLER = {"enum": list(SAMPLER_NAMES), "default": MODELS_OWN}


class SdapiTxt2ImgSchema(Schema):
    """A request for pictures. A null counts as left out, and a number may be sent as text.

    Loaded as fields of a `GenerationRequest`, with `checkpoint`, `batch_size`, `n_iter`,
    `send_images` and `ignored`, the names of what is not followed, beside them.
    """

    null_is_left_out = True
    described: ClassVar[Mapping[str, Any]] = {
        **MORE_FIELDS,
        "properties": {
            **MORE_FIELDS["properties"],
            _SETTINGS: {**MORE_SETTINGS, "type": ["object", "null"]},
        },
        "allOf": [images_rule("batch_size", "n_iter")],
    }

    prompt = limited_text("prompt", required=True, metadata=_NO_NETWORK)
    negative_prompt = limited_text("negative_prompt", metadata=_NO_NETWORK)
    num_inference_steps = limited_integer("num_inference_steps", data_key="steps")
    guidance_scale = limited_guidance(data_key="cfg_scale")
    width = limited_integer("width")
    height = limited_integer("height")
    seed = limited_integer(
        "seed",
        metadata={
            "minimum": _RANDOM,
            "description": f"The seed of the first picture; the others count up from it. {_RANDOM} "
            "means a random seed.",
        },
    )
    batch_size = limited_integer(
        "num_images",
        load_default=1,
        metadata={"description": "The number of pictures, times `n_iter`."},
    )
    n_iter = limited_integer(
        "num_images",
        load_default=1,
        metadata={"description": "How many times to draw `batch_size` pictures."},
    )
    sampler_name = CheckedString(
        _WORD.problem,
        load_default="",
        metadata={
            **_SAMPLER,
            "description": "The name of a sampler, in upper or lower case, or an alias of it.",
        },
    )
    sampler_index = CheckedString(
        _WORD.problem,
        load_default="",
        metadata={**_SAMPLER, "description": "The older name of `sampler_name`."},
    )
    schedule = CheckedString(
        _WORD.problem,
        data_key="scheduler",
        load_default="",
        metadata={
            "examples": [schedule.label for schedule in SCHEDULES],
            "default": SCHEDULES[0].label,
            "description": "The schedule, if `sampler_name` does not name one. An unknown name "
            "counts as `Automatic`, and `info` names it.",
        },
    )
    send_images = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=True,
        metadata={"description": "Whether the answer holds the pictures."},
    )
    checkpoint = LimitedString(
        CHECKPOINT_NAME,
        data_key=CHECKPOINT,
        load_default="",
        metadata={
            "description": "The title of a checkpoint, or another name of it: its id, ten or more "
            "first digits of the id, its path, its file name with or without the extension, or an "
            "alias. If it is empty, the checkpoint of your options draws."
        },
    )
    output_format = limited_word(
        "output_format",
        data_key=f"{_SETTINGS}.{_FORMAT_SETTING}",
        metadata={"enum": [*OutputFormat, _JPG]},
    )
    quality = limited_integer(
        "quality",
        data_key=f"{_SETTINGS}.jpeg_quality",
        metadata={"description": "The quality of a jpeg or webp; a png has none."},
    )

    @pre_load
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        known = {field.data_key or name for name, field in self.fields.items()}
        sent = {name: value for name, value in data.items() if value is not None}
        settings = sent.pop(_SETTINGS, {})
        if not isinstance(settings, dict):
            raise ValidationError("must be an object", _SETTINGS)
        asked = {name: _as_number(name, sent.pop(name)) for name in known & sent.keys()}
        if asked.get("seed") in (_RANDOM, ""):
            del asked["seed"]
        for name in _READ_SETTINGS:
            if settings.get(name):
                asked[f"{_SETTINGS}.{name}"] = settings[name]
        if (name := f"{_SETTINGS}.{_FORMAT_SETTING}") in asked:
            asked[name] = named_format(asked[name])
        problems = dict(refusals(data))
        for name, texts in refused_settings(settings):
            problems[f"{_SETTINGS}.{name}"] = texts
        if problems:
            raise ValidationError(problems)
        return asked

    # Also beside wrong fields, so that a client hears of everything at once.
    @validates_schema(skip_on_field_errors=False)
    def _number_of_images(self, data: dict[str, Any], **_: Any) -> None:
        number = data.get("batch_size", 1) * data.get("n_iter", 1)
        if message := GenerationRequest.LIMITS["num_images"].problem(number):
            raise ValidationError(f"times batch_size {message}", "n_iter")

    @validates_schema(skip_on_field_errors=False)
    def _sampler(self, data: dict[str, Any], **_: Any) -> None:
        _scheduler(data)

    @validates_schema(skip_on_field_errors=False)
    def _networks(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("prompt", "negative_prompt"):
            if found := _EXTRA_NETWORK.search(data.get(name, "")):
                shown = ascii(found[0])[:40]
                raise ValidationError(f"holds {shown}; no network can be added here", name)

    @post_load(pass_original=True)
    def _request(
        self, data: dict[str, Any], original: Mapping[str, Any], **_: Any
    ) -> dict[str, Any]:
        data["scheduler"], is_followed = _scheduler(data)
        data["num_images"] = data["batch_size"] * data["n_iter"]
        data["ignored"] = ignored_names(original, current_redactor())
        if not is_followed:
            data["ignored"].insert(0, "scheduler")
        return {
            name: value
            for name, value in data.items()
            if name not in ("sampler_name", "sampler_index", "schedule")
        }


def named_format(name: object) -> object:
    """The name that a format of that API has here; what is none is left as it is."""
    return OutputFormat.JPEG.value if name == _JPG else name


def _scheduler(data: Mapping[str, Any]) -> Chosen:
    name = data.get("sampler_name") or data.get("sampler_index", "")
    return chosen_scheduler(name, data.get("schedule", ""))


def _as_number(name: str, value: Any) -> Any:
    """A number, where it was sent as text or with a fraction of 0, as that API takes it."""
    if name not in _NUMBERS:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value
