"""Writes the networks of diffusers and transformers in the names of their authors' code.

Written from the layers of black-forest-labs/flux (`modules/layers.py`), Stability-AI/sd3.5
(`mmditx.py`), CompVis/latent-diffusion (`model.py`) and mlfoundations/open_clip
(`transformer.py`), and not from the code under test.
"""

import re
from typing import Any

__all__ = ["as_chroma", "as_clip", "as_flux", "as_open_clip", "as_sd3", "as_vae"]

Weights = dict[str, Any]


class _Source:
    """The tensors of a network. Each is taken once, so that none is forgotten."""

    def __init__(self, weights: Weights) -> None:
        self._left = dict(weights)

    def take(self, name: str) -> Any:
        return self._left.pop(name)

    def has(self, name: str) -> bool:
        return name in self._left

    def fused(self, *names: str) -> Any:
        import torch

        return torch.cat([self.take(name) for name in names])

    def finish(self, weights: Weights) -> Weights:
        assert not self._left, sorted(self._left)
        return {name: each.contiguous() for name, each in weights.items()}


def _other_half_first(weight: Any) -> Any:
    """diffusers has the scale first, and the authors' code the shift."""
    import torch

    scale, shift = weight.chunk(2)
    return torch.cat([shift, scale])


def _flux_blocks(own: _Source, out: Weights) -> None:
    number = 0
    while own.has(f"transformer_blocks.{number}.attn.to_q.weight"):
        block, stored = f"transformer_blocks.{number}", f"double_blocks.{number}"
        for kind in ("weight", "bias"):
            if own.has(f"{block}.norm1.linear.{kind}"):
                out[f"{stored}.img_mod.lin.{kind}"] = own.take(f"{block}.norm1.linear.{kind}")
                out[f"{stored}.txt_mod.lin.{kind}"] = own.take(
                    f"{block}.norm1_context.linear.{kind}"
                )
            attention = f"{block}.attn"
            out[f"{stored}.img_attn.qkv.{kind}"] = own.fused(
                *(f"{attention}.to_{each}.{kind}" for each in "qkv")
            )
            out[f"{stored}.txt_attn.qkv.{kind}"] = own.fused(
                *(f"{attention}.add_{each}_proj.{kind}" for each in "qkv")
            )
            out[f"{stored}.img_attn.proj.{kind}"] = own.take(f"{attention}.to_out.0.{kind}")
            out[f"{stored}.txt_attn.proj.{kind}"] = own.take(f"{attention}.to_add_out.{kind}")
            for side, dense in (("img", "ff"), ("txt", "ff_context")):
                out[f"{stored}.{side}_mlp.0.{kind}"] = own.take(
                    f"{block}.{dense}.net.0.proj.{kind}"
                )
                out[f"{stored}.{side}_mlp.2.{kind}"] = own.take(f"{block}.{dense}.net.2.{kind}")
        for side, infix in (("img", ""), ("txt", "added_")):
            for long, short in (("query", "q"), ("key", "k")):
                out[f"{stored}.{side}_attn.norm.{long}_norm.scale"] = own.take(
                    f"{block}.attn.norm_{infix}{short}.weight"
                )
        number += 1
    number = 0
    while own.has(f"single_transformer_blocks.{number}.attn.to_q.weight"):
        block, stored = f"single_transformer_blocks.{number}", f"single_blocks.{number}"
        for kind in ("weight", "bias"):
            if own.has(f"{block}.norm.linear.{kind}"):
                out[f"{stored}.modulation.lin.{kind}"] = own.take(f"{block}.norm.linear.{kind}")
            out[f"{stored}.linear1.{kind}"] = own.fused(
                *(f"{block}.attn.to_{each}.{kind}" for each in "qkv"), f"{block}.proj_mlp.{kind}"
            )
            out[f"{stored}.linear2.{kind}"] = own.take(f"{block}.proj_out.{kind}")
        for long, short in (("query", "q"), ("key", "k")):
            out[f"{stored}.norm.{long}_norm.scale"] = own.take(f"{block}.attn.norm_{short}.weight")
        number += 1


def _flux_ends(own: _Source, out: Weights) -> None:
    for kind in ("weight", "bias"):
        out[f"img_in.{kind}"] = own.take(f"x_embedder.{kind}")
        out[f"txt_in.{kind}"] = own.take(f"context_embedder.{kind}")
        out[f"final_layer.linear.{kind}"] = own.take(f"proj_out.{kind}")


