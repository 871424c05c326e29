"""A CLIP text encoder with its tokenizer: text to tokens, and tokens to embeddings."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from adapters.diffusion.additions.textual_inversion import TextualInversion
from adapters.diffusion.drawing.prompts.pieces import Cutter, Piece
from domain.errors import GenerationFailed
from domain.prompts import WeightedText, WordTable, weighted_text

__all__ = ["TextEncoder"]

_OPEN_CLIP = "gelu"
"""The activation of OpenCLIP's text encoders, which Stable Diffusion 2 has. OpenAI's CLIP, which
Stable Diffusion 1 has, computes `quick_gelu`."""
_COMMA = ",</w>"


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """One text encoder of a pipeline.

    Attributes:
        tokenizer: Its tokenizer.
        model: The network.
        device: The device that computes.
        is_of_xl: Whether it belongs to SDXL, which reads the last layer but one, without the final
            norm.
        number: Its number in the pipeline, from 0.
    """

    tokenizer: Any
    model: Any
    device: torch.device
    is_of_xl: bool
    number: int = 0

    @property
    def room(self) -> int:
        """The tokens of a piece between the start token and the end token: 75."""
        return int(self.tokenizer.model_max_length) - 2

    def pieces(
        self,
        text: str,
        *,
        is_weighted: bool = False,
        inversions: Mapping[str, TextualInversion] | None = None,
        words: WordTable | None = None,
    ) -> list[Piece]:
        """Return the pieces of a text; at least one.

        Args:
            text: One text of a prompt, without schedules.
            is_weighted: Whether brackets in it are weights.
            inversions: Words that stand for vectors.
            words: The table of these words; None if there are none.

        Raises:
            GenerationFailed: The tokenizer and the text encoder do not belong together, or vectors
                have another width than the text encoder.
        """
        cutter = Cutter(self.room, self._comma() if is_weighted else None)
        parts = weighted_text(text) if is_weighted else (WeightedText(text),)
        split: list[tuple[str, str | None, float] | None] = []
        for part in parts:
            if not isinstance(part, WeightedText):
                split.append(None)
                continue
            found = words.split(part.text) if words is not None else ((part.text, None),)
            split += [(piece, word, part.weight) for piece, word in found]
        tokens = self._tokens([each[0] for each in split if each is not None and each[1] is None])
        for each in split:
            if each is None:
                cutter.end_piece()
            elif each[1] is None:
                cutter.add(next(tokens), each[2])
            else:
                inversion = (inversions or {})[each[1]]
                cutter.add_vectors(inversion.vectors_for(self.number, self._width()), each[2])
        return cutter.pieces()

    def encode(
        self, pieces: Sequence[Piece], clip_skip: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embeddings of pieces, and the output of the first piece.

        Weights multiply the embeddings of a piece, and then all of them are scaled so that their
        mean is that of before (the «original» emphasis of AUTOMATIC1111's web UI). Weights change
        neither the pooled output of SDXL nor anything in a piece without weights.

        Args:
            pieces: The pieces.
            clip_skip: As of a request.

        Returns:
            (1, 77 × pieces, width), and the pooled output of SDXL, (1, width).

        Raises:
            GenerationFailed: The text encoder has fewer layers than `clip_skip`, or the weights
                leave no finite mean.
        """
        rows = torch.tensor([self._row(piece.ids) for piece in pieces], device=self.device)
        layer = self._layer(clip_skip)
        with _vectors_in_place(self.model, pieces):
            output = self.model(rows, output_hidden_states=layer is not None)
        states = output[0] if layer is None else output.hidden_states[layer]
        if layer is not None and not self.is_of_xl:
            states = self._final_norm(states)
        if any(piece.is_weighted for piece in pieces):
            states = torch.stack(
                [self._emphasised(*each) for each in zip(states, pieces, strict=True)]
            )
        return states.reshape(1, -1, states.shape[-1]), output[0][:1]

    def skips(self, clip_skip: int) -> bool:
        """Return whether the text encoder leaves off as many layers as `clip_skip` says.

        Those of Stable Diffusion 2 and XL always leave off the last layer, as they were trained, so
        that 1 and 2 mean the same. AUTOMATIC1111's web UI does not skip more layers of them.
        """
        return clip_skip <= 2 or not self._is_fixed

    @property
    def _is_fixed(self) -> bool:
        return self.is_of_xl or self.model.config.hidden_act == _OPEN_CLIP

    def _layer(self, clip_skip: int) -> int | None:
        """Return the hidden state to read, counted from the end; None for the output."""
        if self.is_of_xl:
            return -2
        if clip_skip == 1 or self._is_fixed:
            return None
        layers = int(self.model.config.num_hidden_layers)
        if clip_skip > layers:
            raise GenerationFailed(
                f"clip_skip is {clip_skip}, and the text encoder of the model has {layers} layers; "
                f"choose 1 to {layers}"
            )
        return -clip_skip

    def _final_norm(self, states: torch.Tensor) -> torch.Tensor:
        inner = getattr(self.model, "text_model", self.model)
        normed: torch.Tensor = inner.final_layer_norm(states)
        return normed

    def _emphasised(self, states: torch.Tensor, piece: Piece) -> torch.Tensor:
        """Return the states (77, width) of a piece with its weights, in their own precision."""
        if not piece.is_weighted:
            return states
        exact = states.float()
        weights = torch.ones(len(exact), 1, device=exact.device)
        weights[1 : 1 + len(piece.weights), 0] = torch.tensor(piece.weights, device=exact.device)
        weighted = exact * weights
        scaled = (weighted * (exact.mean() / weighted.mean())).to(states.dtype)
        if not bool(torch.isfinite(scaled).all()):
            raise GenerationFailed(
                "the weights in the prompt cancel each other, so that its mean is zero; choose "
                "weights above 0"
            )
        return scaled

    def _tokens(self, texts: Sequence[str]) -> Iterator[Sequence[int]]:
        if not texts:
            return
        tokens = self.tokenizer(
            list(texts), truncation=False, add_special_tokens=False, verbose=False
        ).input_ids
        # After an index outside a table, a GPU takes no more work from this process.
        known = int(self.model.config.vocab_size)
        if (highest := max((max(ids, default=0) for ids in tokens), default=0)) >= known:
            raise GenerationFailed(
                f"the tokenizer gives the prompt a token {highest}; the text encoder has {known}"
            )
        yield from tokens

    def _comma(self) -> int | None:
        comma = self.tokenizer.convert_tokens_to_ids(_COMMA)
        return comma if self.tokenizer.convert_ids_to_tokens(comma) == _COMMA else None

    def _width(self) -> int:
        return int(self.model.config.hidden_size)

    def _row(self, ids: Sequence[int]) -> list[int]:
        tokenizer = self.tokenizer
        row = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id]
        return row + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(row))


@contextmanager
def _vectors_in_place(model: Any, pieces: Sequence[Piece]) -> Iterator[None]:
    """Put the vectors of the pieces in the place of their tokens' own, for the calls of the block.

    The table of the tokens is not changed.
    """
    if not any(piece.vectors for piece in pieces):
        yield
        return

    def put(_table: Any, _inputs: Any, found: torch.Tensor) -> torch.Tensor:
        found = found.clone()
        for row, piece in enumerate(pieces):
            for position, vector in piece.vectors.items():
                found[row, 1 + position] = vector.to(found.device, found.dtype)
        return found

    handle = model.get_input_embeddings().register_forward_hook(put)
    try:
        yield
    finally:
        handle.remove()
