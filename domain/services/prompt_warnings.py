"""What the caller of a request should know of its prompts."""

import re
from collections.abc import Iterator, Sequence

from domain.generation.parts import PromptSyntax
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.prompts import WordTable, readable_parts

__all__ = ["prompt_warnings"]

_COMPOSED = re.compile(r"\bAND\b")
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>]{0,60}>?", re.IGNORECASE)
"""A network in the syntax of AUTOMATIC1111's web UI, finished or not."""


def prompt_warnings(
    model: ModelRecord, beside: Sequence[ModelRecord], request: GenerationRequest
) -> Iterator[str]:
    """Yield the warnings about the prompts of a request.

    Brackets of a weighted prompt are not words. The token of an embedding is a known word, and so
    are the trigger words of a LoRA.

    Args:
        model: The model that draws.
        beside: The models beside it.
        request: The request.
    """
    prompt, negative = (
        _parts(text, request) for text in (request.prompt, request.negative_prompt or "")
    )
    tokens = [each.token for each in request.embeddings if each.token is not None]
    known = WordTable([*tokens, *(word for each in beside for word in each.trigger_words)])
    yield from model.card.warnings_for(
        model.name,
        *("".join(parts) for parts in (prompt, negative)),
        is_known=tuple(any(map(known.found_in, parts)) for parts in (prompt, negative)),
    )
    for number, each in enumerate(request.embeddings):
        if each.token is not None and not any(
            map(WordTable([each.token]).found_in, (*prompt, *negative))
        ):
            yield (
                f"embeddings[{number}].token is {each.token[:40]!a}, which is a word of neither "
                "prompt, so this embedding changes nothing"
            )
    if request.prompt_syntax == PromptSyntax.WEIGHTED and any(
        _COMPOSED.search(text) for text in (request.prompt, request.negative_prompt or "")
    ):
        yield "AND in a prompt is drawn as a word: prompts are not composed here"
    yield from _networks(request)


def _networks(request: GenerationRequest) -> Iterator[str]:
    """Yield a warning about a network in a prompt. Those that were read are not there any more."""
    for text in (request.prompt, request.negative_prompt or ""):
        if (found := _NETWORK.search(text)) is not None:
            remedy = (
                "LoRAs have a field of their own, loras"
                if found[0].endswith(">")
                else "it has no end"
            )
            yield f"{found[0]!a} in a prompt is drawn as text: {remedy}"


def _parts(text: str, request: GenerationRequest) -> tuple[str, ...]:
    """Return the parts of a prompt that are read one by one."""
    if request.prompt_syntax == PromptSyntax.WEIGHTED:
        return readable_parts(text)
    return (text,)
