"""How a model was trained to predict, and with which noise."""

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum

from domain.samplers import Sampler

__all__ = ["BetaSchedule", "NoiseProcess", "Prediction", "Spacing", "Training"]


class Prediction(StrEnum):
    """What the network predicts from noisy latents."""

    EPSILON = "epsilon"
    """The noise (Ho et al., arXiv:2006.11239)."""
    VELOCITY = "v_prediction"
    """The velocity (Salimans and Ho, arXiv:2202.00512)."""
    SAMPLE = "sample"
    """The finished latents."""
    EDM = "edm"
    """The F of EDM (Karras et al., arXiv:2206.00364), as Playground v2.5 does."""
    EDM_VELOCITY = "edm_v_prediction"
    """The velocity, with EDM's continuous noise levels, as CosXL does."""
    FLOW = "flow"
    """The flow from picture to noise (Esser et al., arXiv:2403.03206)."""


class NoiseProcess(StrEnum):
    """How noise is mixed with a picture. A sampler supports some of these."""

    DISCRETE = "discrete"
    """A table of noise levels, one for each timestep of the training."""
    EDM = "edm"
    """Any noise level between two bounds; the network is told a quarter of its logarithm."""
    FLOW = "flow"
    """A straight line from the picture to the noise."""


class Spacing(StrEnum):
    """How the steps of a drawing are spaced over the timesteps, by diffusers' names."""

    LINSPACE = "linspace"
    LEADING = "leading"
    TRAILING = "trailing"


class BetaSchedule(StrEnum):
    """How beta rises over the timesteps, by diffusers' names."""

    LINEAR = "linear"
    SCALED_LINEAR = "scaled_linear"
    COSINE = "squaredcos_cap_v2"


_PROCESSES = {
    Prediction.EDM: NoiseProcess.EDM,
    Prediction.EDM_VELOCITY: NoiseProcess.EDM,
    Prediction.FLOW: NoiseProcess.FLOW,
}
_OF_NOISE = (
    *("zero_terminal_snr", "sigma_min", "sigma_max", "sigma_data", "exponential", "shift"),
    *("train_steps", "beta_start", "beta_end", "beta_schedule", "spacing", "sampler"),
)
"""The fields that belong to one process and mean nothing in another."""
_LARGEST_SIGMA = 1e6
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Training:
    """What is known of a model's training.

    A field that is None is what the model's family, or the configuration in its folder, says.

    Attributes:
        prediction: What the network predicts.
        zero_terminal_snr: Whether the noise ends in pure noise (Lin et al., arXiv:2305.08891).
        sigma_min: The least noise level of continuous noise, beside a picture of scale 1.
        sigma_max: The largest one.
        sigma_data: The spread of the finished latents that the network was trained for (EDM).
        exponential: Whether the steps are even in the logarithm of continuous noise. If not, they
            are Karras'.
        shift: The factor that moves the steps of a flow towards the noise; 1 moves nothing.
        train_steps: The number of timesteps of the training.
        beta_start: The first beta.
        beta_end: The last beta.
        beta_schedule: How beta rises between them.
        spacing: The spacing of the steps, if the training fixes it, as that of distilled models
            does.
        sampler: The sampler that the training fixes; None if any sampler for this noise draws as
            well.
        scaling_factor: The factor from the latents of the autoencoder to those of the network.
        scales_picture: Whether an InstructPix2Pix network takes the latents of its picture with
            that factor too, as CosXL Edit does.

    Raises:
        ValueError: A number is not finite, or out of its bounds.
    """

    prediction: Prediction | None = None
    zero_terminal_snr: bool | None = None
    sigma_min: float | None = None
    sigma_max: float | None = None
    sigma_data: float | None = None
    exponential: bool | None = None
    shift: float | None = None
    train_steps: int | None = None
    beta_start: float | None = None
    beta_end: float | None = None
    beta_schedule: BetaSchedule | None = None
    spacing: Spacing | None = None
    sampler: Sampler | None = None
    scaling_factor: float | None = None
    scales_picture: bool | None = None

    def __post_init__(self) -> None:
        for name in ("sigma_min", "sigma_max", "sigma_data", "shift", "scaling_factor"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and 0 < value <= _LARGEST_SIGMA):
                raise ValueError(f"{name} is {value}; it must lie between 0 and {_LARGEST_SIGMA:g}")
        least, most = self.sigma_min, self.sigma_max
        if least is not None and most is not None and least >= most:
            raise ValueError(f"sigma_min is {least}; it must be below sigma_max, {most}")
        for name in ("beta_start", "beta_end"):
            beta = getattr(self, name)
            if beta is not None and not 0 < beta < 1:
                raise ValueError(f"{name} is {beta}; it must lie between 0 and 1")
        if self.train_steps is not None and not 1 <= self.train_steps <= _MOST_STEPS:
            raise ValueError(
                f"train_steps is {self.train_steps}; it must lie between 1 and {_MOST_STEPS:,}"
            )

    @property
    def process(self) -> NoiseProcess:
        """How noise is mixed with a picture."""
        if self.prediction is None:
            return NoiseProcess.DISCRETE
        return _PROCESSES.get(self.prediction, NoiseProcess.DISCRETE)

    def over(self, other: "Training | None") -> "Training":
        """Return this training, with the fields of `other` where this one has None.

        If this one has another noise process, the fields of `other` that belong to its own process
        are left out.
        """
        if other is None:
            return self
        merged = {
            field.name: getattr(other if mine is None else self, field.name)
            for field in dataclasses.fields(Training)
            for mine in [getattr(self, field.name)]
        }
        if self.prediction is not None and self.process is not other.process:
            merged |= {name: getattr(self, name) for name in _OF_NOISE}
        return Training(**merged)

    def completed(self) -> "Training":
        """Return this training, with the published numbers where continuous noise lacks some."""
        return self if self.prediction is None else self.over(_PUBLISHED.get(self.prediction))


_PUBLISHED = {
    # https://huggingface.co/playgroundai/playground-v2.5-1024px-aesthetic
    Prediction.EDM: Training(
        Prediction.EDM, sigma_min=0.002, sigma_max=80.0, sigma_data=0.5, sampler=Sampler.DPMPP_2M
    ),
    # https://huggingface.co/stabilityai/cosxl
    Prediction.EDM_VELOCITY: Training(
        Prediction.EDM_VELOCITY,
        sigma_min=0.002,
        sigma_max=120.0,
        sigma_data=1.0,
        exponential=True,
        sampler=Sampler.EULER,
    ),
    Prediction.FLOW: Training(Prediction.FLOW, shift=1.0, sampler=Sampler.EULER),
}
