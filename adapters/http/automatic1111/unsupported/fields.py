"""The rules for the fields of AUTOMATIC1111's `txt2img` that this service does not read.

Source of names and defaults: the web UI 1.10, `modules/api/models.py` and `modules/processing.py`
(`StableDiffusionProcessing` and `StableDiffusionProcessingTxt2Img`). Unknown fields are ignored, as
in AUTOMATIC1111's API. Unlike it, this service names them in the answer's `info`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.http.automatic1111.unsupported.scripts import (
    NO_CHECKPOINT,
    busy_scripts,
    idle_scripts,
    scripts_rule,
)
from adapters.http.automatic1111.unsupported.settings import AT_REST, SETTING_RULES
from adapters.http.automatic1111.unsupported.verdicts import (
    NOTHING,
    Rule,
    Verdict,
    ignored,
    no_effect,
    nothing_but,
)
from adapters.http.edge.redaction import Redactor

__all__ = [
    "FIELD_RULES",
    "MORE_FIELDS",
    "MORE_SETTINGS",
    "READ",
    "ignored_names",
    "refusals",
    "refused_settings",
]

SCRIPTS = "alwayson_scripts"
SETTINGS = "override_settings"
READ = frozenset(
    {
        *("prompt", "negative_prompt", "steps", "cfg_scale", "width", "height", "seed"),
        *("batch_size", "n_iter", "sampler_name", "sampler_index", "scheduler", "send_images"),
        SETTINGS,
    }
)
"""The fields that the service reads."""
READ_SETTINGS = frozenset({"sd_model_checkpoint", "samples_format", "jpeg_quality"})
"""The settings that the service reads."""
_MOST_NAMES = 20
_LONGEST_NAME = 64


def _styles(value: Any, sent: Mapping[str, Any]) -> Verdict:
    names = value if isinstance(value, list) else [value]
    chosen = [name for name in names if name not in (*NOTHING, *NO_CHECKPOINT)]
    return Verdict.REFUSED if chosen else Verdict.NOTHING


def _seed_size(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `seed_resize_from_w` and `_h`: another size that the noise is drawn for."""
    is_off = value in NOTHING or (_is_number(value) and value < 0)
    return Verdict.NOTHING if is_off else Verdict.REFUSED


def _refiner(value: Any, sent: Mapping[str, Any]) -> Verdict:
    switch_at: Any = sent.get("refiner_switch_at")
    never = _is_number(switch_at) and switch_at >= 1
    none_named = value in (*NOTHING, *NO_CHECKPOINT)
    return Verdict.NOTHING if none_named or never else Verdict.REFUSED


