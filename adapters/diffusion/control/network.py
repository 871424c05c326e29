"""A ControlNet that is loaded: its weights on the device."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import ControlNetModel

from adapters.diffusion.attention.chunked import attend_in_chunks
from adapters.diffusion.attention.signatures import remember_signatures
from adapters.diffusion.devices.device import Device
from domain.checkpoints.additions.controlnet import mismatch
from domain.checkpoints.additions.controlnet_layout import ControlNetLayout
from domain.checkpoints.additions.unet_encoder import EncoderFacts
from domain.errors import GenerationFailed

__all__ = ["ControlNet"]

_OF_THE_UNET = (
    *("flip_sin_to_cos", "freq_shift", "only_cross_attention", "downsample_padding"),
    *("mid_block_scale_factor", "act_fn", "norm_num_groups", "norm_eps", "attention_head_dim"),
    *("num_attention_heads", "upcast_attention", "resnet_time_scale_shift"),
    *("addition_time_embed_dim", "addition_embed_type"),
)
"""The options that no shape tells. A ControlNet begins as a copy of its UNet, so it has those of
the UNet (`ControlNetModel.from_unet`)."""


class ControlNet:
    """The weights of a ControlNet. It stands in the cache of pipelines, so it has `components`.

    Args:
        name: The name of the model, for messages.
        layout: The structure of the network.
        weights: The tensors by diffusers' names, on the device and in its precision.
        device: The device.
    """

    needs_torch = True
    """OpenVINO's UNet has no inputs for what a ControlNet adds."""

    def __init__(
        self,
        name: str,
        layout: ControlNetLayout,
        weights: Mapping[str, torch.Tensor],
        device: Device,
    ) -> None:
        self.name = name
        self._layout = layout
        self._weights = dict(weights)
        self._device = device
        self._networks: dict[str, torch.nn.Module] = {}
        parameters = [torch.nn.Parameter(each, requires_grad=False) for each in weights.values()]
        self._counted = torch.nn.ParameterList(parameters)

    @property
    def components(self) -> Mapping[str, torch.nn.Module]:
        """The weights, under the name of a component. All networks share them."""
        return {"controlnet": self._counted}

    def network_for(self, unet: Any) -> torch.nn.Module:
        """Return the `ControlNetModel` for a UNet, on the device. It is built once for each kind.

        Raises:
            GenerationFailed: The ControlNet is for another kind of UNet.
        """
        if (reason := mismatch(self._layout.encoder, _encoder_of(unet.config))) is not None:
            raise GenerationFailed(f"{self.name} does not fit this checkpoint: {reason}")
        options = self._options(unet.config)
        key = json.dumps(options, sort_keys=True)
        if key not in self._networks:
            self._networks[key] = self._built(options)
        return self._networks[key]

    def _options(self, unet: Mapping[str, Any]) -> dict[str, Any]:
        facts = self._layout.encoder
        options = {name: unet[name] for name in _OF_THE_UNET if name in unet}
        if facts.label is None:
            options["addition_embed_type"] = None
        attends = facts.middle is not None
        depths = [max(depth, 1) for depth in facts.depths]
        depths[-1] = facts.middle or depths[-1]  # one option says both
        return options | {
            "in_channels": facts.in_channels,
            "block_out_channels": list(facts.widths),
            "down_block_types": [
                "CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in facts.depths
            ],
            "mid_block_type": "UNetMidBlock2DCrossAttn" if attends else "UNetMidBlock2D",
            "layers_per_block": facts.layers,
            "transformer_layers_per_block": depths,
            "cross_attention_dim": facts.context or unet["cross_attention_dim"],
            "use_linear_projection": facts.linear,
            "projection_class_embeddings_input_dim": facts.label,
            "conditioning_embedding_out_channels": list(self._layout.hint_widths),
            "controlnet_conditioning_channel_order": "bgr" if self._layout.is_bgr else "rgb",
        }

    def _built(self, options: Mapping[str, Any]) -> torch.nn.Module:
        with torch.device("meta"):
            network: Any = ControlNetModel.from_config(dict(options))
        network.load_state_dict(self._weights, assign=True)
        network = network.eval().requires_grad_(False)
        plan = self._device.plan
        if plan.attention == "sliced":
            network.set_attention_slice("auto")
        elif plan.attention == "chunked":
            attend_in_chunks(network)
        if plan.compiled and plan.offload != "model":
            network.compile()
        else:
            remember_signatures(network)
        built: torch.nn.Module = network
        return built


def _encoder_of(unet: Mapping[str, Any]) -> EncoderFacts:
    """Return what a UNet's configuration says of its encoder half."""
    widths, layers = tuple(unet["block_out_channels"]), unet["layers_per_block"]
    is_sized = unet["addition_embed_type"] == "text_time"
    facts = EncoderFacts(
        widths=widths,
        layers=layers if isinstance(layers, int) else 0,
        depths=(0,) * len(widths),
        middle=None,
        context=unet["cross_attention_dim"],
        label=unet["projection_class_embeddings_input_dim"] if is_sized else None,
        linear=unet["use_linear_projection"],
        in_channels=unet["in_channels"],
    )
    if isinstance(facts.context, int):
        return facts
    return dataclasses.replace(facts, context=None)
