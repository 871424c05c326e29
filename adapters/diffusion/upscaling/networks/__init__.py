"""The networks that enlarge pictures.

Each maps (n, 3, height, width), RGB from 0 to 1, to (n, 3, scale × height, scale × width), about 0
to 1. `domain.checkpoints.upscalers` says which one a file needs, and its numbers.
"""

from torch import nn

from adapters.diffusion.upscaling.networks.compact import CompactNetwork
from adapters.diffusion.upscaling.networks.rrdb import RrdbNetwork
from adapters.diffusion.upscaling.networks.span import SpanNetwork
from domain.checkpoints.upscalers import UpscalerArchitecture, UpscalerNetwork

__all__ = ["CompactNetwork", "RrdbNetwork", "SpanNetwork", "build_network"]


def build_network(facts: UpscalerNetwork) -> nn.Module:
    """Return the network with random weights."""
    if facts.architecture is UpscalerArchitecture.RRDB:
        return RrdbNetwork(facts)
    if facts.architecture is UpscalerArchitecture.SPAN:
        return SpanNetwork(facts)
    return CompactNetwork(facts)
