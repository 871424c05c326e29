"""Prompts of any length, for CLIP text encoders that read 77 tokens.

A longer prompt is cut into pieces of 75 tokens; each is encoded between its own start and end
token, and the encodings stand one after the other in the cross-attention's sequence, which has no
length of its own. The first tool to do so was AUTOMATIC1111's web UI. A prompt of up to 75 tokens
is encoded exactly as diffusers does it, which a test holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["PromptEncoding", "encode_prompts"]


@dataclass(frozen=True, slots=True)
class PromptEncoding:
    """What the UNet is told.

    Attributes:
        prompt: (1, 77 × pieces, width).
        negative: Of the same shape.
        pooled: (1, width of the second text encoder); None where there is one encoder.
        negative_pooled: Of the same shape.
    """

    prompt: torch.Tensor
    negative: torch.Tensor
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
    penultimate: bool  # SDXL reads the last layer but one, and no final norm

    def pieces(self, text: str) -> list[list[int]]:
        room = self.tokenizer.model_max_length - 2
        ids = self.tokenizer(
            text, truncation=False, add_special_tokens=False, verbose=False
        ).input_ids
        return [ids[start : start + room] for start in range(0, len(ids), room)] or [[]]

    def encode(self, pieces: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [self._row(piece) for piece in pieces]
        output = self.model(
            torch.tensor(rows, device=self.model.device), output_hidden_states=self.penultimate
        )
        states = output.hidden_states[-2] if self.penultimate else output[0]
        return states.reshape(1, -1, states.shape[-1]), output[0][:1]

    def _row(self, piece: Sequence[int]) -> list[int]:
        tokenizer = self.tokenizer
        row = [tokenizer.bos_token_id, *piece, tokenizer.eos_token_id]
        return row + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(row))


@torch.inference_mode()
def encode_prompts(pipeline: Any, prompt: str, negative_prompt: str | None) -> PromptEncoding:
    """Encode a prompt and its negative for a Stable Diffusion 1, 2 or XL pipeline.

    The shorter of the two is filled up with empty pieces. With no negative prompt, SDXL's is all
    zeros where the pipeline's configuration says so, as its authors trained it.
    """
    is_xl = getattr(pipeline, "text_encoder_2", None) is not None
    encoders = [_Encoder(pipeline.tokenizer, pipeline.text_encoder, penultimate=is_xl)]
    if is_xl:
        encoders.append(_Encoder(pipeline.tokenizer_2, pipeline.text_encoder_2, penultimate=True))
    texts = (prompt, negative_prompt or "")
    pieces = [[encoder.pieces(text) for encoder in encoders] for text in texts]
    count = max(len(each) for of_text in pieces for each in of_text)
    encoded = [
        [
            encoder.encode(each + [[]] * (count - len(each)))
            for encoder, each in zip(encoders, of_text, strict=True)
        ]
        for of_text in pieces
    ]
    positive, negative = (torch.cat([states for states, _ in row], dim=-1) for row in encoded)
    if not is_xl:
        return PromptEncoding(positive, negative)
    pooled, negative_pooled = (row[-1][1] for row in encoded)
    if negative_prompt is None and pipeline.config.force_zeros_for_empty_prompt:
        negative, negative_pooled = torch.zeros_like(negative), torch.zeros_like(negative_pooled)
    return PromptEncoding(positive, negative, pooled, negative_pooled)