def _ancestral_noise(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `eta`. Its own value is 1 for ancestral samplers and 0 for DDIM; others have no eta."""
    if not _is_number(value):
        return Verdict.NOTHING if value in NOTHING else Verdict.REFUSED
    if value not in (0, 1):
        return Verdict.REFUSED
    sampler = str(sent.get("sampler_name") or sent.get("sampler_index") or "").lower()
    is_ddim = "ddim" in sampler
    is_ancestral = sampler.endswith(" a") or " a " in sampler or "sde" in sampler
    differs = (is_ddim and value != 0) or (is_ancestral and value != 1)
    return Verdict.IGNORED if differs else Verdict.NOTHING


def _noise_factor(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """Judge `s_noise`, which is always 1. The example of AUTOMATIC1111's API has 0."""
    if value is None or (_is_number(value) and value == 1):
        return Verdict.NOTHING
    return Verdict.IGNORED if value in NOTHING else Verdict.REFUSED


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FIELD_RULES: Mapping[str, Rule] = {
    # A second pass, and what belongs to it.
    "enable_hr": nothing_but(),
    **dict.fromkeys(("denoising_strength", "firstphase_width", "firstphase_height"), no_effect),
    **dict.fromkeys(
        (
            *("hr_scale", "hr_upscaler", "hr_second_pass_steps", "hr_resize_x", "hr_resize_y"),
            *("hr_checkpoint_name", "hr_sampler_name", "hr_scheduler", "hr_prompt"),
            *("hr_negative_prompt", "hr_additional_modules", "hr_cfg", "hr_distilled_cfg"),
        ),
        no_effect,
    ),
    # Variations of the noise.
    "subseed_strength": nothing_but(),
    "subseed": no_effect,
    "seed_resize_from_h": _seed_size,
    "seed_resize_from_w": _seed_size,
    "eta": _ancestral_noise,
    "s_noise": _noise_factor,
    "s_churn": nothing_but(),
    "s_tmin": no_effect,
    "s_tmax": no_effect,
    "s_min_uncond": nothing_but(),
    # Other networks.
    "refiner_checkpoint": _refiner,
    "refiner_switch_at": no_effect,
    "restore_faces": nothing_but(),
    "tiling": nothing_but(),
    "styles": _styles,
    "clip_skip": nothing_but(1),
    # Scripts.
    "script_name": nothing_but(*NO_CHECKPOINT),
    "script_args": no_effect,
    SCRIPTS: scripts_rule,
    # A request inside the request.
    "infotext": nothing_but(),
    # Fields of `img2img`, which would draw another picture.
    "init_images": nothing_but([None]),
    "mask": nothing_but(),
    # Where pictures are saved, the names of tasks, and which settings are restored afterwards.
    **dict.fromkeys(
        (
            *("save_images", "do_not_save_samples", "do_not_save_grid", "force_task_id"),
            *("override_settings_restore_afterwards", "disable_extra_networks", "comments"),
        ),
        no_effect,
    ),
}
"""The rule for each field that is known and not read."""


def refusals(sent: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each field with an unsupported value, and the message about it."""
    for name, value in sent.items():
        rule = FIELD_RULES.get(name)
        if name in READ or rule is None or rule(value, sent) is not Verdict.REFUSED:
            continue
        if busy := busy_scripts(value, sent) if name == SCRIPTS else []:
            shown = ", ".join(ascii(each)[:40] for each in busy[:_MOST_NAMES])
            yield (
                name,
                [f"asks for scripts that this service does not have: {shown}; leave them out"],
            )
        else:
            yield name, [_unsupported(value)]


def refused_settings(settings: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each setting with an unsupported value, and the message about it."""
    for name, value in settings.items():
        rule = SETTING_RULES.get(name)
        if rule is not None and rule(value, settings) is Verdict.REFUSED:
            yield name, [_unsupported(value)]


def ignored_names(sent: Mapping[str, Any], redactor: Redactor) -> list[str]:
    """Return the names of the first twenty fields, settings and scripts that have no effect."""
    found = [name for name in sent if _verdict(name, sent) is Verdict.IGNORED and name != SCRIPTS]
    found += [f"{SCRIPTS}.{name}" for name in idle_scripts(sent.get(SCRIPTS), sent)]
    settings = sent.get(SETTINGS)
    if isinstance(settings, dict):
        found += [
            f"{SETTINGS}.{name}"
            for name, value in settings.items()
            if name not in READ_SETTINGS | SETTING_RULES.keys() and value not in NOTHING
        ]
    return [redactor.redacted(_shown(name)) for name in found[:_MOST_NAMES]]


def _verdict(name: str, sent: Mapping[str, Any]) -> Verdict:
    if name in READ:
        return Verdict.NOTHING
    return FIELD_RULES.get(name, ignored)(sent[name], sent)


def _shown(name: str) -> str:
    """Return a client's name of a field as one short line."""
    return ascii(name[:_LONGEST_NAME])[1:-1]


def _unsupported(value: object) -> str:
    shown = "set" if isinstance(value, dict | list) else ascii(value)[:40]
    return f"is {shown}, which cannot be done here; leave it out"


# The same rules as JSON Schema, for the API's description. They may be stricter.

_MAY_BE: Mapping[str, tuple[object, ...]] = {
    "eta": (1,),
    "s_noise": (1,),
    "clip_skip": (1,),
    "seed_resize_from_h": (-1,),
    "seed_resize_from_w": (-1,),
    "refiner_checkpoint": NO_CHECKPOINT,
    "script_name": NO_CHECKPOINT,
    "init_images": ([None],),
}
_NOTHING: Mapping[str, Any] = {"enum": list(NOTHING)}
_IGNORED: Mapping[str, Any] = {
    "description": "The service accepts this field, and it changes nothing."
}


def _described_as(values: tuple[object, ...]) -> dict[str, Any]:
    return {"enum": [*NOTHING, *values], "description": "This service takes only this value."}


MORE_FIELDS: Mapping[str, Any] = {
    "properties": {
        **{
            name: _IGNORED if rule is no_effect else _described_as(_MAY_BE.get(name, ()))
            for name, rule in sorted(FIELD_RULES.items())
        },
        SCRIPTS: {
            "type": "object",
            "description": "Scripts that do nothing. Any other script is refused.",
            "additionalProperties": {
                "anyOf": [_NOTHING, {"properties": {"args": {"items": _NOTHING}}, "type": "object"}]
            },
        },
    },
    "additionalProperties": True,
}
"""The schemas of further fields of a request. The answer's `info` names unknown fields."""
MORE_SETTINGS: Mapping[str, Any] = {
    "properties": {name: _described_as(values) for name, values in AT_REST.items()},
    "additionalProperties": True,
}
"""The schemas of further settings in `override_settings`."""
