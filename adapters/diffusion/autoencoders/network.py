"""An autoencoder that is loaded beside a checkpoint: its weights on the device."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.hooks import remove_hook_from_module
from diffusers import AutoencoderKL

from adapters.diffusion.attention.signatures import remember_signatures
from adapters.diffusion.devices.device import Device
from adapters.diffusion.pipeline import StableDiffusion
from domain.checkpoints.additions.autoencoder_layout import AutoencoderFacts, AutoencoderLayout
from domain.checkpoints.additions.vae import mismatch
from domain.errors import GenerationFailed

__all__ = ["Autoencoder", "drawn_with_autoencoder"]

_OF_THE_CHECKPOINT = (
    *("act_fn", "norm_num_groups", "sample_size", "scaling_factor", "shift_factor"),
    *("latents_mean", "latents_std", "force_upcast", "in_channels", "out_channels"),
)
"""The options that no shape tells. The latents are those of the checkpoint's UNet, so their scale
is that of the checkpoint."""


class Autoencoder:
    """The weights of an autoencoder. It stands in the cache of pipelines, so it has `components`.

    Args:
        name: The name of the model, for messages.
        layout: The structure of the network.
        weights: The tensors by diffusers' names, on the device.
        device: The device.
    """

    def __init__(
        self,
        name: str,
        layout: AutoencoderLayout,
        weights: Mapping[str, torch.Tensor],
        device: Device,
    ) -> None:
        self.name = name
        self._layout = layout
        self._weights = {
            name: torch.nn.Parameter(each, requires_grad=False) for name, each in weights.items()
        }
        self._device = device
        self._networks: dict[str, torch.nn.Module] = {}
        self._counted = torch.nn.ParameterList(list(self._weights.values()))

    @property
    def components(self) -> Mapping[str, torch.nn.Module]:
        """The weights, under the name of a component. All networks share them."""
        return {"vae": self._counted}

    def network_for(self, own: Any) -> torch.nn.Module:
        """Return the `AutoencoderKL` in place of a checkpoint's own. It is built once for each.

        Raises:
            GenerationFailed: The autoencoder is for latents of another kind.
        """
        facts = self._layout.facts
        if (reason := mismatch(facts, _facts_of(own.config))) is not None:
            raise GenerationFailed(f"{self.name} does not fit this checkpoint: {reason}")
        levels = len(facts.widths)
        options = {name: own.config[name] for name in _OF_THE_CHECKPOINT if name in own.config} | {
            "block_out_channels": list(facts.widths),
            "down_block_types": ["DownEncoderBlock2D"] * levels,
            "up_block_types": ["UpDecoderBlock2D"] * levels,
            "layers_per_block": facts.layers,
            "latent_channels": facts.channels,
            "mid_block_add_attention": facts.attends,
            "use_quant_conv": facts.has_quant,
            "use_post_quant_conv": facts.has_post_quant,
        }
        key = json.dumps(options, sort_keys=True)
        if key not in self._networks:
            self._networks[key] = self._built(options)
        # Offloading left it in the memory of the host.
        return self._networks[key].to(self._device.torch_device)

    def _built(self, options: Mapping[str, Any]) -> torch.nn.Module:
        with torch.device("meta"):
            network: Any = AutoencoderKL.from_config(dict(options))
        network.load_state_dict(self._weights, assign=True)
        network = network.eval().requires_grad_(False)
        network.enable_slicing()
        if self._device.plan.compiled and self._device.plan.offload != "model":
            network.decoder.compile()
        else:
            remember_signatures(network)
        built: torch.nn.Module = network
        return built


@contextmanager
def drawn_with_autoencoder(pipeline: StableDiffusion, network: torch.nn.Module) -> Iterator[None]:
    """Replace the pipeline's autoencoder inside the block."""
    own = pipeline.vae
    pipeline.vae = network
    try:
        yield
    finally:
        pipeline.vae = own
        # A pipeline that offloads its networks gave it a hook, which refers to the UNet. The cache
        # would keep both as long as the autoencoder.
        remove_hook_from_module(network, recurse=True)


def _facts_of(config: Mapping[str, Any]) -> AutoencoderFacts:
    """Return what an autoencoder's configuration says of its latents."""
    return AutoencoderFacts(
        widths=tuple(config["block_out_channels"]),
        layers=0,
        channels=config["latent_channels"],
        attends=False,
        has_quant=False,
        has_post_quant=False,
    )
