"""Decides whether a script of `alwayson_scripts` would have an effect.

The web UI has three such scripts of its own, and lists their arguments with those of every
extension. Source of the arguments and defaults: the web UI 1.10, `modules/processing_scripts/`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.http.automatic1111.unsupported.verdicts import NOTHING, Verdict

__all__ = ["CONTROLNET", "NO_CHECKPOINT", "busy_scripts", "idle_scripts", "scripts_rule"]

CONTROLNET = "controlnet"
"""The script that the service reads itself, in lower case, as the web UI compares names."""

NO_CHECKPOINT = ("None", "none")
"""The values of a menu without a choice."""
_FIRST_SAMPLERS = ("dpm++ 2m", "euler a", "euler")
"""The first entry of the menu of samplers, in release 1.10 and in earlier ones."""
_AUTOMATIC = "automatic"
_STEPS = 20


def scripts_rule(value: Any, sent: Mapping[str, Any]) -> Verdict:
    """The verdict on `alwayson_scripts`: each script by its name, with its arguments."""
    if not isinstance(value, dict):
        return Verdict.NOTHING if value in NOTHING else Verdict.REFUSED
    verdicts = {_verdict(name, script, sent) for name, script in value.items()}
    return next((each for each in (Verdict.REFUSED, Verdict.IGNORED) if each in verdicts), _OK)


_OK = Verdict.NOTHING


def busy_scripts(value: Any, sent: Mapping[str, Any]) -> list[str]:
    """Return the names of the scripts that would have an effect."""
    return _named(value, sent, Verdict.REFUSED)


def idle_scripts(value: Any, sent: Mapping[str, Any]) -> list[str]:
    """Return the names of the scripts that are switched off, but have arguments."""
    return _named(value, sent, Verdict.IGNORED)


def _named(value: Any, sent: Mapping[str, Any], wanted: Verdict) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [name for name, script in value.items() if _verdict(name, script, sent) is wanted]


def _verdict(name: str, script: Any, sent: Mapping[str, Any]) -> Verdict:
    if name.lower() == CONTROLNET:
        return Verdict.NOTHING
    arguments = script.get("args", []) if isinstance(script, dict) else script
    if _is_off(arguments):
        return Verdict.NOTHING
    if not isinstance(arguments, list):
        return Verdict.REFUSED
    own = _OWN.get(name.lower())
    if own is not None:
        return Verdict.NOTHING if own(arguments, sent) else Verdict.REFUSED
    # The first argument of most extensions enables the extension.
    return Verdict.IGNORED if arguments[0] is False else Verdict.REFUSED


def _is_off(arguments: Any) -> bool:
    """Return whether the arguments are empty, a unit that is switched off, or a list of these."""
    return all(map(_is_unit_off, arguments if isinstance(arguments, list) else [arguments]))


def _is_unit_off(unit: Any) -> bool:
    if isinstance(unit, dict) and unit:
        return unit.get("enabled") is False or unit.get("ad_model") in NO_CHECKPOINT
    return unit in NOTHING


def _seed_is_the_requests(arguments: Sequence[Any], sent: Mapping[str, Any]) -> bool:
    seed, extras, _, strength, width, height = [*arguments, *[None] * 6][:6]
    if seed not in (None, "", -1, sent.get("seed")):
        return False
    return not extras or (not strength and not (width and height))


def _sampler_is_the_requests(arguments: Sequence[Any], sent: Mapping[str, Any]) -> bool:
    steps, sampler, schedule = [*arguments, *[None] * 3][:3]
    asked = sent.get("sampler_name") or sent.get("sampler_index")
    return (
        steps in (*NOTHING, _STEPS, sent.get("steps"))
        and _is_one_of(sampler, *_FIRST_SAMPLERS, asked)
        and _is_one_of(schedule, _AUTOMATIC, sent.get("scheduler"))
    )


def _no_refiner(arguments: Sequence[Any], sent: Mapping[str, Any]) -> bool:
    switched_on, checkpoint, switch_at = [*arguments, *[None] * 3][:3]
    never = isinstance(switch_at, int | float) and switch_at >= 1
    return not switched_on or checkpoint in (*NOTHING, *NO_CHECKPOINT) or never


def _is_one_of(name: Any, *names: Any) -> bool:
    return name in NOTHING or str(name).lower() in [str(each).lower() for each in names if each]


_OWN = {
    "seed": _seed_is_the_requests,
    "sampler": _sampler_is_the_requests,
    "refiner": _no_refiner,
}
