"""Makes requests for pictures of the checked fields of a body."""

import uuid
from dataclasses import dataclass
from typing import Any

from adapters.http.generation.schemas import generation_request
from application.model_choice import ModelChoice
from application.settings.settings import Settings
from domain.generation.any_request import AnyRequest
from domain.generation.judging import JudgedFields

__all__ = ["NamedRequest", "RequestMaker"]


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request, and the caller's name of its model; empty if the caller named none."""

    request: AnyRequest
    model_name: str


class RequestMaker:
    """Completes the fields of a body: the id of its model, and the configured defaults."""

    def __init__(self, settings: Settings, choose: ModelChoice) -> None:
        self._settings = settings
        self._choose = choose

    def __call__(
        self, fields: JudgedFields, *, caller: str, natively: bool = False, **more: Any
    ) -> NamedRequest:
        """Return the request of checked `fields`.

        Args:
            fields: The fields of a `GenerationRequest`. `model_id` may be any name; without it the
                default model draws. Without `id` the request gets an id that no job has.
            caller: The name of the caller.
            natively: Whether the default size is the size of the model's training.
            more: Further fields, which take precedence.

        Raises:
            InvalidRequest: One of `more` is wrong, or a text holds a credential.
            ModelNotFound, ModelsNotRead, StorageUnavailable: As `ModelChoice` does.
        """
        name = str(fields.get("model_id", ""))
        job_id: str | None = more.get("id", fields.get("id"))
        model_id = self._choose(name, caller=caller, job_id=job_id)
        made: dict[str, Any] = {} if job_id is not None else {"id": uuid.uuid4().hex}
        if natively:
            size = self._choose.size(model_id, caller=caller, job_id=job_id)
            sides = {} if size is None else {"width": size.width, "height": size.height}
            made |= {side: pixels for side, pixels in sides.items() if side not in fields}
        request = generation_request(fields, self._settings, **made, **more, model_id=model_id)
        return NamedRequest(request, name)
