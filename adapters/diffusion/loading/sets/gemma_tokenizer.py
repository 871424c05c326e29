"""The tokenizer of Gemma 2, which comes from the user's own files: its licence is not open.

It lies in the file of the text encoder as the tensor `spiece_model`, where ComfyUI puts it. It may
come from anybody, so the bounds of a folder's tokenizer apply.
"""

import json
from collections.abc import Iterator
from typing import Any

import torch
from transformers import GemmaTokenizer

from adapters.diffusion.loading.embedded_configuration import configuration_folder
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.untrusted.refusals import refusals_as_not_loadable
from domain.checkpoints.configurations import UnusableConfiguration
from domain.checkpoints.configurations.tokenizer import check_tokenizer
from domain.checkpoints.sentencepiece import gemma_table
from domain.checkpoints.sets.language_models import NO_TOKENIZER, TOKENIZER
from domain.errors import ModelNotLoadable

__all__ = ["gemma_tokenizer"]

_MOST_BYTES = 64 * 2**20
_OPTIONS = {
    "tokenizer_class": "GemmaTokenizer",
    "add_bos_token": True,
    "add_eos_token": False,
    "bos_token": "<bos>",
    "eos_token": "<eos>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "clean_up_tokenization_spaces": False,
}
"""`tokenizer_config.json` of google/gemma-2-2b."""


def gemma_tokenizer(parts: Parts, tokens: int) -> Any:
    """Return the tokenizer of a text encoder.

    Args:
        parts: The files of the model.
        tokens: The rows of the text encoder's table of tokens.

    Raises:
        ModelNotLoadable: There is none, or it cannot be used. The message says why.
    """
    with refusals_as_not_loadable():
        table = _table(parts)
        check_tokenizer(TOKENIZER, table)
        if (highest := max(_numbers(table), default=0)) >= tokens:
            raise UnusableConfiguration(
                f"its {TOKENIZER} numbers a token {highest:,}; its text encoder has {tokens:,}"
            )
    files = {"tokenizer.json": json.dumps(table), "tokenizer_config.json": json.dumps(_OPTIONS)}
    with configuration_folder(files) as folder:
        return GemmaTokenizer.from_pretrained(folder, local_files_only=True)


def _table(parts: Parts) -> dict[str, Any]:
    stored = parts.stored("text_encoder")
    # In a file with all parts of a model, it does not lie among the tensors of the text encoder.
    for name in stored.weights:
        if name.rpartition(".")[2] == TOKENIZER:
            tensor = stored.weights[name]
            if tensor.dtype != torch.uint8 or tensor.numel() > _MOST_BYTES:
                raise ModelNotLoadable(
                    f"its {TOKENIZER} is not a tokenizer of at most {_MOST_BYTES:,} bytes",
                    stored.file,
                )
            return gemma_table(TOKENIZER, tensor.flatten().numpy().tobytes())
    raise ModelNotLoadable(NO_TOKENIZER, stored.file, lasting=True)


def _numbers(table: dict[str, Any]) -> Iterator[int]:
    """Yield the number of each token. `check_tokenizer` has seen that they are numbers."""
    vocabulary = table["model"].get("vocab") or {}
    if isinstance(vocabulary, dict):
        yield from vocabulary.values()
    else:
        yield len(vocabulary) - 1
    for each in table.get("added_tokens") or []:
        yield each["id"]
