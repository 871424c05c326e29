"""Checks whether a model can draw a request."""

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.samplers import Scheduler

__all__ = ["refuse_parts", "unsuited"]

_DRAWN = frozenset({"source", "second_pass", "upscale"})
_NOT_YET = "cannot be drawn with yet; leave it out"


def refuse_parts(request: GenerationRequest) -> None:
    """Raise InvalidRequest if the request has a part that no generator draws with yet."""
    if parts := [name for name in request.parts if name not in _DRAWN]:
        raise InvalidRequest([FieldProblem(name, _NOT_YET) for name in parts])


def unsuited(model: ModelRecord, request: GenerationRequest) -> list[FieldProblem]:
    """Return the fields of the request that this model cannot draw."""
    sizes = model.sizes
    problems = [] if sizes is None else sizes.problems(request.width, request.height, of=model.name)
    if request.scheduler is not None and request.scheduler not in model.schedulers:
        problems.append(_not_for(model, request.scheduler))
    return problems


def _not_for(model: ModelRecord, scheduler: Scheduler) -> FieldProblem:
    return FieldProblem(
        "scheduler",
        f"is '{scheduler}', which {model.name} does not take; leave it out, or choose another "
        "model",
    )
