"""An upscaler that is loaded: its network on the device."""

import logging
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.diffusion.devices.device import Device
from domain.checkpoints.upscalers import UpscalerNetwork
from domain.errors import GenerationFailed

__all__ = ["Upscaler"]

_log = logging.getLogger(__name__)


class Upscaler:
    """Enlarges parts of pictures. It stands in the cache of pipelines, so it has `components`.

    Args:
        name: The name of the model, for messages.
        facts: The numbers of the network.
        network: The network, on the device and in the precision of the plan.
        device: The device.
    """

    def __init__(
        self, name: str, facts: UpscalerNetwork, network: torch.nn.Module, device: Device
    ) -> None:
        self.name = name
        self.facts = facts
        self._network = network
        self._device = device

    @property
    def components(self) -> Mapping[str, torch.nn.Module]:
        """The network, under the name of a component."""
        return {"network": self._network}

    @property
    def precision(self) -> torch.dtype:
        """The precision that it computes in."""
        dtype: torch.dtype = next(self._network.parameters()).dtype
        return dtype

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        """Enlarge a part of a picture.

        If computing produces NaN in half precision, the network stays in float32 from then on.

        Args:
            pixels: (height, width, 3), sRGB. A part that does not end with the picture has sides
                that are multiples of `facts.unshuffle`; other sides are continued by reflection, as
                Real-ESRGAN's own program does.

        Returns:
            (3, scale × height, scale × width) in float32, about 0 to 1, on the device.

        Raises:
            GenerationFailed: Computing produces NaN in float32 too.
        """
        height, width = pixels.shape[:2]
        multiple = self.facts.unshuffle
        lacking = [(0, -side % multiple) for side in (height, width)]
        if any(after for _, after in lacking):
            pixels = np.pad(pixels, (*lacking, (0, 0)), mode="reflect")
        source = torch.tensor(pixels).to(self._device.torch_device)
        source = source.permute(2, 0, 1)[None].float() / 255
        enlarged = self._computed(source)
        if self.precision != torch.float32 and not _is_finite(enlarged):
            _log.warning("%s overflows in %s; it is float32 now", self.name, self.precision)
            self._network.to(dtype=torch.float32)
            enlarged = self._computed(source)
        if not _is_finite(enlarged):
            raise GenerationFailed(
                f"enlarging with {self.name} produced NaN", overflowed=str(self.precision)
            )
        scale = self.facts.scale
        return enlarged[0, :, : height * scale, : width * scale].float()

    def _computed(self, source: torch.Tensor) -> torch.Tensor:
        enlarged: torch.Tensor = self._network(
            source.to(self.precision, memory_format=self._device.memory_format)
        )
        return enlarged


def _is_finite(tensor: torch.Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
