"""The names that AUTOMATIC1111's API has for VAEs."""

from collections.abc import Mapping

from adapters.http.automatic1111.networks.names import found_beside, named_models
from domain.models.record import ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = ["AUTOMATIC", "OWN_VAES", "chosen_vae", "is_own_vae", "vae_name", "vaes"]

AUTOMATIC = "Automatic"
_NONE = "None"
OWN_VAES = (AUTOMATIC, _NONE)
"""The names that no file has: `Automatic` for the default VAE of the checkpoint, such as a file
beside it, and `None` for the VAE in the checkpoint."""


def is_own_vae(wanted: str) -> bool:
    """Return whether this name means the VAE in the checkpoint, whatever its default is."""
    return wanted.lower() == _NONE.lower()


def chosen_vae(registry: ModelRegistry, wanted: str, *, field: str) -> ModelRecord | None:
    """Return the VAE that `wanted` names; None for a name of `OWN_VAES`, and for an empty one.

    Raise ModelNotFound and ModelsNotRead as `found_beside` does.
    """
    if wanted.lower() in ("", *map(str.lower, OWN_VAES)):
        return None
    return found_beside(registry, wanted, ModelKind.VAE, field=field)


def vaes(registry: ModelRegistry) -> Mapping[str, ModelRecord]:
    """Return the VAEs that a request can name, by the names of their files, sorted by path."""
    return named_models(registry, ModelKind.VAE, lambda model: model.name)


def vae_name(registry: ModelRegistry, model: ModelRecord) -> str:
    """Return the name of a VAE in this API."""
    return next((name for name, each in vaes(registry).items() if each.id == model.id), model.name)
