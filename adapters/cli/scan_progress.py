"""Read the model folders until every complete file is known, and show the progress."""

from collections.abc import Sequence

from adapters.cli.terminal import StatusLine, human_bytes, plain
from domain.models.record import SHORT_ID, PendingModel, PendingState
from domain.services.model_registry import ModelRegistry

__all__ = ["look_through"]

_LOOK_AGAIN_SECONDS = 0.1


def look_through(registry: ModelRegistry, line: StatusLine, wanted: str | None = None) -> None:
    """Do what `ModelRegistry.refresh` does; stop once the id that starts with `wanted` is known.

    New files are hashed, which takes a while if they are large; DATA_DIR keeps what earlier runs or
    the service learned about them.
    """
    announced = False
    registry.look()
    while not (registry.scanned or _is_known(registry, wanted)):
        pending = registry.pending()
        if not announced and pending:
            size = human_bytes(sum(each.size for each in pending))
            line.note(f"Reading {_files(len(pending))} for the first time, {size}")
            announced = True
        line.show(_progress(pending))
        registry.wait(_LOOK_AGAIN_SECONDS)
        registry.look()
    line.clear()


def _is_known(registry: ModelRegistry, wanted: str | None) -> bool:
    """Return True if `wanted` is a listed id or its start; unlisted files will have other ids."""
    if wanted is None or len(wanted) < SHORT_ID:
        return False
    return any(model.id.startswith(wanted.lower()) for model in registry.models())


def _progress(pending: Sequence[PendingModel]) -> str:
    hashing = [each for each in pending if each.state is PendingState.HASHING]
    if not hashing:
        return f"waiting for {_files(len(pending))} to settle"
    done, size = sum(each.hashed for each in hashing), sum(each.size for each in hashing)
    names = plain(hashing[0].name) + (f" and {len(hashing) - 1} more" if hashing[1:] else "")
    return f"{100 * done // max(size, 1)} % of {human_bytes(size)}: {names}"


def _files(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"
