"""Headers of add-ons in the layouts of their trainers, made from the shapes of the families."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from adapters.filesystem.headers.reading import TensorFacts
from domain.checkpoints.additions.autoencoder_layout import autoencoder_layout
from domain.checkpoints.families import FAMILIES
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily
from tests.unit.classification.classification_headers import UNET, VAE, facts

__all__ = [
    "LAYOUTS",
    "Shapes",
    "diffusers_vae",
    "lora",
    "original_controlnet",
    "original_vae",
]

Shapes = Mapping[str, tuple[int, ...]]
RANK = 4
LAYOUTS = {
    "kohya": ("lora_unet_", "_", {"lora_down.weight": "d", "lora_up.weight": "u", "alpha": "1"}),
    "kohya without alpha": ("lora_unet_", "_", {"lora_down.weight": "d", "lora_up.weight": "u"}),
    "diffusers": ("unet.", ".", {"lora.down.weight": "d", "lora.up.weight": "u"}),
    "diffusers with PEFT's names": (
        "unet.",
        ".",
        {"lora_A.weight": "d", "lora_B.weight": "u"},
    ),
    "PEFT": (
        "base_model.model.",
        ".",
        {"lora_A.weight": "d", "lora_B.weight": "u"},
    ),
    "PEFT with the name of an adapter": (
        "base_model.model.",
        ".",
        {"lora_A.default.weight": "d", "lora_B.default.weight": "u"},
    ),
    "ComfyUI": ("diffusion_model.", ".", {"lora_down.weight": "d", "lora_up.weight": "u"}),
    "LoHa": (
        "lora_unet_",
        "_",
        {"hada_w1_a": "u", "hada_w1_b": "d", "hada_w2_a": "u", "hada_w2_b": "d", "alpha": "1"},
    ),
    "LoKr": ("lycoris_", "_", {"lokr_w1": "w", "lokr_w2": "k", "alpha": "1"}),
    "LoKr with small factors": (
        "lora_unet_",
        "_",
        {"lokr_w1": "w", "lokr_w2_a": "a", "lokr_w2_b": "b", "alpha": "1"},
    ),
    "DoRA": (
        "lora_unet_",
        "_",
        {"lora_down.weight": "d", "lora_up.weight": "u", "dora_scale": "s"},
    ),
    "whole differences": ("lora_unet_", "_", {"diff": "f"}),
}
"""The prefix, what joins a name, and the tensors of a module, by layout."""
WITHOUT_RANK = ("LoKr", "whole differences")


def lora(layout: str, family: ModelFamily, *, rank: int = RANK) -> dict[str, TensorFacts]:
    """Return a LoRA of the cross-attention in one place of the UNet."""
    context = FAMILIES[family].unet.context
    prefix, join, tensors = LAYOUTS[layout]
    block = ("down_blocks", "1", "attentions", "0", "transformer_blocks", "0", "attn2")
    made: dict[str, tuple[int, ...]] = {}
    for layer, rows, columns in (("to_q", 640, 640), ("to_k", 640, context)):
        module = prefix + join.join((*block, layer))
        made |= {
            f"{module}.{name}": shape_of(kind, rows, columns, rank)
            for name, kind in tensors.items()
        }
    return facts(made)


def shape_of(kind: str, rows: int, columns: int, rank: int) -> tuple[int, ...]:
    """Return the shape of a tensor for a weight of `rows` × `columns`."""
    return {
        "d": (rank, columns),
        "u": (rows, rank),
        "1": (),
        "w": (8, 8),
        "k": (rows // 8, columns // 8),
        "a": (rows // 8, rank),
        "b": (rank, columns // 8),
        "s": (1, columns),
        "f": (rows, columns),
    }[kind]


def original_vae(*, prefix: str = "") -> dict[str, TensorFacts]:
    """Return the autoencoder of Stable Diffusion in CompVis' names."""
    parts = checkpoint_parts(ModelFamily.SD_1)["VAE"]
    return facts({prefix + name.removeprefix(VAE): shape for name, shape in parts.items()})


def diffusers_vae() -> dict[str, TensorFacts]:
    """Return the autoencoder of Stable Diffusion in diffusers' names."""
    original = original_vae()
    return {own: original[name] for own, name in autoencoder_layout(original).names.items()}


def original_controlnet(
    family: ModelFamily, prefix: str = "control_model."
) -> dict[str, TensorFacts]:
    """Return a ControlNet in its authors' names: half of a UNet, and what reads the map."""
    unet = checkpoint_parts(family)["UNet"]
    shapes = {
        name.removeprefix(UNET): shape
        for name, shape in unet.items()
        if not name.startswith((f"{UNET}output_blocks", f"{UNET}out."))
    }
    shapes |= dict(_hints()) | dict(_zero_convolutions(FAMILIES[family].unet.widths))
    return facts({prefix + name: shape for name, shape in shapes.items()})


def _hints() -> Iterator[tuple[str, tuple[int, ...]]]:
    widths = (3, 16, 16, 32, 32, 96, 96, 256, 320)
    for number, (before, after) in enumerate(pairwise(widths)):
        yield f"input_hint_block.{2 * number}.weight", (after, before, 3, 3)
        yield f"input_hint_block.{2 * number}.bias", (after,)


def _zero_convolutions(widths: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    skips = [widths[0]]
    for level, width in enumerate(widths):
        skips += [width] * (2 + (level + 1 < len(widths)))
    places = [f"zero_convs.{number}.0" for number in range(len(skips))]
    for place, width in zip([*places, "middle_block_out.0"], [*skips, widths[-1]], strict=True):
        yield f"{place}.weight", (width, width, 1, 1)
        yield f"{place}.bias", (width,)
