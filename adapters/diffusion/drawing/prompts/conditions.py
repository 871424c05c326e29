"""The prompts of a drawing at each step: what a schedule in a prompt changes.

Steps are counted from 1, among those that run.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch

from adapters.diffusion.drawing.prompts.encoding import PromptEncoder, PromptEncoding
from domain.generation.parts import PromptSyntax
from domain.generation.request import GenerationRequest
from domain.prompts import PromptSchedule, StepText

__all__ = ["Conditions", "RequestPrompts", "ScheduledPrompts"]

_Texts = Sequence[StepText]
_Pair = tuple[str, str | None]
"""A prompt and its negative."""


class ScheduledPrompts:
    """The two prompts of a request in one of its passes.

    A text is encoded when its step comes, so no more encodings are in memory than the prompt cache
    keeps. The first one is encoded at once.

    Args:
        encoder: Encodes the texts.
        prompt: The texts of the prompt.
        negative: The texts of the negative prompt; None for nothing.
        pieces: The pieces of every encoding.
    """

    def __init__(
        self,
        encoder: PromptEncoder,
        prompt: _Texts,
        negative: _Texts | None,
        pieces: int,
    ) -> None:
        self._encoder = encoder
        self._prompt = prompt
        self._negative = negative
        self._pieces = pieces
        self._first = encoder.encode(*self._texts(1), pieces)

    def changes(self, step: int) -> bool:
        """Return whether a text of this step is another one than in the step before."""
        return step > 1 and self._texts(step) != self._texts(step - 1)

    def at(self, step: int) -> PromptEncoding:
        """Return the encoding of the texts of a step."""
        texts = self._texts(step)
        if texts == self._texts(1):
            return self._first
        return self._encoder.encode(*texts, self._pieces)

    def _texts(self, step: int) -> _Pair:
        negative = None if self._negative is None else _text_at(self._negative, step)
        return _text_at(self._prompt, step), negative


class RequestPrompts:
    """The prompts of a request in each of its passes.

    Args:
        encoder: Encodes the texts of the request.
        request: The request.
    """

    def __init__(self, encoder: PromptEncoder, request: GenerationRequest) -> None:
        texts = [_pass_texts(request, *each) for each in _passes(request)]
        self.pieces = encoder.pieces(pair for each in texts for pair in _pairs(*each))
        """The pieces of every encoding, as many as the longest text needs."""
        self.passes = tuple(ScheduledPrompts(encoder, *each, self.pieces) for each in texts)
        """The prompts of each pass."""


class Conditions:
    """The prompts of some images that are drawn together, as a pipeline takes them.

    Args:
        prompts: The prompts of each image, all with the same number of pieces.
    """

    def __init__(self, prompts: Sequence[ScheduledPrompts]) -> None:
        self._prompts = prompts

    def first(self) -> dict[str, torch.Tensor]:
        """Return the arguments of a pipeline's call for the first step."""
        return self._rows(1)

    def changed(self, step: int) -> Mapping[str, torch.Tensor]:
        """Return the tensors of a pipeline's call that another step than the first one changes.

        The names are those that a callback of diffusers' pipelines returns. With guidance the rows
        of the negative prompt come first, as the pipelines have them. Empty if nothing changes.
        """
        if not any(each.changes(step) for each in self._prompts):
            return {}
        rows = self._rows(step)
        names = {
            "prompt_embeds": ("negative_prompt_embeds", "prompt_embeds"),
            "add_text_embeds": ("negative_pooled_prompt_embeds", "pooled_prompt_embeds"),
        }
        joined = {
            name: [rows[part] for part in parts if part in rows] for name, parts in names.items()
        }
        return {name: torch.cat(parts) for name, parts in joined.items() if parts}

    def _rows(self, step: int) -> dict[str, torch.Tensor]:
        encodings = [each.at(step) for each in self._prompts]
        rows = {
            "prompt_embeds": [each.prompt for each in encodings],
            "negative_prompt_embeds": [each.negative for each in encodings],
            "pooled_prompt_embeds": [each.pooled for each in encodings],
            "negative_pooled_prompt_embeds": [each.negative_pooled for each in encodings],
        }
        there = {name: [each for each in row if each is not None] for name, row in rows.items()}
        return {name: torch.cat(row) for name, row in there.items() if row}


def _passes(request: GenerationRequest) -> Iterator[tuple[int, int | None]]:
    """Yield the steps of the whole schedule of each pass, and those of the pass before."""
    yield request.num_inference_steps, None
    if (second := request.second_pass) is not None:
        steps = second.num_inference_steps
        yield steps or request.num_inference_steps, request.num_inference_steps


def _pass_texts(
    request: GenerationRequest, steps: int, earlier: int | None
) -> tuple[_Texts, _Texts | None]:
    def texts_of(prompt: str) -> _Texts:
        if request.prompt_syntax == PromptSyntax.WEIGHTED:
            return PromptSchedule(prompt).texts(steps, earlier)
        return (StepText(steps, prompt),)

    negative = request.negative_prompt
    return texts_of(request.prompt), None if negative is None else texts_of(negative)


def _pairs(prompt: _Texts, negative: _Texts | None) -> Iterator[_Pair]:
    """Yield pairs that have every text of both."""
    yield from ((each.text, None if negative is None else negative[0].text) for each in prompt)
    yield from ((prompt[0].text, each.text) for each in negative or ())


def _text_at(texts: _Texts, step: int) -> str:
    return next((each.text for each in texts if each.last_step >= step), texts[-1].text)
