"""The methods of distillation, and how their authors draw with the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.models.defaults import ModelDefaults
from domain.models.training import Prediction, Spacing, Training
from domain.samplers import Scheduler

__all__ = ["Distilled", "Evidence", "Method"]

_MOST_STEPS = 16


class Method(StrEnum):
    """A method of distillation, by the name that people know it by."""

    TURBO = "Turbo"
    """Sauer et al., «Adversarial Diffusion Distillation», 2023, arXiv:2311.17042."""
    LIGHTNING = "Lightning"
    """Lin et al., «SDXL-Lightning», 2024, arXiv:2402.13929."""
    HYPER = "Hyper-SD"
    """Ren et al., «Hyper-SD», 2024, arXiv:2404.13686."""
    LCM = "LCM"
    """Luo et al., «Latent Consistency Models», 2023, arXiv:2310.04378."""
    DMD2 = "DMD2"
    """Yin et al., «Improved Distribution Matching Distillation», 2024, arXiv:2405.14867."""


class Evidence(StrEnum):
    """What tells that a model is distilled."""

    BYTES = "bytes"
    NETWORK = "network"
    METADATA = "metadata"
    NAME = "name"

    @property
    def is_hint(self) -> bool:
        """Whether it is the word of somebody, and no proof."""
        return self in (Evidence.METADATA, Evidence.NAME)


@dataclass(frozen=True, slots=True)
class _Habits:
    """How the authors draw.

    Attributes:
        steps: The steps, if the model does not say its own.
        scheduler: The sampler. In 8 steps and fewer each begins at pure noise («trailing»).
        most_steps: More steps than this spoil the picture.
        most_guidance: More guidance than this spoils the picture.
    """

    steps: int
    scheduler: Scheduler
    most_steps: int = 12
    most_guidance: float = 3.0


_HABITS: Mapping[Method, _Habits] = MappingProxyType(
    {
        # The cards of stabilityai/sdxl-turbo and sd-turbo: 1 to 4 steps, no guidance; the folder's
        # scheduler is EulerAncestralDiscreteScheduler, with trailing timesteps.
        Method.TURBO: _Habits(4, Scheduler.EULER_A),
        # The card of ByteDance/SDXL-Lightning: the steps of the file, no guidance,
        # EulerDiscreteScheduler with trailing timesteps.
        Method.LIGHTNING: _Habits(4, Scheduler.EULER),
        # The card of ByteDance/Hyper-SD: the steps of the file, no guidance, DDIMScheduler with
        # trailing timesteps.
        Method.HYPER: _Habits(8, Scheduler.DDIM),
        # The cards of latent-consistency/lcm-lora-sdxl and -sdv1-5: 2 to 8 steps, a guidance of 1
        # to 2, LCMScheduler.
        Method.LCM: _Habits(4, Scheduler.LCM),
        # The card of tianweiy/DMD2: 4 steps, no guidance, LCMScheduler.
        Method.DMD2: _Habits(4, Scheduler.LCM),
    }
)
_NO_GUIDANCE = 1.0
_GUIDANCE_AS_INPUT = 8.0
"""The guidance of SimianLuo/LCM_Dreamshaper_v7, whose UNet takes it as an input (its card)."""
_MOST_AS_INPUT = 15.0
"""The most guidance of its training (arXiv:2310.04378, section 5.1: 3 to 15)."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """What is known of a distilled model.

    Attributes:
        method: The method of its distillation.
        evidence: What tells so.
        own_steps: The steps that the model says it draws in; None if it does not say.
        native_side: Pixels on each side of its pictures, if it was distilled with other pictures
            than its base; else None.

    Raises:
        ValueError: The steps are not a small number.
    """

    method: Method
    evidence: Evidence
    own_steps: int | None = None
    native_side: int | None = None

    def __post_init__(self) -> None:
        if self.own_steps is not None and not 1 <= self.own_steps <= _MOST_STEPS:
            raise ValueError(f"own_steps is {self.own_steps}; it must lie between 1 and 16")

    @property
    def steps(self) -> int:
        """The steps that it draws in."""
        return self.own_steps or _HABITS[self.method].steps

    @property
    def guidance_scale(self) -> float:
        """The guidance that it draws with; 1 is none."""
        return _GUIDANCE_AS_INPUT if self.takes_guidance else _NO_GUIDANCE

    @property
    def scheduler(self) -> Scheduler:
        """The sampler that it draws with."""
        return _HABITS[self.method].scheduler

    @property
    def defaults(self) -> ModelDefaults:
        """The values for the fields of a request that are left out."""
        return ModelDefaults(
            num_inference_steps=self.steps,
            guidance_scale=self.guidance_scale,
            scheduler=self.scheduler,
        )

    @property
    def training(self) -> Training:
        """What its method says of its training.

        The first step is at the largest noise level («trailing»). The model of SDXL-Lightning for
        one step predicts the picture and not the noise (its card, `sdxl_lightning_1step_x0`).
        """
        of_picture = self.method is Method.LIGHTNING and self.own_steps == 1
        return Training(
            prediction=Prediction.SAMPLE if of_picture else None, spacing=Spacing.TRAILING
        )

    @property
    def note(self) -> str | None:
        """What users should know of each picture, without the subject; None for nothing."""
        found = []
        if self.evidence.is_hint:
            where = "name" if self.evidence is Evidence.NAME else "metadata"
            found.append(
                f"is a distilled model ({self.method}) by its {where} alone; it draws "
                f"{self.usual} unless a request or the settings of the model say otherwise"
            )
        if self.method is Method.HYPER and self.own_steps == 1:
            found.append(
                "may be the UNet of Hyper-SD for one step, which its authors begin at timestep 800 "
                "of 1000; every sampler here begins at the last timestep, so its pictures differ "
                "from theirs"
            )
        return "; it ".join(found) or None

    @property
    def most_steps(self) -> int:
        """More steps than this can spoil its pictures."""
        return _HABITS[self.method].most_steps

    @property
    def most_guidance(self) -> float:
        """More guidance than this can spoil its pictures."""
        return _MOST_AS_INPUT if self.takes_guidance else _HABITS[self.method].most_guidance

    @property
    def takes_guidance(self) -> bool:
        """Whether its UNet takes the guidance as an input, so that negative prompts do nothing."""
        return self.evidence is Evidence.NETWORK

    @property
    def usual(self) -> str:
        """How it draws, in words."""
        steps = "1 step" if self.steps == 1 else f"{self.steps} steps"
        return f"{steps} of {self.scheduler} with a guidance of {self.guidance_scale:g}"
