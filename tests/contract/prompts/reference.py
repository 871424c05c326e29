"""Embeddings of weighted prompts in float64, computed apart from the adapter.

The rules are those of AUTOMATIC1111's web UI: pieces of 75 tokens, weights that multiply the
embeddings of a piece, and a factor that keeps their mean.
"""

import copy
from collections.abc import Sequence
from typing import Any

__all__ = ["exact_embeddings", "ids_of"]


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of a text without start and end."""
    found: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return found


def exact_embeddings(
    model: Any,
    tokenizer: Any,
    pieces: Sequence[Sequence[tuple[int, float]]],
    *,
    clip_skip: int = 1,
    is_of_xl: bool = False,
) -> Any:
    """Return (77 × pieces, width) for pieces of tokens with their weights."""
    import torch

    exact = copy.deepcopy(model).double()
    inner = getattr(exact, "text_model", exact)
    found = []
    for piece in pieces:
        pads = 75 - len(piece)
        ids = [tokenizer.bos_token_id, *(token for token, _ in piece), tokenizer.eos_token_id]
        ids += [tokenizer.pad_token_id] * pads
        weights = [1.0, *(weight for _, weight in piece)] + [1.0] * (pads + 1)
        with torch.no_grad():
            output = exact(torch.tensor([ids]), output_hidden_states=True)
            if is_of_xl:
                states = output.hidden_states[-2]
            elif clip_skip == 1:
                states = output.last_hidden_state
            else:
                states = inner.final_layer_norm(output.hidden_states[-clip_skip])
        mean = states.mean()
        states = states[0] * torch.tensor(weights, dtype=torch.float64)[:, None]
        found.append(states * (mean / states.mean()))
    return torch.cat(found)
