"""The preprocessors that ControlNet's extension of the web UI calls modules.

Source of the names and of the sliders: sd-webui-controlnet 1.1.455,
`scripts/supported_preprocessor.py` and `scripts/preprocessor/legacy/preprocessor_compiled.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.generation.parts import Preprocessor

__all__ = [
    "MODULES",
    "NO_MODULE",
    "RESOLUTION",
    "RESOLUTIONS",
    "THRESHOLDS",
    "Module",
    "chosen_module",
    "preprocessor_of",
]

NO_MODULE = "none"
RESOLUTION = 512
"""The default of `processor_res`: pixels of the shorter side of the picture that is read."""
RESOLUTIONS = (128, 2048)
"""The least and the largest `processor_res`. Another value means the default."""
THRESHOLDS = (1, 255)
"""The least and the largest threshold. Another value means the default."""


@dataclass(frozen=True, slots=True)
class Module:
    """A preprocessor.

    Attributes:
        name: Its name, which is also that of this service's preprocessor.
        label: The name in the menu of the web UI.
        has_resolution: Whether it reads the picture at a resolution of its own.
        thresholds: The names of its thresholds in the menu, with their defaults.
    """

    name: str
    label: str
    has_resolution: bool = False
    thresholds: Mapping[str, int] | None = None

    @property
    def sliders(self) -> list[dict[str, object]]:
        """The sliders of the web UI, as `module_list` has them."""
        least, most = RESOLUTIONS
        resolution: dict[str, object] = {
            **{"name": "Resolution", "value": RESOLUTION, "min": least, "max": most, "step": 8}
        }
        least, most = THRESHOLDS
        return [
            *([resolution] if self.has_resolution else []),
            *(
                {"name": name, "value": value, "min": least, "max": most, "step": 1}
                for name, value in (self.thresholds or {}).items()
            ),
        ]


_CANNY = Preprocessor.OF_CANNY
MODULES = (
    Module(NO_MODULE, NO_MODULE),
    Module(
        "canny",
        "canny",
        has_resolution=True,
        thresholds={"Low Threshold": _CANNY["low"], "High Threshold": _CANNY["high"]},
    ),
    Module("invert", "invert (from white bg & black line)"),
)
"""The preprocessors, in the order of the menu."""
_BY_NAME = {name.lower(): each for each in MODULES for name in (each.name, each.label)}


def chosen_module(name: object) -> Module:
    """Return the module with this name or label, in upper or lower case; an empty one means none.

    Raises:
        ValueError: There is no such module. The message lists those that there are.
    """
    if name in (None, ""):
        return MODULES[0]
    found = _BY_NAME.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None:
        shown = ascii(name)[:60] if isinstance(name, str) else "not a text"
        names = ", ".join(each.name for each in MODULES)
        raise ValueError(
            f"is {shown}; the modules of this service are: {names}. With none, send the map itself"
        )
    return found


def preprocessor_of(module: Module, thresholds: Sequence[int]) -> Preprocessor | None:
    """Return this service's preprocessor; None for the map itself.

    Args:
        module: The module.
        thresholds: A value for each of its thresholds. One that is out of bounds means the default.
            The smaller one is the lower one, as OpenCV has it.
    """
    if module.name == NO_MODULE:
        return None
    if module.thresholds is None:
        return Preprocessor(name=module.name)
    least, most = THRESHOLDS
    pairs = zip(thresholds, module.thresholds.values(), strict=True)
    low, high = sorted(each if least <= each <= most else usual for each, usual in pairs)
    return Preprocessor(name=module.name, low=low, high=high)
