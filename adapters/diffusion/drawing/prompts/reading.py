"""How the prompts of a request are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from adapters.diffusion.additions.textual_inversion import TextualInversion
from domain.errors import GenerationFailed
from domain.generation.parts import PromptSyntax
from domain.generation.request import GenerationRequest
from domain.prompts import WordTable

__all__ = ["PLAIN", "Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What decides how a text becomes embeddings, besides the text encoders.

    Attributes:
        syntax: The syntax of the texts.
        clip_skip: As of a request.
        inversions: The textual inversions, by the words that stand for them.
    """

    syntax: PromptSyntax = PromptSyntax.PLAIN
    clip_skip: int = 1
    inversions: Mapping[str, TextualInversion] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, request: GenerationRequest, companions: Mapping[str, Any]) -> "Reading":
        """Return the reading of a request.

        Args:
            request: The request.
            companions: The loaded models beside the checkpoint, by their ids.

        Raises:
            GenerationFailed: Two embeddings have one word, or a model is not an embedding.
        """
        inversions: dict[str, TextualInversion] = {}
        for each in request.embeddings:
            inversion = companions.get(each.model_id)
            if not isinstance(inversion, TextualInversion):
                raise GenerationFailed(f"the model {each.model_id} is not an embedding")
            word = each.token or inversion.stem
            if word in inversions:
                raise GenerationFailed(
                    f"two embeddings have the token {word[:40]!a}; give one of them another token"
                )
            inversions[word] = inversion
        return cls(request.prompt_syntax, request.clip_skip, inversions)

    @property
    def is_weighted(self) -> bool:
        """Whether the texts have the grammar of AUTOMATIC1111's web UI."""
        return self.syntax == PromptSyntax.WEIGHTED

    def words(self) -> WordTable:
        """Return the words that stand for vectors."""
        return WordTable(self.inversions)


PLAIN = Reading()
"""Plain text, without additions."""
