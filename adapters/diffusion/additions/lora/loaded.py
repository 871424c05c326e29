"""A LoRA that is loaded: its tensors on the device."""

from collections.abc import Iterable, Mapping

import torch

from domain.checkpoints.additions.lora_layouts import LoraFile, MatchedModule, Role
from domain.checkpoints.additions.lora_layouts.adapter_metadata import AdapterScales
from domain.checkpoints.additions.network_modules import Network

__all__ = ["LoadedLora"]


class LoadedLora:
    """The changes of a file. It stands in the cache of pipelines, so it has `components`.

    Args:
        name: The name of the model, for messages.
        file: The changes by names and shapes.
        tensors: The tensors of the changes by their names in the file, on the device, in the
            precision of the file.
        alphas: The value of each alpha by the name of its tensor.
        scales: The scales of changes without an alpha.
    """

    def __init__(
        self,
        name: str,
        file: LoraFile,
        tensors: Mapping[str, torch.Tensor],
        alphas: Mapping[str, float],
        scales: AdapterScales,
    ) -> None:
        self.name = name
        self.file = file
        self._tensors = _Tensors(tensors.values())
        self._numbers = {key: number for number, key in enumerate(tensors)}
        self._alphas = alphas
        self._scales = scales

    @property
    def components(self) -> Mapping[str, torch.nn.Module]:
        """The tensors, under the name of a component."""
        return {"tensors": self._tensors}

    @property
    def needs_torch(self) -> bool:
        """Whether a change may be to a UNet. The weights of OpenVINO's UNet cannot be changed."""
        return any(Network.UNET in module.networks for module in self.file.modules)

    def tensor(self, change: MatchedModule, role: Role) -> torch.Tensor:
        """Return a tensor of a change, in the precision of the file."""
        return self._tensors.get_buffer(f"t{self._numbers[change.change.keys[role]]}")

    def factor(self, change: MatchedModule) -> float:
        """Return the number that the change is multiplied with, beside its scale.

        It is alpha / rank. It is 1 for a form without a rank. Without an alpha it is what the
        metadata of the file says, and 1 without metadata.

        Raises:
            UnusableConfiguration: The metadata gives no number.
        """
        rank, key = change.change.rank, change.change.keys.get(Role.ALPHA)
        if rank is None:
            return 1.0
        if key is not None:
            return self._alphas[key] / rank
        return self._scales.factor(change.target.network, change.target.name, rank)


class _Tensors(torch.nn.Module):
    """Tensors as a module, whose bytes the cache counts."""

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        super().__init__()
        for number, tensor in enumerate(tensors):
            self.register_buffer(f"t{number}", tensor)
