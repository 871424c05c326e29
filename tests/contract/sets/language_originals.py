"""The tensors of published files whose prompts a language model reads, by name and shape.

Transformers in the names of ComfyUI's and their authors' files: Z-Image and Lumina 2 as ComfyUI
reads them (`comfy/ldm/lumina/model.py`), FLUX.2 as black-forest-labs/flux2 does (`model.py`), SANA
as NVlabs/Sana (`diffusion/model/nets`). Language models in the names of transformers.
"""

from collections.abc import Iterator

__all__ = ["flux_2", "gemma_2", "lumina_2", "qwen_2_5_vl", "qwen_3", "sana", "z_image"]

Shape = tuple[int, ...]
Table = dict[str, Shape]
_Tensors = Iterator[tuple[str, Shape]]


def _linear(name: str, rows: int, columns: int, *sides: int) -> _Tensors:
    yield f"{name}.weight", (rows, columns, *sides)
    yield f"{name}.bias", (rows,)


def _next_dit(block: str, width: int, qkv: int, hidden: int, head: int) -> _Tensors:
    yield f"{block}.attention.qkv.weight", (qkv, width)
    yield f"{block}.attention.out.weight", (width, width)
    yield f"{block}.attention.q_norm.weight", (head,)
    yield f"{block}.attention.k_norm.weight", (head,)
    yield f"{block}.feed_forward.w1.weight", (hidden, width)
    yield f"{block}.feed_forward.w2.weight", (width, hidden)
    yield f"{block}.feed_forward.w3.weight", (hidden, width)
    for norm in ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"):
        yield f"{block}.{norm}.weight", (width,)


def z_image(*, width: int = 3840, layers: int = 30, refiners: int = 2, text: int = 2560) -> Table:
    """Z-Image and Z-Image-Turbo (`z_image_turbo_bf16.safetensors`)."""

    def block(name: str) -> _Tensors:
        return _next_dit(name, width, 3 * width, int(width / 3 * 8), 128)

    def all_of() -> _Tensors:
        yield from _linear("x_embedder", width, 64)
        yield "cap_embedder.0.weight", (text,)
        yield from _linear("cap_embedder.1", width, text)
        time = min(width, 256)
        yield from _linear("t_embedder.mlp.0", 1024, 256)
        yield from _linear("t_embedder.mlp.2", time, 1024)
        for kind, number in (("noise_refiner", refiners), ("layers", layers)):
            for place in range(number):
                yield from block(f"{kind}.{place}")
                yield from _linear(f"{kind}.{place}.adaLN_modulation.0", 4 * width, time)
        for place in range(refiners):
            yield from block(f"context_refiner.{place}")
        yield from _linear("final_layer.linear", 64, width)
        yield from _linear("final_layer.adaLN_modulation.1", width, time)
        yield "x_pad_token", (1, width)
        yield "cap_pad_token", (1, width)
        yield "norm_final.weight", (width,)

    return dict(all_of())


