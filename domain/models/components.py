"""The component of a pipeline that a file holds, and the components that it needs beside it."""

from dataclasses import dataclass
from enum import StrEnum

from domain.models.stamps import FileStamp

__all__ = ["DRAWS", "Component", "ComponentType", "ModelMember", "Need"]

DRAWS = "transformer"
"""The role of the network that draws."""


class ComponentType(StrEnum):
    """The architecture of a component.

    Text encoders have the names of transformers, autoencoders those of diffusers. `TRANSFORMER` is
    any network that draws; its family says which one.
    """

    TRANSFORMER = "transformer"
    CLIP = "clip"
    T5 = "t5"
    QWEN_3 = "qwen-3"
    QWEN_2_5_VL = "qwen-2.5-vl"
    GEMMA_2 = "gemma-2"
    VAE_KL = "vae-kl"
    VAE_KL_FLUX_2 = "vae-kl-flux-2"
    VAE_QWEN_IMAGE = "vae-qwen-image"
    VAE_DC = "vae-dc"


@dataclass(frozen=True, slots=True)
class Need:
    """A component that a diffusion model needs beside it.

    Attributes:
        role: The name of the component in the pipeline of diffusers, such as `text_encoder_2`.
        type: Its architecture.
        width: The numbers that it gives for each token, or for each latent; None if any width fits.
        is_optional: Whether pictures can be drawn without it.
        kind: Which of several of that type and width, such as `FLUX.1` for a VAE, in words for a
            user. Empty if any of them fits.
    """

    role: str
    type: ComponentType
    width: int | None = None
    is_optional: bool = False
    kind: str = ""

    def fits(self, component: "Component") -> bool:
        """Return whether a component can be used here.

        A component whose header does not tell its kind fits. `is_certain` says so.
        """
        if component.type is not self.type or self.width not in (None, component.width):
            return False
        return not self.kind or component.kind in ("", self.kind)

    def is_certain(self, component: "Component") -> bool:
        """Return whether a component that fits is known to be of the kind that is needed."""
        return component.kind == self.kind or not self.kind


@dataclass(frozen=True, slots=True)
class Component:
    """What a file holds of a pipeline.

    Attributes:
        type: Its architecture.
        width: The numbers that it gives for each token, or for each latent.
        needs: What it needs beside it; empty for text encoders and autoencoders.
        pipeline: The class of diffusers that draws with it; None for other components.
        kind: Which of several of its type and width, as `Need.kind`; empty if nothing tells it.
        holds: The roles of its needs that the same file fills.
        variant: Which model of its family it is, as far as the header shows, such as `FLUX.1 dev`;
            empty if nothing tells it.
    """

    type: ComponentType
    width: int
    needs: tuple[Need, ...] = ()
    pipeline: str | None = None
    kind: str = ""
    holds: tuple[str, ...] = ()
    variant: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it draws, and its file fills every need that has to be filled."""
        needed = [need.role for need in self.needs if not need.is_optional]
        return bool(needed) and set(needed) <= set(self.holds)


@dataclass(frozen=True, slots=True)
class ModelMember:
    """A file of a model that consists of several files.

    Attributes:
        role: The name of the component in the pipeline of diffusers, such as `text_encoder_2`.
        id: The SHA-256 of the file.
        name: The name of the file.
        path: The path by which it can be opened.
        extension: Its extension in lower case, with its dot.
        size: Its size in bytes.
        stamp: As `ModelRecord.stamp`.
    """

    role: str
    id: str
    name: str
    path: str
    extension: str
    size: int
    stamp: FileStamp | None = None
