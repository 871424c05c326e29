"""The model that a person's words name."""

import re
from collections.abc import Iterable

from adapters.cli.failures import Misuse
from adapters.cli.terminal import plain
from domain.errors import ModelNotFound, ModelsNotRead, NoModel
from domain.models.record import SHORT_ID, ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["choose_model"]

_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


def choose_model(registry: ModelRegistry, wanted: str | None) -> ModelRecord:
    """Return the model that `wanted` names, by the same rule as the API; None means the default.

    Args:
        registry: A registry that has read the folders.
        wanted: An id, its first digits, a path, a file's name with or without its extension, or an
            alias.

    Raises:
        Misuse: `wanted` names no model, or several; the message lists the candidates.
    """
    try:
        model = registry.resolve(wanted)
    except NoModel:
        raise Misuse(
            "there is no model to draw with; put a checkpoint into a folder of MODEL_DIRS, or let "
            "`ai-inference demo` put a small one there. `ai-inference models` lists what is there"
        ) from None
    except ModelsNotRead as error:
        raise Misuse(str(error)) from None
    except ModelNotFound as error:
        raise _misuse(registry, error, wanted) from None
    if model.reason is not None:
        raise Misuse(f"no picture can be drawn with {plain(model.name)}: {plain(model.reason)}")
    return model


def _misuse(registry: ModelRegistry, error: ModelNotFound, wanted: str | None) -> Misuse:
    name = f"'{plain(error.wanted)}'"
    if wanted is None:
        name = f"{name} (DEFAULT_MODEL)"
    if meant := registry.named(error.wanted):
        return Misuse(f"{name} names several models; name one by its id.{_listed(meant)}")
    models = registry.models(ModelKind.CHECKPOINT)
    listed = _listed(model for model in models if model.loadable)
    return Misuse(f"no model is called {name}{_hint(error.wanted)}.{listed}")


def _hint(wanted: str) -> str:
    if _HEXADECIMAL.fullmatch(wanted) and len(wanted) < SHORT_ID:
        return f", and of an id at least {SHORT_ID} digits are needed"
    return ""


def _listed(models: Iterable[ModelRecord]) -> str:
    lines = [
        f"\n  {each.id[:SHORT_ID]}  {plain(each.name)}  {each.family or '-'}" for each in models
    ]
    return " There are:" + "".join(lines) if lines else " No model in the folders can draw"
