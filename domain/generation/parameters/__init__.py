"""The parameters of a picture, as the text that Stable Diffusion tools write into pictures.

The form is AUTOMATIC1111's (`modules/infotext_utils.py`): the prompt, the negative prompt, and a
line of settings. Both prompts may have several lines.
"""

from domain.generation.parameters.reading import parse_parameters
from domain.generation.parameters.writing import (
    PictureParameters,
    enlarged_text,
    parameters_text,
)

__all__ = ["PictureParameters", "enlarged_text", "parameters_text", "parse_parameters"]
