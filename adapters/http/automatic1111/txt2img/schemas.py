"""The schemas of AUTOMATIC1111's `txt2img`: the fields of a request, and their translation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, pre_load, validates_schema

from adapters.http.automatic1111.checkpoints import CHECKPOINT_NAME
from adapters.http.automatic1111.names import JPG, NAMES, named_format
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
from adapters.http.generation.fields import (
    CheckedString,
    LimitedInteger,
    LimitedString,
    request_field,
)
from adapters.http.generation.judged import JudgedSchema
from adapters.http.generation.rules import images_rule
from domain.generation.fields import LIMITS, integers
from domain.generation.judging import JudgedFields
from domain.generation.output_formats import OutputFormat
from domain.limits import TextLength
from domain.samplers import Scheduler

__all__ = ["CHECKPOINT", "AskedTxt2Img", "SdapiTxt2ImgSchema"]

_SETTINGS = "override_settings"
_CHECKPOINT_SETTING = "sd_model_checkpoint"
_FORMAT_SETTING = "samples_format"
CHECKPOINT = f"{_SETTINGS}.{_CHECKPOINT_SETTING}"
_READ_SETTINGS = (_CHECKPOINT_SETTING, _FORMAT_SETTING, "jpeg_quality")
_WORD = TextLength(0, 100)
_NUMBERS = ("steps", "cfg_scale", "width", "height", "seed", "batch_size", "n_iter")
_NUMBER = re.compile(r"\s*-?[0-9]{1,20}(\.[0-9]{1,20})?\s*")
_IMAGES, _QUALITY = integers("num_images"), integers("quality")
_RANDOM = -1

# A LoRA or hypernetwork in a prompt, as the web UI's `modules/extra_networks.py` finds it.
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]+>")
_NO_NETWORK = {"not": {"pattern": "<[^:>]+:[^>]+>"}}  # languages differ in the meaning of `\w`
_SAMPLER = {"enum": list(SAMPLER_NAMES), "default": MODELS_OWN}


_MORE: Mapping[str, Mapping[str, Any]] = {
    "prompt": _NO_NETWORK,
    "negative_prompt": _NO_NETWORK,
    "seed": {
        "minimum": _RANDOM,
        "description": f"The seed of the first picture; the others count up from it. {_RANDOM} "
        "means a random seed.",
    },
    "output_format": {"enum": [*OutputFormat, JPG]},
}
"""The descriptions of fields whose meaning differs in this API."""
_KEYS = {**NAMES, "output_format": f"{_SETTINGS}.{_FORMAT_SETTING}"}
_READ = (
    *("prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "width", "height"),
    *("seed", "output_format"),
)
"""The fields of a request that this API has too. Its other fields are translated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTxt2Img:
    """A request for pictures.

    Attributes:
        fields: The fields of a `GenerationRequest`.
        scheduler: The scheduler; None for the model's own.
        checkpoint: The name of a model; empty for the checkpoint of the caller's options.
        jpeg_quality: The quality; None for the quality of the caller's options.
        batch_size: The number of pictures, times `n_iter`.
        n_iter: The number of pictures, times `batch_size`.
        send_images: Whether the answer holds the pictures.
        ignored: The names of fields, settings and scripts without effect.
    """

    fields: JudgedFields
    scheduler: Scheduler | None
    checkpoint: str
    jpeg_quality: int | None
    batch_size: int
    n_iter: int
    send_images: bool
    ignored: list[str]


class SdapiTxt2ImgSchema(JudgedSchema):
    """A request for pictures. A null counts as left out, and a number may be sent as text."""

    class Meta:
        include = {  # noqa: RUF012 - marshmallow declares it so
            name: request_field(
                name,
                LIMITS,
                required=name == "prompt",
                data_key=_KEYS.get(name),
                metadata=_MORE.get(name),
            )
            for name in _READ
        }

    limits = LIMITS
    null_is_left_out = True
    described: ClassVar[Mapping[str, Any]] = {
        **MORE_FIELDS,
        "properties": {
            **MORE_FIELDS["properties"],
            _SETTINGS: {**MORE_SETTINGS, "type": ["object", "null"]},
        },
        "allOf": [images_rule("batch_size", "n_iter")],
    }

    batch_size = LimitedInteger(
        _IMAGES,
        load_default=1,
        metadata={"description": "The number of pictures, times `n_iter`."},
    )
    n_iter = LimitedInteger(
        _IMAGES,
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
    jpeg_quality = LimitedInteger(
        _QUALITY,
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

    @post_load(pass_original=True)
    def _not_followed(
        self, data: dict[str, Any], original: Mapping[str, Any], **_: Any
    ) -> dict[str, Any]:
        return {**data, "ignored": ignored_names(original, current_redactor())}

    # This runs for wrong fields too, so that one answer names every problem.
    @validates_schema(skip_on_field_errors=False)
    def _number_of_images(self, data: dict[str, Any], **_: Any) -> None:
        if message := _IMAGES.problem(_number(data)):
            raise ValidationError(f"times batch_size {message}", "n_iter")

    @validates_schema(skip_on_field_errors=False)
    def _sampler(self, data: dict[str, Any], **_: Any) -> None:
        _scheduler(data)

    @validates_schema(skip_on_field_errors=False)
    def _networks(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("prompt", "negative_prompt"):
            text = data.get(name)
            if isinstance(text, str) and (found := _EXTRA_NETWORK.search(text)):
                shown = ascii(found[0])[:40]
                raise ValidationError(f"holds {shown}; no network can be added here", name)

    def asked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a `GenerationRequest`, with the number of pictures."""
        asked = super().asked(found)
        number = _number(found)
        return asked if _IMAGES.problem(number) else {**asked, "num_images": number}

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> AskedTxt2Img:
        """Return the argument of the route."""
        scheduler, is_followed = _scheduler(found)
        return AskedTxt2Img(
            fields=judged,
            scheduler=scheduler,
            checkpoint=found["checkpoint"],
            jpeg_quality=found.get("jpeg_quality"),
            batch_size=found["batch_size"],
            n_iter=found["n_iter"],
            send_images=found["send_images"],
            ignored=[*([] if is_followed else ["scheduler"]), *found["ignored"]],
        )


def _number(data: Mapping[str, Any]) -> int:
    """Return the number of requested pictures."""
    number: int = data.get("batch_size", 1) * data.get("n_iter", 1)
    return number


def _scheduler(data: Mapping[str, Any]) -> Chosen:
    name = data.get("sampler_name") or data.get("sampler_index", "")
    return chosen_scheduler(name, data.get("schedule", ""))


def _as_number(name: str, value: Any) -> Any:
    """Return the number in a text, and a float without a fraction as an integer.

    AUTOMATIC1111's API accepts both.
    """
    if name not in _NUMBERS:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value
