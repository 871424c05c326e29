"""Requests for pictures, made of the checked fields of a body."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.http.generation.schemas import generation_request
from application.model_choice import ModelChoice
from application.settings.settings import Settings
from domain.generation.request import GenerationRequest

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
        job_id: str | None = fields.get("id")
        model_id = self._choose(name, caller=caller, job_id=job_id)
        made: dict[str, object] = {"id": uuid.uuid4().hex}
        if natively:
            size = self._choose.size(model_id, caller=caller, job_id=job_id)
            made |= {} if size is None else {"width": size.width, "height": size.height}
        request = generation_request({**made, **fields, "model_id": model_id}, self._settings)
        return NamedRequest(request, name)
