"""Prompts of any length, for CLIP text encoders that read 77 tokens.

A longer prompt is cut into pieces of 75 tokens; each is encoded between its own start and end
token, and the encodings stand one after the other in the cross-attention's sequence, which has no
fixed length. AUTOMATIC1111's web UI was the first tool to do so. A plain prompt of up to 75 tokens
is encoded exactly as in diffusers; a test checks this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from adapters.diffusion.drawing.prompts.cache import KeptPrompts
from adapters.diffusion.drawing.prompts.pieces import Piece
from adapters.diffusion.drawing.prompts.reading import PLAIN, Reading
from adapters.diffusion.drawing.prompts.text_encoder import TextEncoder
from adapters.diffusion.pipeline import StableDiffusion

__all__ = ["PromptEncoder", "PromptEncoding", "encode_prompts"]


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


class PromptEncoder:
    """Encodes the texts of one request, for a Stable Diffusion 1, 2 or XL pipeline.

    Args:
        pipeline: Its text encoders read the texts.
        reading: How they are read.
        guided: Whether there is guidance; without it a negative prompt is not read.
        kept: The kept encodings of this pipeline. A text in it is not encoded again.
        device: The device that computes; None to ask the pipeline.
    """

    def __init__(
        self,
        pipeline: StableDiffusion,
        reading: Reading = PLAIN,
        *,
        guided: bool = True,
        kept: KeptPrompts | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._is_xl = getattr(pipeline, "text_encoder_2", None) is not None
        where = device or pipeline._execution_device  # offloaded weights are elsewhere
        self._encoders = [
            TextEncoder(pipeline.tokenizer, pipeline.text_encoder, where, self._is_xl)
        ]
        if self._is_xl:
            self._encoders.append(
                TextEncoder(pipeline.tokenizer_2, pipeline.text_encoder_2, where, True, 1)
            )
        self._zeroes_empty = self._is_xl and pipeline.config.force_zeros_for_empty_prompt
        self._reading = reading
        self._words = reading.words() if reading.inversions else None
        self._guided = guided
        self._kept = kept
        self._pieces: dict[str, list[list[Piece]]] = {}

    @property
    def skips_layers(self) -> bool:
        """Whether every text encoder leaves off as many layers as the reading says."""
        return all(each.skips(self._reading.clip_skip) for each in self._encoders)

    def pieces(self, pairs: Iterable[tuple[str, str | None]]) -> int:
        """Return the pieces that the longest text of these prompts and negatives needs."""
        texts = dict.fromkeys(text for pair in pairs for text in self._texts(*pair))
        return max(len(each) for text in texts for each in self._pieces_of(text))

    @torch.inference_mode()
    def encode(self, prompt: str, negative_prompt: str | None, pieces: int) -> PromptEncoding:
        """Return the encoding of two texts. Each is filled up with empty pieces to `pieces`.

        Without a negative prompt, SDXL gets zeros if the configuration of the pipeline says so, as
        its authors trained it.

        Args:
            prompt: What to draw.
            negative_prompt: What to keep out; None for nothing.
            pieces: At least as many as both texts need.
        """
        encoded = []
        for text in self._texts(prompt, negative_prompt):
            encode = partial(self._encoded, text, pieces)
            encoded.append(
                encode() if self._kept is None else self._kept.get((text, pieces), encode)
            )
        positive = encoded[0]
        if not self._guided:
            return PromptEncoding(positive[0], pooled=positive[1] if self._is_xl else None)
        is_zero = len(encoded) == 1
        negative = tuple(map(torch.zeros_like, positive)) if is_zero else encoded[1]
        if not self._is_xl:
            return PromptEncoding(positive[0], negative[0])
        return PromptEncoding(positive[0], negative[0], positive[1], negative[1])

    def _texts(self, prompt: str, negative_prompt: str | None) -> Sequence[str]:
        """Return the texts to encode: without the negative prompt if it is zeros, or not read."""
        if not self._guided or (negative_prompt is None and self._zeroes_empty):
            return [prompt]
        return [prompt, negative_prompt or ""]

    def _pieces_of(self, text: str) -> list[list[Piece]]:
        """Return the pieces of a text for each text encoder."""
        if text not in self._pieces:
            reading = self._reading
            self._pieces[text] = [
                encoder.pieces(
                    text,
                    is_weighted=reading.is_weighted,
                    inversions=reading.inversions,
                    words=self._words,
                )
                for encoder in self._encoders
            ]
        return self._pieces[text]

    def _encoded(self, text: str, count: int) -> tuple[torch.Tensor, ...]:
        """Return the states of all encoders side by side, and the pooled output of a second one."""
        rows = [
            encoder.encode(
                [*each, *[Piece()] * (count - len(each))], clip_skip=self._reading.clip_skip
            )
            for encoder, each in zip(self._encoders, self._pieces_of(text), strict=True)
        ]
        states = torch.cat([states for states, _ in rows], dim=-1)
        # A view would keep all states in memory.
        return (states,) if len(rows) == 1 else (states, rows[-1][1].clone())


def encode_prompts(
    pipeline: StableDiffusion,
    prompt: str,
    negative_prompt: str | None,
    *,
    reading: Reading = PLAIN,
    guided: bool = True,
    kept: KeptPrompts | None = None,
    device: torch.device | None = None,
) -> PromptEncoding:
    """Encode a prompt and its negative. The shorter of the two is filled up with empty pieces.

    Args:
        pipeline, reading, guided, kept, device: As of `PromptEncoder`.
        prompt, negative_prompt: As of `PromptEncoder.encode`.
    """
    encoder = PromptEncoder(pipeline, reading, guided=guided, kept=kept, device=device)
    return encoder.encode(prompt, negative_prompt, encoder.pieces([(prompt, negative_prompt)]))
