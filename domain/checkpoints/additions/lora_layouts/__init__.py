"""The files of LoRAs: what each tensor is, by name and shape, in the layouts of all trainers."""

from domain.checkpoints.additions.lora_layouts.forms import Form, Role
from domain.checkpoints.additions.lora_layouts.matching import LoraMatch, MatchedModule, match_lora
from domain.checkpoints.additions.lora_layouts.reading import LoraFile, LoraModule, read_lora

__all__ = [
    "Form",
    "LoraFile",
    "LoraMatch",
    "LoraModule",
    "MatchedModule",
    "Role",
    "match_lora",
    "read_lora",
]
