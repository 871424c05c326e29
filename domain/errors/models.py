"""Errors of models that are not there, cannot draw, or do not fit each other."""

import re
from dataclasses import dataclass

from domain.errors.base import DomainError, InvalidRequest

__all__ = ["AddonMismatch", "ModelChanged", "ModelNotFound", "ModelNotLoadable", "NoModel"]

_ID = re.compile(r"[0-9a-f]{64}")
_SHOWN_CHARACTERS = 80
"""The most characters of a client's name of a model in a message."""


@dataclass(eq=False)
class ModelNotFound(DomainError):
    """No model in the folders has this id or name, or several models have this name.

    Attributes:
        wanted: The id or the name.
        stands_for: The name that the alias stands for; None if the name is not an alias.
        is_default: Whether it is the name of the default model. The request then named no model.
        bearers: The models that have the name, each with its path and the first digits of its id.
        field: The field of the request that names a model beside the checkpoint; empty for none.
        unfinished: A sentence about a file of this name that is not complete; empty for none.
    """

    wanted: str
    stands_for: str | None = None
    is_default: bool = False
    bearers: tuple[str, ...] = ()
    field: str = ""
    unfinished: str = ""

    code = "model_not_found"

    def __str__(self) -> str:
        name = f"{self.wanted[:_SHOWN_CHARACTERS]!a}"
        if self.is_default:
            name = f"the default model {name}"
        if self.stands_for is not None:
            name = f"{name}, which stands for {self.stands_for[:_SHOWN_CHARACTERS]!a},"
        if self.bearers:
            return f"{name} names several models: {', '.join(self.bearers)}"
        if self.is_default or self.stands_for is not None:
            return f"{name} is not there"
        called = "has the id" if _ID.fullmatch(self.wanted.lower()) else "has the id or name"
        more = f" ({self.unfinished})" if self.unfinished else ""
        return f"no model {called} {name}{more}"


class NoModel(ModelNotFound):
    """The request names no model, and no model in the folders can draw."""

    code = "no_model"

    def __init__(self) -> None:
        super().__init__("")

    def __str__(self) -> str:
        return "there is no model to draw with"


@dataclass(eq=False)
class ModelNotLoadable(DomainError):
    """The model is there, but it cannot draw.

    Attributes:
        reason: Why.
        name: The model's file or folder; empty if the reason names it.
        lasting: Whether the cause is in its bytes, so that every attempt would fail.
        model_id: The id of the model; empty if it is not known.
    """

    reason: str
    name: str = ""
    lasting: bool = False
    model_id: str = ""

    code = "model_not_loadable"

    def __str__(self) -> str:
        return (
            f"no picture can be drawn with {self.name}: {self.reason}" if self.name else self.reason
        )


class ModelChanged(ModelNotLoadable):
    """The file has changed, so it no longer has the bytes that the id names."""

    code = "model_changed"

    def __init__(self, name: str, model_id: str = "") -> None:
        super().__init__("it has changed since it was listed", name, model_id=model_id)

    def __str__(self) -> str:
        return f"{self.name} has changed since it was listed"


class AddonMismatch(InvalidRequest):
    """Add-ons of the request cannot be used with its checkpoint; `problems` has a row for each.

    Each row names the add-on and what is wrong with it: its kind is not that of the field, it
    cannot be used at all, it is for another family, or its shapes do not fit the checkpoint.
    """

    code = "addon_mismatch"
