"""Self-attention as matrix products, over one chunk of the queries at a time.

On an x86 processor torch's fused attention multiplies in bfloat16 only if the processor has matrix
tiles (AMX). With AVX-512's bfloat16 alone it converts to float32 inside. Plain matrix products do
use the bfloat16 instructions of AVX-512. The scores of a chunk fit the processor's cache, as in
Rabe and Staats 2021, «Self-attention Does Not Need O(n²) Memory». The softmax runs over all keys at
once.
"""

from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

__all__ = ["ChunkedSelfAttention", "attend_in_chunks"]

_SCORES = 2**21
"""The scores in a chunk: 4 MB in bfloat16."""
_WORTHWHILE = 256
"""From this many tokens on, it is faster than fused attention."""


def attend_in_chunks(network: torch.nn.Module) -> None:
    """Set this processor for every plain self-attention of a UNet."""
    for module in network.modules():
        if isinstance(module, Attention) and _is_plain(module):
            module.set_processor(ChunkedSelfAttention())


class ChunkedSelfAttention(AttnProcessor2_0):
    """Computes self-attention over long sequences in chunks, and the rest as diffusers does."""

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
        """Return the attention over hidden states (batch, tokens, channels), in the same shape."""
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
    """Return the attention as (batch, tokens, channels).

    The scaled queries, the keys and the values are (batch, heads, tokens, channels of a head).
    """
    batch, heads, tokens, _ = query.shape
    output = query.new_empty(batch, tokens, heads, query.shape[-1])
    count = max(1, _SCORES // tokens)
    for picture in range(batch):
        for head in range(heads):
            # Subtracting one number from all scores of a row does not change the softmax, and
            # small scores lose less to rounding (Zhang et al. 2024, «SageAttention», section 4.2).
            keys = key[picture, head]
            keys = (keys - keys.mean(0, dtype=torch.float32)).to(key.dtype).t()
            values = value[picture, head].contiguous()
            start = 0
            for queries in query[picture, head].split(count):
                scores = torch.mm(queries, keys)
                end = start + len(queries)
                output[picture, start:end, head] = torch.mm(scores.softmax(-1), values)
                start = end
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
