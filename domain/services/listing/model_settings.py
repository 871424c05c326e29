"""Applies the operator's settings to the models that are listed."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.checkpoints.families import FAMILIES
from domain.checkpoints.text_encoders import clip_layers
from domain.errors import DomainError
from domain.models.defaults import ModelDefaults
from domain.models.kinds import base_family
from domain.models.names import NameIndex
from domain.models.record import SHORT_ID, ModelFamily, ModelKind, ModelRecord
from domain.models.settings import ModelSettings
from domain.ports.model_headers import ModelHeaders
from domain.services.addition_kinds import TITLES
from domain.services.listing.training_settings import CannotApply, not_followed, with_training
from domain.services.listing.vae_fits import VaeFits

__all__ = ["AppliedSettings", "ApplySettings"]

_FIXED_LAYER = frozenset({ModelFamily.SDXL})
"""The base families whose text encoders always leave off one layer."""


@dataclass(frozen=True, slots=True)
class AppliedSettings:
    """Models with their settings.

    Attributes:
        models: The models by id.
        problems: A sentence for each table that names no model, or several.
    """

    models: Mapping[str, ModelRecord]
    problems: tuple[str, ...] = field(default=())


class ApplySettings:
    """Applies tables of settings to models.

    Args:
        fits: Compares VAEs with checkpoints.
        headers: Reads the tensors of models without their data. Without it, the layers of a text
            encoder are not compared with a `clip_skip`.
    """

    def __init__(self, fits: VaeFits, headers: ModelHeaders | None = None) -> None:
        self._fits = fits
        self._headers = headers
        self._layers: dict[str, int | None] = {}

    def __call__(
        self, models: Mapping[str, ModelRecord], tables: Sequence[ModelSettings]
    ) -> AppliedSettings:
        """Return the models with these settings.

        A setting that cannot apply to its model is left out, and the model's `problems` say why.
        """
        if not tables:
            return AppliedSettings(models)
        names = NameIndex(models.values())
        found = dict(models)
        problems: list[str] = []
        for table in tables:
            named = names.bearers(table.name)
            if len(named) != 1:
                problems.append(_not_one(table, named))
                continue
            (model,) = named
            if (other := found[model.id].settings) is not None:
                problems.append(
                    f"[{other.name}] and [{table.name}] both name {model.path}, and only "
                    f"[{other.name}] is followed; write one table"
                )
                continue
            found[model.id] = self._applied(model, table, names)
        return AppliedSettings(found, tuple(problems))

    def _applied(self, model: ModelRecord, table: ModelSettings, names: NameIndex) -> ModelRecord:
        values = dict(table.items())
        description = values.pop("description", None)
        values.pop("aliases", None)
        trained = with_training(
            model, values.pop("prediction_type", None), values.pop("zero_terminal_snr", None)
        )
        model, problems = trained.model, [*trained.problems]
        defaults: dict[str, Any] = {}
        for name, value in values.items():
            try:
                defaults |= self._default(model, name, value, names)
            except CannotApply as error:
                problems.append(not_followed(name, error))
        card = model.card
        if description is not None:
            card = dataclasses.replace(card, description=" ".join(description.split()))
        of_header = model.defaults
        if model.schedulers and of_header.scheduler not in (None, *model.schedulers):
            of_header = dataclasses.replace(of_header, scheduler=None)
        return dataclasses.replace(
            model,
            card=card,
            defaults=ModelDefaults(**defaults).over(of_header),
            settings=table,
            problems=(*model.problems, *problems),
        )

    def _default(
        self, model: ModelRecord, name: str, value: Any, names: NameIndex
    ) -> Mapping[str, Any]:
        """Return the default of a model that a setting makes. Raise CannotApply."""
        if model.kind is not ModelKind.CHECKPOINT:
            raise CannotApply(f"it is {TITLES[model.kind]}, which does not draw")
        if model.loadable and name in ("scheduler", "clip_skip") and not model.schedulers:
            raise CannotApply(f"it draws with its authors' configuration, without a {name}")
        if name == "scheduler" and model.loadable and value not in model.schedulers:
            raise CannotApply(f"'{value}' is not one of its schedulers")
        if name == "clip_skip":
            self._check_layers(model, value)
        if name != "vae":
            return {name: value}
        return {"vae_id": self._vae(model, value, names).id}

    def _check_layers(self, model: ModelRecord, clip_skip: int) -> None:
        if base_family(model.family) in _FIXED_LAYER:
            raise CannotApply("it always leaves off one layer of its text encoders")
        if model.family in FAMILIES or not model.loadable or self._headers is None:
            return  # the text encoders of these families have at least 12 layers
        if model.id not in self._layers:
            try:
                self._layers[model.id] = clip_layers(self._headers.tensors(model))
            except DomainError:
                return  # a request meets the same error, and says so
        layers = self._layers[model.id]
        if layers is not None and clip_skip > layers:
            raise CannotApply(f"it is {clip_skip}, and its text encoder has {layers} layers")

    def _vae(self, model: ModelRecord, name: str, names: NameIndex) -> ModelRecord:
        found = names.bearers(name, first=ModelKind.VAE)
        if not found:
            raise CannotApply(f"'{name}' names no model")
        if len(found) > 1:
            raise CannotApply(f"'{name}' names {_paths(found)}; name one of them by its id")
        (vae,) = found
        if (problem := self._fits.problem(vae, model)) is not None:
            raise CannotApply(f"'{name}' {problem}")
        return vae


def _not_one(table: ModelSettings, named: Sequence[ModelRecord]) -> str:
    if not named:
        return f"[{table.name}] names no model"
    return f"[{table.name}] names {_paths(named)}; name one of them by its id or its path"


def _paths(models: Sequence[ModelRecord]) -> str:
    def shown() -> Iterator[str]:
        for each in models:
            yield f"{each.path} ({each.id[:SHORT_ID]})"

    return " and ".join(shown())
