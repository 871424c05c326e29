"""Upscalers that the library spandrel knows, told by the names of their tensors.

The names are those by which spandrel 0.4 tells its architectures
(https://github.com/chaiNNer-org/spandrel). The list has the architectures of published upscalers
that this service does not have itself.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

__all__ = ["OTHER_UPSCALERS", "needs_spandrel", "other_upscaler"]

OTHER_UPSCALERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "HAT": (
            "relative_position_index_SA",
            "layers.0.residual_group.blocks.0.conv_block.cab.0.weight",
            "layers.0.residual_group.overlap_attn.qkv.weight",
            "conv_last.weight",
        ),
        "ATD": (
            "relative_position_index_SA",
            "conv_first.weight",
            "layers.0.residual_group.td",
            "layers.0.residual_group.layers.0.sigma",
        ),
        "Swin2SR": (
            "layers.0.residual_group.blocks.0.norm1.weight",
            "patch_embed.proj.weight",
            "conv_first.weight",
            "layers.0.residual_group.blocks.0.mlp.fc1.bias",
            "layers.0.residual_group.blocks.0.attn.relative_position_index",
        ),
        "SwinIR": (
            "layers.0.residual_group.blocks.0.norm1.weight",
            "layers.0.residual_group.blocks.0.mlp.fc1.bias",
            "layers.0.residual_group.blocks.0.attn.relative_position_index",
        ),
        "DRCT": (
            "conv_first.weight",
            "layers.0.swin1.norm1.weight",
            "layers.0.swin1.attn.relative_position_index",
            "layers.0.adjust1.weight",
        ),
        "DAT": (
            "conv_first.weight",
            "before_RG.1.weight",
            "layers.0.blocks.0.ffn.sg.norm.weight",
            "layers.0.blocks.0.attn.dwconv.0.weight",
        ),
        "RGT": (
            "conv_first.weight",
            "before_RG.1.weight",
            "layers.0.blocks.0.gamma",
            "layers.0.blocks.0.attn.attns.0.relative_position_index",
        ),
        "OmniSR": (
            "residual_layer.0.residual_layer.0.layer.0.fn.0.weight",
            "input.weight",
            "up.0.weight",
        ),
        "PLKSR": ("feats.0.weight", "feats.1.refine.weight"),
        "SAFMN": (
            "to_feat.weight",
            "feats.0.safm.mfr.0.weight",
            "feats.0.ccm.ccm.0.weight",
            "to_img.0.weight",
        ),
        "MoSR": ("gblocks.0.weight", "gblocks.1.norm.weight", "gblocks.1.fc1.weight"),
        "RCAN": (
            "tail.1.weight",
            "body.0.body.0.body.0.weight",
            "body.0.body.0.body.3.conv_du.0.weight",
        ),
    }
)
"""The tensors that each of these architectures has, by its name. The first match counts."""


def other_upscaler(names: Collection[str]) -> str | None:
    """Return the architecture of an upscaler with these tensors; None if it is not one of them."""
    for architecture, needed in OTHER_UPSCALERS.items():
        if all(name in names for name in needed):
            return architecture
    return None


def needs_spandrel(architecture: str) -> str:
    """Return why an upscaler of this architecture cannot be used without spandrel."""
    return (
        f"it is an upscaler of the architecture {architecture}, for which the library spandrel is "
        "needed; install the extra upscalers, or choose an ESRGAN, compact or SPAN model"
    )
