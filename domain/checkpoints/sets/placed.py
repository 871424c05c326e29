"""A component under a prefix of a file, and a view of the tensors under a prefix."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.checkpoints.header_values import TensorFacts
from domain.models.components import Component, ComponentType, Need
from domain.models.kinds import ModelFamily

__all__ = ["SQUARE", "Layout", "PlacedComponent", "Recogniser", "View", "transformer"]

SQUARE = 4
"""The latents of a token: a square of 2 × 2, as most transformers take them."""
_PIPELINES: Mapping[ModelFamily, str] = MappingProxyType(
    {
        ModelFamily.FLUX: "FluxPipeline",
        ModelFamily.FLUX_2: "Flux2KleinPipeline",
        ModelFamily.SD_3: "StableDiffusion3Pipeline",
        ModelFamily.CHROMA: "ChromaPipeline",
        ModelFamily.Z_IMAGE: "ZImagePipeline",
        ModelFamily.QWEN_IMAGE: "QwenImagePipeline",
        ModelFamily.LUMINA_2: "Lumina2Pipeline",
        ModelFamily.SANA: "SanaPipeline",
    }
)
"""The class of diffusers that draws each family."""


class Layout(StrEnum):
    """Whose names the tensors of a component have.

    `original` stands for the names of the authors' code, which ComfyUI reads. Those of a text
    encoder are `open-clip`, `transformers`, or `bare`: transformers' names of a CLIP without
    `text_model.`.
    """

    ORIGINAL = "original"
    DIFFUSERS = "diffusers"
    TRANSFORMERS = "transformers"
    OPEN_CLIP = "open-clip"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class PlacedComponent:
    """A component in a file.

    Attributes:
        component: What it is, and what it needs.
        prefix: What precedes the name of each of its tensors in the file. The `model.` of a
            language model and the `text_model.` of a CLIP belong to the names.
        layout: Whose names follow the prefix.
        family: The family of a network that draws; None for other components.
        problem: Why nothing here can draw with it, for a user to read; None if it can be used.
    """

    component: Component
    prefix: str
    layout: Layout
    family: ModelFamily | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The tensors of a file whose names begin with a prefix."""

    tensors: Mapping[str, TensorFacts]
    prefix: str = ""

    def has(self, *names: str) -> bool:
        """Return whether it has all of these tensors."""
        return all(self.prefix + name in self.tensors for name in names)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor; an empty one if it is missing."""
        facts = self.tensors.get(self.prefix + name)
        return () if facts is None else facts.shape

    def rows(self, name: str) -> int:
        """Return the first dimension of a tensor; 0 if it has none."""
        return next(iter(self.shape(name)), 0)

    def columns(self, name: str) -> int:
        """Return the second dimension of a tensor; 0 if it has none."""
        shape = self.shape(name)
        return shape[1] if len(shape) >= 2 else 0

    def names(self) -> Iterable[str]:
        """Return the names without the prefix."""
        start = len(self.prefix)
        return (name[start:] for name in self.tensors if name.startswith(self.prefix))

    def has_any(self, *starts: str) -> bool:
        """Return whether the name of any tensor begins with one of these."""
        found = tuple(self.prefix + start for start in starts)
        return any(name.startswith(found) for name in self.tensors)


Recogniser = Callable[[View], PlacedComponent | None]
"""Returns the component in a view of a file, or None if it holds another one."""


def transformer(
    view: View,
    layout: Layout,
    family: ModelFamily,
    channels: int,
    needs: tuple[Need, ...],
    problem: str | None = None,
    *,
    variant: str = "",
) -> PlacedComponent:
    """Return a network that draws.

    Args:
        view: The tensors of the file that it lies among.
        layout: Whose names they have.
        family: Its family.
        channels: The channels of its latents.
        needs: What it needs beside it.
        problem: Why nothing here can draw with it; None if it can be used.
        variant: As `Component.variant`.
    """
    component = Component(
        ComponentType.TRANSFORMER, channels, needs, _PIPELINES[family], variant=variant
    )
    return PlacedComponent(component, view.prefix, layout, family, problem)
