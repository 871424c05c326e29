"""Finds the tensors of a file that lie in none of its components."""

import re
from collections.abc import Iterable, Iterator, Sequence

from domain.checkpoints.sets.placed import PlacedComponent

__all__ = ["outside_names"]

_HARMLESS = re.compile(
    r"^(text_encoders\.([^.]{1,40}\.)?(logit_scale|text_projection|scaled_fp8|spiece_model)"
    r"|model_ema\..+|(scaled_fp8|global_step|alphas_cumprod|denoiser\.sigmas|v_pred))$"
)
"""What ComfyUI stores beside the networks of a checkpoint, the averages of a training, and the
tables and counters of a sampler or trainer."""


def outside_names(found: Sequence[PlacedComponent], names: Iterable[str]) -> Iterator[str]:
    """Yield the tensors of a file that no component has and that could change a picture.

    Args:
        found: The components in the file.
        names: The names of the tensors of the file.
    """
    prefixes = tuple(each.prefix for each in found)
    return (name for name in names if not name.startswith(prefixes) and not _HARMLESS.match(name))
