"""The requests that a job can have, and their results."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from domain.generation.request import GenerationRequest, GenerationResult
from domain.generation.upscale_request import UpscaleRequest, UpscaleResult

__all__ = [
    "AnyRequest",
    "AnyResult",
    "as_drawn",
    "request_as_stored",
    "request_from_plain",
    "result_of",
]

AnyRequest: TypeAlias = GenerationRequest | UpscaleRequest
"""A request for pictures, or a request to enlarge one."""

AnyResult: TypeAlias = GenerationResult | UpscaleResult
"""What became of it."""


def request_from_plain(values: Mapping[str, Any]) -> AnyRequest:
    """Return the request whose `plain_values` these are.

    Raises:
        InvalidRequest, TypeError, ValueError: As `from_plain` of its class.
    """
    return _kind_of(values).from_plain(values)


def request_as_stored(values: Mapping[str, Any]) -> AnyRequest:
    """Return a request that another release stored. It can be shown, but not drawn.

    Raises:
        ValueError: As `as_stored` of its class.
    """
    return _kind_of(values).as_stored(values)


def _kind_of(values: Mapping[str, Any]) -> type[GenerationRequest] | type[UpscaleRequest]:
    is_upscale = "image" in values and "prompt" not in values
    return UpscaleRequest if is_upscale else GenerationRequest


def result_of(request: AnyRequest, **facts: Any) -> AnyResult:
    """Return the result of a request. `facts` are the fields of an `Outcome`."""
    if isinstance(request, UpscaleRequest):
        return UpscaleResult(request=request, **facts)
    return GenerationResult(request=request, **facts)


def as_drawn(result: AnyResult) -> GenerationResult:
    """Return the result of a `GenerationRequest` as what it is, for a caller that sent one.

    Raises:
        TypeError: It is the result of another request.
    """
    if not isinstance(result, GenerationResult):
        raise TypeError(f"request {result.request.id!r} does not ask for a drawing")
    return result
