"""What is added to the checkpoint of a request, and what is done with the picture afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from domain.generation.fields import LIMITS as REQUEST_LIMITS
from domain.generation.fields import ModelId
from domain.generation.parts.checks import own_problems, refuse, settle
from domain.limits import Limit, NumberRange, TextLength

__all__ = ["Embedding", "Lora", "PromptSyntax", "SecondPass", "Upscale"]

_MODEL_ID = ModelId(64, 64)


class PromptSyntax(StrEnum):
    """How a prompt is read: word for word, or with the grammar of AUTOMATIC1111's web UI."""

    PLAIN = "plain"
    WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A LoRA that is added to the UNet and the text encoders, `scale` times.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {"model_id": _MODEL_ID, "scale": NumberRange(-4.0, 4.0)}
    )

    model_id: str
    scale: float = 1.0

    def __post_init__(self) -> None:
        refuse(own_problems(self, self.LIMITS))
        settle(self, str.lower, "model_id")
        settle(self, float, "scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """A textual inversion: `token` stands for its vectors in both prompts.

    `token` is None for the stem of the file.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        # 255 is the longest name that Linux' file systems give a file, and a token is one.
        {"model_id": _MODEL_ID, "token": TextLength(1, 255)}
    )

    model_id: str
    token: str | None = None

    def __post_init__(self) -> None:
        refuse(own_problems(self, self.LIMITS, optional={"token"}))
        settle(self, str.lower, "model_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPass:
    """«Hires fix»: the picture is drawn, enlarged, and drawn again.

    Attributes:
        scale: How many times the width and the height.
        strength: The share of the schedule that is drawn again.
        num_inference_steps: None for those of the first pass.
        upscaler: What enlarges: `latent`, `lanczos`, or the id of an upscaler model.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "scale": NumberRange(1.0, 4.0),
            "strength": NumberRange(0.0, 1.0),
            "num_inference_steps": REQUEST_LIMITS["num_inference_steps"],
        }
    )
    UPSCALERS: ClassVar[tuple[str, ...]] = ("latent", "lanczos")
    """Those that need no model."""

    scale: float = 2.0
    strength: float = 0.7
    num_inference_steps: int | None = None
    upscaler: str = "latent"

    def __post_init__(self) -> None:
        rules = {"upscaler": self._upscaler_problem}
        refuse(own_problems(self, self.LIMITS, rules, optional={"num_inference_steps"}))
        settle(self, float, "scale", "strength")
        settle(self, str.lower, "upscaler")

    @property
    def model_id(self) -> str | None:
        """The upscaler model; None where none is needed."""
        return None if self.upscaler in self.UPSCALERS else self.upscaler

    @classmethod
    def _upscaler_problem(cls, value: object) -> str | None:
        if value in cls.UPSCALERS or _MODEL_ID.problem(value) is None:
            return None
        return f"must be {', '.join(cls.UPSCALERS)}, or the id of an upscaler model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """An upscaler model on the finished picture; `scale` is None for the model's own.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        # 8 is where the slider of AUTOMATIC1111's web UI ends.
        {"model_id": _MODEL_ID, "scale": NumberRange(1.0, 8.0)}
    )

    model_id: str
    scale: float | None = None

    def __post_init__(self) -> None:
        refuse(own_problems(self, self.LIMITS, optional={"scale"}))
        settle(self, str.lower, "model_id")
        settle(self, float, "scale")
