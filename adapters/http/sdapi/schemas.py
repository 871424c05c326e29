"""What that API's clients may ask for, and which of it there is here.

They send everything that it knows, most of it at its default. So what is nothing (null, false, 0,
an empty text, list or object) is never wrong, nor what has no effect; what would change the
picture and can not be done here is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validates_schema

from adapters.http.fields import CheckedString
from adapters.http.schemas import limited_integer, limited_number, limited_text, limited_word
from adapters.http.sdapi.samplers import named_scheduler
from domain.generation import GenerationRequest
from domain.limits import TextLength
from domain.schedulers import Scheduler

__all__ = ["CHECKPOINT", "SETTINGS", "Txt2ImgSchema", "without_neutral_settings"]

_SETTINGS = "override_settings"
_CHECKPOINT_SETTING = "sd_model_checkpoint"
CHECKPOINT = f"{_SETTINGS}.{_CHECKPOINT_SETTING}"
SETTINGS = frozenset({_CHECKPOINT_SETTING, "samples_format", "jpeg_quality"})
"""What a request can override."""
_NAME = TextLength(0, 4096)
_WORD = TextLength(0, 100)
_NUMBERS = ("steps", "cfg_scale", "width", "height", "seed", "batch_size", "n_iter")
_NUMBER = re.compile(r"\s*-?[0-9]{1,20}(\.[0-9]{1,20})?\s*")

# Of the second pass (`enable_hr`), a refiner, variations, noise or a script that are not asked for,
# or of where pictures are kept.
_WITHOUT_EFFECT = frozenset(
    {
        *("denoising_strength", "firstphase_width", "firstphase_height", "refiner_switch_at"),
        *("subseed", "s_tmin", "s_tmax", "script_args", "force_task_id", "save_images"),
        *("do_not_save_samples", "do_not_save_grid", "override_settings_restore_afterwards"),
        *("comments", "disable_extra_networks"),
    }
)
_HIRES_FIX = "hr_"
# What is done anyway, though it is not nothing.
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "clip_skip": (1,),
    "eta": (1,),
    "refiner_checkpoint": ("None",),
    "s_noise": (1,),
    "seed_resize_from_h": (-1,),
    "seed_resize_from_w": (-1,),
}
_NEUTRAL_SETTINGS: Mapping[str, tuple[object, ...]] = {
    "CLIP_stop_at_last_layers": (1,),
    "sd_vae": ("Automatic", "None"),
}
_SETTINGS_WITHOUT_EFFECT = frozenset(
    {"samples_save", "grid_save", "live_previews_enable", "show_progress_every_n_steps"}
)
# A LoRA or hypernetwork of that web UI, as `modules/extra_networks.py` finds it in a prompt.
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]+>")


def without_neutral_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that would change a picture."""
    return {
        name: value
        for name, value in settings.items()
        if value
        and value not in _NEUTRAL_SETTINGS.get(name, ())
        and name not in _SETTINGS_WITHOUT_EFFECT
    }


class Txt2ImgSchema(Schema):
    """The body of `txt2img`, loaded as fields of a `GenerationRequest`, with `checkpoint`,
    `batch_size`, `n_iter` and `send_images` beside them. A null counts as not sent."""

    prompt = limited_text("prompt", required=True)
    negative_prompt = limited_text("negative_prompt")
    num_inference_steps = limited_integer("num_inference_steps", data_key="steps")
    guidance_scale = limited_number("guidance_scale", data_key="cfg_scale")
    width = limited_integer("width")
    height = limited_integer("height")
    seed = limited_integer("seed")
    batch_size = limited_integer("num_images", load_default=1)
    n_iter = limited_integer("num_images", load_default=1)
    sampler_name = CheckedString(_WORD.problem, load_default="")
    sampler_index = CheckedString(_WORD.problem, load_default="")
    schedule = CheckedString(_WORD.problem, data_key="scheduler", load_default="")
    send_images = fields.Boolean(truthy={True}, falsy={False}, load_default=True)
    checkpoint = CheckedString(_NAME.problem, data_key=CHECKPOINT, load_default="")
    output_format = limited_word("output_format", data_key=f"{_SETTINGS}.samples_format")
    quality = limited_integer("quality", data_key=f"{_SETTINGS}.jpeg_quality")

    @pre_load
    def _leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        known = {field.data_key or name for name, field in self.fields.items()}
        sent = {name: value for name, value in data.items() if value is not None}
        settings = sent.pop(_SETTINGS, {})
        if not isinstance(settings, dict):
            raise ValidationError("must be an object", _SETTINGS)
        problems = dict(_problems(sent, known))
        asked = {name: _as_number(name, value) for name, value in sent.items() if name in known}
        if asked.get("seed") in (-1, ""):
            del asked["seed"]
        for name, value in without_neutral_settings(settings).items():
            place = f"{_SETTINGS}.{name}"
            if name in SETTINGS:
                asked[place] = "jpeg" if value == "jpg" else value
            else:
                problems[place] = [_undoable(value)]
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

    @post_load
    def _request(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        data["scheduler"] = _scheduler(data)
        data["num_images"] = data["batch_size"] * data["n_iter"]
        if data.get("output_format", "png") == "png":
            data.pop("quality", None)
        return {
            name: value
            for name, value in data.items()
            if name not in ("sampler_name", "sampler_index", "schedule")
        }


def _scheduler(data: Mapping[str, Any]) -> Scheduler | None:
    name = data.get("sampler_name") or data.get("sampler_index", "")
    return named_scheduler(name, data.get("schedule", ""))


def _problems(sent: Mapping[str, Any], known: set[str]) -> Iterator[tuple[str, list[str]]]:
    """What is asked for in vain, by its name."""
    for name, value in sent.items():
        if name in known or name in _WITHOUT_EFFECT or name.startswith(_HIRES_FIX):
            continue
        if name == "alwayson_scripts":
            if isinstance(value, dict) and not any(map(_has_arguments, value.values())):
                continue
        elif not value or value in _NEUTRAL.get(name, ()):
            continue
        yield name, [_undoable(value)]


def _has_arguments(script: object) -> bool:
    """Whether a script that is always on is asked to do something."""
    arguments = script.get("args", []) if isinstance(script, dict) else script
    return any(arguments) if isinstance(arguments, list) else bool(arguments)


def _undoable(value: object) -> str:
    shown = "set" if isinstance(value, dict | list) else ascii(value)[:40]
    return f"is {shown}, which can not be done here; leave it out"


def _as_number(name: str, value: Any) -> Any:
    """A number, where it was sent as text or with a fraction of 0, as that API takes it."""
    if name not in _NUMBERS:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value
