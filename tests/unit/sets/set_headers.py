"""Headers of the components of newer pipelines: the tensors that tell what they are.

A torch test compares them with the modules of diffusers and transformers
(`tests/contract/sets/test_recognised_modules.py`).
"""

from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts

__all__ = [
    "DRAWING",
    "ENCODERS",
    "VAES",
    "Shapes",
    "clip",
    "facts",
    "flux",
    "open_clip",
    "t5",
    "under",
    "vae",
]

Shapes = dict[str, tuple[int, ...]]


def flux(*, hidden: int = 3072, channels: int = 16, clip: int = 768, t5: int = 4096) -> Shapes:
    """Return FLUX.1 dev's tensors in the original names, as far as they tell it."""
    return {
        "img_in.weight": (hidden, 4 * channels),
        "txt_in.weight": (hidden, t5),
        "vector_in.in_layer.weight": (hidden, clip),
        "guidance_in.in_layer.weight": (hidden, 256),
        "double_blocks.0.img_attn.qkv.weight": (3 * hidden, hidden),
        "single_blocks.0.linear1.weight": (7 * hidden, hidden),
        "final_layer.linear.weight": (4 * channels, hidden),
    }


def clip(width: int = 768, *, projection: bool = True) -> Shapes:
    shapes: Shapes = {
        "text_model.embeddings.token_embedding.weight": (49408, width),
        "text_model.embeddings.position_embedding.weight": (77, width),
        "text_model.encoder.layers.0.mlp.fc1.weight": (4 * width, width),
    }
    return {**shapes, "text_projection.weight": (width, width)} if projection else shapes


def open_clip(width: int = 1280) -> Shapes:
    return {
        "token_embedding.weight": (49408, width),
        "positional_embedding": (77, width),
        "transformer.resblocks.0.mlp.c_fc.weight": (4 * width, width),
        "text_projection": (width, width),
    }


def t5(width: int = 4096) -> Shapes:
    return {
        "shared.weight": (32128, width),
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": (32, 64),
        "encoder.block.0.layer.1.DenseReluDense.wi_0.weight": (2 * width, width),
    }


def vae(channels: int = 16, *, width: int = 512) -> Shapes:
    return {
        "encoder.down.0.block.0.conv1.weight": (width, width, 3, 3),
        "encoder.conv_out.weight": (2 * channels, width, 3, 3),
        "decoder.conv_in.weight": (width, channels, 3, 3),
    }


def language_model(width: int, *more: str, start: str = "model.") -> Shapes:
    names = ("embed_tokens.weight", "layers.0.self_attn.q_proj.weight")
    shapes: Shapes = {f"{start}{name}": (64, width) for name in names}
    return {**shapes, **dict.fromkeys(more, (64,))}


