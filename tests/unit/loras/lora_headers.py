"""The tensors of LoRA files, as names, types and shapes, in the layouts that trainers write."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import prod

from domain.checkpoints.additions.network_modules import Network, NetworkModule, NetworkModules
from domain.checkpoints.additions.network_modules.unet import original_names
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.models.record import ModelFamily

Shapes = dict[str, tuple[int, ...]]
Header = dict[str, TensorFacts]

FAMILIES = (ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL)


def facts(shapes: Mapping[str, tuple[int, ...]], dtype: str = "float16") -> Header:
    """Return tensors of one type."""
    return {name: TensorFacts(dtype, shape) for name, shape in shapes.items()}


@cache
def checkpoint(family: ModelFamily) -> Header:
    """Return the tensors of a checkpoint of the family."""
    return facts({k: v for part in checkpoint_parts(family).values() for k, v in part.items()})


@cache
def modules(family: ModelFamily) -> NetworkModules:
    """Return the modules of a checkpoint of the family."""
    return NetworkModules.of_checkpoint(checkpoint(family))


@cache
def folder(family: ModelFamily) -> Header:
    """Return the tensors of a folder of diffusers with the family's modules."""
    shapes: Shapes = {}
    for module in modules(family):
        for parameter in ("weight", "bias"):
            if (shape := getattr(module, parameter)) is not None:
                shapes[f"{module.network}/{module.name}.{parameter}"] = shape
    return facts(shapes)


def is_attention(module: NetworkModule) -> bool:
    """Tell whether a LoRA of the usual kind changes the module."""
    return "attn" in module.name and ".norm" not in module.name


def is_convolution(module: NetworkModule) -> bool:
    """Tell whether the module is a convolution of 3 × 3."""
    return module.weight is not None and module.weight[2:] == (3, 3)


def kohya(module: NetworkModule) -> str:
    """Return the prefix and name that kohya's scripts write, with diffusers' names of modules."""
    return _KOHYA[module.network] + module.name.replace(".", "_")


_KOHYA = {
    Network.UNET: "lora_unet_",
    Network.TEXT_ENCODER: "lora_te1_text_model_",
    Network.TEXT_ENCODER_2: "lora_te2_text_model_",
}


def original(module: NetworkModule, family: ModelFamily) -> str:
    """Return the original name of a UNet's module."""
    return _originals(family)[module.name]


def kohya_original(module: NetworkModule, family: ModelFamily) -> str:
    """Return the name that kohya's scripts write with the original names of the UNet's modules."""
    if module.network is not Network.UNET:
        return kohya(module)
    return "lora_unet_" + original(module, family).replace(".", "_")


@cache
def _originals(family: ModelFamily) -> dict[str, str]:
    return original_names({each.name for each in modules(family) if each.network is Network.UNET})


def dotted(module: NetworkModule) -> str:
    """Return the name that diffusers writes."""
    middle = "" if module.network is Network.UNET else "text_model."
    return f"{module.network}.{middle}{module.name}"


def low_rank(
    changed: Iterable[NetworkModule],
    name: Callable[[NetworkModule], str] = kohya,
    *,
    ends: tuple[str, str] = ("lora_down.weight", "lora_up.weight"),
    rank: int = 4,
    alpha: bool = True,
) -> Shapes:
    """Return the shapes of a LoRA of these modules."""
    shapes: Shapes = {}
    for module in changed:
        weight = module.weight
        assert weight is not None
        ones = (1,) * (len(weight) - 2)
        shapes[f"{name(module)}.{ends[0]}"] = (rank, *weight[1:])
        shapes[f"{name(module)}.{ends[1]}"] = (weight[0], rank, *ones)
        if alpha:
            shapes[f"{name(module)}.alpha"] = ()
    return shapes


def loha(module: NetworkModule, *, rank: int = 4, tucker: bool = False) -> Shapes:
    """Return the shapes of a LoHa of one module."""
    weight = module.weight
    assert weight is not None
    columns = weight[1] if tucker else prod(weight[1:])
    shapes: Shapes = {f"{kohya(module)}.alpha": ()}
    for number in (1, 2):
        left = (rank, weight[0]) if tucker else (weight[0], rank)
        shapes[f"{kohya(module)}.hada_w{number}_a"] = left
        shapes[f"{kohya(module)}.hada_w{number}_b"] = (rank, columns)
        if tucker:
            shapes[f"{kohya(module)}.hada_t{number}"] = (rank, rank, *weight[2:])
    return shapes
