"""The names that AUTOMATIC1111's API has for samplers and schedule types.

Source of the names, the aliases and the schedule of each sampler's «Automatic»: AUTOMATIC1111's web
UI 1.10, `modules/sd_samplers_kdiffusion.py`, `sd_samplers_timesteps.py`, `sd_samplers_lcm.py` and
`sd_schedulers.py`. Source of the rule that reads both names: `get_sampler_and_scheduler` in its
`sd_samplers.py`. TCD has the name of the web UI's successors. Names in the style of k-diffusion and
ComfyUI are accepted too.
"""

from collections.abc import Mapping
from typing import NamedTuple

from marshmallow import ValidationError

from domain.samplers import DEFAULT_SCHEDULER, Sampler, Schedule, Scheduler

__all__ = [
    "MODELS_OWN",
    "SAMPLERS",
    "SAMPLER_NAMES",
    "SCHEDULES",
    "Chosen",
    "ListedSampler",
    "ListedSchedule",
    "chosen_scheduler",
]

MODELS_OWN = "Default"
"""Uses the model's own sampler, as in SD.Next. Some models draw with no other sampler."""


class ListedSampler(NamedTuple):
    """A sampler as a request can name it.

    Attributes:
        sampler: The sampler; None for the model's own.
        automatic: The schedule that «Automatic» means.
    """

    name: str
    sampler: Sampler | None
    aliases: tuple[str, ...] = ()
    automatic: Schedule = Schedule.AUTOMATIC

    @property
    def options(self) -> Mapping[str, str]:
        """The `options` of AUTOMATIC1111's list of samplers."""
        if self.automatic is Schedule.AUTOMATIC:
            return {}
        return {"scheduler": self.automatic.lower()}


class ListedSchedule(NamedTuple):
    """A schedule as a request can name it: the spacing of a sampler's noise levels."""

    name: str
    label: str
    schedule: Schedule
    aliases: tuple[str, ...] | None = None
    default_rho: float = -1
    need_inner_model: bool = False


class Chosen(NamedTuple):
    """The scheduler that draws.

    Attributes:
        scheduler: The scheduler; None for the model's own.
        is_followed: Whether it has the schedule that the request named.
    """

    scheduler: Scheduler | None
    is_followed: bool = True


def _listed(
    sampler: Sampler, *aliases: str, automatic: Schedule = Schedule.AUTOMATIC
) -> ListedSampler:
    return ListedSampler(sampler.value, sampler, aliases, automatic)


