"""Finds the network of a file by its tensors, whatever table the file keeps them in."""

import dataclasses
from collections.abc import Mapping

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.upscalers.compact import find_compact
from domain.checkpoints.upscalers.network import UpscalerNetwork
from domain.checkpoints.upscalers.others import other_upscaler
from domain.checkpoints.upscalers.rrdb import find_rrdb
from domain.checkpoints.upscalers.span import find_span

__all__ = ["other_architecture", "upscaler_network"]

# BasicSR keeps the averages of the weights over the training (`params_ema`) beside the weights
# (`params`), and enlarges with the averages. Other trainers have other tables.
_TABLES = ("params_ema.", "params-ema.", "params.", "model_state_dict.", "net.")
# Parallel training adds the first to each name, and a training with a discriminator the second.
_PREFIXES = ("module.", "netG.")


def upscaler_network(tensors: Mapping[str, TensorFacts]) -> UpscalerNetwork | None:
    """Return the network that a file holds; None if the file is not an upscaler.

    Args:
        tensors: All tensors of the file, by name; names inside tables are joined with dots.

    Raises:
        UnusableUpscaler: The file is an upscaler that cannot be used.
    """
    prefix, tensors = _table(tensors)
    for find in (find_rrdb, find_span, find_compact):
        network = find(tensors)
        if network is not None:
            names = {own: f"{prefix}{name}" for own, name in network.names.items()}
            return dataclasses.replace(network, names=names)
    return None


def other_architecture(tensors: Mapping[str, TensorFacts]) -> tuple[str, str] | None:
    """Return the name of an upscaler's architecture that another library runs.

    The second text is the prefix of its tensors in the file. Returns None for another file.
    """
    prefix, tensors = _table(tensors)
    name = other_upscaler(tensors)
    return None if name is None else (name, prefix)


def _table(
    tensors: Mapping[str, TensorFacts],
) -> tuple[str, Mapping[str, TensorFacts]]:
    """Return the tensors of the network without their common prefix, and that prefix."""
    prefix = ""
    for table in _TABLES:
        if any(name.startswith(table) for name in tensors):
            prefix, tensors = table, _without(tensors, table)
            break
    for each in _PREFIXES:
        if tensors and all(name.startswith(each) for name in tensors):
            prefix, tensors = prefix + each, _without(tensors, each)
    return prefix, tensors


def _without(tensors: Mapping[str, TensorFacts], prefix: str) -> Mapping[str, TensorFacts]:
    return {
        name.removeprefix(prefix): facts
        for name, facts in tensors.items()
        if name.startswith(prefix)
    }
