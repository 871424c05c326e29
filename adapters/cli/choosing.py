"""Which model a person means."""

import re
from collections.abc import Iterable, Sequence

from adapters.cli.failures import Misuse
from adapters.cli.terminal import plain
from domain.models import SHORT_ID, ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["choose_model"]

_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


def choose_model(registry: ModelRegistry, wanted: str | None) -> ModelRecord:
    """The model that `wanted` names, or the only checkpoint that can be drawn with.

    Args:
        registry: Has looked through the folders.
        wanted: A file's name or path, an id, or its first digits, ten at least; None for whatever
            there is.

    Raises:
        Misuse: none is meant, or several; the message lists those that could be.
    """
    models = registry.models()
    loadable = [each for each in models if each.loadable and each.kind is ModelKind.CHECKPOINT]
    if wanted is None:
        return _only(loadable)
    meant = registry.named(wanted)
    if not meant:
        raise Misuse(f"no model is called '{plain(wanted)}'{_hint(wanted)}.{_listed(loadable)}")
    if len(meant) > 1:
        raise Misuse(f"'{plain(wanted)}' names several models; name one by its id.{_listed(meant)}")
    (model,) = meant
    if model.reason is not None:
        raise Misuse(f"no picture can be drawn with {plain(model.name)}: {plain(model.reason)}")
    return model


def _only(loadable: Sequence[ModelRecord]) -> ModelRecord:
    if not loadable:
        raise Misuse(
            "there is no model to draw with; put a checkpoint into a folder of MODEL_DIRS, or run "
            "`ai-inference demo` for a small one. `ai-inference models` lists what lies there"
        )
    if len(loadable) > 1:
        raise Misuse(f"there are several models; choose one with --model.{_listed(loadable)}")
    return loadable[0]


def _hint(wanted: str) -> str:
    if _HEXADECIMAL.fullmatch(wanted) and len(wanted) < SHORT_ID:
        return f", and of an id at least {SHORT_ID} digits are needed"
    return ""


def _listed(models: Iterable[ModelRecord]) -> str:
    lines = [
        f"\n  {each.id[:SHORT_ID]}  {plain(each.name)}  {each.family or '-'}" for each in models
    ]
    return " There are:" + "".join(lines) if lines else " There is none to draw with"
