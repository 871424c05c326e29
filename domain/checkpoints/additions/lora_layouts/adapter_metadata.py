"""The scales of a LoRA that diffusers saved, in its metadata.

diffusers writes PEFT's configuration of each network into `lora_adapter_metadata`
(`loaders/lora_base.py`), and no tensor `alpha`. PEFT's scale of a change is `lora_alpha` / rank, or
`lora_alpha` / √rank with `use_rslora` (`tuners/lora/layer.py`).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.checkpoints.additions.network_modules import Network
from domain.checkpoints.configurations.json_text import UnusableConfiguration, json_object

__all__ = ["AdapterScales", "adapter_scales"]

_KEY = "lora_adapter_metadata"
_TEXT_MODEL = "text_model."
"""transformers puts all modules of a text encoder into this one. Not all names have it."""
_PLAIN = re.compile(r"[\w.]+")


@dataclass(frozen=True, slots=True)
class AdapterScales:
    """The scales of the changes of a file. Without metadata each is 1."""

    _fields: Mapping[str, Any] = field(default_factory=dict)

    def factor(self, network: Network, module: str, rank: int) -> float:
        """Return the factor of a change.

        Args:
            network: The network of the module.
            module: The name of the module, as diffusers or transformers writes it, with or without
                `text_model.` at its start.
            rank: The rank of the change.

        Raises:
            UnusableConfiguration: The metadata gives no number that can be a factor, or names
                modules by an expression.
        """
        alpha = self._alpha(network, module)
        if alpha is None:
            return 1.0
        is_number = isinstance(alpha, int | float) and not isinstance(alpha, bool)
        if not is_number or not math.isfinite(alpha) or alpha == 0:
            raise UnusableConfiguration(f"its {_KEY} says that alpha is {str(alpha)[:40]}")
        is_of_root = self._fields.get(f"{network}.use_rslora") is True
        return float(alpha) / (math.sqrt(rank) if is_of_root else rank)

    def _alpha(self, network: Network, module: str) -> Any:
        module = module.removeprefix(_TEXT_MODEL)
        patterns = self._fields.get(f"{network}.alpha_pattern")
        for pattern, alpha in patterns.items() if isinstance(patterns, dict) else ():
            # PEFT reads it as an expression. The names that diffusers writes are plain ones.
            named = pattern.removeprefix("^").removesuffix("$").replace("\\.", ".")
            if not _PLAIN.fullmatch(named):
                raise UnusableConfiguration(
                    f"its {_KEY} gives an alpha to modules by the expression {pattern[:80]!a}; "
                    "only names of modules are read"
                )
            named = named.removeprefix(_TEXT_MODEL)
            if module == named or module.endswith(f".{named}"):
                return alpha
        return self._fields.get(f"{network}.lora_alpha")


def adapter_scales(metadata: Mapping[str, str]) -> AdapterScales:
    """Return the scales in the metadata of a file.

    Raises:
        UnusableConfiguration: The metadata has the entry, and it is not an object of JSON.
    """
    text = metadata.get(_KEY)
    return AdapterScales() if text is None else AdapterScales(json_object(_KEY, text.encode()))
