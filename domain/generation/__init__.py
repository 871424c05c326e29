"""Requests for pictures and their results. Programs that use the package may import these names."""

from domain.generation.output_formats import OutputFormat
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest
from domain.generation.result import GeneratedImage, Timings

__all__ = ["GeneratedImage", "GenerationRequest", "OutputFormat", "Raster", "Timings"]
