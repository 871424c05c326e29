"""The published checkpoint families, as far as a single file of theirs is loaded here."""

from adapters.diffusion.families.configuration import configuration_files
from adapters.diffusion.families.facts import FAMILIES
from adapters.diffusion.families.names import with_modern_names
from adapters.diffusion.families.prediction import Prediction, prediction_of

__all__ = [
    "FAMILIES",
    "Prediction",
    "configuration_files",
    "prediction_of",
    "with_modern_names",
]