_KARRAS, _EXPONENTIAL = Schedule.KARRAS, Schedule.EXPONENTIAL
SAMPLERS = (
    ListedSampler(MODELS_OWN, None),
    _listed(Sampler.DPMPP_2M, "k_dpmpp_2m", "dpmpp_2m", automatic=_KARRAS),
    _listed(Sampler.DPMPP_SDE, "k_dpmpp_sde", "dpmpp_sde", automatic=_KARRAS),
    _listed(Sampler.DPMPP_2M_SDE, "k_dpmpp_2m_sde", "dpmpp_2m_sde", automatic=_EXPONENTIAL),
    _listed(
        Sampler.DPMPP_2S_A,
        *("k_dpmpp_2s_a", "dpmpp_2s_a", "dpmpp_2s_ancestral"),
        automatic=_KARRAS,
    ),
    _listed(Sampler.DPMPP_3M_SDE, "k_dpmpp_3m_sde", "dpmpp_3m_sde", automatic=_EXPONENTIAL),
    _listed(Sampler.EULER_A, "k_euler_a", "k_euler_ancestral", "euler_a", "euler_ancestral"),
    _listed(Sampler.EULER, "k_euler"),
    _listed(Sampler.LMS, "k_lms"),
    _listed(Sampler.HEUN, "k_heun"),
    _listed(Sampler.DPM2, "k_dpm_2", "dpm_2", automatic=_KARRAS),
    _listed(Sampler.DPM2_A, "k_dpm_2_a", "k_dpm_2_ancestral", "dpm_2_ancestral", automatic=_KARRAS),
    _listed(Sampler.DDIM, "ddim"),
    _listed(Sampler.PLMS, "plms"),
    _listed(Sampler.UNIPC, "unipc", "uni_pc"),
    _listed(Sampler.LCM, "k_lcm"),
    _listed(Sampler.TCD, "tcd"),
)
SCHEDULES = (
    ListedSchedule("automatic", "Automatic", Schedule.AUTOMATIC),
    ListedSchedule("uniform", "Uniform", Schedule.NORMAL, need_inner_model=True),
    ListedSchedule("karras", "Karras", Schedule.KARRAS, default_rho=7.0),
    ListedSchedule("exponential", "Exponential", Schedule.EXPONENTIAL),
    ListedSchedule(
        *("sgm_uniform", "SGM Uniform", Schedule.SGM_UNIFORM, ("SGMUniform",)),
        need_inner_model=True,
    ),
    ListedSchedule("simple", "Simple", Schedule.SIMPLE, need_inner_model=True),
    ListedSchedule("normal", "Normal", Schedule.NORMAL, need_inner_model=True),
    ListedSchedule("beta", "Beta", Schedule.BETA, need_inner_model=True),
)
SAMPLER_NAMES = (MODELS_OWN, *Scheduler)
"""The names in the API's description. With a sampler's name alone, `scheduler` decides the
schedule.
"""

_OLD_KARRAS = "_ka"
_BY_NAME = {name.lower(): each for each in SAMPLERS for name in (each.name, *each.aliases)}
_SCHEDULES_BY_NAME = {
    name.lower(): each.schedule
    for each in SCHEDULES
    for name in (each.name, each.label, *(each.aliases or ()))
}


def chosen_scheduler(sampler: str, schedule: str) -> Chosen:
    """Return the scheduler that a sampler's name and a schedule's name select together.

    Upper and lower case are equal. An empty name counts as not sent. A schedule at the end of the
    sampler's name overrides `schedule`. An unknown schedule means «Automatic», as in
    AUTOMATIC1111's API. A schedule that the sampler does not support is not followed.

    Raises:
        ValidationError: The sampler is unknown. The error names the field.
    """
    found, in_name = _read(sampler or MODELS_OWN)
    if found is None:
        names = ", ".join(each.name for each in SAMPLERS)
        raise ValidationError(
            f"is {ascii(sampler)[:40]}; the samplers are: {names}, each alone or followed by a "
            "schedule that GET /sdapi/v1/schedulers lists",
            "sampler_name",
        )
    asked = in_name or _SCHEDULES_BY_NAME.get(schedule.lower(), Schedule.AUTOMATIC)
    is_known = in_name is not None or not schedule or schedule.lower() in _SCHEDULES_BY_NAME
    if found.sampler is None and asked is Schedule.AUTOMATIC:
        return Chosen(None, is_known)
    base = found.sampler or DEFAULT_SCHEDULER.sampler
    wanted = found.automatic if asked is Schedule.AUTOMATIC else asked
    if (scheduler := Scheduler.of(base, wanted)) is not None:
        return Chosen(scheduler, is_known)
    return Chosen(Scheduler.of(base), is_followed=False)


def _read(name: str) -> tuple[ListedSampler | None, Schedule | None]:
    """Return the sampler of a name, and the schedule at the end of the name."""
    lower = name.lower()
    if lower in _BY_NAME:
        return _BY_NAME[lower], None
    if lower.endswith(_OLD_KARRAS):
        return _BY_NAME.get(lower.removesuffix(_OLD_KARRAS)), Schedule.KARRAS
    for ending, schedule in _SCHEDULES_BY_NAME.items():
        if lower.endswith(f" {ending}") and (found := _BY_NAME.get(lower[: -len(ending) - 1])):
            return found, schedule
    return None, None
