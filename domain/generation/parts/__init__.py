"""What a request may carry beside its prompt: pictures to draw from, and models beside its own.

Each part is a value that checks itself. The service cannot draw with them yet: a request that
carries one is refused when it is admitted.
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
    InpaintArea,
    MaskContent,
    Preprocessor,
    ResizeMode,
    SourceImage,
)

__all__ = [
    "Control",
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
