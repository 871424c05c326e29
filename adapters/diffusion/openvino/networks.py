"""Networks that OpenVINO runs, with the interface that the pipelines of diffusers call."""

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

from adapters.diffusion.openvino.conversion import Input, compile_network
from adapters.diffusion.openvino.int8 import quantize

__all__ = ["OpenVinoDecoder", "OpenVinoUnet"]

# Odd sides. With them the UNet enlarges each level to the size that it reads from the level above,
# which is right for all sizes. Even sides would fix a doubling of each side in the trace.
_HEIGHT, _WIDTH = 15, 17
_TOKENS = 77
_TIME_IDS = 6


class OpenVinoUnet(torch.nn.Module, ConfigMixin):
    """A `UNet2DConditionModel`, as the pipelines of Stable Diffusion 1, 2 and XL call it.

    Args:
        unet: The network to convert. It cannot be used afterwards.
        threads: The number of threads that compute; None for one thread a core.
        quantization: `int8`, or `none`.
    """

    config_name = "config.json"

    def __init__(self, unet: Any, *, threads: int | None, quantization: str = "none") -> None:
        super().__init__()
        self.register_to_config(**unet.config)
        self.dtype: torch.dtype = unet.dtype
        self.device = torch.device("cpu")
        self._is_sized = unet.config.addition_embed_type == "text_time"
        if self._is_sized:
            self.add_embedding = unet.add_embedding  # pipelines read its input size
        inputs = _unet_inputs(unet, self._is_sized)
        if quantization == "int8":
            quantize(unet)
        self._network = compile_network(_PlainUnet(unet), inputs, threads=threads)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights, in their original precision."""
        return self._network.weight_bytes

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor | float,
        encoder_hidden_states: torch.Tensor,
        timestep_cond: None = None,
        cross_attention_kwargs: None = None,
        added_cond_kwargs: Mapping[str, torch.Tensor] | None = None,
        return_dict: bool = True,
    ) -> Any:
        """As `UNet2DConditionModel.forward`.

        Raises:
            ValueError: An argument is given that the pipelines of Stable Diffusion never pass.
        """
        if timestep_cond is not None or cross_attention_kwargs is not None:
            raise ValueError("with OpenVINO a UNet takes no timestep_cond and no attention options")
        inputs = [sample, torch.as_tensor(timestep).reshape(1), encoder_hidden_states]
        if self._is_sized:
            added = added_cond_kwargs or {}
            inputs += [added["text_embeds"], added["time_ids"]]
        predicted = self._network(*inputs)
        return UNet2DConditionOutput(sample=predicted) if return_dict else (predicted,)


class OpenVinoDecoder(torch.nn.Module):
    """The decoder of an `AutoencoderKL`. torch runs the other parts of the autoencoder.

    Args:
        decoder: The network to convert. It cannot be used afterwards.
        channels: The channels of the latents.
        threads: The number of threads that compute; None for one thread a core.
    """

    def __init__(self, decoder: Any, *, channels: int, threads: int | None) -> None:
        super().__init__()
        latents = Input(torch.zeros(1, channels, _HEIGHT, _WIDTH), (-1, channels, -1, -1))
        self._network = compile_network(decoder, [latents], threads=threads)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights, in their original precision."""
        return self._network.weight_bytes

    def forward(self, sample: torch.Tensor, latent_embeds: None = None) -> torch.Tensor:
        """As `forward` of the torch decoder."""
        return self._network(sample)


class _PlainUnet(torch.nn.Module):
    """A UNet as a function whose arguments are all tensors.

    It calls `forward` directly, without the hooks of the UNet. Hooks must not be part of the trace.
    """

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        text_embeds: torch.Tensor | None = None,
        time_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        added = {"text_embeds": text_embeds, "time_ids": time_ids}
        predicted: torch.Tensor = self.unet.forward(
            sample,
            timestep,
            encoder_hidden_states,
            added_cond_kwargs=added if text_embeds is not None else None,
            return_dict=False,
        )[0]
        return predicted


def _unet_inputs(unet: Any, is_sized: bool) -> list[Input]:
    config = unet.config
    channels, context = config.in_channels, config.cross_attention_dim
    inputs = [
        Input(torch.zeros(2, channels, _HEIGHT, _WIDTH), (-1, channels, -1, -1)),
        Input(torch.ones(1), (1,)),
        Input(torch.zeros(2, _TOKENS, context), (-1, -1, context)),
    ]
    if is_sized:
        numbers = config.projection_class_embeddings_input_dim
        pooled = numbers - _TIME_IDS * config.addition_time_embed_dim
        inputs += [
            Input(torch.zeros(2, pooled), (-1, pooled)),
            Input(torch.ones(2, _TIME_IDS), (-1, _TIME_IDS)),
        ]
    return inputs
