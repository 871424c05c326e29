"""Makes requests for pictures of the checked fields of a body."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.http.edge.redaction import refuse_credentials
from adapters.http.generation.schemas import generation_request
from application.jobs.job_service import JobService
from application.model_choice import ModelChoice
from application.parts import (
    NO_PARTS,
    BuildParts,
    BuildUpscale,
    FillDefaults,
    NamedUpscale,
    SentParts,
    SentPicture,
)
from application.pictures import Pictures
from application.settings.settings import Settings
from domain.errors import FieldProblem
from domain.generation.fields.judging import JudgedFields
from domain.generation.request import GenerationRequest

__all__ = ["AnyNamed", "NamedRequest", "RequestMaker"]


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request, and the caller's names of its models.

    Attributes:
        request: The request.
        model_name: The name of the checkpoint; empty if the caller named none.
        other_names: The names of the other models, by the fields that have them, and the fields
            that were left out, as `FilledDefaults.names`.
    """

    request: GenerationRequest
    model_name: str
    other_names: Mapping[str, str] = field(default_factory=dict)


AnyNamed: TypeAlias = NamedRequest | NamedUpscale


class RequestMaker:
    """Completes the fields of a body: the ids of its models, its pictures, and the defaults.

    Args:
        settings: The configured defaults.
        choose: Finds the models.
        pictures: The pictures that the callers have sent, and that were drawn for them.
        job_service: Knows the jobs, and the requests that it would refuse.
    """

    def __init__(
        self,
        settings: Settings,
        choose: ModelChoice,
        pictures: Pictures,
        job_service: JobService,
    ) -> None:
        self._settings = settings
        self._choose = choose
        self._build = BuildParts(pictures, choose)
        self._fill = FillDefaults(
            choose,
            steps=settings.default_inference_steps,
            guidance=settings.default_guidance_scale,
        )
        self._job_service = job_service
        self._build_upscale = BuildUpscale(self._build, choose, job_service)

    def __call__(
        self,
        fields: JudgedFields,
        *,
        caller: str,
        natively: bool = False,
        parts: SentParts = NO_PARTS,
        within: float | None = None,
        effort: float = 1.0,
        **more: Any,
    ) -> NamedRequest:
        """Return the request of checked `fields` and `parts`.

        The pictures of `parts` are kept for the caller. If `JobService.submit` would refuse the
        request now, no picture is kept.

        Args:
            fields: The fields of a `GenerationRequest`. `model_id` may be any name; without it the
                default model draws. Without `id` the request gets an id that no job has.
            caller: The name of the caller.
            natively: Whether the default size is the size of the model's training. With an initial
                image it is that of the image.
            parts: The pictures, the second pass and the upscaling.
            within: Seconds that the caller allows; None for any.
            effort: The factor of the number of steps, if `fields` leave the number out.
            more: Further fields, which take precedence. None counts as left out for the fields that
                a model has defaults for.

        Raises:
            InvalidRequest: One of `more` is wrong, a picture is unknown or unreadable, or a text
                holds a credential.
            PictureFileTooLarge: A picture has too many bytes.
            ModelNotFound, ModelsNotRead, StorageUnavailable: As `ModelChoice` does.
            DomainError: With parts, any error of `JobService.submit`.
        """
        name = str(more.pop("model_id", fields.get("model_id", "")))
        job_id: str | None = more.get("id", fields.get("id"))
        model_id = self._choose(name, caller=caller, job_id=job_id)
        made: dict[str, Any] = {} if job_id is not None else {"id": uuid.uuid4().hex}
        built = self._build(
            parts, {**fields, **more}, caller=caller, job_id=job_id, model_id=model_id
        )
        made |= built.values
        if natively and parts.source is None:
            size = self._choose.size(model_id, caller=caller, job_id=job_id)
            sides = {} if size is None else {"width": size.width, "height": size.height}
            made |= {side: pixels for side, pixels in sides.items() if side not in fields}
        filled = self._fill(
            {**fields, **made, **more},
            model_id=model_id,
            caller=caller,
            job_id=job_id,
            effort=effort,
        )
        values = {**made, **more, **filled.values, "model_id": model_id}
        request = generation_request(fields, self._settings, **values)
        if built.new:
            self._job_service.check(request, caller=caller, within=within)
            self._build.keep(built, caller=caller)
        return NamedRequest(request, name, {**built.names, **filled.names})

    def picture_problems(
        self, pictures: Mapping[str, SentPicture], *, caller: str
    ) -> list[FieldProblem]:
        """Return one row for each picture that is unknown or unreadable, as `BuildParts` does."""
        return self._build.problems(pictures, caller=caller)

    def upscale(
        self,
        values: Mapping[str, Any],
        *,
        caller: str,
        problems: Sequence[FieldProblem] = (),
        within: float | None = None,
    ) -> NamedUpscale:
        """Return the request to enlarge a picture, as `BuildUpscale` does.

        Raises:
            InvalidRequest: A value is wrong, or the id holds a credential.
            DomainError: As `BuildUpscale`.
        """
        refuse_credentials({"id": values.get("id")}, self._settings)
        return self._build_upscale(values, caller=caller, problems=problems, within=within)
