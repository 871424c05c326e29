"""Merges LoRAs into a tiny pipeline, and reads its weights."""

from collections.abc import Mapping
from typing import Any

from adapters.diffusion.additions.lora.addition import lora_addition
from adapters.diffusion.additions.lora.merging import ScaledLora
from adapters.diffusion.devices.device import find_device
from adapters.diffusion.loading.loras import load_lora
from domain.checkpoints.additions.network_modules import Network
from domain.models.record import ModelRecord

__all__ = ["Kept", "merged_into", "weights"]


class Kept:
    """A place beside a pipeline, with room or without."""

    def __init__(self, *, has_room: bool = True) -> None:
        self.value: Any = None
        self.has_room = has_room
        self.asked: list[int] = []

    def get(self) -> Any:
        return self.value

    def make_room(self, size: int) -> None:
        self.value = None
        self.asked.append(size)

    def keep(self, value: Any, size: int) -> None:
        if self.has_room:
            self.value = value


def merged_into(
    pipeline: Any,
    *loras: tuple[ModelRecord, float],
    kept: Kept | None = None,
    tick: Any = None,
    device: Any = None,
) -> Any:
    """Return the context manager that puts these LoRAs into the pipeline."""
    device = device or find_device("cpu", "float32")
    scaled = [
        ScaledLora(load_lora(record, device), scale, f"loras[{number}].model_id")
        for number, (record, scale) in enumerate(loras)
    ]
    return lora_addition(
        pipeline,
        scaled,
        key=tuple((record.id, scale) for record, scale in loras),
        device=device,
        kept=kept or Kept(),
        tick=tick or (lambda: None),
    )


def weights(pipeline: Any) -> Mapping[str, Any]:
    """Return a copy of each weight, by its network and its name."""
    return {
        f"{network}.{name}": parameter.detach().clone()
        for network in Network
        if (part := pipeline.components.get(network)) is not None
        for name, parameter in part.named_parameters()
    }
