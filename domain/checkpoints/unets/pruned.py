"""The blocks of published UNets that lack some of their family's.

Sources: the configurations of segmind/SSD-1B, segmind/Segmind-Vega and etri-vilab's KOALA, which
ComfyUI counts too (`model_detection.py`), and those of Nota-NetsPresso/BK-SDM (`src/unet_config`).
Segmind's small-sd has the blocks of BK-SDM Base, and its tiny-sd those of BK-SDM Tiny
(segmind/distill-sd).
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.checkpoints.unets.facts import Depths, UnetFacts

__all__ = ["PRUNED", "pruned_name"]

_Blocks = tuple[Depths, Depths, int | None]
_BK_DOWN: Depths = ((1,), (1,), (1,), (0,))
_BK_UP: Depths = ((0, 0), (1, 1), (1, 1), (1, 1))

PRUNED: Mapping[str, _Blocks] = MappingProxyType(
    {
        "SSD-1B": (((0, 0), (2, 2), (4, 4)), ((4, 4, 10), (2, 1, 1), (0, 0, 0)), 0),
        "Segmind Vega": (((0, 0), (1, 1), (2, 2)), ((2, 2, 2), (1, 1, 1), (0, 0, 0)), 0),
        "KOALA 700M": (((0,), (2,), (5,)), ((5, 5), (2, 2), (0, 0)), None),
        "KOALA 1B": (((0,), (2,), (6,)), ((6, 6), (2, 2), (0, 0)), 6),
        "BK-SDM Base": (_BK_DOWN, _BK_UP, 1),
        "BK-SDM Small": (_BK_DOWN, _BK_UP, None),
        "BK-SDM Tiny": (((1,), (1,), (1,)), ((1, 1), (1, 1), (1, 1)), None),
    }
)
"""The depths on the way down and up, and of the middle, by the name of the model."""


def pruned_name(unet: UnetFacts) -> str | None:
    """Return the name of the published model with these blocks; None if none has them."""
    blocks = (unet.down, unet.up, unet.middle)
    return next((name for name, known in PRUNED.items() if known == blocks), None)
