"""The fields that `txt2img` and `img2img` of AUTOMATIC1111's API share, and their translation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, pre_load, validates_schema

from adapters.http.automatic1111.checkpoints import CHECKPOINT_NAME
from adapters.http.automatic1111.controlnet import AskedControls, read_units
from adapters.http.automatic1111.drawing.asked import AskedPictures
from adapters.http.automatic1111.names import JPG, NAMES, named_format
from adapters.http.automatic1111.networks import OWN_VAES, network_in, read_networks
from adapters.http.automatic1111.samplers import (
    MODELS_OWN,
    SAMPLER_NAMES,
    SCHEDULES,
    Chosen,
    chosen_scheduler,
)
from adapters.http.automatic1111.unsupported import (
    MORE_SETTINGS,
    FieldTable,
    refused_settings,
    shown_names,
)
from adapters.http.automatic1111.values.comments import without_comments
from adapters.http.automatic1111.values.numbers import FlagField, as_number
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
from domain.generation.fields.judging import JudgedFields
from domain.generation.output_formats import OutputFormat
from domain.generation.parts.rules import PLAIN
from domain.limits import TextLength

__all__ = ["CHECKPOINT", "CLIP_SKIP", "VAE", "DrawingSchema", "described", "sides_of"]

_SETTINGS = "override_settings"
_CHECKPOINT_SETTING = "sd_model_checkpoint"
_VAE_SETTING = "sd_vae"
_CLIP_SETTING = "CLIP_stop_at_last_layers"
_FORMAT_SETTING = "samples_format"
CHECKPOINT = f"{_SETTINGS}.{_CHECKPOINT_SETTING}"
VAE = f"{_SETTINGS}.{_VAE_SETTING}"
CLIP_SKIP = f"{_SETTINGS}.{_CLIP_SETTING}"
_SCRIPTS = "alwayson_scripts"
_READ_SETTINGS = (
    *(_CHECKPOINT_SETTING, _VAE_SETTING, _CLIP_SETTING, _FORMAT_SETTING),
    "jpeg_quality",
)
_WORD = TextLength(0, 100)
_IMAGES, _QUALITY = integers("num_images"), integers("quality")
_RANDOM = -1
_OWN_SIDE = 512
"""AUTOMATIC1111's width and height of a request that names none."""
_CLIP_SKIP: Any = PLAIN["clip_skip"]
_NO_NETWORK = {"not": {"pattern": "<[^:>]+:[^>]+>"}}  # languages differ in the meaning of `\w`
_SAMPLER = {"enum": list(SAMPLER_NAMES), "default": MODELS_OWN}


_MORE: Mapping[str, Mapping[str, Any]] = {
    "prompt": {
        **_NO_NETWORK,
        "minLength": 0,
        "description": "What to draw, in the grammar of the web UI: `(word:1.2)`, "
        "`[from:to:0.5]` and so on. `<lora:name:0.8>` adds a LoRA. A word that is the name of an "
        "embedding stands for it.",
    },
    "negative_prompt": {
        **_NO_NETWORK,
        "description": "What to keep out, in the same grammar. It cannot name a LoRA.",
    },
    "seed": {
        "minimum": _RANDOM,
        "description": f"The seed of the first picture; the others count up from it. {_RANDOM} "
        "means a random seed.",
    },
    "output_format": {"enum": [*OutputFormat, JPG]},
}
"""The descriptions of fields whose meaning differs in this API."""
_PROMPTS = ("prompt", "negative_prompt")
_OWN = ("checkpoint", "vae", "batch_size", "n_iter", "send_images")
"""The fields that are attributes of `AskedPictures` by the same names."""
_KEYS = {**NAMES, "output_format": f"{_SETTINGS}.{_FORMAT_SETTING}"}
_READ = (
    *(*_PROMPTS, "num_inference_steps", "guidance_scale", "width", "height"),
    *("seed", "output_format"),
)
"""The fields of a request that this API has too. Its other fields are translated."""


