"""The vocabulary of T5 1.1, which FLUX.1, Chroma and Stable Diffusion 3 read prompts with.

Google published it with T5 as a model of SentencePiece (Apache licence 2.0, see LICENSE.t5).
`tools/make_t5_vocabulary.py` writes its pieces to `t5_pieces.json.gz`.
"""

import base64
import gzip
import json
from importlib.resources import files
from typing import Any

from transformers import T5TokenizerFast

__all__ = ["t5_tokenizer"]

_RESOURCE = "t5_pieces.json.gz"
_EXTRA = 100
"""The marks of gaps that T5 adds behind the pieces of SentencePiece, the last one first."""


def t5_tokenizer(length: int) -> Any:
    """Return the tokenizer of T5 1.1.

    Args:
        length: The tokens that the text encoder reads at most.
    """
    stored = json.loads(gzip.decompress((files(__package__) / _RESOURCE).read_bytes()))
    pieces = [(text, score) for text, score in stored["pieces"]]
    pieces += [(f"<extra_id_{number}>", 0.0) for number in reversed(range(_EXTRA))]
    return T5TokenizerFast(
        vocab=pieces,
        _spm_precompiled_charsmap=base64.b64decode(stored["characters"]),
        extra_ids=_EXTRA,
        model_max_length=length,
    )
