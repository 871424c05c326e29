"""Whether a LoRA fits a checkpoint."""

from collections.abc import Mapping

from domain.checkpoints.additions.fit import Fit
from domain.checkpoints.additions.lora_layouts import match_lora, read_lora
from domain.checkpoints.additions.network_modules import NetworkModules
from domain.checkpoints.header_values import TensorFacts

__all__ = ["fit"]


def fit(addon: Mapping[str, TensorFacts], checkpoint: Mapping[str, TensorFacts]) -> Fit:
    """Return whether a LoRA fits a checkpoint.

    Args:
        addon: The tensors of the add-on, by the names in its file.
        checkpoint: The tensors of the checkpoint, by the names of the original code or, in a
            folder, by the part and the name in it, such as `unet/conv_in.weight`.
    """
    match = match_lora(read_lora(addon), NetworkModules.of_checkpoint(checkpoint))
    return Fit(match.problem, match.warnings)
