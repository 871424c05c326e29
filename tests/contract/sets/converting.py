"""Files of the original names, and what diffusers' own conversions make of their rows.

The tensors of a file are numbered: each row holds a number that no other row of the file has. The
numbers that arrive in the converted tensors say which rows each of them takes.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any

__all__ = ["converted", "original"]

Table = Mapping[str, tuple[int, ...]]


def converted(
    converter: str, table: Table, config: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the numbered tensors of a file, and the numbers in each tensor of the network.

    Args:
        converter: The name of diffusers' function.
        table: The names and shapes of the file.
        config: The configuration of the network.
    """
    import torch
    from diffusers.loaders import single_file_utils

    first = count(1)
    numbered = {}
    for name, shape in table.items():
        rows = shape[0] if shape else 1
        numbers = torch.tensor([next(first) for _ in range(rows)], dtype=torch.float64)
        numbered[name] = numbers.reshape(rows, *(1 for _ in shape[1:])) if shape else numbers[0]
    given = dict(numbered)
    if converter == "convert_ldm_vae_checkpoint":  # it does not know the names that FLUX.2 adds
        moved = {
            "encoder.quant_conv.": "quant_conv.",
            "decoder.post_quant_conv.": "post_quant_conv.",
        }
        for old, new in moved.items():
            for last in ("weight", "bias"):
                given[new + last] = given.pop(old + last)
    statistics = {name: given.pop(name) for name in list(given) if name.startswith("bn.")}
    found = getattr(single_file_utils, converter)(checkpoint=given, config=dict(config))
    return numbered, {**found, **statistics}


def original(
    converter: str, table: Table, config: Mapping[str, Any], network: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the tensors of a file that diffusers converts to those of a network.

    Args:
        converter: As of `converted`.
        table: As of `converted`. What the network does not take is filled with random numbers.
        config: As of `converted`.
        network: The tensors of the network by name.
    """
    import torch

    numbered, found = converted(converter, table, config)
    places = {
        int(number): (name, row)
        for name, numbers in numbered.items()
        for row, number in enumerate(numbers.flatten().tolist())
    }
    file = {name: torch.rand(shape) for name, shape in table.items()}
    for own, numbers in found.items():
        for row, number in enumerate(numbers.flatten().tolist()):
            name, place = places[int(number)]
            tensor = network[own]
            file[name][place] = tensor[row].reshape(file[name][place].shape)
    return file
