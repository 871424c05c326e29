"""Requests for pictures, made of the checked fields of a body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.http.schemas import generation_request
from application.model_choice import ModelChoice
from application.settings import Settings
from domain.generation import GenerationRequest

__all__ = ["NamedRequest", "RequestMaker"]


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request, and the name that its caller gave the model; an empty one for none."""

    request: GenerationRequest
    model_name: str


class RequestMaker:
    """Fills the gaps of a body: its model by name, and what the settings say."""

    def __init__(self, settings: Settings, choose: ModelChoice) -> None:
        self._settings = settings
        self._choose = choose

    def __call__(self, fields: Mapping[str, Any], *, caller: str) -> NamedRequest:
        """The request that checked `fields` make.

        Raises ModelNotFound, ModelsNotRead and StorageUnavailable, as `ModelChoice` does.
        """
        name = str(fields.get("model_id", ""))
        model_id = self._choose(name, caller=caller, job_id=fields["id"])
        request = generation_request({**fields, "model_id": model_id}, self._settings)
        return NamedRequest(request, name)
