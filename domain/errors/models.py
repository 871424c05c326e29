"""Models that are not there, or cannot be drawn with."""

import re
from collections.abc import Sequence

from domain.errors.base import DomainError

__all__ = ["ModelChanged", "ModelNotFound", "ModelNotLoadable", "NoModel"]

_ID = re.compile(r"[0-9a-f]{64}")
_SHOWN_CHARACTERS = 80
"""Of a name that a client sent, in a message."""


class ModelNotFound(DomainError):
    """No model in the folders has this id or name, or several models have this name.

    Args:
        wanted: The id or the name.
        stands_for: What an alias of this name stands for; None for what is no alias.
        is_default: Whether it is the name of the default model, which the request left out.
        bearers: The models that have the name, each as a person tells them apart.
    """

    code = "model_not_found"

    def __init__(
        self,
        wanted: str,
        *,
        stands_for: str | None = None,
        is_default: bool = False,
        bearers: Sequence[str] = (),
    ) -> None:
        self.wanted = wanted
        self.bearers = tuple(bearers)
        name = f"{wanted[:_SHOWN_CHARACTERS]!a}"
        if is_default:
            name = f"the default model {name}"
        if stands_for is not None:
            name = f"{name}, which stands for {stands_for[:_SHOWN_CHARACTERS]!a},"
        if bearers:
            why = f"{name} names several models: {', '.join(bearers)}; send the id of one"
        elif is_default or stands_for is not None:
            why = f"{name} is not there; GET /v1/models lists the models"
        else:
            called = "has the id" if _ID.fullmatch(wanted.lower()) else "has the id or name"
            why = f"no model {called} {name}; GET /v1/models lists the models"
        super().__init__(why)


class NoModel(ModelNotFound):
    """The request names no model, and no model in the folders can draw."""

    code = "no_model"

    def __init__(self) -> None:
        DomainError.__init__(
            self,
            "there is no model to draw with; put a checkpoint into one of the folders that "
            "MODEL_DIRS names, or let `ai-inference demo` put a small one there. GET /v1/models "
            "says why each file cannot draw",
        )
        self.wanted = ""
        self.bearers = ()


class ModelNotLoadable(DomainError):
    """The model is there, but it cannot draw; `detail` says why.

    `lasting` says whether its bytes are why, so that another attempt would end likewise.
    """

    code = "model_not_loadable"

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(message)


class ModelChanged(ModelNotLoadable):
    """The file has changed, so it is not the one that the id names."""

    code = "model_changed"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has changed since it was listed; GET /v1/models has its new id")
