"""What that API's clients send that asks for nothing here.

They send everything that it knows, most of it at its default. So what is nothing (null, false, 0,
an empty text, list or object) is never wrong, nor what has no effect; what would change the
picture and can not be done here is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "NOTHING",
    "NOTHING_ELSE",
    "NO_OTHER_SETTING",
    "undoable_fields",
    "undoable_value",
    "without_neutral_settings",
]

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
_SCRIPTS = "alwayson_scripts"
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


def without_neutral_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that would change a picture."""
    return {
        name: value
        for name, value in settings.items()
        if value
        and value not in _NEUTRAL_SETTINGS.get(name, ())
        and name not in _SETTINGS_WITHOUT_EFFECT
    }


def undoable_fields(sent: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The name of each field that asks for what is not done here, and what to say of it."""
    for name, value in sent.items():
        if name in _WITHOUT_EFFECT or name.startswith(_HIRES_FIX):
            continue
        if name == _SCRIPTS:
            if isinstance(value, dict) and not any(map(_has_arguments, value.values())):
                continue
        elif not value or value in _NEUTRAL.get(name, ()):
            continue
        yield name, [undoable_value(value)]


def undoable_value(value: object) -> str:
    """What to say of a value that asks for what is not done here."""
    shown = "set" if isinstance(value, dict | list) else ascii(value)[:40]
    return f"is {shown}, which can not be done here; leave it out"


def _has_arguments(script: object) -> bool:
    """Whether a script that is always on is asked to do something."""
    arguments = script.get("args", []) if isinstance(script, dict) else script
    return any(arguments) if isinstance(arguments, list) else bool(arguments)


# The same in the words of JSON Schema, for the API's description.

NOTHING: Mapping[str, Any] = {"enum": [None, False, 0, "", [], {}]}
"""What any field may be."""
_IGNORED: Mapping[str, Any] = {"description": "Nothing is done with it."}


def _described(
    neutral: Mapping[str, tuple[object, ...]], without_effect: frozenset[str]
) -> dict[str, Any]:
    described = {
        name: {"enum": [*NOTHING["enum"], *values], "description": "Here it can be this alone."}
        for name, values in neutral.items()
    }
    return {**described, **dict.fromkeys(sorted(without_effect), _IGNORED)}


NOTHING_ELSE: Mapping[str, Any] = {
    "properties": {
        **_described(_NEUTRAL, _WITHOUT_EFFECT),
        _SCRIPTS: {
            "type": "object",
            "description": "Scripts that are asked for nothing.",
            "additionalProperties": {
                "anyOf": [NOTHING, {"properties": {"args": {"items": NOTHING}}, "type": "object"}]
            },
        },
    },
    "patternProperties": {f"^{_HIRES_FIX}": _IGNORED},
    "additionalProperties": NOTHING,
}
"""What else a request may hold."""
NO_OTHER_SETTING: Mapping[str, Any] = {
    "properties": _described(_NEUTRAL_SETTINGS, _SETTINGS_WITHOUT_EFFECT),
    "additionalProperties": NOTHING,
}
"""What else its `override_settings` may hold."""
