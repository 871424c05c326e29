"""Writes the configuration of a UNet, with the fields of diffusers' `UNet2DConditionModel`."""

from collections.abc import Iterable

from domain.checkpoints.unets import UnetFacts

__all__ = ["unet_configuration"]


def unet_configuration(unet: UnetFacts) -> dict[str, object]:
    """Return the content of a UNet's `config.json`.

    diffusers names the depths of the levels on the way down, and takes them in reverse for the way
    up. Where that is not so, both are written block by block, as Segmind publishes them for SSD-1B.
    """
    fields: dict[str, object] = {
        "_class_name": "UNet2DConditionModel",
        "sample_size": unet.sample_size,
        "in_channels": unet.in_channels,
        "out_channels": 4,
        "block_out_channels": unet.widths,
        "down_block_types": [
            "CrossAttnDownBlock2D" if any(each) else "DownBlock2D" for each in unet.down
        ],
        "mid_block_type": _middle_type(unet),
        "up_block_types": ["CrossAttnUpBlock2D" if any(each) else "UpBlock2D" for each in unet.up],
        "layers_per_block": unet.layers,
        "attention_head_dim": unet.heads,
        "cross_attention_dim": unet.context,
        "use_linear_projection": unet.linear,
        "upcast_attention": unet.upcast,
        "act_fn": "silu",
        "norm_num_groups": 32,
        "norm_eps": 1e-05,
        "downsample_padding": 1,
        "mid_block_scale_factor": 1,
        "center_input_sample": False,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        **_depths(unet),
    }
    if unet.sized:
        fields["addition_embed_type"] = "text_time"
        fields["addition_time_embed_dim"] = 256
        fields["projection_class_embeddings_input_dim"] = unet.label
    elif unet.picture is not None:
        fields["class_embed_type"] = "projection"
        fields["projection_class_embeddings_input_dim"] = unet.picture
    if unet.guided is not None:
        fields["time_cond_proj_dim"] = unet.guided
    return fields


def _middle_type(unet: UnetFacts) -> str | None:
    if unet.middle is None:
        return None
    return "UNetMidBlock2DCrossAttn" if unet.middle else "UNetMidBlock2D"


def _depths(unet: UnetFacts) -> dict[str, object]:
    """Return the fields for the transformer blocks. The middle has the depth of the last level."""
    down = [_depth(each) for each in unet.down]
    up = [_depth(each) for each in unet.up]
    if not any(unet.down[-1]) and unet.middle:
        down[-1] = unet.middle
    levels = zip(unet.down, reversed(unet.up), strict=True)
    if all({*below, *above} == {below[0]} for below, above in levels):
        return {"transformer_layers_per_block": down}
    return {
        "transformer_layers_per_block": down,
        "reverse_transformer_layers_per_block": up,
    }


def _depth(level: Iterable[int]) -> int | list[int]:
    """Return the depth of a level: a number, or one for each block. A level without any has 1."""
    depths = [max(each, 1) for each in level]
    return depths[0] if len(set(depths)) == 1 else depths
