"""Words and numbers that ControlNet's extension of the web UI has for the same values.

Source: sd-webui-controlnet 1.1.455, `scripts/enums.py`, `internal_controlnet/args.py` and
`internal_controlnet/external_code.py` (`resize_mode_from_value`).
"""

from collections.abc import Mapping
from typing import Any

from adapters.http.automatic1111.values.numbers import as_number
from domain.generation.parts import ControlMode, ResizeMode

__all__ = ["CONTROL_MODES", "PASSES", "RESIZE_MODES", "chosen_word"]

RESIZE_MODES: Mapping[str, ResizeMode] = {
    "Just Resize": ResizeMode.STRETCH,
    "Crop and Resize": ResizeMode.CROP,
    "Resize and Fill": ResizeMode.PAD,
    # Names of earlier releases.
    "Inner Fit (Scale to Fit)": ResizeMode.CROP,
    "Scale to Fit (Inner Fit)": ResizeMode.CROP,
    "Outer Fit (Shrink to Fit)": ResizeMode.PAD,
    "Envelope (Outer Fit)": ResizeMode.PAD,
}
CONTROL_MODES: Mapping[str, ControlMode] = {
    "Balanced": ControlMode.BALANCED,
    "My prompt is more important": ControlMode.PROMPT,
    "ControlNet is more important": ControlMode.CONTROL,
}
PASSES: Mapping[str, bool] = {"Both": True, "Low res only": False, "High res only": False}
"""Whether a unit has an effect in both passes of hires fix."""
_NUMBERED = 3
"""The first three words of each list may be sent as numbers from 0."""


def chosen_word(value: object, words: Mapping[str, Any], usual: Any) -> Any:
    """Return what a word, or the number of it, means; `usual` for None and an empty text.

    Raises:
        ValueError: It is not one of the words.
    """
    if value is None or value == "":
        return usual
    by_name = {name.lower(): meaning for name, meaning in words.items()}
    if isinstance(value, str) and value.strip().lower() in by_name:
        return by_name[value.strip().lower()]
    number = as_number(value)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _NUMBERED:
        return [*words.values()][number]
    shown = ascii(value)[:40] if isinstance(value, str | int | float) else "of another type"
    names = [*words][:_NUMBERED]
    numbered = ", ".join(f"{each} ({number})" for number, each in enumerate(names))
    raise ValueError(f"is {shown}; it must be one of: {numbered}")
