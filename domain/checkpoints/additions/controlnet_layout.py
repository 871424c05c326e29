"""The layouts of ControlNet files, and the structure of the network in them.

Known layouts: lllyasviel/ControlNet (`control_model.…`, or the same names without this start), and
diffusers (`ControlNetModel`). The numbers of the network follow from the shapes of its tensors.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from domain.checkpoints.additions.tables import check_tensors, shape_of
from domain.checkpoints.additions.unet_encoder import (
    EncoderFacts,
    diffusers_names,
    encoder_facts,
    encoder_tensors,
)
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.unets.layers import Tensors, layer
from domain.checkpoints.unused import PARTS

__all__ = ["ControlNetLayout", "controlnet_layout"]

_PREFIX = "control_model."
_BESIDE = re.compile(
    "|".join(map(re.escape, PARTS))
    + r"|model_ema\.|(betas|logvar|scale_factor|lvlb_weights|posterior_\w+|\w*alphas_cumprod\w*)$"
)
"""The checkpoint, the averages of its weights, and the tables of its noise schedule."""
_LATENT_CHANNELS, _MAP_CHANNELS = 4, 3
_HALVINGS = 3
"""A latent stands for 8 × 8 pixels, so the map is halved three times."""
_MARK = "controlnet_cond_embedding.conv_in.weight"
_HINT_BLOCK = re.compile(r"controlnet_cond_embedding\.blocks\.(\d+)\.weight")
_MOST_HINT_BLOCKS = 16
_MOST_CHARACTERS = 100_000
_OTHERS: tuple[tuple[str, str], ...] = (
    # Stability AI's Control-LoRA: low-rank changes to the UNet of the checkpoint.
    (r"^lora_controlnet$|\.(up|down)$", "it is a Control-LoRA"),
    # The web UI's extension made these: what a ControlNet adds to the UNet that it came from.
    (r"^difference$", "it holds the difference to a checkpoint"),
    # xinsir/controlnet-union-sdxl-1.0 has several kinds of maps in one network.
    (r"^(control_add_embedding|task_embedding|transformer_layes)", "it is a ControlNet-Union"),
    # kohya-ss/ControlNet-LLLite changes attentions instead of adding to the UNet's outputs.
    (r"^lllite_", "it is a ControlNet-LLLite"),
    # TencentARC/T2I-Adapter has a small network of its own.
    (r"^(adapter\.)?body\.\d+\.", "it is a T2I-Adapter"),
    (
        r"^(controlnet_blocks|transformer_blocks|double_blocks|joint_blocks)\.",
        "it is for a transformer, such as Stable Diffusion 3 or FLUX",
    ),
)


@dataclass(frozen=True, slots=True)
class ControlNetLayout:
    """A ControlNet in a file.

    Attributes:
        names: The name in the file of each tensor, by its name in diffusers' `ControlNetModel`.
        encoder: The numbers of the copy of the UNet's encoder half.
        hint_widths: The channels of the convolutions that read the map, from large to small.
        is_bgr: Whether it reads blue, green and red, in this order. The file may say so.
    """

    names: Mapping[str, str]
    encoder: EncoderFacts
    hint_widths: tuple[int, ...]
    is_bgr: bool = False


def controlnet_layout(
    tensors: Mapping[str, TensorFacts], metadata: Mapping[str, str] = MappingProxyType({})
) -> ControlNetLayout:
    """Return the ControlNet in a file with these tensors.

    The first published files hold a whole checkpoint beside the ControlNet, which is left alone.

    Args:
        tensors: The tensors by the names in the file.
        metadata: The text metadata of the file. `config.json` in it is the configuration of
            diffusers.

    Raises:
        UnusableAddition: It is another network, is incomplete, or holds more than a ControlNet. The
            reason says which.
    """
    has_prefix = any(name.startswith(_PREFIX) for name in tensors)
    inner = {
        name.removeprefix(_PREFIX): name
        for name in tensors
        if not (has_prefix and _BESIDE.match(name))
    }
    for pattern, title in _OTHERS:
        if any(re.search(pattern, name) for name in inner):
            raise UnusableAddition(f"{title}, and nothing here draws with these")
    own = {new: inner[old] for old, new in diffusers_names(inner).items()}
    found = {name: tensors[stored] for name, stored in own.items()}
    if len(own) < len(inner) or _MARK not in own:
        raise UnusableAddition("it does not have the tensors of one whole ControlNet")
    encoder = encoder_facts(found)
    widths = _hint_widths(found)
    if encoder.in_channels != _LATENT_CHANNELS:
        raise UnusableAddition(
            f"it reads latents of {encoder.in_channels} channels; a ControlNet reads "
            f"{_LATENT_CHANNELS}"
        )
    check_tensors("ControlNet", found, dict(_expected(encoder, widths)))
    return ControlNetLayout(own, encoder, widths, _is_bgr(metadata))


def _is_bgr(metadata: Mapping[str, str]) -> bool:
    """Return whether the map has its channels in another order, as the configuration says.

    The options that no shape and no UNet tells are this one and `global_pool_conditions`.
    """
    text = metadata.get("config.json", "")
    if not 0 < len(text) <= _MOST_CHARACTERS:
        return False
    try:
        options = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableAddition("its embedded configuration is not JSON") from error
    if not isinstance(options, dict):
        raise UnusableAddition("its embedded configuration is not a JSON object")
    if options.get("global_pool_conditions"):
        raise UnusableAddition(
            "it averages its outputs over the picture (global_pool_conditions), and nothing here "
            "draws with these"
        )
    order = options.get("controlnet_conditioning_channel_order", "rgb")
    if order not in ("rgb", "bgr"):
        raise UnusableAddition(f"it reads the channels of the map as {str(order)[:40]!a}")
    return bool(order == "bgr")


def _hint_widths(tensors: Mapping[str, TensorFacts]) -> tuple[int, ...]:
    """Return the channels of the convolutions that read the map.

    They come in pairs: the first keeps the size, and the second halves it (`ControlNetModel`).
    """
    first = shape_of(tensors, _MARK, 4)
    if first[1] != _MAP_CHANNELS:
        raise UnusableAddition(f"it reads maps of {first[1]} channels; a map has {_MAP_CHANNELS}")
    numbers = {int(found[1][:4]) for name in tensors if (found := _HINT_BLOCK.fullmatch(name))}
    if len(numbers) > _MOST_HINT_BLOCKS:
        raise UnusableAddition(f"it reads the map with {len(numbers)} convolutions")
    halving = [f"controlnet_cond_embedding.blocks.{number}.weight" for number in sorted(numbers)]
    widths = (first[0], *(shape_of(tensors, name, 4)[0] for name in halving[1::2]))
    if len(widths) - 1 != _HALVINGS:
        raise UnusableAddition(
            f"it halves the map {len(widths) - 1} times, and the latents are halved {_HALVINGS} "
            "times"
        )
    return widths


def _expected(encoder: EncoderFacts, widths: tuple[int, ...]) -> Tensors:
    yield from encoder_tensors(encoder)
    hint = "controlnet_cond_embedding"
    yield from layer(f"{hint}.conv_in", widths[0], _MAP_CHANNELS, 3, 3)
    for number, (width, after) in enumerate(pairwise(widths)):
        yield from layer(f"{hint}.blocks.{2 * number}", width, width, 3, 3)
        yield from layer(f"{hint}.blocks.{2 * number + 1}", after, width, 3, 3)
    yield from layer(f"{hint}.conv_out", encoder.widths[0], widths[-1], 3, 3)
    for number, width in enumerate(encoder.skips):
        yield from layer(f"controlnet_down_blocks.{number}", width, width, 1, 1)
    yield from layer("controlnet_mid_block", encoder.widths[-1], encoder.widths[-1], 1, 1)
