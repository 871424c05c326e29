"""The vocabulary of Qwen2.5 and Qwen3.

Qwen-Image, FLUX.2 klein and Z-Image read prompts with it.

Its authors publish it (Apache licence 2.0, see LICENSE.qwen). `tools/fetch_qwen_vocabulary.py`
writes its merges to `qwen_merges.txt.xz`. The numbers of the tokens follow from the merges: first
the 256 bytes, then a token for each merge, then the tokens with a meaning of their own.
"""

import lzma
from functools import cache
from importlib.resources import files
from typing import Any

from tokenizers import AddedToken
from transformers import Qwen2Tokenizer

from adapters.diffusion.families.vocabulary import byte_symbol, bytes_in_order

__all__ = ["qwen_2_5_tokenizer", "qwen_3_tokenizer"]

_RESOURCE = "qwen_merges.txt.xz"
_LENGTH = 131_072
"""`model_max_length` of the published `tokenizer_config.json`."""
_END_OF_TEXT, _END_OF_TURN = "<|endoftext|>", "<|im_end|>"
_SPECIAL = (
    *(_END_OF_TEXT, "<|im_start|>", _END_OF_TURN, "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>"),
    *("<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
_ADDED = (
    *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
    *("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
)
_ADDED_TO_QWEN_3 = ("<tool_response>", "</tool_response>", "<think>", "</think>")
"""Qwen2.5 reads these as common text (`tokenizer.json` of each)."""


def qwen_2_5_tokenizer() -> Any:
    """Return the tokenizer of Qwen2.5 and Qwen2.5-VL."""
    return _tokenizer(_ADDED)


def qwen_3_tokenizer() -> Any:
    """Return the tokenizer of Qwen3. It has no chat template."""
    return _tokenizer(_ADDED + _ADDED_TO_QWEN_3)


def _tokenizer(added: tuple[str, ...]) -> Any:
    tokenizer: Any = Qwen2Tokenizer(
        vocab=dict(_vocabulary()),
        merges=list(_merges()),
        unk_token=None,
        eos_token=_END_OF_TURN,
        pad_token=_END_OF_TEXT,
        extra_special_tokens=list(_SPECIAL[1:]),
        model_max_length=_LENGTH,
        added_tokens_decoder=dict(enumerate(_marks(added), start=len(_vocabulary()))),
        clean_up_tokenization_spaces=False,
    )
    return tokenizer


def _marks(added: tuple[str, ...]) -> list[AddedToken]:
    special = [AddedToken(text, special=True, normalized=False) for text in _SPECIAL]
    return special + [AddedToken(text, special=False, normalized=False) for text in added]


@cache
def _merges() -> tuple[tuple[str, str], ...]:
    """Return the pairs of symbols, the most frequent first."""
    text = lzma.decompress((files(__package__) / _RESOURCE).read_bytes()).decode("utf-8")
    pairs = (line.partition(" ") for line in text.splitlines())
    return tuple((left, right) for left, _, right in pairs)


@cache
def _vocabulary() -> dict[str, int]:
    """Return the number of each token but those with a meaning of their own."""
    symbols = [byte_symbol(byte) for byte in bytes_in_order()]
    symbols += [left + right for left, right in _merges()]
    return {symbol: number for number, symbol in enumerate(symbols)}
