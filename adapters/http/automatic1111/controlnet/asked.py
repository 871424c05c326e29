"""What a request says of ControlNet, after its fields are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.generation.parts import ControlMode, Preprocessor, ResizeMode

__all__ = ["AskedControl", "AskedControls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedControl:
    """A unit of ControlNet.

    Attributes:
        place: Where the unit is in the body, such as `alwayson_scripts.ControlNet.args[0]`.
        model: The name of a ControlNet.
        image: The picture file; None for the picture that the drawing starts from.
        mask: A mask of the picture; None without one.
        scale: The weight.
        start: The share of the schedule before which it has no effect.
        end: The share of the schedule after which it has no effect.
        preprocessor: How the map is made; None if the picture is the map.
        resize_mode: How the picture gets the size of the request.
        mode: Whether the prompt or the ControlNet is more important.
        has_map: Whether the answer has the map, after the pictures.
        resolution: The resolution at which the preprocessor reads the picture; None if it is that
            of the request.
    """

    place: str
    model: str
    image: bytes | None = field(repr=False)
    mask: bytes | None = field(repr=False)
    scale: float
    start: float
    end: float
    preprocessor: Preprocessor | None
    resize_mode: ResizeMode
    mode: ControlMode
    has_map: bool
    resolution: int | None


@dataclass(frozen=True, slots=True)
class AskedControls:
    """What a request says of ControlNet.

    Attributes:
        units: The units that are switched on.
        ignored: The fields of units that have no effect, by their places in the body.
        problems: What is wrong with each field, by its place in the body.
    """

    units: tuple[AskedControl, ...] = ()
    ignored: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
