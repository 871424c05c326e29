"""The names that AUTOMATIC1111's API has for upscalers.

Source of the names without a model: the web UI 1.10, `modules/upscaler.py` and
`modules/shared.py` (`latent_upscale_modes`). Source of the names of Real-ESRGAN's models and their
files: `modules/realesrgan_model.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from adapters.http.automatic1111.checkpoints import stem
from domain.errors import FieldProblem, InvalidRequest, ModelsNotRead
from domain.models.record import ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry

__all__ = [
    "LANCZOS",
    "LATENT",
    "LATENT_MODES",
    "NONE",
    "REAL_ESRGAN",
    "found_upscaler",
    "upscaler_models",
]

NONE = "None"
LATENT = "Latent"
LANCZOS = "Lanczos"
LATENT_MODES = (LATENT, "Latent (antialiased)")
"""The ways to enlarge latents: bilinear, which an antialias changes only when it makes something
smaller. The web UI has more ways, with other interpolations."""

REAL_ESRGAN: Mapping[str, str] = {
    "R-ESRGAN General 4xV3": "realesr-general-x4v3",
    "R-ESRGAN General WDN 4xV3": "realesr-general-wdn-x4v3",
    "R-ESRGAN AnimeVideo": "realesr-animevideov3",
    "R-ESRGAN 4x+": "RealESRGAN_x4plus",
    "R-ESRGAN 4x+ Anime6B": "RealESRGAN_x4plus_anime_6B",
    "R-ESRGAN 2x+": "RealESRGAN_x2plus",
}
"""The stem of the file that each of these names means."""
_BY_STEM = {each.lower(): name for name, each in REAL_ESRGAN.items()}
_BY_NAME = {name.lower(): each for name, each in REAL_ESRGAN.items()}


_SHOWN_NAMES = 20
"""The most names in a message."""


def upscaler_models(registry: ModelRegistry) -> Mapping[str, ModelRecord]:
    """Return the upscaler models that a request can name, by their names in this API.

    A name is the web UI's own for this file, or else the stem of the file. If two files would have
    one name, their names are their paths.
    """
    models = [each for each in registry.models(ModelKind.UPSCALER) if each.usable]
    short = Counter(_short_name(each) for each in models)
    return {
        each.path if short[_short_name(each)] > 1 else _short_name(each): each for each in models
    }


def found_upscaler(
    registry: ModelRegistry, name: str, *, field: str, without_model: Sequence[str]
) -> str | ModelRecord:
    """Return the upscaler that `name` means: one of `without_model`, or a model.

    Upper and lower case are equal. Any name of a model is accepted.

    Raises:
        InvalidRequest: No upscaler has this name, or several have it. The row names `field`.
        ModelsNotRead: A model that is not read yet may have this name.
    """
    lower = name.lower()
    for each in without_model:
        if lower == each.lower():
            return each
    models = upscaler_models(registry)
    for shown, model in models.items():
        if lower == shown.lower():
            return model
    meant = _BY_NAME.get(lower, name)
    found = [each for each in registry.named(meant) if each in models.values()]
    if len(found) == 1:
        return found[0]
    if not found and registry.awaits(meant):
        raise ModelsNotRead(meant)
    names = [*without_model, *models]
    more = ", …" if len(names) > _SHOWN_NAMES else ""
    shown = ", ".join(names[:_SHOWN_NAMES])
    problem = f"is {ascii(name)[:80]}; the upscalers are: {shown}{more}"
    raise InvalidRequest([FieldProblem(field, problem)])


def _short_name(model: ModelRecord) -> str:
    return _BY_STEM.get(stem(model).lower(), stem(model))
