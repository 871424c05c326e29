"""Networks that enlarge pictures: recognised, measured and bounded by their tensors alone.

Listing a file and loading it both ask `upscaler_network`, so they cannot disagree about a file.
"""

from domain.checkpoints.upscalers.finding import other_architecture, upscaler_network
from domain.checkpoints.upscalers.network import (
    MOST_WEIGHTS,
    SCALES,
    UnusableUpscaler,
    UpscalerArchitecture,
    UpscalerNetwork,
)
from domain.checkpoints.upscalers.others import needs_spandrel

__all__ = [
    "MOST_WEIGHTS",
    "SCALES",
    "UnusableUpscaler",
    "UpscalerArchitecture",
    "UpscalerNetwork",
    "needs_spandrel",
    "other_architecture",
    "upscaler_network",
]
