"""The LoRAs, the embeddings and the VAE of a request of AUTOMATIC1111's API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.http.automatic1111.checkpoints import stem
from adapters.http.automatic1111.networks.fitting import Mismatch
from adapters.http.automatic1111.networks.names import found_beside
from adapters.http.automatic1111.networks.prompts import AskedLora
from domain.errors import ModelNotFound
from domain.generation.parts import Embedding
from domain.models.record import SHORT_ID, ModelKind, ModelRecord
from domain.prompts import WordTable
from domain.services.model_registry import ModelRegistry

__all__ = ["LORA_FIELD", "BuildNetworks", "BuiltNetworks"]

LORA_FIELD = "prompt"
"""The field whose errors are those of LoRAs and embeddings."""


@dataclass(frozen=True, slots=True)
class BuiltNetworks:
    """What a prompt names.

    Attributes:
        loras: The values of each LoRA, for `SentParts`.
        embeddings: The values of each embedding, for `SentParts`.
        warnings: What to know about words that are names of embeddings.
    """

    loras: tuple[Mapping[str, Any], ...] = ()
    embeddings: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


class BuildNetworks:
    """Finds what prompts name beside the checkpoint.

    Args:
        registry: Lists the models.
        mismatch: Says why an add-on cannot be used with a checkpoint.
    """

    def __init__(self, registry: ModelRegistry, mismatch: Mismatch) -> None:
        self._registry = registry
        self._mismatch = mismatch

    def __call__(
        self, loras: Sequence[AskedLora], prompts: Sequence[str], checkpoint: ModelRecord
    ) -> BuiltNetworks:
        """Return the networks of prompts.

        A LoRA that is named twice has the sum of both weights. A word that is the name of an
        embedding's file stands for it, if the embedding can be used with the checkpoint. If
        not, a warning says why.

        Raises:
            ModelNotFound: A LoRA is not there, or several files have a name. It has `LORA_FIELD`.
            ModelsNotRead: A LoRA is not there, and not all files are read.
        """
        scales: dict[str, float] = {}
        for each in loras:
            model = found_beside(self._registry, each.name, ModelKind.LORA, field=LORA_FIELD)
            scales[model.id] = scales.get(model.id, 0.0) + each.scale
        # A file that cannot be used is a model here too: its word gets a warning with the reason.
        models = self._registry.models(ModelKind.EMBEDDING)
        found = _Words(models, self._mismatch, checkpoint)
        for prompt in prompts:
            found.read(prompt)
        return BuiltNetworks(
            tuple({"model_id": model_id, "scale": scale} for model_id, scale in scales.items()),
            tuple(
                {"model_id": model.id, "token": word} for word, model in found.embeddings.items()
            ),
            tuple(found.warnings.values()),
        )


class _Words:
    """Finds words of prompts that are names of embeddings."""

    def __init__(
        self, models: Sequence[ModelRecord], mismatch: Mismatch, checkpoint: ModelRecord
    ) -> None:
        self._mismatch = mismatch
        self._checkpoint = checkpoint
        self._by_name: dict[str, list[ModelRecord]] = {}
        for model in models:
            if Embedding.LIMITS["token"].problem(word := stem(model)) is None:
                self._by_name.setdefault(word, []).append(model)
        self._table = WordTable(self._by_name)
        self.embeddings: dict[str, ModelRecord] = {}
        self.warnings: dict[str, str] = {}

    def read(self, prompt: str) -> None:
        """Look for names in a prompt. Raise ModelNotFound if several embeddings have one."""
        for _, word in self._table.split(prompt):
            if word is None or word in self.embeddings or word in self.warnings:
                continue
            self._choose(word, self._by_name[word])

    def _choose(self, word: str, models: Sequence[ModelRecord]) -> None:
        reasons = {each.path: self._mismatch(each, self._checkpoint) for each in models}
        fitting = [each for each in models if reasons[each.path] is None]
        if len(fitting) > 1:
            bearers = tuple(f"{each.path} ({each.id[:SHORT_ID]})" for each in fitting)
            raise ModelNotFound(word, bearers=bearers, field=LORA_FIELD)
        if fitting:
            self.embeddings[word] = fitting[0]
            return
        reason = next(iter(reasons.values()))
        self.warnings[word] = (
            f"the word {word!a} was drawn as it is, because the embedding of this name {reason}"
        )
