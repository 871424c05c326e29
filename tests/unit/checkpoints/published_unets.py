"""The UNets of published models that differ from those of their families.

Sources: segmind/SSD-1B and segmind/Segmind-Vega (also ComfyUI, `model_detection.py`, and
`convert_sdxl_to_ssd` of AUTOMATIC1111's web UI); etri-vilab's KOALA (ComfyUI);
Nota-NetsPresso/BK-SDM (`src/unet_config`), whose base is Segmind's small-sd, and whose tiny is
Segmind's tiny-sd (`segmind/distill-sd`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from domain.checkpoints.families import FAMILIES, UnetFacts
from domain.models.kinds import ModelFamily

__all__ = ["PUBLISHED", "PublishedUnet"]


@dataclass(frozen=True)
class PublishedUnet:
    """A UNet, and how many numbers its publisher says that it has; None if nobody says."""

    family: ModelFamily
    facts: UnetFacts
    parameters: int | None = None


_XL = FAMILIES[ModelFamily.SDXL].unet
_ONE = FAMILIES[ModelFamily.SD_1].unet
_TWO = FAMILIES[ModelFamily.SD_2_V].unet
_SMALL = replace(_ONE, down=((1,), (1,), (1,), (0,)), up=((0, 0), (1, 1), (1, 1), (1, 1)), middle=1)


def _three(unet: UnetFacts, heads: tuple[int, ...]) -> UnetFacts:
    return replace(
        unet,
        widths=(320, 640, 1280),
        heads=heads,
        down=((1,), (1,), (1,)),
        up=((1, 1), (1, 1), (1, 1)),
        middle=None,
    )


PUBLISHED: Mapping[str, PublishedUnet] = MappingProxyType(
    {
        "SSD-1B": PublishedUnet(
            ModelFamily.SDXL,
            replace(
                _XL,
                down=((0, 0), (2, 2), (4, 4)),
                up=((4, 4, 10), (2, 1, 1), (0, 0, 0)),
                middle=0,
            ),
        ),
        "Segmind Vega": PublishedUnet(
            ModelFamily.SDXL,
            replace(
                _XL,
                down=((0, 0), (1, 1), (2, 2)),
                up=((2, 2, 2), (1, 1, 1), (0, 0, 0)),
                middle=0,
            ),
        ),
        "KOALA 700M": PublishedUnet(
            ModelFamily.SDXL,
            replace(_XL, down=((0,), (2,), (5,)), up=((5, 5), (2, 2), (0, 0)), middle=None),
        ),
        "KOALA 1B": PublishedUnet(
            ModelFamily.SDXL,
            replace(_XL, down=((0,), (2,), (6,)), up=((6, 6), (2, 2), (0, 0)), middle=6),
        ),
        # The numbers of parameters are those of the README of segmind/distill-sd.
        "small-sd": PublishedUnet(ModelFamily.SD_1, _SMALL, 579_384_964),
        "tiny-sd": PublishedUnet(ModelFamily.SD_1, _three(_ONE, (8, 8, 8)), 323_384_964),
        "BK-SDM Small": PublishedUnet(ModelFamily.SD_1, replace(_SMALL, middle=None)),
        "BK-SDM v2 Tiny": PublishedUnet(ModelFamily.SD_2_V, _three(_TWO, (5, 10, 20))),
        # 859,520,964 parameters, as segmind/distill-sd says of Stable Diffusion 1, and 320 × 256.
        "LCM": PublishedUnet(ModelFamily.SD_1, replace(_ONE, guided=256), 859_520_964 + 320 * 256),
        "unCLIP L": PublishedUnet(ModelFamily.SD_2_V, replace(_TWO, picture=1536)),
        "unCLIP H": PublishedUnet(ModelFamily.SD_2_V, replace(_TWO, picture=2048)),
    }
)