DRAWING: Mapping[str, Shapes] = {
    "flux": flux(),
    "flux in diffusers' names": {
        "x_embedder.weight": (3072, 64),
        "context_embedder.weight": (3072, 4096),
        "time_text_embed.text_embedder.linear_1.weight": (3072, 768),
        "transformer_blocks.0.attn.add_k_proj.weight": (3072, 3072),
        "single_transformer_blocks.0.attn.to_q.weight": (3072, 3072),
        "proj_out.weight": (64, 3072),
    },
    "chroma": {
        "distilled_guidance_layer.in_proj.weight": (5120, 64),
        "img_in.weight": (3072, 64),
        "txt_in.weight": (3072, 4096),
        "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
        "final_layer.linear.weight": (64, 3072),
    },
    "chroma in diffusers' names": {
        "distilled_guidance_layer.in_proj.weight": (5120, 64),
        "x_embedder.weight": (3072, 64),
        "context_embedder.weight": (3072, 4096),
        "transformer_blocks.0.attn.add_k_proj.weight": (3072, 3072),
        "proj_out.weight": (64, 3072),
    },
    "flux-2": {
        "double_stream_modulation_img.lin.weight": (18432, 3072),
        "img_in.weight": (3072, 128),
        "txt_in.weight": (3072, 7680),
        "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    },
    "flux-2 in diffusers' names": {
        "double_stream_modulation_img.linear.weight": (24576, 4096),
        "x_embedder.weight": (4096, 128),
        "context_embedder.weight": (4096, 12288),
        "transformer_blocks.0.attn.add_k_proj.weight": (4096, 4096),
        "proj_out.weight": (128, 4096),
    },
    "sd-3": {
        "joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536),
        "x_embedder.proj.weight": (1536, 16, 2, 2),
        "y_embedder.mlp.0.weight": (1536, 2048),
        "context_embedder.weight": (1536, 4096),
        "final_layer.linear.weight": (64, 1536),
    },
    "sd-3 in diffusers' names": {
        "transformer_blocks.0.attn.add_k_proj.weight": (1536, 1536),
        "pos_embed.proj.weight": (1536, 16, 2, 2),
        "time_text_embed.text_embedder.linear_1.weight": (1536, 2048),
        "context_embedder.weight": (1536, 4096),
        "proj_out.weight": (64, 1536),
    },
    "z-image": {
        "layers.0.attention.qkv.weight": (11520, 3840),
        "layers.0.adaLN_modulation.0.weight": (15360, 256),
        "cap_embedder.1.weight": (3840, 2560),
        "x_embedder.weight": (3840, 64),
    },
    "z-image in diffusers' names": {
        "layers.0.attention.to_q.weight": (3840, 3840),
        "layers.0.adaLN_modulation.0.weight": (15360, 256),
        "cap_embedder.1.weight": (3840, 2560),
        "all_x_embedder.2-1.weight": (3840, 64),
    },
    "lumina-2": {
        "layers.0.attention.qkv.weight": (3840, 2304),
        "layers.0.adaLN_modulation.1.weight": (9216, 1024),
        "cap_embedder.1.weight": (2304, 2304),
        "x_embedder.weight": (2304, 64),
    },
    "lumina-2 in diffusers' names": {
        "layers.0.attn.to_q.weight": (2304, 2304),
        "layers.0.norm1.linear.weight": (9216, 1024),
        "time_caption_embed.caption_embedder.1.weight": (2304, 2304),
        "x_embedder.weight": (2304, 64),
    },
    "qwen-image": {
        "transformer_blocks.0.attn.add_k_proj.weight": (3072, 3072),
        "transformer_blocks.0.img_mod.1.weight": (18432, 3072),
        "img_in.weight": (3072, 64),
        "txt_in.weight": (3072, 3584),
        "proj_out.weight": (64, 3072),
    },
    "sana": {
        "blocks.0.cross_attn.q_linear.weight": (2240, 2240),
        "blocks.0.cross_attn.kv_linear.weight": (4480, 2240),
        "blocks.0.mlp.inverted_conv.conv.weight": (11200, 2240, 1, 1),
        "x_embedder.proj.weight": (2240, 32, 1, 1),
        "y_embedder.y_proj.fc1.weight": (2240, 2304),
    },
    "sana in diffusers' names": {
        "transformer_blocks.0.attn1.to_q.weight": (2240, 2240),
        "transformer_blocks.0.ff.conv_inverted.weight": (11200, 2240, 1, 1),
        "patch_embed.proj.weight": (2240, 32, 1, 1),
        "caption_projection.linear_1.weight": (2240, 2304),
    },
}
"""The networks that draw. The first word of each name is its family."""
_NORM, _BIAS = "layers.0.self_attn.q_norm.weight", "layers.0.self_attn.q_proj.bias"
_GEMMA = "layers.0.pre_feedforward_layernorm.weight"
_SPIECE = "spiece_model"
_QWEN_VL = language_model(
    3584, f"model.language_model.{_BIAS}", "model.visual.x", start="model.language_model."
)
ENCODERS: Mapping[str, Shapes] = {
    "clip 768 transformers": clip(),
    "clip 1280 transformers": clip(1280),
    "clip 768 bare": {name.removeprefix("text_model."): each for name, each in clip().items()},
    "clip 1280 open-clip": open_clip(),
    "t5 4096 transformers": t5(),
    "qwen-3 2560 transformers": language_model(2560, f"model.{_NORM}"),
    "qwen-3 4096 transformers": language_model(4096, _NORM, start=""),
    "qwen-2.5-vl 3584 transformers": language_model(3584, f"model.{_BIAS}", "visual.x"),
    "qwen-2.5-vl 3584 transformers, newer names": _QWEN_VL,
    "gemma-2 2304 transformers": language_model(2304, f"model.{_GEMMA}", _SPIECE),
    "gemma-2 2304 transformers, without its start": language_model(2304, _GEMMA, _SPIECE, start=""),
}
"""The text encoders: type, width and layout."""
_WAN_DIFFUSERS: Shapes = {
    "decoder.conv_in.weight": (384, 16, 3, 3, 3),
    "decoder.norm_out.gamma": (96, 1, 1, 1),
}
VAES: Mapping[str, Shapes] = {
    "vae-kl 16 original": vae(),
    "vae-kl 4 original": vae(4),
    "vae-kl 16 diffusers": {
        "encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3),
        "decoder.conv_in.weight": (512, 16, 3, 3),
    },
    "vae-kl-flux-2 32 original": {
        **vae(32),
        "bn.running_mean": (128,),
        "bn.running_var": (128,),
    },
    "vae-qwen-image 16 original": {
        "decoder.conv1.weight": (384, 16, 3, 3, 3),
        "decoder.middle.0.residual.0.gamma": (384, 1, 1, 1),
    },
    "vae-qwen-image 16 diffusers": _WAN_DIFFUSERS,
    "vae-dc 32 original": {
        "encoder.stages.0.op_list.0.main.conv1.conv.weight": (128, 128, 3, 3),
        "decoder.project_in.main.conv.weight": (1024, 32, 3, 3),
    },
    "vae-dc 32 diffusers": {
        "encoder.down_blocks.0.0.conv1.weight": (128, 128, 3, 3),
        "decoder.conv_in.weight": (1024, 32, 3, 3),
    },
}
"""The autoencoders: type, channels and layout."""


def facts(shapes: Mapping[str, tuple[int, ...]], dtype: str = "bfloat16") -> dict[str, TensorFacts]:
    return {name: TensorFacts(dtype, shape) for name, shape in shapes.items()}


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: shape for name, shape in shapes.items()}
