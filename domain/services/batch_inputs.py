"""What a batch is drawn with: its models, its pictures, and what these say."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from domain.errors import ModelNotFound, UnreadablePicture
from domain.generation.any_request import AnyRequest
from domain.generation.parts.rules import ModelRole, ModelUse
from domain.generation.request import GenerationRequest
from domain.generation.upscale_request import UpscaleRequest
from domain.models.record import ModelRecord
from domain.ports.picture_codec import PictureCodec
from domain.ports.picture_source import PictureSource
from domain.services.distilled_warnings import distilled_warnings
from domain.services.model_registry import ModelRegistry
from domain.services.prompt_warnings import prompt_warnings

__all__ = ["models_of", "pictures_of", "source_text", "warnings_of", "with_needed_vae"]


def with_needed_vae(registry: ModelRegistry, request: GenerationRequest) -> GenerationRequest:
    """Return a request that names the default VAE, if its checkpoint has none in its file."""
    if request.vae_id is not None:
        return request
    try:
        model = registry.get(request.model_id)
    except ModelNotFound:
        return request
    vae_id = model.defaults.vae_id if model.lacks_vae else None
    return request if vae_id is None else dataclasses.replace(request, vae_id=vae_id)


def models_of(registry: ModelRegistry, requests: Sequence[AnyRequest]) -> tuple[ModelRecord, ...]:
    """Return the models of a batch, the one that draws first; none for Lanczos.

    Raises:
        ModelNotFound: A model is gone. The error has the field of a model beside the checkpoint.
        ModelNotLoadable: A model cannot be used.
    """
    uses = dict.fromkeys(use for request in requests for use in request.models)
    return tuple(_model(registry, use) for use in uses)


def _model(registry: ModelRegistry, use: ModelUse) -> ModelRecord:
    if use.role is ModelRole.CHECKPOINT:
        return registry.get_loadable(use.model_id)
    try:
        return registry.get_usable(use.model_id)
    except ModelNotFound as error:
        error.field = use.field
        raise


def pictures_of(source: PictureSource, requests: Sequence[AnyRequest]) -> dict[str, bytes]:
    """Return the files of the pictures that the requests name, by their ids.

    Raises:
        PictureNotFound: A picture is gone.
        StorageUnavailable: A picture cannot be read now.
    """
    wanted = dict.fromkeys(ref.id for request in requests for ref in request.pictures)
    return {picture_id: source.read(picture_id) for picture_id in wanted}


def source_text(codec: PictureCodec, request: AnyRequest, pictures: Mapping[str, bytes]) -> str:
    """Return the text in the picture that a request enlarges; empty if there is none."""
    if not isinstance(request, UpscaleRequest):
        return ""
    try:
        return codec.parameters(pictures[request.image.id]).text
    except UnreadablePicture:
        return ""


def warnings_of(models: Sequence[ModelRecord], request: AnyRequest) -> Iterator[str]:
    """Yield what the models of a request say about its pictures."""
    for model in models:
        yield from model.warnings
    if isinstance(request, GenerationRequest):
        yield from distilled_warnings(models[0], request)
        yield from _vae_warnings(models, request)
        yield from prompt_warnings(models[0], models[1:], request)


def _vae_warnings(models: Sequence[ModelRecord], request: GenerationRequest) -> Iterator[str]:
    """Yield which VAE draws, if it is the default of the checkpoint and not the one in its file."""
    checkpoint, vae_id = models[0], request.vae_id
    if vae_id is None or checkpoint.defaults.vae_id != vae_id:
        return
    for vae in models:
        if vae.id == vae_id:
            why = "holds no VAE, and" if checkpoint.lacks_vae else "is set up so that it"
            yield f"{checkpoint.name} {why} draws with the VAE {vae.name}"
