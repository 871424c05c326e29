"""Requests for pictures and their results, as values. These names are for users of the package."""

from domain.generation.output_formats import OutputFormat
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest
from domain.generation.result import GeneratedImage, Timings

__all__ = ["GeneratedImage", "GenerationRequest", "OutputFormat", "Raster", "Timings"]
