"""The schedulers that a request can name: samplers with the spacing of their steps."""

from enum import StrEnum
from functools import cache

__all__ = ["DEFAULT_SCHEDULER", "SCHEDULER_NAMES", "Sampler", "Schedule", "Scheduler"]


class Sampler(StrEnum):
    """A method of removing noise, by its name in AUTOMATIC1111's web UI."""

    EULER = "Euler"
    EULER_A = "Euler a"
    HEUN = "Heun"
    LMS = "LMS"
    DPM2 = "DPM2"
    DPM2_A = "DPM2 a"
    DPMPP_2S_A = "DPM++ 2S a"
    DPMPP_2M = "DPM++ 2M"
    DPMPP_SDE = "DPM++ SDE"
    DPMPP_2M_SDE = "DPM++ 2M SDE"
    DPMPP_3M_SDE = "DPM++ 3M SDE"
    UNIPC = "UniPC"
    DDIM = "DDIM"
    PLMS = "PLMS"
    LCM = "LCM"
    TCD = "TCD"

    @property
    def is_stochastic(self) -> bool:
        """Whether the sampler adds new noise in its steps."""
        return self in _STOCHASTIC

    @property
    def takes_schedules(self) -> bool:
        """Whether the sampler supports other schedules than its own."""
        return self not in _OWN_SPACING

    def evaluations(self, steps: int) -> int:
        """Return the number of evaluations of the network in this many steps.

        A sampler of second order has two evaluations in each step, but one in the last step, which
        ends without noise. PLMS has two in its first step.
        """
        if self in _TWO_LOOKS:
            return 2 * steps - 1
        return steps + 1 if self is Sampler.PLMS and steps > 1 else steps


class Schedule(StrEnum):
    """The spacing of a sampler's steps, by its name in AUTOMATIC1111's web UI."""

    AUTOMATIC = "Automatic"
    """The schedule of the model's configuration, or else the sampler's own."""
    NORMAL = "Normal"
    KARRAS = "Karras"
    EXPONENTIAL = "Exponential"
    SGM_UNIFORM = "SGM Uniform"
    SIMPLE = "Simple"
    BETA = "Beta"


