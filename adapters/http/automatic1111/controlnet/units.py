"""Reads the units of ControlNet in a request, as the extension of the web UI reads them.

Source of defaults and of the forms of pictures: sd-webui-controlnet 1.1.455,
`internal_controlnet/args.py`.
"""

from collections.abc import Mapping
from typing import Any

from adapters.http.automatic1111.controlnet.asked import AskedControl, AskedControls
from adapters.http.automatic1111.controlnet.fields import ALIASES, READ, RULES
from adapters.http.automatic1111.controlnet.models import NO_MODEL
from adapters.http.automatic1111.controlnet.modules import (
    RESOLUTION,
    RESOLUTIONS,
    Module,
    chosen_module,
    preprocessor_of,
)
from adapters.http.automatic1111.controlnet.words import (
    CONTROL_MODES,
    PASSES,
    RESIZE_MODES,
    chosen_word,
)
from adapters.http.automatic1111.unsupported import CONTROLNET
from adapters.http.automatic1111.unsupported.verdicts import NOTHING, Verdict, ignored
from adapters.http.automatic1111.values.numbers import as_flag, as_number
from adapters.http.automatic1111.values.sent_pictures import decoded_picture
from domain.generation.parts import Control, ControlMode, ResizeMode
from domain.limits import IntegerRange, NumberRange

__all__ = ["MOST_UNITS", "read_units"]

MOST_UNITS = 4
"""The most ControlNets of a request."""
_ARGS = "args"
_LIMITS = Control.LIMITS
_ANY_NUMBER = IntegerRange(-(2**31), 2**31)
_UNIT = (
    "must be an object with the fields of a unit, such as "
    '{"model": "…", "image": "…", "module": "canny"}'
)


def read_units(scripts: object, sent: Mapping[str, Any]) -> AskedControls:
    """Return what a request says of ControlNet.

    Args:
        scripts: The value of `alwayson_scripts`.
        sent: The fields of the request.
    """
    reader = _Reader(sent)
    for name, script in scripts.items() if isinstance(scripts, dict) else ():
        if isinstance(name, str) and name.lower() == CONTROLNET:
            reader.read(f"alwayson_scripts.{name}", script)
    units = () if reader.problems else tuple(reader.units)
    return AskedControls(units, tuple(reader.ignored), reader.problems)


