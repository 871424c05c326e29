"""How models were trained: what their files, and files beside them, say."""

from adapters.filesystem.training.beside import ToldBeside, TrainingsBeside
from adapters.filesystem.training.header import told_by_header
from adapters.filesystem.training.recorded import RecordedTraining, recorded_training

__all__ = [
    "RecordedTraining",
    "ToldBeside",
    "TrainingsBeside",
    "recorded_training",
    "told_by_header",
]
