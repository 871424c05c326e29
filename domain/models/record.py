"""Model files, as the service knows them."""

import os
from dataclasses import dataclass
from enum import StrEnum

from domain.models.card import NO_CARD, ModelCard
from domain.samplers import DEFAULT_SCHEDULER, Scheduler
from domain.sizes import DEFAULT_MAX_PIXELS, LARGEST_SIDE, SMALLEST_SIDE, Size, SizeLimits

__all__ = [
    "SHORT_ID",
    "FileStamp",
    "ModelFamily",
    "ModelKind",
    "ModelPart",
    "ModelRecord",
    "PendingModel",
    "PendingState",
]


SHORT_ID = 10
"""As many first digits of an id as name a model to a person, and in a picture's parameters."""


class ModelKind(StrEnum):
    """What a model file is for."""

    CHECKPOINT = "checkpoint"
    LORA = "lora"
    VAE = "vae"
    EMBEDDING = "embedding"
    CONTROLNET = "controlnet"
    UNKNOWN = "unknown"


class ModelFamily(StrEnum):
    """Which published architecture a model file belongs to."""

    SD_1 = "sd-1"
    SD_1_INPAINT = "sd-1-inpaint"
    SD_2 = "sd-2"
    SD_2_V = "sd-2-v"
    SDXL = "sdxl"
    SDXL_REFINER = "sdxl-refiner"
    SDXL_INPAINT = "sdxl-inpaint"
    SD_3 = "sd-3"
    FLUX = "flux"


_TRAINED_LARGE = frozenset(
    {
        ModelFamily.SDXL,
        ModelFamily.SDXL_REFINER,
        ModelFamily.SDXL_INPAINT,
        ModelFamily.SD_3,
        ModelFamily.FLUX,
    }
)
_LARGE_SIDE = 1024
"""From this square on a model counts as trained large; Stable Diffusion 1 and 2 draw up to it."""
_OWN_SCHEDULER = frozenset({ModelFamily.SD_3, ModelFamily.FLUX})


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a file system says of a file, and what changes when the file is written or replaced.

    Times are nanoseconds. `changed_ns` (ctime) is there because `modified_ns` can be set back by
    whoever owns the file, and ctime can not.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileStamp":
        """The stamp in what `os.stat` or `os.fstat` returned."""
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )


@dataclass(frozen=True, slots=True)
class ModelPart:
    """A file of a model that is a folder: its path from there, with `/`, and its stamp."""

    path: str
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model: the bytes that `id` names, and where they lie.

    A model is a file, or a diffusers folder: one with a `model_index.json`. A folder's id is the
    SHA-256 of what `sha256sum` prints for its files, sorted by path: for each 64 hex digits, two
    blanks, the path from the folder, a line feed.

    Attributes:
        id: SHA-256 of the file's bytes, or a folder's as above; 64 lower-case hex digits.
        name: The file's or folder's name.
        size: Its size in bytes; a folder's is that of its files together.
        path: The model folder as it was configured, and the way from there; it can be opened.
        extension: The file's extension in lower case, with its dot; empty for a folder.
        kind: What it is for.
        family: Its architecture; None when that is not known.
        precision: The type of its weights by torch's name, `mixed` for several; None when unknown.
        reason: Why no picture can be drawn with it, for a user to read; None when one can.
        aliases: Further paths that hold the same bytes, sorted.
        stamp: The file's, from before its bytes were hashed until after; None when nothing
            vouches for the bytes, as in a test.
        parts: The files of a folder, sorted by path; empty for a file.
        native_size: Of the pictures that it was trained with; None when that is not known.
        max_pixels: Of a picture, as this service bounds it for any model.
        card: What the model says of itself.
        note: What whoever draws with it must know, to go on after its name; None for nothing.
    """

    id: str
    name: str
    size: int
    path: str
    extension: str
    kind: ModelKind = ModelKind.CHECKPOINT
    family: ModelFamily | None = None
    precision: str | None = None
    reason: str | None = None
    aliases: tuple[str, ...] = ()
    stamp: FileStamp | None = None
    parts: tuple[ModelPart, ...] = ()
    native_size: Size | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    card: ModelCard = NO_CARD
    note: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What each result that it draws must say of it."""
        return () if self.note is None else (f"{self.name} {self.note}",)

    @property
    def description(self) -> str | None:
        """What it draws, in a sentence; None when it does not say."""
        return self.card.description

    @property
    def sample_prompts(self) -> tuple[str, ...]:
        """Prompts that it draws well."""
        return self.card.sample_prompts

    @property
    def known_words(self) -> tuple[str, ...]:
        """The words that name what it draws; empty when it does not say."""
        return self.card.known_words

    @property
    def loadable(self) -> bool:
        """Whether a request can name it."""
        return self.reason is None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that holds these bytes, the first of them as `path`."""
        return (self.path, *self.aliases)

    @property
    def sizes(self) -> SizeLimits | None:
        """The sizes that it draws; None for what no picture can be drawn with.

        A model that was trained with 1024 × 1024 pixels draws up to 2048 a side. Any other draws
        up to 1024, where Stable Diffusion 1 already repeats what it shows.
        """
        if not self.loadable or self.kind is not ModelKind.CHECKPOINT:
            return None
        if self._is_trained_large:
            return SizeLimits(SMALLEST_SIDE, LARGEST_SIDE, self.max_pixels)
        return SizeLimits(SMALLEST_SIDE, _LARGE_SIDE, min(self.max_pixels, _LARGE_SIDE**2))

    @property
    def _is_trained_large(self) -> bool:
        if self.family in _TRAINED_LARGE:
            return True
        if self.native_size is not None:
            return self.native_size.pixels >= _LARGE_SIDE**2
        # A folder of no family that is known is newer than Stable Diffusion 2.
        return self.family is None and not self.extension

    @property
    def schedulers(self) -> tuple[Scheduler, ...]:
        """Those that a request can name with it.

        All of them where noise is taken away from latents as Stable Diffusion 1, 2 and XL do it,
        which every file that can be drawn with does. None with other folders: those that match
        flows (Stable Diffusion 3, FLUX) have a process of their own, for which these are not made,
        and the rest are drawn as their authors set them up.
        """
        if not self.loadable or self.kind is not ModelKind.CHECKPOINT:
            return ()
        is_folder = not self.extension
        if self.family in _OWN_SCHEDULER or (is_folder and self.family is None):
            return ()
        return tuple(Scheduler)

    @property
    def batches(self) -> bool:
        """Whether its pictures can be drawn together, each as it is alone.

        Those of pipelines that are drawn as their authors set them up can not: many fill a prompt
        up to the longest beside it.
        """
        return bool(self.schedulers)

    @property
    def default_scheduler(self) -> Scheduler | None:
        """What draws where a request names none; None for the model's own, which has no name here.

        Where a model's configuration asks for Karras' noise levels it has them by default.
        """
        return DEFAULT_SCHEDULER if self.schedulers else None


class PendingState(StrEnum):
    """What a file waits for before it is listed."""

    SETTLING = "settling"
    HASHING = "hashing"


@dataclass(frozen=True, slots=True)
class PendingModel:
    """A model file that is there and not listed yet.

    Attributes:
        name: The file's or folder's name.
        path: As of a `ModelRecord`.
        size: Bytes.
        state: What it waits for.
        hashed: Of these bytes those that are read.
        reason: Why it could not be read so far, for a user to read; None when it was not tried.
    """

    name: str
    path: str
    size: int
    state: PendingState
    hashed: int = 0
    reason: str | None = None
