"""Samplers and noise schedules by the names that API has for them.

Source of names and aliases: its `modules/sd_samplers_kdiffusion.py`, `sd_samplers_timesteps.py`
and `sd_schedulers.py`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from marshmallow import ValidationError

from domain.schedulers import DEFAULT_SCHEDULER, Scheduler

__all__ = [
    "KARRAS_RULE",
    "MODELS_OWN",
    "SAMPLERS",
    "SCHEDULES",
    "Sampler",
    "Schedule",
    "named_scheduler",
]

MODELS_OWN = "Default"
"""Leaves it to the model, as in SD.Next; of some models nothing else draws."""


class Sampler(NamedTuple):
    """A name that pictures can be asked for with."""

    name: str
    scheduler: Scheduler | None
    aliases: tuple[str, ...] = ()
    options: Mapping[str, str] = {}


class Schedule(NamedTuple):
    """How the noise levels of a sampler are spaced."""

    name: str
    label: str


SAMPLERS = (
    Sampler(MODELS_OWN, None),
    Sampler("DPM++ 2M", Scheduler.DPMPP_2M, ("k_dpmpp_2m",)),
    Sampler(
        "DPM++ 2M Karras", Scheduler.DPMPP_2M_KARRAS, ("k_dpmpp_2m_ka",), {"scheduler": "karras"}
    ),
    Sampler("Euler a", Scheduler.EULER_A, ("k_euler_a", "k_euler_ancestral")),
    Sampler("Euler", Scheduler.EULER, ("k_euler",)),
    Sampler("DDIM", Scheduler.DDIM, ("ddim",)),
    Sampler("UniPC", Scheduler.UNIPC, ("unipc",)),
    Sampler("LCM", Scheduler.LCM, ("k_lcm",)),
)
_AUTOMATIC = Schedule("automatic", "Automatic")
_UNIFORM = Schedule("uniform", "Uniform")
_KARRAS = Schedule("karras", "Karras")
SCHEDULES = (_AUTOMATIC, _UNIFORM, _KARRAS)
"""The first two leave a sampler as it is named."""

_BY_NAME = {
    name.lower(): sampler for sampler in SAMPLERS for name in (sampler.name, *sampler.aliases)
}
_SCHEDULE_NAMES = {schedule.name for schedule in SCHEDULES}
_KARRAS_OF = {
    Scheduler.DPMPP_2M: Scheduler.DPMPP_2M_KARRAS,
    Scheduler.DPMPP_2M_KARRAS: Scheduler.DPMPP_2M_KARRAS,
}
_HAVING_KARRAS = {
    "enum": [
        *(each.name for each in SAMPLERS if (each.scheduler or DEFAULT_SCHEDULER) in _KARRAS_OF),
        None,
    ]
}
KARRAS_RULE: Mapping[str, Any] = {
    "anyOf": [
        {"properties": {"scheduler": {"enum": [_AUTOMATIC.label, _UNIFORM.label, None]}}},
        {"properties": {"sampler_name": _HAVING_KARRAS, "sampler_index": _HAVING_KARRAS}},
    ]
}
"""What goes with what, in the words of JSON Schema."""


def named_scheduler(sampler: str, schedule: str) -> Scheduler | None:
    """What these two names mean together; None for the model's own.

    In any case of letters, and an empty one is not named.

    Raises:
        ValidationError: there is no such thing here; it names the field.
    """
    found = _BY_NAME.get((sampler or MODELS_OWN).lower())
    if found is None:
        names = ", ".join(each.name for each in SAMPLERS)
        raise ValidationError(f"is {ascii(sampler)[:40]}; here are: {names}", "sampler_name")
    wanted = (schedule or _AUTOMATIC.name).lower()
    if wanted not in _SCHEDULE_NAMES:
        labels = ", ".join(each.label for each in SCHEDULES)
        raise ValidationError(f"is {ascii(schedule)[:40]}; here are: {labels}", "scheduler")
    if wanted != _KARRAS.name:
        return found.scheduler
    base = found.scheduler or DEFAULT_SCHEDULER
    if base not in _KARRAS_OF:
        raise ValidationError(f"is Karras, which DPM++ 2M alone has, not {base}", "scheduler")
    return _KARRAS_OF[base]
