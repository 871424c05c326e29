"""Fills in what a request leaves out: the one place for every API and the command line.

A field has the value of the request, or else the default of the model, or else that of the service.

A request with an id keeps what was filled in, as it keeps a random seed. The job remembers the
fields that were left out (`LEFT_OUT`). The same body again gets the same values, and so the same
answer, also after the settings of the service or of the model have changed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from application.job import Job
from application.model_choice import ModelChoice
from domain.generation.fields import integers
from domain.generation.request import GenerationRequest
from domain.models.defaults import NO_DEFAULTS

__all__ = ["LEFT_OUT", "FillDefaults", "FilledDefaults"]

LEFT_OUT = "left_out"
"""The entry of `Job.other_names` that lists the fields without a value, separated by blanks."""
_STEPS = "num_inference_steps"
_FIELDS = (_STEPS, "guidance_scale", "scheduler", "clip_skip", "vae_id")


@dataclass(frozen=True, slots=True)
class FilledDefaults:
    """What was filled in.

    Attributes:
        values: Fields of a `GenerationRequest` that take precedence over those of the request.
        names: The entry `LEFT_OUT` for `Job.other_names`; empty for a request without an id.
    """

    values: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)


class FillDefaults:
    """Fills in the fields that a request for pictures leaves out.

    Args:
        choose: Knows the models, and the jobs of the callers.
        steps: The service's number of steps.
        guidance: The service's guidance scale.
    """

    def __init__(self, choose: ModelChoice, *, steps: int, guidance: float) -> None:
        self._choose = choose
        self._own: Mapping[str, Any] = {_STEPS: steps, "guidance_scale": guidance}

    def __call__(
        self,
        given: Mapping[str, Any],
        *,
        model_id: str,
        caller: str,
        job_id: str | None,
        effort: float = 1.0,
    ) -> FilledDefaults:
        """Return the values of the fields that `given` leaves out.

        None counts as left out. The id of the checkpoint as `vae_id` means the VAE in its file, in
        place of the model's default.

        Args:
            given: The fields and parts of the request.
            model_id: The checkpoint.
            caller: The owner of the request.
            job_id: The id that the caller gave the request; None if it gave none.
            effort: The factor of the number of steps, if the request leaves the number out. A half
                is rounded up, within the limits of a request.

        Raises:
            StorageUnavailable: The caller's jobs cannot be looked up.
        """
        left_out = {name: name for name in _FIELDS if given.get(name) is None}
        if _STEPS in left_out and effort != 1:
            left_out[_STEPS] = f"{_STEPS}*{effort:g}"
        job = None if job_id is None else self._choose.kept(caller, job_id)
        values = {**self._defaults(model_id, job)}
        if _STEPS in left_out:
            values[_STEPS] = _scaled(values[_STEPS], effort)
        if job is not None and isinstance(request := job.request, GenerationRequest):
            before = set(job.other_names.get(LEFT_OUT, "").split())
            same = [name for name, mark in left_out.items() if mark in before]
            values |= {name: getattr(request, name) for name in same}
        filled = {name: values[name] for name in left_out if name in values}
        if given.get("vae_id") == model_id and self._choose.has_vae(model_id):
            filled["vae_id"] = None
        marks = {} if job_id is None else {LEFT_OUT: " ".join(left_out.values())}
        return FilledDefaults(filled, marks)

    def _defaults(self, model_id: str, job: Job | None) -> Mapping[str, Any]:
        """Return the defaults of the model over those of the service.

        Releases before `LEFT_OUT` filled in those of the service alone. So does this one for the id
        of such a job.
        """
        is_older = job is not None and LEFT_OUT not in job.other_names
        own = NO_DEFAULTS if is_older else self._choose.defaults(model_id)
        return {**self._own, **dict(own.items())}


def _scaled(steps: int, effort: float) -> int:
    limit = integers(_STEPS)
    return min(max(math.floor(steps * effort + 0.5), limit.minimum), limit.maximum)
