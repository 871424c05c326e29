"""What an error of a drawing means for the request and for the registry."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from domain.errors import GenerationFailed, ModelChanged, ModelNotLoadable
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["exits_as_failures", "note_fault"]


@contextmanager
def exits_as_failures(name: str) -> Iterator[None]:
    """Raise GenerationFailed for a BaseException of a drawing that is not an `Exception`.

    A library can raise SystemExit, which must not end the thread of the device. In the main thread
    such exceptions pass: Python raises those of signals there alone.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if threading.current_thread() is threading.main_thread():
            raise
        raise GenerationFailed(f"drawing with {name} failed: {type(error).__name__}") from error


def note_fault(
    registry: ModelRegistry, error: ModelNotLoadable, models: Sequence[ModelRecord]
) -> None:
    """Let the registry forget a model that has changed, or reject one that can never be loaded.

    A broken add-on is never held against its checkpoint. So nothing is noted if the error does not
    tell which of several models it is about.

    Args:
        registry: Lists the models.
        error: The error of the drawing.
        models: The models of the batch.
    """
    blamed = _blamed(error, models)
    if blamed is None:
        return
    if isinstance(error, ModelChanged):
        registry.forget(blamed.id)
    elif error.lasting:
        registry.reject(blamed.id, _reason(error, blamed))


def _reason(error: ModelNotLoadable, model: ModelRecord) -> str:
    """Return the reason for the list, which names the broken file of a set."""
    if error.name in {member.name for member in model.members} - {model.name}:
        return f"{error.name}, one of its files, cannot be used: {error.reason}"
    return error.reason


def _blamed(error: ModelNotLoadable, models: Sequence[ModelRecord]) -> ModelRecord | None:
    if error.model_id:
        return next((model for model in models if model.id == error.model_id), None)
    named = [model for model in models if model.name == error.name]
    # Two files in two folders may have one name.
    found = named or ([] if error.name and len(models) > 1 else list(models))
    return found[0] if len(found) == 1 else None
