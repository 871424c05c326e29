"""The deep compression autoencoder of SANA (`AutoencoderDC`, f32c32).

The names of the original code (mit-han-lab/dc-ae-f32c32-sana-1.0 and -1.1; NVlabs/Sana) are
converted as `convert_autoencoder_dc_checkpoint_to_diffusers` (diffusers 0.42) does.

The facts that no header tells are those of `scripts/convert_dcae_to_diffusers.py` of diffusers for
dc-ae-f32c32-sana-1.0. The autoencoders for other models begin with another layer, and are refused.
"""

import re
from collections.abc import Iterator, Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.pieces import fused, width_of, with_new_start
from domain.checkpoints.sets.networks.places import (
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
    shape_in,
)

__all__ = ["vae_dc_layout"]

_HEAD, _KERNEL = 32, 5
"""Numbers of an attention head, and the side of the window that it also sees."""
_SCALE = 0.41407
_MOST_BLOCKS = 64
_OUTER = {
    "encoder.project_in.conv.": "encoder.conv_in.",
    "encoder.project_out.0.conv.": "encoder.conv_out.",
    "decoder.project_in.conv.": "decoder.conv_in.",
    "decoder.project_out.0.": "decoder.norm_out.",
    "decoder.project_out.2.conv.": "decoder.conv_out.",
}
_STAGE = re.compile(r"(encoder|decoder)\.stages\.(\d+)\.(\d+)\.(.+)")
_WRAPPERS = re.compile(r"(?:(?<=\.)|^)(?:main|op_list)\.")
"""Names that diffusers has no modules for."""
_INNER = (
    ("context_module.", "attn."),
    ("local_module.", "conv_out."),
    ("aggreg.0.0.", "to_qkv_multiscale.0.proj_in."),
    ("aggreg.0.1.", "to_qkv_multiscale.0.proj_out."),
    ("depth_conv.conv.", "conv_depth."),
    ("inverted_conv.conv.", "conv_inverted."),
    ("point_conv.conv.", "conv_point."),
    ("point_conv.norm.", "norm."),
    ("conv1.conv.", "conv1."),
    ("conv2.conv.", "conv2."),
    ("conv2.norm.", "norm."),
    ("conv.conv.", "conv."),
    ("proj.norm.", "norm_out."),
)
_BLOCKS = {"encoder": "down_blocks", "decoder": "up_blocks"}
_QKV, _PROJECTION = "attn.qkv.conv.weight", "attn.proj.conv.weight"


def vae_dc_layout(tensors: Mapping[str, TensorFacts]) -> NetworkLayout:
    """Return the layout of a file, in the original names or in those of diffusers.

    Raises:
        UnusableNetwork: It is not an autoencoder of SANA.
    """
    places = {
        target: place for name, facts in tensors.items() for target, place in _places(name, facts)
    }
    network = {name: tensors[place.name] for name, place in places.items()}
    if "encoder.conv_in.bias" not in network:
        raise UnusableNetwork("it is a DC-AE of another model than SANA")
    latents = shape_in(network, "encoder.conv_out.weight", 4)[0]
    config: dict[str, object] = {
        "in_channels": shape_in(network, "encoder.conv_in.weight", 4)[1],
        "latent_channels": latents,
        "attention_head_dim": _HEAD,
        "upsample_block_type": "interpolate",
        "downsample_block_type": "Conv",
        "decoder_norm_types": "rms_norm",
        "decoder_act_fns": "silu",
        "encoder_out_shortcut": True,
        "decoder_in_shortcut": True,
        "decoder_conv_act_fn": "relu",
        "scaling_factor": _SCALE,
    }
    for side in _BLOCKS:
        config |= _levels(network, side)
    return NetworkLayout(config, places)


def _levels(network: Mapping[str, TensorFacts], side: str) -> dict[str, object]:
    """Return the configuration of the levels of the encoder or the decoder."""
    before = f"{side}.{_BLOCKS[side]}."
    levels = count_of(network, before, _MOST_BLOCKS)
    kinds, widths, layers, scales = [], [], [], []
    for level in range(levels):
        stem = f"{before}{level}."
        blocks = count_of(network, stem, _MOST_BLOCKS)
        resampled = {number for number in range(blocks) if f"{stem}{number}.conv.weight" in network}
        first = next((number for number in range(blocks) if number not in resampled), None)
        if first is None:
            raise UnusableNetwork(f"its level {stem} has no layers")
        is_attending = f"{stem}{first}.attn.to_q.weight" in network
        norm = "attn.norm_out.weight" if is_attending else "norm.weight"
        widths.append(width_of(network, f"{stem}{first}.{norm}"))
        kinds.append("EfficientViTBlock" if is_attending else "ResBlock")
        scales.append([_KERNEL] if is_attending else [])
        layers.append(blocks - len(resampled))
    return {
        f"{side}_block_types": kinds,
        f"{side}_block_out_channels": widths,
        f"{side}_layers_per_block": layers,
        f"{side}_qkv_multiscales": scales,
    }


def _places(name: str, facts: TensorFacts) -> Iterator[tuple[str, Place]]:
    bare = _WRAPPERS.sub("", name)
    if (found := _STAGE.fullmatch(bare)) is None:
        yield with_new_start(bare, _OUTER), Place(name)
        return
    side, level, block, inner = found.groups()
    stem = f"{side}.{_BLOCKS[side]}.{level}.{block}."
    for old, new in _INNER:
        # The names of parts end with a dot, so this cannot meet half of a name.
        inner = (f".{inner}".replace(f".{old}", f".{new}"))[1:]
    if inner == _QKV:
        for target, place in fused(name, facts, [f"{stem}attn.to_{each}.weight" for each in "qkv"]):
            rows = place.rows or (0, 0)
            yield target, Place(name, place.rows, shape=(rows[1] - rows[0], *facts.shape[1:2]))
    elif inner == _PROJECTION:
        yield f"{stem}attn.to_out.weight", Place(name, shape=facts.shape[:2])
    else:
        yield f"{stem}{inner}", Place(name)
