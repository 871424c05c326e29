"""The rules for the fields of the second pass («hires fix») that this service does not read.

The second pass draws with the checkpoint, the prompts, the sampler and the guidance of the first
pass. A field that asks for the same is accepted. Without `enable_hr` none of them has an effect.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from adapters.http.automatic1111.samplers import chosen_scheduler
from adapters.http.automatic1111.unsupported.scripts import NO_CHECKPOINT
from adapters.http.automatic1111.unsupported.verdicts import NOTHING, Rule, Verdict, ignored
from adapters.http.automatic1111.values.numbers import as_flag, as_number

__all__ = ["SAME_CHECKPOINTS", "SECOND_PASS_RULES", "SECOND_PASS_VALUES", "has_second_pass"]

SAME_CHECKPOINTS = ("Use same checkpoint", *NO_CHECKPOINT)
"""The values of `hr_checkpoint_name` for the checkpoint of the first pass."""
_SAME_SAMPLER = "Use same sampler"
_SAME_SCHEDULE = "Use same scheduler"
_SAME = (_SAME_SAMPLER, _SAME_SCHEDULE)
_SAME_MODULES = "Use same choices"
_OWN_SIDE = 512
"""The width and the height of a request that names none."""


def has_second_pass(sent: Mapping[str, Any]) -> bool:
    """Return whether a request asks for a second pass."""
    return as_flag(sent.get("enable_hr")) is True


def _in_second_pass(rule: Rule) -> Rule:
    def judged(value: Any, sent: Mapping[str, Any]) -> Verdict:
        return rule(value, sent) if has_second_pass(sent) else Verdict.NOTHING

    return judged


def _same_as(name: str) -> Rule:
    def rule(value: Any, sent: Mapping[str, Any]) -> Verdict:
        is_same = value in NOTHING or value == sent.get(name)
        return Verdict.NOTHING if is_same else Verdict.REFUSED

    return rule


def _same_guidance(value: Any, sent: Mapping[str, Any]) -> Verdict:
    first = as_number(sent.get("cfg_scale"))
    return Verdict.NOTHING if value in NOTHING or as_number(value) == first else Verdict.REFUSED


def _same_scheduler(value: Any, sent: Mapping[str, Any]) -> Verdict:
    if value in (*NOTHING, *_SAME):
        return Verdict.NOTHING
    if not isinstance(value, str):
        return Verdict.REFUSED
    sampler = _text(sent.get("sampler_name") or sent.get("sampler_index"))
    schedule = _text(sent.get("scheduler"))
    try:
        first = chosen_scheduler(sampler, schedule)
        second = chosen_scheduler(
            _text(sent.get("hr_sampler_name")) or sampler,
            _text(sent.get("hr_scheduler")) or schedule,
        )
    except ValidationError:
        return Verdict.REFUSED
    if second.scheduler != first.scheduler:
        return Verdict.REFUSED
    return Verdict.NOTHING if second.is_followed or not first.is_followed else Verdict.IGNORED


def _same_side(name: str) -> Rule:
    def rule(value: Any, sent: Mapping[str, Any]) -> Verdict:
        side = as_number(sent.get(name)) or _OWN_SIDE
        is_same = value in NOTHING or as_number(value) == side
        return Verdict.NOTHING if is_same else Verdict.REFUSED

    return rule


def _same_modules(value: Any, sent: Mapping[str, Any]) -> Verdict:
    names = value if isinstance(value, list) else [value]
    others = [name for name in names if name not in (*NOTHING, _SAME_MODULES)]
    return Verdict.REFUSED if others else Verdict.NOTHING


def _first_picture(value: Any, sent: Mapping[str, Any]) -> Verdict:
    return Verdict.NOTHING if value in NOTHING else Verdict.REFUSED


def _text(value: Any) -> str:
    """Return the name that a field holds; empty if it names nothing, or the first pass's own."""
    return value if isinstance(value, str) and value not in _SAME else ""


SECOND_PASS_RULES: Mapping[str, Rule] = {
    name: _in_second_pass(rule)
    for name, rule in {
        "hr_sampler_name": _same_scheduler,
        "hr_scheduler": _same_scheduler,
        "hr_prompt": _same_as("prompt"),
        "hr_negative_prompt": _same_as("negative_prompt"),
        "hr_cfg": _same_guidance,
        "hr_distilled_cfg": ignored,
        "hr_additional_modules": _same_modules,
        "firstphase_width": _same_side("width"),
        "firstphase_height": _same_side("height"),
        # A finished picture in place of the first pass.
        "firstpass_image": _first_picture,
    }.items()
}
"""The rule for each field."""

SECOND_PASS_VALUES: Mapping[str, tuple[object, ...]] = {
    "hr_sampler_name": (_SAME_SAMPLER,),
    "hr_scheduler": (_SAME_SCHEDULE,),
    "hr_additional_modules": ([_SAME_MODULES],),
}
"""The values that a field may always have, besides none."""
