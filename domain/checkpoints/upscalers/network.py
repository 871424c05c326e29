"""The facts of an upscaler's network, and the limits of networks that are accepted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "LARGEST",
    "MOST_WEIGHTS",
    "SCALES",
    "UnusableUpscaler",
    "UpscalerArchitecture",
    "UpscalerNetwork",
]

SCALES = range(1, 9)
"""The factors by which a network may enlarge each side."""
MOST_WEIGHTS = 64_000_000
"""The most weights of a network. ESRGAN has 16.7 million."""
_ANYWHERE = 1_000_000
"""The reach of a network with attention: any pixel of its source can change any other."""
LARGEST = {"features": 512, "growth": 256, "blocks": 128}
"""The largest numbers of a network. Published ones have up to 128 features and 32 blocks."""


class UnusableUpscaler(Exception):
    """A file has the tensors of an upscaler that cannot be used.

    Attributes:
        reason: Why, as a sentence for a user.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UpscalerArchitecture(StrEnum):
    """The known networks."""

    RRDB = "RRDB"
    COMPACT = "compact"
    SPAN = "SPAN"
    OTHER = "other"
    """A network that another library runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerNetwork:
    """A network that enlarges RGB pictures.

    Attributes:
        architecture: Its forward pass.
        scale: The factor by which it enlarges each side.
        features: Channels between its layers.
        blocks: Repeated blocks: RRDBs, convolutions of a compact network, SPABs.
        growth: Channels that each convolution of an RRDB adds.
        unshuffle: The side of the squares of pixels that become channels first; 1 for none.
        with_shortcuts: Whether dense blocks have the additional paths of ESRGAN+.
        normalises: Whether it subtracts the mean colour of its training pictures.
        names: The name of each weight in the file, by the name in the network.
    """

    architecture: UpscalerArchitecture
    scale: int
    features: int
    blocks: int
    growth: int = 0
    unshuffle: int = 1
    with_shortcuts: bool = False
    normalises: bool = False
    names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def reach(self) -> int:
        """How many pixels away a pixel of the source can change the result, on each side.

        Each convolution of 3 × 3 reaches one pixel farther at its own resolution.
        """
        if self.architecture is UpscalerArchitecture.OTHER:
            return _ANYWHERE
        if self.architecture is UpscalerArchitecture.COMPACT:
            return self.blocks + 2  # one convolution before the blocks, and one after them
        if self.architecture is UpscalerArchitecture.SPAN:
            return 3 * self.blocks + 3
        # Three dense blocks of five convolutions each, two convolutions round them, and those at
        # higher resolutions, which reach less than three pixels of the source together.
        return (15 * self.blocks + 5) * self.unshuffle
