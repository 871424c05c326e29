"""The card of a model: what it draws, and which words it was trained with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["LONGEST_DESCRIPTION", "NO_CARD", "ModelCard"]

LONGEST_DESCRIPTION = 1000
"""Characters of a description."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # noqa: RUF001 - people type both apostrophes


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model's description of itself.

    Attributes:
        description: What it draws, in a sentence; None if the model does not say.
        sample_prompts: Prompts that it draws well.
        known_words: The words that name what it draws. Empty if the model does not say, and for
            models that were trained with words of any kind.
    """

    description: str | None = None
    sample_prompts: tuple[str, ...] = ()
    known_words: tuple[str, ...] = ()

    def warnings_for(
        self,
        model_name: str,
        prompt: str,
        negative_prompt: str | None,
        *,
        is_known: tuple[bool, ...] = (False, False),
    ) -> tuple[str, ...]:
        """Return the warnings about prompts whose words the model was not trained with.

        A prompt with one known word gets no warning. A model without `known_words` never warns.

        Args:
            model_name: The name of the model.
            prompt: The words of the prompt, without a grammar.
            negative_prompt: Those of the negative prompt.
            is_known: Whether each of the two has a word that an add-on teaches.
        """
        if not self.known_words:
            return ()
        warnings = []
        if not is_known[0] and not self._knows(prompt):
            warnings.append(
                f"{model_name} knows no word of the prompt, so the picture does not show "
                f"it{self._remedy()}"
            )
        if negative_prompt and not is_known[1] and not self._knows(negative_prompt):
            warnings.append(
                f"{model_name} knows no word of the negative prompt, so it keeps nothing out of "
                "the picture"
            )
        return tuple(warnings)

    def _knows(self, text: str) -> bool:
        known = {word.casefold() for word in self.known_words}
        return any(word in known for word in _words(text))

    def _remedy(self) -> str:
        told = f". It draws this: {self.description.rstrip('.')}" if self.description else ""
        samples = self.sample_prompts[:1]
        return told + "".join(f'. Try "{sample}"' for sample in samples)


NO_CARD = ModelCard()
"""The card of a model without a description of itself."""


def _words(text: str) -> Iterator[str]:
    """Return the words of a text, case-folded. A compound is returned whole and in its parts."""
    for match in _WORD.finditer(text.casefold()):
        word = match.group()
        yield word
        yield from re.split(r"['’-]", word)  # noqa: RUF001
