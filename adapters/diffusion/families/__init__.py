"""The checkpoint families that can be loaded from a single file."""

from adapters.diffusion.families.configuration import configuration_files
from domain.checkpoints.families import FAMILIES
from domain.checkpoints.names import with_modern_names
from domain.checkpoints.prediction import PROBE, Prediction, prediction_of

__all__ = [
    "FAMILIES",
    "PROBE",
    "Prediction",
    "configuration_files",
    "prediction_of",
    "with_modern_names",
]
