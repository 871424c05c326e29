"""Samplers and schedule types by the names that API has for them.

Source of names, aliases and what «Automatic» is for each sampler: that web UI 1.10,
`modules/sd_samplers_kdiffusion.py`, `sd_samplers_timesteps.py`, `sd_samplers_lcm.py` and
`sd_schedulers.py`; of how both are read, its `get_sampler_and_scheduler` in `sd_samplers.py`. TCD
is named as in its successors. Names of k-diffusion's and ComfyUI's kind are taken too.
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
"""Leaves it to the model, as in SD.Next; of some models nothing else draws."""


class ListedSampler(NamedTuple):
    """A name that pictures can be asked for with.

    Attributes:
        sampler: None for the model's own.
        automatic: The schedule that «Automatic» is.
    """

    name: str
    sampler: Sampler | None
    aliases: tuple[str, ...] = ()
    automatic: Schedule = Schedule.AUTOMATIC

    @property
    def options(self) -> Mapping[str, str]:
        """As that API lists them."""
        if self.automatic is Schedule.AUTOMATIC:
            return {}
        return {"scheduler": self.automatic.lower()}


class ListedSchedule(NamedTuple):
    """How the noise levels of a sampler are spaced."""

    name: str
    label: str
    schedule: Schedule
    aliases: tuple[str, ...] | None = None
    default_rho: float = -1
    need_inner_model: bool = False


class Chosen(NamedTuple):
    """What is drawn with.

    Attributes:
        scheduler: None for the model's own.
        is_followed: Whether the schedule that was asked for is in it.
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
"""Those that are described. A sampler's name alone leaves the schedule to `scheduler`."""

_OLD_KARRAS = "_ka"
_BY_NAME = {name.lower(): each for each in SAMPLERS for name in (each.name, *each.aliases)}
_SCHEDULES_BY_NAME = {
    name.lower(): each.schedule
    for each in SCHEDULES
    for name in (each.name, each.label, *(each.aliases or ()))
}


def chosen_scheduler(sampler: str, schedule: str) -> Chosen:
    """What these two names mean together.

    In any case of letters. An empty one is not named. A schedule at the end of the sampler's name
    counts before the other one. A schedule that nobody knows is «Automatic», as in that API; one
    that the sampler does not take is not followed.

    Raises:
        ValidationError: there is no such sampler here; it names the field.
    """
    found, in_name = _read(sampler or MODELS_OWN)
    if found is None:
        names = ", ".join(each.name for each in SAMPLERS)
        raise ValidationError(
            f"is {ascii(sampler)[:40]}; here are: {names}, each alone or followed by a schedule "
            "that GET /sdapi/v1/schedulers lists",
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
    """The sampler of a name, and the schedule at its end."""
    lower = name.lower()
    if lower in _BY_NAME:
        return _BY_NAME[lower], None
    if lower.endswith(_OLD_KARRAS):
        return _BY_NAME.get(lower.removesuffix(_OLD_KARRAS)), Schedule.KARRAS
    for ending, schedule in _SCHEDULES_BY_NAME.items():
        if lower.endswith(f" {ending}") and (found := _BY_NAME.get(lower[: -len(ending) - 1])):
            return found, schedule
    return None, None
