"""Weights that are stored as codes: how each form is recognised, and how codes become numbers.

A file's header is read twice, by listing and by loading. Both call `quantisation_of_file` or
`read_gguf` here, so they cannot disagree about the tensors that a plain file of the same model
would have.
"""

from domain.checkpoints.quantised.comfy import marker_names, quantisation_of_file
from domain.checkpoints.quantised.foreign import QUANTISED_BY_TYPE, quantisation_of
from domain.checkpoints.quantised.values import DEQUANTISED, Form, Layer, Quantisation

__all__ = [
    "DEQUANTISED",
    "QUANTISED_BY_TYPE",
    "Form",
    "Layer",
    "Quantisation",
    "marker_names",
    "quantisation_of",
    "quantisation_of_file",
]
