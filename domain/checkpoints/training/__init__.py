"""Where a model says how it was trained to predict, and what it says.

Listing reads it. Loading takes it from the record.
"""

from domain.checkpoints.training.configuration import scheduler_fields
from domain.checkpoints.training.deciding import Source, Told, decided
from domain.checkpoints.training.original_yaml import told_by_yaml
from domain.checkpoints.training.schedulers import training_of_scheduler
from domain.checkpoints.training.tensors import EDM_MEAN, EDM_STD, PROBES, told_by_file
from domain.checkpoints.training.unusable import UnusableTraining

__all__ = [
    "EDM_MEAN",
    "EDM_STD",
    "PROBES",
    "Source",
    "Told",
    "UnusableTraining",
    "decided",
    "scheduler_fields",
    "told_by_file",
    "told_by_yaml",
    "training_of_scheduler",
]
