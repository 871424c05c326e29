"""Self-attention over a chunk of the queries at a time, as matrix products.

torch's fused attention multiplies bfloat16 on an x86 processor only where that has matrix tiles
(AMX); with AVX-512's bfloat16 alone it converts to float32 inside. The plain products do use those
instructions. A chunk's scores stay in the cache, as in Rabe and Staats 2021, «Self-attention Does
Not Need O(n²) Memory», with the softmax over all keys at once.
"""

from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

__all__ = ["ChunkedSelfAttention", "attend_in_chunks"]

_SCORES = 2**21
"""In a chunk: 4 MB in bfloat16."""
_WORTHWHILE = 256
"""Tokens from which on it is faster than what is fused."""


def attend_in_chunks(network: torch.nn.Module) -> None:
    """Have all self-attention of a UNet's transformers computed so."""
    for module in network.modules():
        if isinstance(module, Attention) and _is_plain(module):
            module.set_processor(ChunkedSelfAttention())


class ChunkedSelfAttention(AttnProcessor2_0):
    """Diffusers' processor, but for long sequences that look at themselves."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Attention over hidden states of (batch, tokens, channels), of the same shape."""
        is_short = hidden_states.shape[1] < _WORTHWHILE
        if encoder_hidden_states is not None or attention_mask is not None or is_short:
            attended: torch.Tensor = super().__call__(
                attn, hidden_states, encoder_hidden_states, attention_mask, temb, *args, **kwargs
            )
            return attended
        heads = attn.heads
        query, key, value = (
            project(hidden_states).unflatten(-1, (heads, -1)).transpose(1, 2)
            for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        attended = _attended(query * query.shape[-1] ** -0.5, key, value)
        for layer in attn.to_out:
            attended = layer(attended)
        return attended


def _attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Of scaled queries, keys and values (batch, heads, tokens, channels of a head), as (batch,
    tokens, channels).
    """
    batch, heads, tokens, _ = query.shape
    output = query.new_empty(batch, tokens, heads, query.shape[-1])
    count = max(1, _SCORES // tokens)
    for picture in range(batch):
        for head in range(heads):
            # A row's scores may all be less by the same number, and small ones are rounded less
            # (Zhang et al. 2024, «SageAttention», section 4.2).
            keys = key[picture, head]
            keys = (keys - keys.mean(0, dtype=torch.float32)).to(key.dtype).t()
            values = value[picture, head].contiguous()
            begun = 0
            for queries in query[picture, head].split(count):
                scores = torch.mm(queries, keys)
                ended = begun + len(queries)
                output[picture, begun:ended, head] = torch.mm(scores.softmax(-1), values)
                begun = ended
    return output.flatten(2)


def _is_plain(module: Attention) -> bool:
    unusual = (module.group_norm, module.spatial_norm, module.norm_q, module.norm_k)
    return (
        not module.is_cross_attention
        and all(part is None for part in unusual)
        and not module.residual_connection
        and not module.upcast_attention
        and module.rescale_output_factor == 1
    )
