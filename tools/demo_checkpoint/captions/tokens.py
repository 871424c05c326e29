"""Captions to token numbers, with the checkpoint's own tokenizer."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import torch
from transformers import CLIPTokenizer

from tools.demo_checkpoint.captions.phrases import known_words
from tools.demo_checkpoint.captions.vocabulary import write_tokenizer
from tools.demo_checkpoint.networks import MAX_TOKENS

__all__ = ["end_token", "tokenize", "vocabulary_size"]


@cache
def _tokenizer() -> CLIPTokenizer:
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer(Path(folder), known_words())
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder)
    return tokenizer


def vocabulary_size() -> int:
    """Count the tokens, including the two special ones."""
    return len(_tokenizer())


def end_token() -> int:
    """The number of the end token, which also pads."""
    return int(_tokenizer().eos_token_id)


def tokenize(captions: list[str], length: int = MAX_TOKENS) -> torch.Tensor:
    """Token numbers, padded or cut to `length`; int64, (captions, length)."""
    encoded = _tokenizer()(
        captions, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    numbers: torch.Tensor = encoded.input_ids
    return numbers
