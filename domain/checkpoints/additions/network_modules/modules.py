"""The modules of a checkpoint: their names in every naming, and their shapes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.checkpoints.additions.network_modules.text_encoders import (
    open_clip_names,
    transformers_tensors,
    used_layers,
)
from domain.checkpoints.additions.network_modules.unet import diffusers_names, original_names
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.names import with_modern_names

__all__ = ["Network", "NetworkModule", "NetworkModules", "Shape"]

Shape = tuple[int, ...]
_Tensors = Mapping[str, TensorFacts]


class Network(StrEnum):
    """A network of Stable Diffusion 1, 2 or XL, by the name of a pipeline's component."""

    UNET = "unet"
    TEXT_ENCODER = "text_encoder"
    TEXT_ENCODER_2 = "text_encoder_2"

    @property
    def in_words(self) -> str:
        """Its name in a sentence."""
        return _TITLES[self]


_TITLES = {
    Network.UNET: "UNet",
    Network.TEXT_ENCODER: "text encoder",
    Network.TEXT_ENCODER_2: "second text encoder",
}
_TEXT_MODEL = "text_model."


@dataclass(frozen=True, slots=True)
class NetworkModule:
    """A layer of a network.

    Attributes:
        network: The network.
        name: The name that diffusers or transformers gives it, without `text_model.`.
        weight: The shape of its weight; None without one.
        bias: The shape of its bias; None without one.
    """

    network: Network
    name: str
    weight: Shape | None = None
    bias: Shape | None = None


class NetworkModules:
    """The modules of the networks that a prompt passes through. An autoencoder is not among them.

    Args:
        modules: Every module once.
    """

    def __init__(self, modules: Iterable[NetworkModule]) -> None:
        self._all = tuple(modules)
        self._by_name: dict[Network, dict[str, NetworkModule]] = {}
        by_network: dict[Network, list[NetworkModule]] = {}
        for module in self._all:
            by_network.setdefault(module.network, []).append(module)
        for network, own in by_network.items():
            self._by_name[network] = dict(_named(network, own))

    @classmethod
    def of_checkpoint(cls, tensors: _Tensors) -> "NetworkModules":
        """Return the modules of a checkpoint.

        Args:
            tensors: The tensors of a file by the original names, or those of a folder by the part
                and the name in it, such as `unet/conv_in.weight`.
        """
        return cls(
            module
            for network, own in _networks(with_modern_names(tensors)).items()
            for module in _modules(network, own)
        )

    def __iter__(self) -> Iterator[NetworkModule]:
        return iter(self._all)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that there are."""
        return tuple(self._by_name)

    def find(self, name: str, network: Network) -> NetworkModule | None:
        """Return the module with this name; None if the network has no such module.

        Args:
            name: A name of any naming, with dots, or with underscores in their place. Such a name
                is ambiguous by itself, so it is looked up among the names that there are.
            network: The network to look in.
        """
        return self._by_name.get(network, {}).get(flat(name))


def flat(name: str) -> str:
    """Return the name with underscores in the place of dots, as kohya's scripts write it."""
    return name.replace(".", "_")


def _named(
    network: Network, modules: Iterable[NetworkModule]
) -> Iterator[tuple[str, NetworkModule]]:
    own = {module.name: module for module in modules}
    originals = original_names(own) if network is Network.UNET else {}
    for name, module in own.items():
        aliases = [name]
        if network is Network.UNET:
            aliases += [originals[name]] if name in originals else []
        else:
            aliases += [*open_clip_names(name), f"{_TEXT_MODEL}{name}"]
        for alias in aliases:
            yield flat(alias), module
            if alias.endswith(".to_out.0"):  # the layer after it is a dropout
                yield flat(alias.removesuffix(".0")), module


def _networks(tensors: _Tensors) -> dict[Network, dict[str, TensorFacts]]:
    """Return the tensors of each network, by the names of diffusers and transformers."""
    found: dict[Network, dict[str, TensorFacts]] = {}
    for prefix, network, renamed in _PLACES:
        own = {
            name.removeprefix(prefix): each
            for name, each in tensors.items()
            if name.startswith(prefix)
        }
        if own and network not in found:
            found[network] = renamed(own)
    return found


def _of_original_unet(tensors: _Tensors) -> dict[str, TensorFacts]:
    parts = {name: name.rpartition(".") for name in tensors}
    names = diffusers_names({module for module, _, _ in parts.values()})
    return {
        f"{names[module]}.{parameter}": tensors[name]
        for name, (module, _, parameter) in parts.items()
        if module in names
    }


def _of_transformers(tensors: _Tensors) -> dict[str, TensorFacts]:
    return {name.removeprefix(_TEXT_MODEL): each for name, each in tensors.items()}


def _of_stable_diffusion_2(tensors: _Tensors) -> dict[str, TensorFacts]:
    return transformers_tensors(used_layers(tensors))


_PLACES: tuple[tuple[str, Network, Callable[[_Tensors], dict[str, TensorFacts]]], ...] = (
    ("model.diffusion_model.", Network.UNET, _of_original_unet),
    ("unet/", Network.UNET, dict),
    ("cond_stage_model.transformer.", Network.TEXT_ENCODER, _of_transformers),
    ("cond_stage_model.model.", Network.TEXT_ENCODER, _of_stable_diffusion_2),
    ("conditioner.embedders.0.transformer.", Network.TEXT_ENCODER, _of_transformers),
    ("text_encoder/", Network.TEXT_ENCODER, _of_transformers),
    ("conditioner.embedders.1.model.", Network.TEXT_ENCODER_2, transformers_tensors),
    ("text_encoder_2/", Network.TEXT_ENCODER_2, _of_transformers),
)


def _modules(network: Network, tensors: _Tensors) -> Iterator[NetworkModule]:
    shapes: dict[str, dict[str, Shape]] = {}
    for name, each in tensors.items():
        module, _, parameter = name.rpartition(".")
        if parameter in ("weight", "bias"):
            shapes.setdefault(module, {})[parameter] = each.shape
    for module, own in shapes.items():
        yield NetworkModule(network, module, own.get("weight"), own.get("bias"))
