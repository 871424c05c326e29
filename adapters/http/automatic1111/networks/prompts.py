"""The networks that a prompt names, such as `<lora:name:0.8>`.

Source of the arguments: the web UI 1.10, `extensions-builtin/Lora/extra_networks_lora.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from domain.generation.parts import Lora
from domain.generation.parts.rules import MOST
from domain.prompts import ExtraNetwork, take_extra_networks

__all__ = ["AskedLora", "PromptNetworks", "network_in", "read_networks"]

_LORAS = ("lora", "lyco")
"""The kinds that name a LoRA. The second is of an extension for LyCORIS."""
_HYPERNETWORK = "hypernet"
_NAMED = frozenset({"te", "unet", "dyn"})
"""The named arguments of the web UI. Its extensions have others, such as weights of blocks."""
_SHOWN_ARGUMENT = 20
_SHOWN_CHARACTERS = 60
_SCALE = Lora.LIMITS["scale"]
_MOST = MOST["loras"]


@dataclass(frozen=True, slots=True)
class AskedLora:
    """A LoRA that a prompt names.

    Attributes:
        name: The name of its file, or another name of it.
        scale: The weight, within the limits of a request.
    """

    name: str
    scale: float


@dataclass(frozen=True, slots=True)
class PromptNetworks:
    """A prompt without the networks that it names.

    Attributes:
        text: The prompt that is drawn.
        loras: The LoRAs, in order. One may be named twice.
        problem: What is wrong with one of them; None if nothing is.
    """

    text: str
    loras: tuple[AskedLora, ...] = ()
    problem: str | None = None


def read_networks(prompt: str) -> PromptNetworks:
    """Take the networks out of a prompt, and read them."""
    text, networks = take_extra_networks(prompt)
    loras: list[AskedLora] = []
    for network in networks:
        try:
            loras.append(_lora(network))
        except ValueError as error:
            return PromptNetworks(text, (), f"holds {_shown(network)}, {error}")
    if len(loras) > _MOST:
        problem = f"names {len(loras)} LoRAs; a request has at most {_MOST}"
        return PromptNetworks(text, (), problem)
    if networks:  # a blank prompt draws like an empty one, which a request cannot have
        text = text.strip() or " "
    return PromptNetworks(text, tuple(loras))


def network_in(text: str) -> str | None:
    """Return the first network that a text names, as a message can show it; None without one."""
    _, networks = take_extra_networks(text)
    return _shown(networks[0]) if networks else None


def _lora(network: ExtraNetwork) -> AskedLora:
    """Return the LoRA that a network is. Raise ValueError if it cannot be one."""
    kind = network.kind.lower()
    if kind == _HYPERNETWORK:
        raise ValueError("and this service has no hypernetworks; leave it out")
    if kind not in _LORAS:
        raise ValueError("and this service has no such networks; leave it out")
    positional, named = network.positional, network.named
    name = positional[0].strip() if positional else ""
    if not name:
        raise ValueError("which names no LoRA; GET /sdapi/v1/loras lists all")
    of_texts = _weight(named, "te", positional, 1, 1.0)
    of_unet = _weight(named, "unet", positional, 2, of_texts)
    if of_unet != of_texts:
        raise ValueError(
            f"which weights the text encoders by {of_texts:g} and the UNet by {of_unet:g}; this "
            "service has one weight for both"
        )
    if len(positional) > 3 or "dyn" in named:
        raise ValueError("which limits the rank; this service has no such limit, so leave it out")
    if unknown := named.keys() - _NAMED:
        raise ValueError(
            f"whose {ascii(min(unknown))[:_SHOWN_ARGUMENT]} this service does not follow; leave it "
            "out"
        )
    if message := _SCALE.problem(of_texts):
        raise ValueError(f"whose weight {message}")
    return AskedLora(name, of_texts)


def _weight(
    named: Mapping[str, str], name: str, positional: tuple[str, ...], place: int, usual: float
) -> float:
    text = named.get(name) or (positional[place] if len(positional) > place else None)
    if text is None:
        return usual
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"whose weight is {ascii(text)[:20]}; it must be a number")
    return number


def _shown(network: ExtraNetwork) -> str:
    return ascii(f"<{network.kind}:{':'.join(network.arguments)}>")[1:-1][:_SHOWN_CHARACTERS]
