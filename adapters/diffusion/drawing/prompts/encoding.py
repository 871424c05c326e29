"""Prompts of any length, for CLIP text encoders that read 77 tokens.

A longer prompt is cut into pieces of 75 tokens; each is encoded between its own start and end
token, and the encodings stand one after the other in the cross-attention's sequence, which has no
fixed length. AUTOMATIC1111's web UI was the first tool to do so. A prompt of up to 75 tokens is
encoded exactly as in diffusers; a test checks this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from adapters.diffusion.drawing.prompts.cache import KeptPrompts
from adapters.diffusion.pipeline import StableDiffusion
from domain.errors import GenerationFailed

__all__ = ["PromptEncoding", "encode_prompts"]


@dataclass(frozen=True, slots=True)
class PromptEncoding:
    """The prompts as the UNet gets them.

    Attributes:
        prompt: (1, 77 × pieces, width).
        negative: The same shape; None without guidance.
        pooled: (1, width of the second text encoder); None if there is only one encoder.
        negative_pooled: The same shape; None without guidance.
    """

    prompt: torch.Tensor
    negative: torch.Tensor | None = None
    pooled: torch.Tensor | None = None
    negative_pooled: torch.Tensor | None = None

    @property
    def length(self) -> int:
        """Tokens in the cross-attention's sequence."""
        return int(self.prompt.shape[1])


@dataclass(frozen=True, slots=True)
class _Encoder:
    tokenizer: Any
    model: Any
    device: torch.device
    penultimate: bool  # SDXL reads the last layer but one, without the final norm

    def pieces(self, text: str) -> list[list[int]]:
        room = self.tokenizer.model_max_length - 2
        ids = self.tokenizer(
            text, truncation=False, add_special_tokens=False, verbose=False
        ).input_ids
        # After an index outside a table, a GPU takes no more work from this process.
        known = int(self.model.config.vocab_size)
        if (highest := max(ids, default=0)) >= known:
            raise GenerationFailed(
                f"the tokenizer gives the prompt a token {highest}; the text encoder has {known}"
            )
        return [ids[start : start + room] for start in range(0, len(ids), room)] or [[]]

    def encode(self, pieces: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [self._row(piece) for piece in pieces]
        output = self.model(
            torch.tensor(rows, device=self.device), output_hidden_states=self.penultimate
        )
        states = output.hidden_states[-2] if self.penultimate else output[0]
        return states.reshape(1, -1, states.shape[-1]), output[0][:1]

    def _row(self, piece: Sequence[int]) -> list[int]:
        tokenizer = self.tokenizer
        row = [tokenizer.bos_token_id, *piece, tokenizer.eos_token_id]
        return row + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(row))


@torch.inference_mode()
def encode_prompts(
    pipeline: StableDiffusion,
    prompt: str,
    negative_prompt: str | None,
    *,
    guided: bool = True,
    kept: KeptPrompts | None = None,
    device: torch.device | None = None,
) -> PromptEncoding:
    """Encode a prompt and its negative for a Stable Diffusion 1, 2 or XL pipeline.

    The shorter of the two is filled up with empty pieces. Without a negative prompt, SDXL gets
    zeros if the configuration of the pipeline says so, as its authors trained it.

    Args:
        pipeline: Its text encoders read the prompts.
        prompt: What to draw.
        negative_prompt: What to keep out; None for nothing.
        guided: Whether there is guidance; without it the negative prompt is not read.
        kept: The kept encodings of this pipeline. A text in it is not encoded again.
        device: The device that computes; None to ask the pipeline.
    """
    is_xl = getattr(pipeline, "text_encoder_2", None) is not None
    where = device or pipeline._execution_device  # offloaded weights are elsewhere
    encoders = [_Encoder(pipeline.tokenizer, pipeline.text_encoder, where, is_xl)]
    if is_xl:
        encoders.append(_Encoder(pipeline.tokenizer_2, pipeline.text_encoder_2, where, True))
    is_zero = is_xl and negative_prompt is None and pipeline.config.force_zeros_for_empty_prompt
    texts = [prompt, negative_prompt or ""] if guided and not is_zero else [prompt]
    pieces = [[encoder.pieces(text) for encoder in encoders] for text in texts]
    count = max(len(each) for of_text in pieces for each in of_text)
    encoded = []
    for text, of_text in zip(texts, pieces, strict=True):
        encode = partial(_encoded, encoders, of_text, count)
        encoded.append(encode() if kept is None else kept.get((text, count), encode))
    positive = encoded[0]
    if not guided:
        return PromptEncoding(positive[0], pooled=positive[1] if is_xl else None)
    negative = tuple(map(torch.zeros_like, positive)) if is_zero else encoded[1]
    if not is_xl:
        return PromptEncoding(positive[0], negative[0])
    return PromptEncoding(positive[0], negative[0], positive[1], negative[1])


def _encoded(
    encoders: Sequence[_Encoder], pieces: Sequence[Sequence[list[int]]], count: int
) -> tuple[torch.Tensor, ...]:
    """Return the states of all encoders side by side, and the pooled output of a second encoder.

    The text is padded with empty pieces to `count` pieces.
    """
    rows = [
        encoder.encode([*each, *[[]] * (count - len(each))])
        for encoder, each in zip(encoders, pieces, strict=True)
    ]
    states = torch.cat([states for states, _ in rows], dim=-1)
    # A view would keep all states in memory.
    return (states,) if len(rows) == 1 else (states, rows[-1][1].clone())