class Scheduler(StrEnum):
    """A sampler and its schedule. The name is the sampler's name, then the schedule's.

    A sampler's name alone means the schedule `AUTOMATIC`. A schedule that a sampler does not
    support has no member.
    """

    EULER = "Euler"
    EULER_NORMAL = "Euler Normal"
    EULER_KARRAS = "Euler Karras"
    EULER_EXPONENTIAL = "Euler Exponential"
    EULER_SGM_UNIFORM = "Euler SGM Uniform"
    EULER_SIMPLE = "Euler Simple"
    EULER_BETA = "Euler Beta"
    EULER_A = "Euler a"
    EULER_A_NORMAL = "Euler a Normal"
    EULER_A_KARRAS = "Euler a Karras"
    EULER_A_EXPONENTIAL = "Euler a Exponential"
    EULER_A_SGM_UNIFORM = "Euler a SGM Uniform"
    EULER_A_SIMPLE = "Euler a Simple"
    EULER_A_BETA = "Euler a Beta"
    HEUN = "Heun"
    HEUN_NORMAL = "Heun Normal"
    HEUN_KARRAS = "Heun Karras"
    HEUN_EXPONENTIAL = "Heun Exponential"
    HEUN_SGM_UNIFORM = "Heun SGM Uniform"
    HEUN_SIMPLE = "Heun Simple"
    HEUN_BETA = "Heun Beta"
    LMS = "LMS"
    LMS_NORMAL = "LMS Normal"
    LMS_KARRAS = "LMS Karras"
    LMS_EXPONENTIAL = "LMS Exponential"
    LMS_SGM_UNIFORM = "LMS SGM Uniform"
    LMS_SIMPLE = "LMS Simple"
    LMS_BETA = "LMS Beta"
    DPM2 = "DPM2"
    DPM2_NORMAL = "DPM2 Normal"
    DPM2_KARRAS = "DPM2 Karras"
    DPM2_EXPONENTIAL = "DPM2 Exponential"
    DPM2_SGM_UNIFORM = "DPM2 SGM Uniform"
    DPM2_SIMPLE = "DPM2 Simple"
    DPM2_BETA = "DPM2 Beta"
    DPM2_A = "DPM2 a"
    DPM2_A_NORMAL = "DPM2 a Normal"
    DPM2_A_KARRAS = "DPM2 a Karras"
    DPM2_A_EXPONENTIAL = "DPM2 a Exponential"
    DPM2_A_SGM_UNIFORM = "DPM2 a SGM Uniform"
    DPM2_A_SIMPLE = "DPM2 a Simple"
    DPM2_A_BETA = "DPM2 a Beta"
    DPMPP_2S_A = "DPM++ 2S a"
    DPMPP_2S_A_NORMAL = "DPM++ 2S a Normal"
    DPMPP_2S_A_KARRAS = "DPM++ 2S a Karras"
    DPMPP_2S_A_EXPONENTIAL = "DPM++ 2S a Exponential"
    DPMPP_2S_A_SGM_UNIFORM = "DPM++ 2S a SGM Uniform"
    DPMPP_2S_A_SIMPLE = "DPM++ 2S a Simple"
    DPMPP_2S_A_BETA = "DPM++ 2S a Beta"
    DPMPP_2M = "DPM++ 2M"
    DPMPP_2M_NORMAL = "DPM++ 2M Normal"
    DPMPP_2M_KARRAS = "DPM++ 2M Karras"
    DPMPP_2M_EXPONENTIAL = "DPM++ 2M Exponential"
    DPMPP_2M_SGM_UNIFORM = "DPM++ 2M SGM Uniform"
    DPMPP_2M_SIMPLE = "DPM++ 2M Simple"
    DPMPP_2M_BETA = "DPM++ 2M Beta"
    DPMPP_SDE = "DPM++ SDE"
    DPMPP_SDE_NORMAL = "DPM++ SDE Normal"
    DPMPP_SDE_KARRAS = "DPM++ SDE Karras"
    DPMPP_SDE_EXPONENTIAL = "DPM++ SDE Exponential"
    DPMPP_SDE_SGM_UNIFORM = "DPM++ SDE SGM Uniform"
    DPMPP_SDE_SIMPLE = "DPM++ SDE Simple"
    DPMPP_SDE_BETA = "DPM++ SDE Beta"
    DPMPP_2M_SDE = "DPM++ 2M SDE"
    DPMPP_2M_SDE_NORMAL = "DPM++ 2M SDE Normal"
    DPMPP_2M_SDE_KARRAS = "DPM++ 2M SDE Karras"
    DPMPP_2M_SDE_EXPONENTIAL = "DPM++ 2M SDE Exponential"
    DPMPP_2M_SDE_SGM_UNIFORM = "DPM++ 2M SDE SGM Uniform"
    DPMPP_2M_SDE_SIMPLE = "DPM++ 2M SDE Simple"
    DPMPP_2M_SDE_BETA = "DPM++ 2M SDE Beta"
    DPMPP_3M_SDE = "DPM++ 3M SDE"
    DPMPP_3M_SDE_NORMAL = "DPM++ 3M SDE Normal"
    DPMPP_3M_SDE_KARRAS = "DPM++ 3M SDE Karras"
    DPMPP_3M_SDE_EXPONENTIAL = "DPM++ 3M SDE Exponential"
    DPMPP_3M_SDE_SGM_UNIFORM = "DPM++ 3M SDE SGM Uniform"
    DPMPP_3M_SDE_SIMPLE = "DPM++ 3M SDE Simple"
    DPMPP_3M_SDE_BETA = "DPM++ 3M SDE Beta"
    UNIPC = "UniPC"
    UNIPC_NORMAL = "UniPC Normal"
    UNIPC_KARRAS = "UniPC Karras"
    UNIPC_EXPONENTIAL = "UniPC Exponential"
    UNIPC_SGM_UNIFORM = "UniPC SGM Uniform"
    UNIPC_SIMPLE = "UniPC Simple"
    UNIPC_BETA = "UniPC Beta"
    DDIM = "DDIM"
    PLMS = "PLMS"
    LCM = "LCM"
    TCD = "TCD"

    @classmethod
    def of(cls, sampler: Sampler, schedule: Schedule = Schedule.AUTOMATIC) -> "Scheduler | None":
        """Return the scheduler with these parts; None if the sampler lacks the schedule."""
        return _by_parts().get((sampler, schedule))

    @property
    def sampler(self) -> Sampler:
        """The first part of its name."""
        return _parts()[self][0]

    @property
    def schedule(self) -> Schedule:
        """The second part of its name; `AUTOMATIC` without one."""
        return _parts()[self][1]


_STOCHASTIC = frozenset(
    {
        *(Sampler.EULER_A, Sampler.DPM2_A, Sampler.DPMPP_2S_A, Sampler.DPMPP_SDE),
        *(Sampler.DPMPP_2M_SDE, Sampler.DPMPP_3M_SDE, Sampler.LCM, Sampler.TCD),
    }
)
_OWN_SPACING = frozenset({Sampler.DDIM, Sampler.PLMS, Sampler.LCM, Sampler.TCD})
_TWO_LOOKS = frozenset(
    {Sampler.HEUN, Sampler.DPM2, Sampler.DPM2_A, Sampler.DPMPP_2S_A, Sampler.DPMPP_SDE}
)


@cache
def _parts() -> dict[Scheduler, tuple[Sampler, Schedule]]:
    names = {name: (Sampler(name), Schedule.AUTOMATIC) for name in Sampler}
    pairs = {
        f"{sampler} {schedule}": (sampler, schedule) for sampler in Sampler for schedule in Schedule
    }
    return {each: (names | pairs)[each] for each in Scheduler}


@cache
def _by_parts() -> dict[tuple[Sampler, Schedule], Scheduler]:
    return {parts: each for each, parts in _parts().items()}


DEFAULT_SCHEDULER = Scheduler.DPMPP_2M
"""The default of models that support these schedulers."""

SCHEDULER_NAMES = (
    f"{', '.join(each for each in Sampler if each.takes_schedules)}, each alone or followed by "
    f"{', '.join(each for each in Schedule if each is not Schedule.AUTOMATIC)}; "
    f"{', '.join(each for each in Sampler if not each.takes_schedules)}"
)
"""Every `Scheduler`, as a message lists them."""
