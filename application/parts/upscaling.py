"""Builds requests that enlarge a picture."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.jobs.job_service import JobService
from application.model_choice import ModelChoice
from application.parts.building import BuildParts, BuiltParts
from application.parts.pictures import SentPicture
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.upscale_request import LANCZOS, UpscaleRequest, upscale_problems

__all__ = ["BuildUpscale", "NamedUpscale"]

_FIELDS = ("id", "model_id", "image", "scale", "output_format", "quality")


@dataclass(frozen=True, slots=True)
class NamedUpscale:
    """A request to enlarge a picture, and the caller's name of its upscaler.

    Attributes:
        request: The request.
        model_name: The name of the upscaler.
    """

    request: UpscaleRequest
    model_name: str

    @property
    def other_names(self) -> Mapping[str, str]:
        """The name of the upscaler, by the field that has it."""
        return {"model_id": self.model_name}


class BuildUpscale:
    """Builds requests that enlarge a picture, for every API.

    Args:
        build: Looks the pictures up.
        choose: Finds the upscalers.
        job_service: Knows the requests that it would refuse.
    """

    def __init__(self, build: BuildParts, choose: ModelChoice, job_service: JobService) -> None:
        self._build = build
        self._choose = choose
        self._job_service = job_service

    def __call__(
        self,
        values: Mapping[str, Any],
        *,
        caller: str,
        problems: Sequence[FieldProblem] = (),
        within: float | None = None,
    ) -> NamedUpscale:
        """Return the request of these values. A picture of it is kept for the caller.

        If the request is refused, for whatever reason, no picture is kept.

        Args:
            values: The fields of an `UpscaleRequest` by name. `image` is a `SentPicture`, and
                `model_id` any name of an upscaler, or `lanczos`. Without `id` the request gets an
                id that no job has.
            caller: The owner of the request.
            problems: What is known to be wrong with other values.
            within: Seconds that the caller allows; None for any.

        Raises:
            InvalidRequest: One row for each wrong value.
            PictureFileTooLarge: The picture has too many bytes.
            ModelNotFound, ModelsNotRead, StorageUnavailable: As `ModelChoice` does.
            DomainError: With a new picture, any error of `JobService.submit`.
        """
        rows = [*problems, *upscale_problems(values)]
        picture: SentPicture | None = values.get("image")
        if rows:
            pictures = {} if picture is None else {"image": picture}
            raise InvalidRequest(_in_order([*rows, *self._build.problems(pictures, caller=caller)]))
        if picture is None:
            raise InvalidRequest([FieldProblem("image", "is required")])
        ((ref, data),) = self._build.found({"image": picture}, caller).values()
        name, job_id = str(values["model_id"]), values.get("id")
        model_id = LANCZOS
        if name.lower() != LANCZOS:
            model_id = self._choose.beside(name, field="model_id", caller=caller, job_id=job_id)
        made = {"id": uuid.uuid4().hex, **values, "model_id": model_id, "image": ref}
        request = UpscaleRequest(**made)
        if data is not None:
            self._job_service.check(request, caller=caller, within=within)
            self._build.keep(BuiltParts(new=((ref, data),)), caller=caller)
        return NamedUpscale(request, name)


def _in_order(rows: Sequence[FieldProblem]) -> list[FieldProblem]:
    order = {name: place for place, name in enumerate(_FIELDS)}
    return sorted(rows, key=lambda row: order.get(row.field.partition(".")[0], len(order)))