class DrawingSchema(JudgedSchema):
    """A request for pictures. A null counts as left out, and a number may be sent as text.

    Attributes:
        table: The fields that the route does not read.
    """

    table: ClassVar[FieldTable]

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
    send_images = FlagField(
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
    vae = LimitedString(
        CHECKPOINT_NAME,
        data_key=VAE,
        load_default="",
        metadata={
            "enum": [*OWN_VAES, ""],
            "description": "The name of a VAE that `GET /sdapi/v1/sd-vae` lists. `Automatic` and "
            "`None` mean the checkpoint's own. If it is empty, the VAE of your options.",
        },
    )
    clip_setting = LimitedInteger(
        _CLIP_SKIP,
        data_key=CLIP_SKIP,
        metadata={
            "description": "The layer of the text encoder whose output is used, counted from the "
            "end: 1 is the last one."
        },
    )
    skip = LimitedInteger(
        _CLIP_SKIP,
        data_key="clip_skip",
        metadata={"description": f"Another name of `{CLIP_SKIP}`, which comes first."},
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
        asked = {name: self._plain(name, sent[name]) for name in known & sent.keys()}
        for name in _PROMPTS:
            if isinstance(prompt := asked.get(name), str):
                asked[name] = without_comments(prompt)
        if asked.get("prompt") == "":
            asked["prompt"] = " "  # a blank prompt draws like an empty one
        if asked.get("seed") in (_RANDOM, ""):
            del asked["seed"]
        for name in _READ_SETTINGS:
            if settings.get(name):
                key = f"{_SETTINGS}.{name}"
                asked[key] = self._plain(key, settings[name])
        if asked.get("clip_skip") in (0, "", False):
            del asked["clip_skip"]
        if (name := f"{_SETTINGS}.{_FORMAT_SETTING}") in asked:
            asked[name] = named_format(asked[name])
        return {name: value for name, value in asked.items() if self.has_effect(name, asked)}

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _refused(self, _: dict[str, Any], original: Mapping[str, Any], **__: Any) -> None:
        problems = dict(self.table.refusals(original))
        for name, texts in refused_settings(original.get(_SETTINGS) or {}):
            problems[f"{_SETTINGS}.{name}"] = texts
        if problems:
            raise ValidationError(problems)

    @post_load(pass_original=True)
    def _not_followed(
        self, data: dict[str, Any], original: Mapping[str, Any], **_: Any
    ) -> dict[str, Any]:
        return {**data, "ignored": self.table.ignored_names(original, current_redactor())}

    # This runs for wrong fields too, so that one answer names every problem.
    @validates_schema(skip_on_field_errors=False)
    def _number_of_images(self, data: dict[str, Any], **_: Any) -> None:
        if message := _IMAGES.problem(self.number(data)):
            raise ValidationError(f"times batch_size {message}", "n_iter")

    @validates_schema(skip_on_field_errors=False)
    def _sampler(self, data: dict[str, Any], **_: Any) -> None:
        _scheduler(data)

    @validates_schema(skip_on_field_errors=False)
    def _networks(self, data: dict[str, Any], **_: Any) -> None:
        prompt, negative = data.get("prompt"), data.get("negative_prompt")
        problems = {}
        if isinstance(prompt, str) and (message := read_networks(prompt).problem):
            problems["prompt"] = [message]
        if isinstance(negative, str) and (named := network_in(negative)) is not None:
            text = f"holds {named}, and only the prompt can name a network; move it there"
            problems["negative_prompt"] = [text]
        if problems:
            raise ValidationError(problems)

    def load(self, data: Any, **options: Any) -> AskedPictures:
        """Return the argument of the route. One answer names every problem, also of ControlNet."""
        controls = (
            read_units(data.get(_SCRIPTS), data) if isinstance(data, dict) else AskedControls()
        )
        of_controls = {place: [text] for place, text in controls.problems.items()}
        try:
            asked: AskedPictures = super().load(data, **options)
        except ValidationError as error:
            if not of_controls:
                raise
            messages = error.normalized_messages()
            raise ValidationError({**messages, **of_controls}) from error
        if of_controls:
            raise ValidationError(of_controls)
        ignored = [*asked.ignored, *shown_names(controls.ignored, current_redactor())]
        return replace(asked, controls=controls.units, ignored=ignored)

    def asked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a `GenerationRequest`, with the number of pictures."""
        asked = super().asked(found)
        if isinstance(prompt := asked.get("prompt"), str):
            asked["prompt"] = read_networks(prompt).text
        number = self.number(found)
        return asked if _IMAGES.problem(number) else {**asked, "num_images": number}

    def loaded(self, judged: JudgedFields, found: Mapping[str, Any]) -> AskedPictures:
        """Return the argument of the route."""
        scheduler, is_followed = _scheduler(found)
        more = self.more(judged, found)
        ignored = [*([] if is_followed else ["scheduler"]), *found["ignored"]]
        own: dict[str, Any] = {
            "fields": judged,
            "scheduler": scheduler,
            "jpeg_quality": found.get("jpeg_quality"),
            "prompt": found["prompt"],
            "loras": read_networks(found["prompt"]).loras,
            "clip_skip": _clip_skip(found),
            "controls": (),
            "ignored": ignored,
            **{name: found[name] for name in _OWN},
        }
        return AskedPictures(**{**own, **more})

    def number(self, found: Mapping[str, Any]) -> int:
        """Return the number of requested pictures."""
        number: int = found.get("batch_size", 1) * found.get("n_iter", 1)
        return number

    def has_effect(self, name: str, asked: Mapping[str, Any]) -> bool:
        """Return whether a field of the request can change anything. If not, it is not checked."""
        return True

    def more(self, judged: JudgedFields, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes of `AskedPictures` that only this route has.

        Raise ValidationError for values that do not fit together.
        """
        raise NotImplementedError

    def _plain(self, name: str, value: Any) -> Any:
        """Return a value as the domain has it: AUTOMATIC1111's API takes numbers as text."""
        is_number = isinstance(self._by_key[name], fields.Number)
        return as_number(value) if is_number else value

    @property
    def _by_key(self) -> Mapping[str, fields.Field[Any]]:
        return {field.data_key or name: field for name, field in self.fields.items()}


def _clip_skip(found: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return the clip skip of a request, and the field that says it; None if none does."""
    for name, field in (("clip_setting", CLIP_SKIP), ("skip", "clip_skip")):
        if name in found:
            return found[name], field
    return None


def _scheduler(data: Mapping[str, Any]) -> Chosen:
    name = data.get("sampler_name") or data.get("sampler_index", "")
    return chosen_scheduler(name, data.get("schedule", ""))


def described(table: FieldTable, *rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the description of a route's body has besides the fields that are read."""
    return {
        **table.described,
        "properties": {
            **table.described["properties"],
            _SETTINGS: {**MORE_SETTINGS, "type": ["object", "null"]},
        },
        "allOf": [images_rule("batch_size", "n_iter"), *rules],
    }


def sides_of(judged: JudgedFields) -> tuple[int, int]:
    """Return the width and the height of a request."""
    return judged.get("width", _OWN_SIDE), judged.get("height", _OWN_SIDE)
