"""The stages of a drawing: what every plan is made of.

A stage is one of these: text → latents, picture → latents, latents → latents, latents → pixels,
pixels → pixels. A plan lists the stages of each group of images that are drawn together. A new way
to draw is a new stage, or another list.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest

if TYPE_CHECKING:
    import torch

    from adapters.diffusion.drawing.progress import Progress

__all__ = ["Canvas", "Drawing", "DrawingPlan", "Group", "Stage"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One image to draw: that of `request` with this seed."""

    request: GenerationRequest
    seed: int


@dataclass(slots=True)
class Canvas:
    """The images of a group between two stages. Each stage reads it and changes it.

    Attributes:
        drawings: The images, in the order of every tensor and sequence here.
        generators: The source of noise of each image, on the CPU, so that a seed means the same on
            every device. All stages share it, so its noise depends on the order of the stages.
        latents: (n, channels, height / 8, width / 8) on the device; None before they exist, and
            after they were decoded.
        noise: The noise that `latents` got before their steps, (n, channels, height / 8, width / 8)
            in float32; None if they began as noise.
        pixels: (n, 3, height, width) on the device, 0 to 1, in any precision; None before latents
            are decoded, and after they became rasters.
        rasters: The pictures as bytes; empty before the pixels exist.
        said: Warnings for the callers of all these images, in order.
        still_working: Called by what takes long within a step. Its exception ends the drawing.
    """

    drawings: tuple[Drawing, ...]
    generators: "Sequence[torch.Generator]" = ()
    latents: Any = None
    noise: Any = None
    pixels: Any = None
    rasters: Sequence[Raster] = ()
    said: dict[str, None] = field(default_factory=dict)
    still_working: Callable[[], None] = lambda: None

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        self.said[text] = None


class Stage(ABC):
    """One part of the work on a group. `Engine` calls it in inference mode, after the others."""

    @property
    def steps(self) -> int | None:
        """The denoising steps that this stage takes; None if only its pipeline knows."""
        return 0

    @abstractmethod
    def __call__(self, canvas: Canvas, progress: "Progress") -> None:
        """Do the work. A stage with steps tells `progress` of each.

        Raises:
            GenerationFailed: The model cannot do this.
            OutOfMemory: It does not fit.
        """


@dataclass(frozen=True, slots=True)
class Group:
    """Images that are drawn together, and the stages that draw them, in order."""

    drawings: tuple[Drawing, ...]
    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int | None:
        """The denoising steps of all stages; None if only a pipeline knows."""
        steps = [stage.steps for stage in self.stages]
        return None if None in steps else sum(each for each in steps if each is not None)


@dataclass(frozen=True, slots=True)
class DrawingPlan:
    """How the images of some requests are drawn.

    Attributes:
        groups: In the order in which they are drawn. All have the same number of steps.
        sampler: The scheduler's name, as pictures carry it.
        warnings: What the caller of each request should know of its pictures; empty for nothing.
    """

    groups: tuple[Group, ...]
    sampler: str
    warnings: tuple[tuple[str, ...], ...] = ()