def as_flux(network: Any) -> Weights:
    """A `FluxTransformer2DModel` as black-forest-labs/flux stores it."""
    own = _Source(network.state_dict())
    out: Weights = {}
    _flux_blocks(own, out)
    _flux_ends(own, out)
    inputs = {"time": "timestep", "vector": "text", "guidance": "guidance"}
    for kind in ("weight", "bias"):
        for stored, name in inputs.items():
            embedder = f"time_text_embed.{name}_embedder"
            if own.has(f"{embedder}.linear_1.{kind}"):
                out[f"{stored}_in.in_layer.{kind}"] = own.take(f"{embedder}.linear_1.{kind}")
                out[f"{stored}_in.out_layer.{kind}"] = own.take(f"{embedder}.linear_2.{kind}")
        out[f"final_layer.adaLN_modulation.1.{kind}"] = _other_half_first(
            own.take(f"norm_out.linear.{kind}")
        )
    return own.finish(out)


def as_chroma(network: Any) -> Weights:
    """A `ChromaTransformer2DModel` as lodestone-rock/flow stores it."""
    own = _Source(network.state_dict())
    out: Weights = {}
    _flux_blocks(own, out)
    _flux_ends(own, out)
    guide = "distilled_guidance_layer"
    for kind in ("weight", "bias"):
        for end in ("in_proj", "out_proj"):
            out[f"{guide}.{end}.{kind}"] = own.take(f"{guide}.{end}.{kind}")
    number = 0
    while own.has(f"{guide}.norms.{number}.weight"):
        out[f"{guide}.norms.{number}.scale"] = own.take(f"{guide}.norms.{number}.weight")
        for kind in ("weight", "bias"):
            for name, stored in (("linear_1", "in_layer"), ("linear_2", "out_layer")):
                out[f"{guide}.layers.{number}.{stored}.{kind}"] = own.take(
                    f"{guide}.layers.{number}.{name}.{kind}"
                )
        number += 1
    return own.finish(out)


def as_sd3(network: Any) -> Weights:
    """An `SD3Transformer2DModel` as Stability-AI/sd3.5 stores it."""
    own = _Source(network.state_dict())
    out: Weights = {}
    out["pos_embed"] = own.take("pos_embed.pos_embed")
    depth = network.config.num_layers
    for kind in ("weight", "bias"):
        out[f"x_embedder.proj.{kind}"] = own.take(f"pos_embed.proj.{kind}")
        out[f"context_embedder.{kind}"] = own.take(f"context_embedder.{kind}")
        out[f"final_layer.linear.{kind}"] = own.take(f"proj_out.{kind}")
        out[f"final_layer.adaLN_modulation.1.{kind}"] = _other_half_first(
            own.take(f"norm_out.linear.{kind}")
        )
        for stored, name in (("t", "timestep"), ("y", "text")):
            for place, number in ((0, 1), (2, 2)):
                out[f"{stored}_embedder.mlp.{place}.{kind}"] = own.take(
                    f"time_text_embed.{name}_embedder.linear_{number}.{kind}"
                )
        for number in range(depth):
            _sd3_block(own, out, number, kind, is_last=number == depth - 1)
    return own.finish(out)


def _sd3_block(own: _Source, out: Weights, number: int, kind: str, *, is_last: bool) -> None:
    block, stored = f"transformer_blocks.{number}", f"joint_blocks.{number}"
    pictures, text = f"{stored}.x_block", f"{stored}.context_block"
    out[f"{pictures}.adaLN_modulation.1.{kind}"] = own.take(f"{block}.norm1.linear.{kind}")
    modulation = own.take(f"{block}.norm1_context.linear.{kind}")
    out[f"{text}.adaLN_modulation.1.{kind}"] = (
        _other_half_first(modulation) if is_last else modulation
    )
    out[f"{text}.attn.qkv.{kind}"] = own.fused(
        *(f"{block}.attn.add_{each}_proj.{kind}" for each in "qkv")
    )
    for name in ("attn", "attn2"):
        if own.has(f"{block}.{name}.to_q.{kind}"):
            out[f"{pictures}.{name}.qkv.{kind}"] = own.fused(
                *(f"{block}.{name}.to_{each}.{kind}" for each in "qkv")
            )
            out[f"{pictures}.{name}.proj.{kind}"] = own.take(f"{block}.{name}.to_out.0.{kind}")
        for short in "qk":
            if kind == "weight" and own.has(f"{block}.{name}.norm_{short}.weight"):
                out[f"{pictures}.{name}.ln_{short}.weight"] = own.take(
                    f"{block}.{name}.norm_{short}.weight"
                )
    for short in "qk":
        if kind == "weight" and own.has(f"{block}.attn.norm_added_{short}.weight"):
            out[f"{text}.attn.ln_{short}.weight"] = own.take(
                f"{block}.attn.norm_added_{short}.weight"
            )
    for side, dense in ((pictures, "ff"), *([] if is_last else [(text, "ff_context")])):
        out[f"{side}.mlp.fc1.{kind}"] = own.take(f"{block}.{dense}.net.0.proj.{kind}")
        out[f"{side}.mlp.fc2.{kind}"] = own.take(f"{block}.{dense}.net.2.{kind}")
    if not is_last:
        out[f"{text}.attn.proj.{kind}"] = own.take(f"{block}.attn.to_add_out.{kind}")


