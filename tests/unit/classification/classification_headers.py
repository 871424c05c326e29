"""Headers of published checkpoints, as lists of tensors, and what they are classified as."""

from collections.abc import Mapping

from adapters.filesystem.classification.files import Classification, classify
from adapters.filesystem.headers.reading import Header, TensorFacts
from domain.checkpoints.arranged import arrangement_of
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily

__all__ = ["CLIP", "DOWN", "UNET", "VAE", "checkpoint", "classified", "facts"]

UNET, VAE = "model.diffusion_model.", "first_stage_model."
CLIP = "cond_stage_model.transformer.text_model."
# The layers in which a LoRA changes how the UNet attends to a prompt.
DOWN = "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


def facts(shapes: Mapping[str, tuple[int, ...]], dtype: str = "float16") -> dict[str, TensorFacts]:
    return {name: TensorFacts(dtype, shape) for name, shape in shapes.items()}


def checkpoint(family: ModelFamily, dtype: str = "float16") -> dict[str, TensorFacts]:
    """Return all tensors of a published checkpoint, with some extras that real files contain."""
    tensors: dict[str, TensorFacts] = {}
    for part in checkpoint_parts(family).values():
        tensors |= facts(part, dtype)
    tensors["alphas_cumprod"] = TensorFacts("float32", (1000,))
    tensors["model_ema.diffusion_modelinput_blocks00weight"] = TensorFacts(
        "float32", (320, 4, 3, 3)
    )
    if family in (ModelFamily.SD_1, ModelFamily.SD_1_INPAINT):
        tensors[f"{CLIP}embeddings.position_ids"] = TensorFacts("int64", (1, 77))
    return tensors


def classified(
    tensors: Mapping[str, TensorFacts], metadata: Mapping[str, str] | None = None
) -> Classification:
    """Classify a file with these tensors, which are arranged as those of each file are."""
    arrangement = arrangement_of(tensors)
    return classify(Header(arrangement.facts(tensors), metadata or {}, notes=arrangement.notes))
