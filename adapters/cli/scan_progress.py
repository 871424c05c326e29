"""Looking through the model folders until all that is whole is known, and saying how far it is."""

from collections.abc import Sequence

from adapters.cli.terminal import StatusLine, human_bytes, plain
from domain.models.record import SHORT_ID, PendingModel, PendingState
from domain.services.model_registry import ModelRegistry

__all__ = ["look_through"]

_LOOK_AGAIN_SECONDS = 0.1


def look_through(registry: ModelRegistry, line: StatusLine, wanted: str | None = None) -> None:
    """As `ModelRegistry.refresh`, but it ends when the id is known that `wanted` begins. New files
    are hashed, which takes a while where they are large; what earlier runs or the service learnt of
    them is kept in DATA_DIR.
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
    """Whether it is an id, or begins one: what is not listed yet will have another one."""
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
