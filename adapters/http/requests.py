"""Requests for pictures, made of the checked fields of a body."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.http.schemas import generation_request
from application.model_choice import ModelChoice
from application.settings import Settings
from domain.errors import ModelNotFound
from domain.generation import GenerationRequest
from domain.services.model_registry import ModelRegistry

__all__ = ["NamedRequest", "RequestMaker"]


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request, and the name that its caller gave the model; an empty one for none."""

    request: GenerationRequest
    model_name: str


class RequestMaker:
    """Fills the gaps of a body: its model by name, and what the settings say."""

    def __init__(self, settings: Settings, registry: ModelRegistry, choose: ModelChoice) -> None:
        self._settings = settings
        self._registry = registry
        self._choose = choose

    def __call__(
        self, fields: Mapping[str, Any], *, caller: str, natively: bool = False
    ) -> NamedRequest:
        """The request that checked `fields` make.

        Args:
            fields: Of a `GenerationRequest`; `model_id` may be any name. It and `id` may be left
                out: the default model is drawn with, and an id is made that no job has.
            caller: Who asks.
            natively: Whether a size that is left out is the one that the model was trained with.

        Raises ModelNotFound, ModelsNotRead and StorageUnavailable, as `ModelChoice` does.
        """
        name = str(fields.get("model_id", ""))
        model_id = self._choose(name, caller=caller, job_id=fields.get("id"))
        sides = self._native_sides(model_id) if natively else {}
        made = {"id": uuid.uuid4().hex, **sides}
        request = generation_request({**made, **fields, "model_id": model_id}, self._settings)
        return NamedRequest(request, name)

    def _native_sides(self, model_id: str) -> dict[str, int]:
        """The sides that the model was trained with, within its bounds; none where not known."""
        try:
            model = self._registry.get(model_id)
        except ModelNotFound:
            return {}  # which is told when the request is submitted
        if model.native_size is None or model.sizes is None:
            return {}
        size = model.sizes.fitted(model.native_size)
        return {"width": size.width, "height": size.height}