def lumina_2(*, width: int = 2304, layers: int = 26, refiners: int = 2, text: int = 2304) -> Table:
    """Lumina 2 (`lumina_2_model_bf16.safetensors`), with a third of the queries as keys."""

    def block(name: str) -> _Tensors:
        hidden = -(-4 * width // 256) * 256
        return _next_dit(name, width, width + 2 * (width // 3), hidden, 96)

    def all_of() -> _Tensors:
        yield from _linear("x_embedder", width, 64)
        yield "cap_embedder.0.weight", (text,)
        yield from _linear("cap_embedder.1", width, text)
        time = min(width, 1024)
        yield from _linear("t_embedder.mlp.0", time, 256)
        yield from _linear("t_embedder.mlp.2", time, time)
        for kind, number in (("noise_refiner", refiners), ("layers", layers)):
            for place in range(number):
                yield from block(f"{kind}.{place}")
                yield from _linear(f"{kind}.{place}.adaLN_modulation.1", 4 * width, time)
        for place in range(refiners):
            yield from block(f"context_refiner.{place}")
        yield from _linear("final_layer.linear", 64, width)
        yield from _linear("final_layer.adaLN_modulation.1", width, time)
        yield "norm_final.weight", (width,)

    return dict(all_of())


def flux_2(
    *, width: int = 3072, doubles: int = 5, singles: int = 20, text: int = 7680, channels: int = 128
) -> Table:
    """FLUX.2 klein 4B (`flux-2-klein-4b.safetensors`); 9B has 4096, 8, 24 and 12288."""

    def all_of() -> _Tensors:
        yield "img_in.weight", (width, channels)
        yield "txt_in.weight", (width, text)
        yield "time_in.in_layer.weight", (width, 256)
        yield "time_in.out_layer.weight", (width, width)
        for side in ("img", "txt"):
            yield f"double_stream_modulation_{side}.lin.weight", (6 * width, width)
        yield "single_stream_modulation.lin.weight", (3 * width, width)
        for number in range(doubles):
            for side in ("img", "txt"):
                block = f"double_blocks.{number}.{side}"
                yield f"{block}_attn.qkv.weight", (3 * width, width)
                yield f"{block}_attn.norm.query_norm.scale", (128,)
                yield f"{block}_attn.norm.key_norm.scale", (128,)
                yield f"{block}_attn.proj.weight", (width, width)
                yield f"{block}_mlp.0.weight", (6 * width, width)
                yield f"{block}_mlp.2.weight", (width, 3 * width)
        for number in range(singles):
            block = f"single_blocks.{number}"
            yield f"{block}.linear1.weight", (9 * width, width)
            yield f"{block}.linear2.weight", (width, 4 * width)
            yield f"{block}.norm.query_norm.scale", (128,)
            yield f"{block}.norm.key_norm.scale", (128,)
        yield "final_layer.adaLN_modulation.1.weight", (2 * width, width)
        yield "final_layer.linear.weight", (channels, width)

    return dict(all_of())


def sana(
    *,
    width: int = 2240,
    layers: int = 20,
    text: int = 2304,
    side: int = 32,
    hidden: int = 0,
    normed: bool = False,
) -> Table:
    """SANA 1.6B (`Sana_1600M_1024px.pth`); 0.6B has 1152 and 28, SANA 1.5 has norms."""
    inner = hidden or int(2.5 * width)

    def block(name: str) -> _Tensors:
        yield f"{name}.scale_shift_table", (6, width)
        yield f"{name}.attn.qkv.weight", (3 * width, width)
        yield from _linear(f"{name}.attn.proj", width, width)
        yield from _linear(f"{name}.cross_attn.q_linear", width, width)
        yield from _linear(f"{name}.cross_attn.kv_linear", 2 * width, width)
        yield from _linear(f"{name}.cross_attn.proj", width, width)
        for attention in ("attn", "cross_attn") if normed else ():
            yield f"{name}.{attention}.q_norm.weight", (width,)
            yield f"{name}.{attention}.k_norm.weight", (width,)
        yield from _linear(f"{name}.mlp.inverted_conv.conv", 2 * inner, width, 1, 1)
        yield from _linear(f"{name}.mlp.depth_conv.conv", 2 * inner, 1, 3, 3)
        yield f"{name}.mlp.point_conv.conv.weight", (width, inner, 1, 1)

    def all_of() -> _Tensors:
        yield "pos_embed", (1, side**2, width)
        yield from _linear("x_embedder.proj", width, 32, 1, 1)
        yield from _linear("t_embedder.mlp.0", width, 256)
        yield from _linear("t_embedder.mlp.2", width, width)
        yield from _linear("t_block.1", 6 * width, width)
        yield "y_embedder.y_embedding", (300, text)
        yield from _linear("y_embedder.y_proj.fc1", width, text)
        yield from _linear("y_embedder.y_proj.fc2", width, width)
        yield "attention_y_norm.weight", (width,)
        for number in range(layers):
            yield from block(f"blocks.{number}")
        yield "final_layer.scale_shift_table", (2, width)
        yield from _linear("final_layer.linear", 32, width)

    return dict(all_of())


def _language_model(
    tokens: int, width: int, hidden: int, layers: int, queries: int, keys: int, *, biased: bool
) -> _Tensors:
    yield "model.embed_tokens.weight", (tokens, width)
    for number in range(layers):
        layer = f"model.layers.{number}"
        for name, rows in (("q_proj", queries), ("k_proj", keys), ("v_proj", keys)):
            yield f"{layer}.self_attn.{name}.weight", (rows, width)
            if biased:
                yield f"{layer}.self_attn.{name}.bias", (rows,)
        yield f"{layer}.self_attn.o_proj.weight", (width, queries)
        yield f"{layer}.mlp.gate_proj.weight", (hidden, width)
        yield f"{layer}.mlp.up_proj.weight", (hidden, width)
        yield f"{layer}.mlp.down_proj.weight", (width, hidden)
        yield f"{layer}.input_layernorm.weight", (width,)
        yield f"{layer}.post_attention_layernorm.weight", (width,)
    yield "model.norm.weight", (width,)


def qwen_3(*, width: int = 2560, hidden: int = 9728, layers: int = 36) -> Table:
    """Qwen3-4B (`qwen_3_4b.safetensors`), whose `lm_head` is tied; 8B has 4096 and 12288."""
    table = dict(_language_model(151_936, width, hidden, layers, 4096, 1024, biased=False))
    for number in range(layers):
        for norm in ("q_norm", "k_norm"):
            table[f"model.layers.{number}.self_attn.{norm}.weight"] = (128,)
    return table


def qwen_2_5_vl() -> Table:
    """Qwen2.5-VL-7B (`qwen_2.5_vl_7b.safetensors`), and a part of what reads pictures."""
    table = dict(_language_model(152_064, 3584, 18944, 28, 3584, 512, biased=True))
    table["lm_head.weight"] = (152_064, 3584)
    table["visual.patch_embed.proj.weight"] = (1280, 3, 2, 14, 14)
    table["visual.blocks.0.attn.qkv.weight"] = (3840, 1280)
    return table


def gemma_2() -> Table:
    """Gemma-2-2B (`gemma_2_2b_fp16.safetensors`), with the tokenizer that ComfyUI puts there."""
    table = dict(_language_model(256_000, 2304, 9216, 26, 2048, 1024, biased=False))
    for number in range(26):
        for norm in ("pre_feedforward_layernorm", "post_feedforward_layernorm"):
            table[f"model.layers.{number}.{norm}.weight"] = (2304,)
    table["spiece_model"] = (4_241_003,)
    return table
