"""Additions to the checkpoint of a request, and further passes on the finished picture."""

import re
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


_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_PUNCTUATION = r"!-\/:-@\[-`{-~"
"""The punctuation of ASCII."""
_OF_A_WORD = re.compile(rf"[^\s{_PUNCTUATION}]")


class _Token(TextLength):
    """A word of a prompt that stands for the vectors of an embedding.

    A prompt is split into lines and words, so the token holds no line end and no tab, and begins
    and ends with a visible character. Punctuation alone would stand in places that nobody means.
    """

    __slots__ = ()

    PATTERN: ClassVar[str] = (
        f"^([^\\s{_CONTROLS}][^{_CONTROLS}]*)?"
        f"[^\\s{_PUNCTUATION}{_CONTROLS}]"
        f"([^{_CONTROLS}]*[^\\s{_CONTROLS}])?$"
    )

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if (message := TextLength.problem(self, value)) is not None or not isinstance(value, str):
            return message
        if value != value.strip() or set("\t\n") & set(value):
            return (
                f"is {value[:40]!a}; it must begin and end with a visible character, and hold no "
                "tab and no line end"
            )
        if not _OF_A_WORD.search(value):
            return f"is {value[:40]!a}; it must hold a letter or a digit"
        return None


class PromptSyntax(StrEnum):
    """The syntax of a prompt: plain text, or the grammar of AUTOMATIC1111's web UI."""

    PLAIN = "plain"
    WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A LoRA that is added to the UNet and the text encoders with the factor `scale`.

    Raises:
        InvalidRequest: One row for each wrong field.
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

    `token` is None for the stem of the file; requests of clients have the stem itself.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        # A token may be the name of a file. The longest name in the file systems of Linux is 255.
        {"model_id": _MODEL_ID, "token": _Token(1, 255)}
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
        scale: The factor of the width and the height.
        strength: The share of the schedule that is drawn again.
        num_inference_steps: The steps of this pass; None for those of the first pass.
        upscaler: How the picture is enlarged: `latent`, `lanczos`, or the id of an upscaler model.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "scale": NumberRange(1.0, 4.0),
            "strength": NumberRange(0.0, 1.0),
            "num_inference_steps": REQUEST_LIMITS["num_inference_steps"],
        }
    )
    UPSCALERS: ClassVar[tuple[str, ...]] = ("latent", "lanczos")
    """The upscalers without a model."""

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
        """The upscaler model; None if the upscaler needs no model."""
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
        InvalidRequest: One row for each wrong field.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        # The slider of AUTOMATIC1111's web UI ends at 8.
        {"model_id": _MODEL_ID, "scale": NumberRange(1.0, 8.0)}
    )

    model_id: str
    scale: float | None = None

    def __post_init__(self) -> None:
        refuse(own_problems(self, self.LIMITS, optional={"scale"}))
        settle(self, str.lower, "model_id")
        settle(self, float, "scale")
