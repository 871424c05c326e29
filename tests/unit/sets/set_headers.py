"""Headers of the components of newer pipelines: the tensors that tell what they are."""

from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts

__all__ = ["Shapes", "clip", "facts", "flux", "t5", "under", "vae"]

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


def facts(shapes: Mapping[str, tuple[int, ...]], dtype: str = "bfloat16") -> dict[str, TensorFacts]:
    return {name: TensorFacts(dtype, shape) for name, shape in shapes.items()}


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: shape for name, shape in shapes.items()}