class _Reader:
    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._sent = sent
        self.units: list[AskedControl] = []
        self.ignored: list[str] = []
        self.problems: dict[str, str] = {}

    def read(self, place: str, script: object) -> None:
        """Read a script: its arguments are units, or one unit."""
        is_script = isinstance(script, dict) and _ARGS in script
        arguments = script[_ARGS] if is_script else script  # type: ignore[index]
        units = arguments if isinstance(arguments, list) else [arguments]
        number = 0
        for index, unit in enumerate(units):
            at = f"{place}.{_ARGS}[{index}]"
            if unit in NOTHING:
                continue
            if not isinstance(unit, dict):
                self.problems[at] = _UNIT
                continue
            fields, twice = _renamed(unit)
            if _is_on(fields):
                number += 1
                for name, own in twice.items():
                    self.problems[f"{at}.{name}"] = f"cannot be sent with {own}; send one of them"
                self._unit(at, fields)
        if number > MOST_UNITS:
            text = f"has {number} units that are switched on; a request has at most {MOST_UNITS}"
            self.problems = {f"{place}.{_ARGS}": text}

    def _unit(self, at: str, fields: Mapping[str, Any]) -> None:
        known = len(self.problems)
        module = self._module(at, fields)
        image, mask = self._pictures(at, fields)
        model = fields.get("model", NO_MODEL)
        if not isinstance(model, str) or model.strip() in ("", NO_MODEL, "none"):
            text = "must name a ControlNet; GET /controlnet/model_list lists all"
            self.problems[f"{at}.model"] = text
        start = self._number(at, fields, "guidance_start", 0)
        end = self._number(at, fields, "guidance_end", 1)
        if start >= end:
            text = f"is {start:g}; it must be less than guidance_end, which is {end:g}"
            self.problems[f"{at}.guidance_start"] = text
        weight = self._number(at, fields, "weight", 1)
        resize_mode = self._word(at, fields, "resize_mode", RESIZE_MODES, ResizeMode.CROP)
        mode = self._word(at, fields, "control_mode", CONTROL_MODES, ControlMode.BALANCED)
        self._passes(at, fields)
        has_map = self._flag(at, fields, "save_detected_map", True)
        self._crop(at, fields)
        names = ("threshold_a", "threshold_b") if module.thresholds else ()
        thresholds = [self._whole(at, fields, name, -1) for name in names]
        resolution = self._resolution(at, fields, module)
        self._rules(at, fields)
        if len(self.problems) > known:
            return
        self.units.append(
            AskedControl(
                place=at,
                model=model,
                image=image,
                mask=mask,
                scale=weight,
                start=start,
                end=end,
                preprocessor=preprocessor_of(module, thresholds),
                resize_mode=resize_mode,
                mode=mode,
                has_map=has_map,
                resolution=resolution,
            )
        )

    def _module(self, at: str, fields: Mapping[str, Any]) -> Module:
        try:
            return chosen_module(fields.get("module"))
        except ValueError as error:
            self.problems[f"{at}.module"] = str(error)
            return chosen_module(None)

    def _pictures(self, at: str, fields: Mapping[str, Any]) -> tuple[bytes | None, bytes | None]:
        """Return the picture and the mask of a unit: texts, a pair, or an object with both."""
        image: Any = fields.get("image")
        mask: Any = fields.get("mask")
        if isinstance(image, list) and len(image) == 1:
            image = image[0]
        if isinstance(image, list) and len(image) == 2 and not isinstance(image[0], dict):
            image, mask = image[0], mask or image[1]
        elif isinstance(image, dict):
            image, mask = image.get("image"), mask or image.get("mask")
        return self._picture(f"{at}.image", image), self._picture(f"{at}.mask", mask)

    def _picture(self, at: str, value: object) -> bytes | None:
        if value in NOTHING:
            return None
        try:
            return decoded_picture(value)
        except ValueError as error:
            self.problems[at] = str(error)
            return None

    def _resolution(self, at: str, fields: Mapping[str, Any], module: Module) -> int | None:
        """Return the resolution of a preprocessor, if it is not to be that of the request."""
        is_perfect = self._flag(at, fields, "pixel_perfect", False)
        if is_perfect or not module.has_resolution:
            return None
        asked = self._whole(at, fields, "processor_res", -1)
        least, most = RESOLUTIONS
        return asked if least <= asked <= most else RESOLUTION

    def _passes(self, at: str, fields: Mapping[str, Any]) -> None:
        """Check that a unit has an effect in both passes, if there are two."""
        is_both = self._word(at, fields, "hr_option", PASSES, True)
        if not is_both and as_flag(self._sent.get("enable_hr")) is True:
            self.problems[f"{at}.hr_option"] = (
                f"is {ascii(fields['hr_option'])[:40]}; this service follows the map in both "
                "passes, so send Both"
            )

    def _crop(self, at: str, fields: Mapping[str, Any]) -> None:
        """Check that the picture is cropped, if the box of a mask is drawn at full size."""
        is_cropped = self._flag(at, fields, "inpaint_crop_input_image", True)
        is_box = as_flag(self._sent.get("inpaint_full_res")) in (True, None)
        if not is_cropped and is_box and self._sent.get("mask") not in NOTHING:
            self.problems[f"{at}.inpaint_crop_input_image"] = (
                "is false; with inpaint_full_res this service crops the picture to the box of the "
                "mask, so leave it out"
            )

    def _number(self, at: str, fields: Mapping[str, Any], name: str, usual: float) -> float:
        value = as_number(fields.get(name, usual))
        limit: Any = _LIMITS["scale" if name == "weight" else "start"]
        assert isinstance(limit, NumberRange)  # noqa: S101 - tells mypy
        if message := limit.problem(value):
            self.problems[f"{at}.{name}"] = message
            return usual
        return float(value)

    def _whole(self, at: str, fields: Mapping[str, Any], name: str, usual: int) -> int:
        value = as_number(fields.get(name, usual))
        if message := _ANY_NUMBER.problem(value):
            self.problems[f"{at}.{name}"] = message
            return usual
        whole: int = value
        return whole

    def _flag(self, at: str, fields: Mapping[str, Any], name: str, usual: bool) -> bool:
        value = as_flag(fields.get(name, usual))
        if not isinstance(value, bool):
            self.problems[f"{at}.{name}"] = "must be true or false"
            return usual
        return value

    def _word(
        self, at: str, fields: Mapping[str, Any], name: str, words: Mapping[str, Any], usual: Any
    ) -> Any:
        try:
            return chosen_word(fields.get(name), words, usual)
        except ValueError as error:
            self.problems[f"{at}.{name}"] = str(error)
            return usual

    def _rules(self, at: str, fields: Mapping[str, Any]) -> None:
        for name in fields.keys() - READ:
            verdict = RULES.get(name, ignored)(fields[name], fields)
            if verdict is Verdict.REFUSED:
                self.problems[f"{at}.{name}"] = "cannot be done here; leave it out"
            elif verdict is Verdict.IGNORED:
                self.ignored.append(f"{at}.{name}")


def _renamed(unit: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of a unit by their present names, without those that are null.

    The second result has the names with another value than the present name of the same field.
    """
    found: dict[str, Any] = {}
    twice: dict[str, str] = {}
    for name, value in unit.items():
        if value is None:
            continue
        own = ALIASES.get(name, str(name))
        both = [each for each in (found.get(own), value) if each not in NOTHING]
        if len(both) > 1 and not (isinstance(value, str) and value == found[own]):
            twice[str(name)] = own
        elif both or own not in found:
            found[own] = both[0] if both else value
    return found, twice


def _is_on(fields: Mapping[str, Any]) -> bool:
    """Return whether a unit is switched on. One that does not say so is, if it names anything."""
    if "enabled" in fields:
        return as_flag(fields["enabled"]) is not False
    return any(_named(fields, name) for name in ("model", "image", "module"))


def _named(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name)
    return value not in (*NOTHING, NO_MODEL, "none")
