"""The schedulers that fit a model's training.

They are for models that remove noise from latents as Stable Diffusion 1, 2 and XL do.
"""

from domain.models.training import NoiseProcess, Training
from domain.samplers import DEFAULT_SCHEDULER, Sampler, Schedule, Scheduler

__all__ = ["fitting_default", "fitting_schedulers", "misfit_reason"]

_OF_TIMESTEPS = frozenset({Sampler.DDIM, Sampler.PLMS, Sampler.LCM, Sampler.TCD})
"""Samplers that look the noise up in the table of the training. Continuous noise has no table."""
_OF_FLOW = frozenset({Sampler.EULER, Sampler.DPMPP_2M, Sampler.UNIPC})
"""Samplers that diffusers has for a flow. Their schedules are those of the flow."""


def fitting_schedulers(training: Training | None) -> tuple[Scheduler, ...]:
    """Return the schedulers that can draw with a model of this training.

    Args:
        training: The training; None for that of the family.
    """
    process = NoiseProcess.DISCRETE if training is None else training.process
    if process is NoiseProcess.EDM:
        return tuple(each for each in Scheduler if each.sampler not in _OF_TIMESTEPS)
    if process is NoiseProcess.FLOW:
        return tuple(
            each
            for each in Scheduler
            if each.sampler in _OF_FLOW and each.schedule is Schedule.AUTOMATIC
        )
    if training is not None and training.zero_terminal_snr:
        # PLMS needs the predicted noise, which says nothing at pure noise.
        return tuple(each for each in Scheduler if each.sampler is not Sampler.PLMS)
    return tuple(Scheduler)


def misfit_reason(training: Training | None) -> str | None:
    """Return why some schedulers do not fit a training, to follow the name of the model.

    None if each of them fits.
    """
    process = NoiseProcess.DISCRETE if training is None else training.process
    if process is NoiseProcess.EDM:
        return "has continuous noise (EDM), which DDIM, PLMS, LCM and TCD cannot remove"
    if process is NoiseProcess.FLOW:
        names = ", ".join(each for each in Sampler if each in _OF_FLOW)
        return f"predicts a flow, for which there are {names}, each without a schedule"
    if training is not None and training.zero_terminal_snr:
        return "was trained up to pure noise, which PLMS cannot remove"
    return None


def fitting_default(training: Training | None) -> Scheduler:
    """Return the scheduler that draws with a model of this training if a request names none."""
    sampler = None if training is None else training.completed().sampler
    found = None if sampler is None else Scheduler.of(sampler)
    return DEFAULT_SCHEDULER if found is None else found
