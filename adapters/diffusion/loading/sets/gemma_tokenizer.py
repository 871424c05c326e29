"""The tokenizer of Gemma 2, which comes from the user's own files: its licence is not open.

It lies in the file of the text encoder as the tensor `spiece_model`, where ComfyUI puts it. It may
come from anybody, so the bounds of a folder's tokenizer apply.
"""

import json
from typing import Any

import torch
from transformers import GemmaTokenizer

from adapters.diffusion.loading.embedded_configuration import configuration_folder
from adapters.diffusion.loading.sets.parts import Parts
from adapters.diffusion.untrusted.refusals import refusals_as_not_loadable
from domain.checkpoints.configurations.gemma_pieces import gemma_table
from domain.checkpoints.configurations.tokenizer import check_tokenizer
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
    files = {"tokenizer.json": json.dumps(table), "tokenizer_config.json": json.dumps(_OPTIONS)}
    with configuration_folder(files) as folder:
        tokenizer = GemmaTokenizer.from_pretrained(folder, local_files_only=True)
    # The class adds a mark that the file lacks. On a GPU, a number without a row ends all work.
    if (highest := max(tokenizer.get_vocab().values())) >= tokens:
        raise ModelNotLoadable(
            f"its {TOKENIZER} numbers a token {highest:,}; its text encoder has {tokens:,}",
            parts.file("text_encoder"),
            lasting=True,
        )
    return tokenizer


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
