"""The model that a person's words name."""

import re
from collections.abc import Iterable

from adapters.cli.errors import InputError, told
from adapters.cli.terminal import plain
from domain.errors import ModelNotFound, ModelNotLoadable, ModelsNotRead, NoModel
from domain.generation.forms.part_fields import field_at
from domain.generation.upscale_request import LANCZOS
from domain.models.record import SHORT_ID, ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["choose_model", "choose_upscaler", "missing_beside"]

_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


def choose_model(registry: ModelRegistry, wanted: str | None) -> ModelRecord:
    """Return the model that `wanted` names, by the same rule as the API; None means the default.

    Args:
        registry: A registry that has read the folders.
        wanted: An id, its first digits, a path, a file's name with or without its extension, or an
            alias.

    Raises:
        InputError: `wanted` names no model, or several; the message lists the candidates.
    """
    try:
        model = registry.resolve(wanted)
    except (NoModel, ModelsNotRead) as error:
        raise InputError(told(error)) from None
    except ModelNotFound as error:
        raise _input_error(registry, error, wanted) from None
    if model.reason is not None:
        raise InputError(told(ModelNotLoadable(model.reason, model.name)))
    return model


def choose_upscaler(registry: ModelRegistry, wanted: str | None) -> tuple[str, str]:
    """Return the id of an upscaler, and its name for people. Lanczos needs no model.

    Args:
        registry: A registry that has read the folders.
        wanted: As for `choose_model`, or `lanczos`. None means the first upscaler by path, or
            Lanczos if there is none.

    Raises:
        InputError: `wanted` names no upscaler, or several; the message lists the candidates.
    """
    usable = [model for model in registry.models(ModelKind.UPSCALER) if model.usable]
    if wanted is None and usable:
        return usable[0].id, plain(usable[0].name)
    if wanted is None or wanted.lower() == LANCZOS:
        return LANCZOS, "Lanczos' filter"
    try:
        model = registry.resolve(wanted)
    except ModelsNotRead as error:
        raise InputError(told(error)) from None
    except ModelNotFound as error:
        name = f"'{plain(error.wanted)}'"
        if meant := registry.named(error.wanted):
            raise InputError(
                f"{name} names several models; name one by its id.{_listed(meant)}"
            ) from None
        there = _listed(usable) if usable else f" No upscaler is in the folders; name {LANCZOS}"
        raise InputError(f"no model is called {name}{_hint(error)}.{there}") from None
    if model.kind is not ModelKind.UPSCALER:
        raise InputError(f"'{plain(model.name)}' is a {model.kind}; name an upscaler")
    if not model.usable:
        raise InputError(told(ModelNotLoadable(model.reason or "", model.name)))
    return model.id, plain(model.name)


def missing_beside(registry: ModelRegistry, error: ModelNotFound, option: str) -> InputError:
    """Return the error for a name of a model beside the checkpoint that means no model, or several.

    Args:
        registry: A registry that has read the folders.
        error: What `ModelChoice.beside` raised.
        option: The option that names the model.
    """
    name = f"{option}: '{plain(error.wanted)}'"
    field = field_at(error.field)
    kind = ModelKind.UNKNOWN if field is None or field.model is None else field.model
    if error.bearers:
        meant = registry.named(error.wanted, kind=kind)
        return InputError(f"{name} names several models; name one by its id.{_listed(meant)}")
    found = (each for each in registry.models(kind) if each.usable)
    there = _listed(found, none=f"The folders hold no usable model of kind {kind}")
    return InputError(f"{name} is not the name of a model{_hint(error)}.{there}")


def _input_error(registry: ModelRegistry, error: ModelNotFound, wanted: str | None) -> InputError:
    name = f"'{plain(error.wanted)}'"
    if wanted is None:
        name = f"{name} (DEFAULT_MODEL)"
    if meant := registry.named(error.wanted):
        return InputError(f"{name} names several models; name one by its id.{_listed(meant)}")
    models = registry.models(ModelKind.CHECKPOINT)
    listed = _listed(model for model in models if model.loadable)
    return InputError(f"no model is called {name}{_hint(error)}.{listed}")


def _hint(error: ModelNotFound) -> str:
    wanted = error.wanted
    if error.unfinished:
        return f" ({plain(error.unfinished)})"
    if _HEXADECIMAL.fullmatch(wanted) and len(wanted) < SHORT_ID:
        return f", and of an id at least {SHORT_ID} digits are needed"
    return ""


def _listed(
    models: Iterable[ModelRecord], *, none: str = "No model in the folders can draw"
) -> str:
    lines = [
        f"\n  {each.id[:SHORT_ID]}  {plain(each.name)}  {each.family or '-'}" for each in models
    ]
    return " There are:" + "".join(lines) if lines else f" {none}"
