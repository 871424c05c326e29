"""The tokenizers of CLIP's text encoders."""

import json
from typing import Any

from transformers import CLIPTokenizer

from adapters.diffusion.families.vocabulary import merges_text, vocabulary_text
from adapters.diffusion.loading.embedded_configuration import configuration_folder

__all__ = ["OPENAI_PAD", "OPEN_CLIP_PAD", "clip_tokenizer"]

_LENGTH = 77
_START, _END = "<|startoftext|>", "<|endoftext|>"
OPENAI_PAD = _END
"""What pads a prompt for the text encoder of OpenAI, CLIP-L."""
OPEN_CLIP_PAD = "!"
"""What pads a prompt for the text encoders of OpenCLIP: the token 0."""


def clip_tokenizer(pad: str) -> Any:
    """Return the tokenizer of a text encoder of CLIP, which pads with `pad`.

    Its options are those of the tokenizers of stabilityai/stable-diffusion-3-medium-diffusers.
    """
    options = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": _LENGTH,
        "do_lower_case": True,
        "errors": "replace",
        "add_prefix_space": False,
        "bos_token": _START,
        "eos_token": _END,
        "unk_token": _END,
        "pad_token": pad,
    }
    files = {
        "tokenizer_config.json": json.dumps(options),
        "vocab.json": vocabulary_text(),
        "merges.txt": merges_text(),
    }
    with configuration_folder(files) as folder:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
