"""Finds the model that a request names."""

import re

from application.job import Job
from application.jobs.job_service import JobService
from domain.errors import JobNotFound, ModelNotFound
from domain.generation.parts import SourceImage
from domain.generation.request import GenerationRequest
from domain.models.defaults import NO_DEFAULTS, ModelDefaults
from domain.models.names import stem_of
from domain.models.record import ModelKind
from domain.services.model_registry import ModelRegistry
from domain.sizes import DEFAULT_MAX_PIXELS, LARGEST_SIDE, SMALLEST_SIDE, Size, SizeLimits

__all__ = ["ModelChoice"]

_ID = re.compile(r"[0-9a-f]{64}")


class ModelChoice:
    """Finds the model that a request names, so that a repeated request means the same model.

    The id of a job keeps the meaning of a name, as it keeps a random seed. The same request gets
    the same answer even after the file of that name was replaced or removed.

    Args:
        registry: Lists the models.
        job_service: Knows the jobs; None for a program without jobs.
    """

    def __init__(self, registry: ModelRegistry, job_service: JobService | None) -> None:
        self._registry = registry
        self._job_service = job_service

    def __call__(self, wanted: str, *, caller: str, job_id: str | None) -> str:
        """Return the id of the model that `wanted` names, by the rule of `ModelRegistry.resolve`.

        A whole id is returned as it is. Acceptance of the job checks whether that model exists.

        Args:
            wanted: An id or a name; empty for the default model.
            caller: The owner of the request.
            job_id: The id that the caller gave the request; None if it gave none.

        Raises:
            ModelNotFound, ModelsNotRead, NoModel: As `ModelRegistry.resolve`.
            StorageUnavailable: The caller's jobs cannot be looked up.
        """
        if _ID.fullmatch(wanted.lower()):
            return wanted.lower()
        if job_id is not None and (known := self._earlier(wanted, caller, job_id)) is not None:
            return known
        return self._registry.resolve(wanted).id

    def size(self, model_id: str, *, caller: str, job_id: str | None) -> Size | None:
        """Return the picture size for a request without one: the size of the model's training.

        It lies within the bounds of the model. While the model is not listed, a repeated request
        gets the size of the job with its id.

        Returns:
            The size; None if it is not known.

        Raises:
            StorageUnavailable: the caller's jobs cannot be looked up.
        """
        try:
            model = self._registry.get(model_id)
        except ModelNotFound:
            job = None if job_id is None else self.kept(caller, job_id)
            return None if job is None else Size(job.request.width, job.request.height)
        if model.native_size is None or model.sizes is None:
            return None
        return model.sizes.fitted(model.native_size)

    def beside(
        self,
        wanted: str,
        *,
        field: str,
        caller: str,
        job_id: str | None,
        kind: ModelKind = ModelKind.UPSCALER,
    ) -> str:
        """Return the id of a model beside the checkpoint, as with `__call__`.

        Args:
            wanted: An id or a name.
            field: The field that names the model, such as `upscale.model_id`.
            caller: The owner of the request.
            job_id: The id that the caller gave the request; None if it gave none.
            kind: What the model is for. A name means a model of this kind, if there is one.

        Raises:
            ModelNotFound, ModelsNotRead: As `ModelRegistry.resolve`. The first has the field.
            StorageUnavailable: The caller's jobs cannot be looked up.
        """
        if _ID.fullmatch(wanted.lower()):
            return wanted.lower()
        job = None if job_id is None else self.kept(caller, job_id)
        if job is not None and job.other_names.get(field) == wanted:
            uses = {use.field: use.model_id for use in job.request.models}
            if field in uses:  # a request of another release may not have it
                return uses[field]
        try:
            return self._registry.resolve(wanted, kind=kind).id
        except ModelNotFound as error:
            error.field = field
            raise

    def token(self, model_id: str, *, within: str, caller: str, job_id: str | None) -> str:
        """Return the token of an embedding for a request that leaves it out.

        It is the name of its file without the extension. A repeated request gets the token of the
        job with its id, also if the file has another name by now, or is gone.

        Args:
            model_id: The id of the embedding.
            within: The entry of the request, such as `embeddings[1]`.
            caller: The owner of the request.
            job_id: The id that the caller gave the request; None if it gave none.

        Raises:
            ModelNotFound: No model has this id. It has the field.
            StorageUnavailable: The caller's jobs cannot be looked up.
        """
        job = None if job_id is None else self.kept(caller, job_id)
        if job is not None and job.other_names.get(f"{within}.token") == "":
            request = job.request
            found = request.embeddings if isinstance(request, GenerationRequest) else ()
            for number, each in enumerate(found):
                is_it = within == f"embeddings[{number}]" and each.model_id == model_id
                if is_it and each.token is not None:
                    return each.token
        try:
            return stem_of(self._registry.get(model_id))
        except ModelNotFound as error:
            error.field = f"{within}.model_id"
            raise

    def size_of_picture(
        self,
        picture: Size,
        *,
        model_id: str,
        caller: str,
        job_id: str | None,
        width: int | None = None,
        height: int | None = None,
    ) -> Size:
        """Return the size for a request with an initial image that leaves a side out.

        It is that of `SizeLimits.of_picture`. While the model is not listed, a repeated request
        gets the size of the job with its id.

        Raises:
            StorageUnavailable: The caller's jobs cannot be looked up.
        """
        try:
            limits = self._registry.get(model_id).sizes
        except ModelNotFound:
            limits = None
            job = None if job_id is None else self.kept(caller, job_id)
            if job is not None:
                return Size(width or job.request.width, height or job.request.height)
        limits = limits or SizeLimits(SMALLEST_SIDE, LARGEST_SIDE, DEFAULT_MAX_PIXELS)
        return limits.of_picture(picture, width=width, height=height)

    def image_guidance(self, model_id: str, *, caller: str, job_id: str | None) -> float | None:
        """Return the `image_guidance_scale` for a request that leaves it out; None for none.

        While the model is not listed, a repeated request gets that of the job with its id.

        Raises:
            StorageUnavailable: The caller's jobs cannot be looked up.
        """
        try:
            model = self._registry.get(model_id)
        except ModelNotFound:
            job = None if job_id is None else self.kept(caller, job_id)
            request = None if job is None else job.request
            source = request.source if isinstance(request, GenerationRequest) else None
            return None if source is None else source.image_guidance_scale
        return SourceImage.DEFAULT_IMAGE_GUIDANCE if model.takes_image_guidance else None

    def has_vae(self, model_id: str) -> bool:
        """Return whether the file of a checkpoint holds a VAE; true if the model is not listed."""
        try:
            return not self._registry.get(model_id).lacks_vae
        except ModelNotFound:
            return True

    def defaults(self, model_id: str) -> ModelDefaults:
        """Return what a model prefers for fields that are left out; nothing if it is not listed."""
        try:
            return self._registry.get(model_id).defaults
        except ModelNotFound:
            return NO_DEFAULTS

    def kept(self, caller: str, job_id: str) -> Job | None:
        """Return the job that holds this id; None if another request may use the id.

        Raise StorageUnavailable if the caller's jobs cannot be looked up.
        """
        if self._job_service is None:
            return None
        try:
            job = self._job_service.find(caller, job_id).job
        except JobNotFound:
            return None
        return None if job.can_be_replaced else job

    def _earlier(self, wanted: str, caller: str, job_id: str) -> str | None:
        """Return the id that the name meant for the job with this id; None without such a job."""
        job = self.kept(caller, job_id)
        return None if job is None or job.model_name != wanted else job.request.model_id
