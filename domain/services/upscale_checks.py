"""Checks whether a picture can be enlarged as a request says."""

from domain.errors import FieldProblem, InvalidRequest, ModelsNotRead
from domain.generation.upscale_request import UpscaleRequest
from domain.models.record import ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry
from domain.services.request_checks import scale_is_needed

__all__ = ["check_upscale", "upscaler_of"]


def check_upscale(registry: ModelRegistry, request: UpscaleRequest) -> None:
    """Raise an error if this request cannot be done. It is cheap, and runs before the queue.

    Raises:
        ModelNotFound: No model has its `model_id`.
        ModelsNotRead: No model has it now, and not all files are read.
        ModelNotLoadable: The upscaler cannot be used.
        InvalidRequest: The model is not an upscaler, or there can be no such result: it
            would have too many pixels, or too long a side for its format.
    """
    if request.is_lanczos:
        return
    if registry.awaits(request.model_id):
        raise ModelsNotRead(request.model_id)
    model = upscaler_of(registry, request)
    scale = request.scale or model.scale
    if scale is None:
        raise InvalidRequest([FieldProblem("scale", scale_is_needed(model))])
    if message := request.scale_problem(float(scale)):
        raise InvalidRequest([FieldProblem("scale", message)])


def upscaler_of(registry: ModelRegistry, request: UpscaleRequest) -> ModelRecord:
    """Return the upscaler of a request that has one.

    Raises:
        ModelNotFound: No model has its `model_id`.
        ModelNotLoadable: The upscaler cannot be used.
        InvalidRequest: The model is not an upscaler.
    """
    model = registry.get(request.model_id)
    if model.kind is not ModelKind.UPSCALER:
        text = f"names {model.name}, which is a {model.kind}; name a model of the kind upscaler"
        raise InvalidRequest([FieldProblem("model_id", text)])
    return registry.get_usable(model.id)
