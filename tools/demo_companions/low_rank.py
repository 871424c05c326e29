"""Low-rank changes of a checkpoint's weights, under the names that kohya's trainer gives them.

Source of the names: https://github.com/kohya-ss/sd-scripts, `networks/lora.py`: `lora_unet_` or
`lora_te_`, then the name of the module in diffusers or transformers with `_` for each dot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

__all__ = ["ALPHA", "RANK", "LowRank", "changed_modules"]

RANK: Final = 8
# Half of the rank, which many trainers write: a reader that ignores it applies twice the change.
ALPHA: Final = 4.0

_UNET_ENDS: Final = (
    ".to_q", ".to_k", ".to_v", ".to_out.0", ".ff.net.0.proj", ".ff.net.2",
    ".proj_in", ".proj_out", ".conv1", ".conv2", ".conv",
)  # fmt: skip
_TEXT_ENDS: Final = (".q_proj", ".k_proj", ".v_proj", ".out_proj", ".fc1", ".fc2")


def changed_modules(
    unet: UNet2DConditionModel, text_encoder: CLIPTextModel
) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    """Yield the modules that a LoRA changes, each with its name in the file."""
    for name, module in unet.named_modules():
        if name.endswith(_UNET_ENDS) and isinstance(module, nn.Linear | nn.Conv2d):
            yield f"lora_unet_{name.replace('.', '_')}", module
    for name, module in text_encoder.named_modules():
        if name.endswith(_TEXT_ENDS) and isinstance(module, nn.Linear):
            # transformers 5 drops the `text_model.` of the file format.
            whole = f"text_model.{name.removeprefix('text_model.')}"
            yield f"lora_te_{whole.replace('.', '_')}", module


class LowRank(nn.Module):
    """The trainable changes; they apply themselves to the outputs of the modules.

    `scale` is the strength with which they apply.
    """

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.scale = 1.0
        self.down, self.up = nn.ModuleDict(), nn.ModuleDict()
        for name, module in changed_modules(unet, text_encoder):
            down, up = _pair(module)
            nn.init.kaiming_uniform_(down.weight, a=5**0.5)
            nn.init.zeros_(up.weight)
            self.down[name], self.up[name] = down, up
            module.register_forward_hook(self._hook(name))

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def add(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            change: Tensor = self.up[name](self.down[name](inputs[0]))
            return output + self.scale * (ALPHA / RANK) * change

        return add


def _pair(module: nn.Linear | nn.Conv2d) -> tuple[nn.Module, nn.Module]:
    if isinstance(module, nn.Linear):
        return (
            nn.Linear(module.in_features, RANK, bias=False),
            nn.Linear(RANK, module.out_features, bias=False),
        )
    down = nn.Conv2d(
        module.in_channels,
        RANK,
        module.kernel_size,
        module.stride,
        module.padding,
        bias=False,
    )
    return down, nn.Conv2d(RANK, module.out_channels, 1, bias=False)
