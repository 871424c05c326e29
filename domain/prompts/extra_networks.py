"""Networks that a prompt names: `<lora:name:0.8>`.

The syntax is that of `extra_networks.py` in AUTOMATIC1111's web UI: a kind, and arguments between
colons. An argument is positional, or named: `te=0.5`.
"""

import re
from dataclasses import dataclass

__all__ = ["ExtraNetwork", "take_extra_networks"]

_BEGINNING = re.compile(r"<(\w+):")


@dataclass(frozen=True, slots=True)
class ExtraNetwork:
    """One network of a prompt.

    Attributes:
        kind: The word before the first colon, as it is written: `lora`.
        arguments: The texts between the colons after it, as they are written; at least one.
    """

    kind: str
    arguments: tuple[str, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The arguments without a name, in order. For `lora`: the name, the weight of the text
        encoders, the weight of the UNet, and the rank."""
        return tuple(each for each in self.arguments if each.count("=") != 1)

    @property
    def named(self) -> dict[str, str]:
        """The arguments `name=value`; of a name given twice the last. For `lora`: `te` and `unet`
        for the weights, and `dyn` for the rank. They take precedence over positional ones."""
        return dict(each.split("=") for each in self.arguments if each.count("=") == 1)


def take_extra_networks(text: str) -> tuple[str, tuple[ExtraNetwork, ...]]:
    """Return the text without its networks, and the networks in order.

    The blanks around a network stay. `<kind:>` and a network without its `>` are text.
    """
    kept, networks, done = [], [], 0
    while (beginning := _BEGINNING.search(text, done)) is not None:
        end = text.find(">", beginning.end())
        if end < 0:
            break
        if end == beginning.end():
            kept.append(text[done:end])
            done = end
            continue
        kept.append(text[done : beginning.start()])
        arguments = text[beginning.end() : end].split(":")
        networks.append(ExtraNetwork(beginning[1], tuple(arguments)))
        done = end + 1
    return "".join((*kept, text[done:])), tuple(networks)
