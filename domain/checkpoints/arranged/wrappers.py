"""Tables of weights inside the objects that trained them.

Parallel training adds `module.` to each name (torch, `DistributedDataParallel`), `torch.compile`
adds `_orig_mod.` and DeepSpeed `_forward_module.`. A trainer that keeps averages has them in a
table of their own, such as `ema` (lucidrains/ema-pytorch), `state_dict_ema` (timm) or
`averaged_model`, beside the table of the weights.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Tables", "plain_name", "tables_of"]

_UNET = "model.diffusion_model."
_MOST_TABLES = 64
"""The most networks in a file. The work for each tensor grows with their number."""
_INSIDE = re.compile(r"(?<![^.])(?:_orig_mod|_forward_module|_fsdp_wrapped_module)\.")
_AVERAGES = re.compile(r"(?:^|[._-])(?:ema|averaged?|swa|shadow)(?:[._-]|\d|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tables:
    """The beginnings of the names of a checkpoint's networks.

    Attributes:
        weights: That of the weights; None if the file has averages alone. An empty text is a file
            whose names begin with those of the original code.
        averages: That of the averages over the training; None if the file has none.
        others: Those of further networks. They are left out.
    """

    weights: str | None
    averages: str | None = None
    others: tuple[str, ...] = ()


def plain_name(name: str) -> str:
    """Return the name of a tensor without what wrappers add inside it."""
    return _INSIDE.sub("", name) if "_module." in name or "_orig_mod." in name else name


def tables_of(names: Iterable[str]) -> Tables | None:
    """Return the tables of a file that hold a UNet by the names of the original code.

    None if no table holds one, or more tables than any trainer writes. The names are `plain_name`s.
    """
    starts: dict[str, None] = {}
    for name in names:
        place = name.find(_UNET)
        if place == 0 or (place > 0 and name[place - 1] == "."):
            starts[name[:place]] = None
    if not 0 < len(starts) <= _MOST_TABLES:
        return None
    averages = [start for start in starts if _AVERAGES.search(start)]
    weights = [start for start in starts if start not in averages]
    # The shortest name is that of the model itself: `model.` beside `model.teacher.`.
    chosen = min(weights, key=len, default=None)
    average = min(averages, key=len, default=None)
    rest = tuple(start for start in starts if start not in (chosen, average))
    return Tables(chosen, average, rest)