def as_clip(network: Any) -> Weights:
    """A text encoder of CLIP as ComfyUI's `clip_l.safetensors` has it, with its usual extras."""
    import torch

    weights = {
        name if name.startswith("text_") else f"text_model.{name}": each
        for name, each in network.state_dict().items()
    }
    width = weights["text_model.embeddings.token_embedding.weight"].shape[1]
    weights.setdefault("text_projection.weight", torch.full((width, width), 7.0))  # not read
    weights["logit_scale"] = torch.tensor(4.6)
    weights["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    return weights


def as_open_clip(network: Any) -> Weights:
    """A `CLIPTextModelWithProjection` as OpenCLIP stores it."""
    import torch

    own = {name.removeprefix("text_model."): each for name, each in network.state_dict().items()}
    out = {
        "token_embedding.weight": own["embeddings.token_embedding.weight"],
        "positional_embedding": own["embeddings.position_embedding.weight"],
        "text_projection": own["text_projection.weight"].T.contiguous(),
        "logit_scale": torch.tensor(4.6),
        "attn_mask": torch.zeros(77, 77),
    }
    for kind in ("weight", "bias"):
        out[f"ln_final.{kind}"] = own[f"final_layer_norm.{kind}"]
        for number in range(network.config.num_hidden_layers):
            layer, block = f"encoder.layers.{number}", f"transformer.resblocks.{number}"
            parts = [own[f"{layer}.self_attn.{each}_proj.{kind}"] for each in "qkv"]
            out[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
            out[f"{block}.attn.out_proj.{kind}"] = own[f"{layer}.self_attn.out_proj.{kind}"]
            out[f"{block}.mlp.c_fc.{kind}"] = own[f"{layer}.mlp.fc1.{kind}"]
            out[f"{block}.mlp.c_proj.{kind}"] = own[f"{layer}.mlp.fc2.{kind}"]
            for place in (1, 2):
                out[f"{block}.ln_{place}.{kind}"] = own[f"{layer}.layer_norm{place}.{kind}"]
    return out


_RESNET = re.compile(r"\.resnets\.(\d+)\.")
_ATTENTION = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out", "group_norm": "norm"}


def as_vae(network: Any) -> Weights:
    """An `AutoencoderKL` as CompVis/latent-diffusion stores it."""
    levels = len(network.config.block_out_channels)
    out = {}
    for name, weight in network.state_dict().items():
        stored = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        if ".mid_block.attentions.0." in stored:
            module, kind = stored.split(".mid_block.attentions.0.")[1].rsplit(".", 1)
            side = stored.split(".")[0]
            stored = f"{side}.mid.attn_1.{_ATTENTION[module]}.{kind}"
            weight = weight[:, :, None, None] if weight.ndim == 2 else weight
        elif ".mid_block." in stored:
            stored = stored.replace("mid_block.resnets.0", "mid.block_1")
            stored = stored.replace("mid_block.resnets.1", "mid.block_2")
        else:
            stored = re.sub(r"down_blocks\.(\d+)", r"down.\1", stored)
            stored = re.sub(
                r"up_blocks\.(\d+)", lambda found: f"up.{levels - 1 - int(found[1])}", stored
            )
            stored = _RESNET.sub(r".block.\1.", stored)
            stored = stored.replace("downsamplers.0", "downsample")
            stored = stored.replace("upsamplers.0", "upsample")
        out[stored] = weight.contiguous()
    return out
