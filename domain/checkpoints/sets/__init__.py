"""Recognises the components of pipelines in files: networks that draw, text encoders, autoencoders.

`components_in` says which component lies under which prefix of a file. Listing uses it to find the
files that are together one model, and loading to take a component out of any file.
"""

from domain.checkpoints.sets.finding import components_in, names_of, placed_for
from domain.checkpoints.sets.placed import Layout, PlacedComponent
from domain.checkpoints.sets.words import component_words, need_words

__all__ = [
    "Layout",
    "PlacedComponent",
    "component_words",
    "components_in",
    "names_of",
    "need_words",
    "placed_for",
]
