"""Checks whether the models beside a checkpoint can be used with it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType

from domain.checkpoints.additions import controlnet, embedding, lora, vae
from domain.checkpoints.additions.fit import Fit
from domain.checkpoints.families import FAMILIES
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.text_encoders import clip_layers
from domain.errors import (
    DomainError,
    FieldProblem,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
)
from domain.generation.parts.rules import ModelRole, ModelUse
from domain.generation.request import GenerationRequest
from domain.models.record import ModelKind, ModelRecord
from domain.ports.model_headers import ModelHeaders
from domain.services.addition_kinds import kind_problem
from domain.services.model_faults import note_fault
from domain.services.model_registry import ModelRegistry

__all__ = ["AdditionChecks"]

_Fitting = Callable[[Mapping[str, TensorFacts], Mapping[str, TensorFacts]], Fit]
_FITTING: Mapping[ModelKind, _Fitting] = MappingProxyType(
    {
        ModelKind.LORA: lora.fit,
        ModelKind.EMBEDDING: embedding.fit,
        ModelKind.CONTROLNET: controlnet.fit,
        ModelKind.VAE: vae.fit,
    }
)
"""The function that compares an add-on of each kind with a checkpoint."""
_VAE_OF_ANY_FAMILY = (
    "does not say for which family it is: the VAEs of Stable Diffusion 1 and 2 have the same "
    "tensors as that of SDXL. If the colours are wrong, it is for the other family"
)
_MOST_PAIRS = 2048


class AdditionChecks:
    """Compares add-ons with checkpoints. Any thread may call it.

    The result for an add-on and a checkpoint is kept by their ids, which name their bytes.

    Args:
        registry: Lists the models.
        headers: Reads the tensors of models without their data. Without it, shapes are not
            compared.
        most_pairs: The most results that are kept.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        headers: ModelHeaders | None = None,
        *,
        most_pairs: int = _MOST_PAIRS,
    ) -> None:
        self._registry = registry
        self._headers = headers
        self._most_pairs = most_pairs
        self._fits: OrderedDict[tuple[str, str], Fit] = OrderedDict()
        self._lock = threading.Lock()

    def found(self, request: GenerationRequest) -> Mapping[ModelUse, ModelRecord]:
        """Return the models beside the checkpoint of a request.

        Raises:
            ModelNotFound: No model has an id. The error has the field.
            ModelsNotRead: No model has it now, and not all files are read.
        """
        return {use: self._model(use) for use in request.models[1:]}

    def problems(
        self, checkpoint: ModelRecord, found: Mapping[ModelUse, ModelRecord]
    ) -> list[FieldProblem]:
        """Return one row for each add-on that cannot be used with a checkpoint.

        Upscalers are left out, because any upscaler suits any checkpoint.

        Args:
            checkpoint: The model that draws.
            found: As the result of `found`.

        Raises:
            ModelChanged: The file of a model is gone or has other bytes. The registry forgets it.
            ModelNotLoadable: The file of a model cannot be read.
        """
        with self._noting((checkpoint, *found.values())):
            return self._rows(checkpoint, found)

    def prompt_problems(
        self, checkpoint: ModelRecord, request: GenerationRequest
    ) -> list[FieldProblem]:
        """Return a row if a request leaves off more layers than the text encoder has.

        Raises: as `problems`.
        """
        # A file of a known family has every layer of the published ones: at least 12.
        is_known = checkpoint.family in FAMILIES and checkpoint.extension
        if self._headers is None or request.clip_skip == 1 or is_known:
            return []
        layers = clip_layers(self._headers.tensors(checkpoint))
        if layers is None or request.clip_skip <= layers:
            return []
        text = f"is {request.clip_skip}, and the text encoder of {checkpoint.name} has {layers}"
        return [FieldProblem("clip_skip", f"{text} layers; choose 1 to {layers}")]

    def warnings(self, checkpoint: ModelRecord, addons: Sequence[ModelRecord]) -> tuple[str, ...]:
        """Return what every result says that is drawn with these add-ons.

        Raises: as `problems`.
        """
        said: list[str] = []
        for model in {each.id: each for each in addons}.values():
            if model.kind in _FITTING:
                with self._noting((checkpoint, model)):
                    fit = self._fit(model, checkpoint)
                said += [f"{model.name}: {text}" for text in fit.warnings]
            if model.kind is ModelKind.VAE and model.base is None and checkpoint.family is not None:
                said.append(f"{model.name} {_VAE_OF_ANY_FAMILY}")
        return tuple(said)

    def read_ahead(self, request: GenerationRequest) -> None:
        """Compare the models of a request, so that the other methods read no file soon after.

        It raises and changes nothing: the other methods meet the same errors.
        """
        with suppress(DomainError):
            if len(request.models) > 1 or request.clip_skip > 1:
                checkpoint = self._registry.get(request.model_id)
                self.prompt_problems(checkpoint, request)
                self._rows(checkpoint, self.found(request))

    def _model(self, use: ModelUse) -> ModelRecord:
        if self._registry.awaits(use.model_id):
            raise ModelsNotRead(use.model_id)
        try:
            return self._registry.get(use.model_id)
        except ModelNotFound as error:
            error.field = use.field
            raise

    @contextmanager
    def _noting(self, models: Sequence[ModelRecord]) -> Iterator[None]:
        """Let the registry know of a model whose file cannot be read in the block."""
        try:
            yield
        except ModelNotLoadable as error:
            note_fault(self._registry, error, models)
            raise

    def _rows(
        self, checkpoint: ModelRecord, found: Mapping[ModelUse, ModelRecord]
    ) -> list[FieldProblem]:
        texts = {
            use.field: self._problem(use, model, checkpoint)
            for use, model in found.items()
            if use.role is not ModelRole.UPSCALER
        }
        return [FieldProblem(field, text) for field, text in texts.items() if text is not None]

    def _problem(self, use: ModelUse, model: ModelRecord, checkpoint: ModelRecord) -> str | None:
        wanted = ModelKind(use.role)
        if (problem := kind_problem(model, checkpoint, wanted)) is not None:
            return problem
        named = controlnet.name_problem(model.name) if wanted is ModelKind.CONTROLNET else None
        if (problem := named or self._fit(model, checkpoint).problem) is not None:
            return f"is {model.name}, which does not fit {checkpoint.name}: {problem}"
        return None

    def _fit(self, model: ModelRecord, checkpoint: ModelRecord) -> Fit:
        if self._headers is None:
            return Fit()
        pair = model.id, checkpoint.id
        with self._lock:
            if (known := self._fits.get(pair)) is not None:
                self._fits.move_to_end(pair)
                return known
        fit = _FITTING[model.kind](self._headers.tensors(model), self._headers.tensors(checkpoint))
        with self._lock:
            self._fits[pair] = fit
            while len(self._fits) > self._most_pairs:
                self._fits.popitem(last=False)
        return fit
