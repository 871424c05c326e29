"""The parts of a request besides its prompt: source pictures and additional models.

Each part is a value that checks itself. `domain.services.request_checks` refuses a request with a
part that nothing draws with yet.
"""

from domain.generation.parts.additions import (
    Embedding,
    Lora,
    PromptSyntax,
    SecondPass,
    Upscale,
)
from domain.generation.parts.pictures import (
    Control,
    ControlMode,
    InpaintArea,
    MaskContent,
    Preprocessor,
    ResizeMode,
    SourceImage,
)

__all__ = [
    "Control",
    "ControlMode",
    "Embedding",
    "InpaintArea",
    "Lora",
    "MaskContent",
    "Preprocessor",
    "PromptSyntax",
    "ResizeMode",
    "SecondPass",
    "SourceImage",
    "Upscale",
]
