"""What a model prefers for a request that leaves a field out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from domain.limits import IntegerRange, Limit, NumberRange, OneOf
from domain.samplers import SCHEDULER_NAMES, Scheduler

__all__ = ["DEFAULTS_LIMITS", "NO_DEFAULTS", "ModelDefaults"]

DEFAULTS_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "num_inference_steps": IntegerRange(1, 150),
        "guidance_scale": NumberRange(1.0, 20.0),
        "scheduler": OneOf(tuple(Scheduler), SCHEDULER_NAMES),
        "clip_skip": IntegerRange(1, 12),
    }
)
"""The limits of the defaults: the narrowest of any API, so that every API takes each of them."""


@dataclass(frozen=True, slots=True)
class ModelDefaults:
    """The values of a model for the fields of a request that are left out.

    Each is None for the service's own value.

    Attributes:
        num_inference_steps: Denoising steps, 1 to 150.
        guidance_scale: Classifier-free guidance, 1 to 20; 1 means no guidance.
        scheduler: The scheduler, one of those that the model has.
        clip_skip: The layer of the text encoder, counted from its end, 1 to 12.
        vae_id: The id of the VAE that draws in place of the VAE in the file.

    Raises:
        ValueError: A value is outside its limit.
    """

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: Scheduler | None = None
    clip_skip: int | None = None
    vae_id: str | None = None

    def __post_init__(self) -> None:
        for name, limit in DEFAULTS_LIMITS.items():
            value = getattr(self, name)
            if value is not None and (message := limit.problem(value)) is not None:
                raise ValueError(f"the default {name} {message}")
        if self.scheduler is not None:
            object.__setattr__(self, "scheduler", Scheduler(self.scheduler))

    def __bool__(self) -> bool:
        return any(True for _ in self.items())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each default that the model has."""
        for field in fields(self):
            if (value := getattr(self, field.name)) is not None:
                yield field.name, value

    def over(self, others: "ModelDefaults") -> "ModelDefaults":
        """Return these defaults, and those of `others` where these are None."""
        return ModelDefaults(**{**dict(others.items()), **dict(self.items())})


NO_DEFAULTS = ModelDefaults()
"""The defaults of a model without any: the service's own."""
