"""The service's records of model files."""

from dataclasses import dataclass

from domain.models.card import NO_CARD, ModelCard
from domain.models.components import Component, ModelMember
from domain.models.defaults import NO_DEFAULTS, ModelDefaults
from domain.models.distilled import Distilled
from domain.models.fitting_schedulers import fitting_default, fitting_schedulers
from domain.models.kinds import ModelFamily, ModelInput, ModelKind
from domain.models.pending import PendingModel, PendingState
from domain.models.settings import ModelSettings
from domain.models.stamps import FileStamp, ModelPart
from domain.models.training import Prediction, Training
from domain.samplers import Scheduler
from domain.sizes import DEFAULT_MAX_PIXELS, LARGEST_SIDE, SMALLEST_SIDE, Size, SizeLimits

__all__ = [
    "SHORT_ID",
    "FileStamp",
    "ModelDefaults",
    "ModelFamily",
    "ModelInput",
    "ModelKind",
    "ModelPart",
    "ModelRecord",
    "PendingModel",
    "PendingState",
]


SHORT_ID = 10
"""The number of first digits of an id that people see, also in a picture's parameters."""


_TRAINED_LARGE = frozenset(
    {
        ModelFamily.SDXL,
        ModelFamily.SDXL_REFINER,
        ModelFamily.SDXL_INPAINT,
        ModelFamily.SDXL_PIX2PIX,
        ModelFamily.SD_3,
        ModelFamily.FLUX,
        ModelFamily.FLUX_2,
        ModelFamily.CHROMA,
        ModelFamily.Z_IMAGE,
        ModelFamily.QWEN_IMAGE,
        ModelFamily.LUMINA_2,
        ModelFamily.SANA,
    }
)
_LARGE_SIDE = 1024
"""A model that was trained with squares of this side counts as large. Stable Diffusion 1 and 2 draw
pictures up to this side."""
_OWN_SCHEDULER = frozenset(
    {
        *(ModelFamily.SD_3, ModelFamily.FLUX, ModelFamily.FLUX_2, ModelFamily.CHROMA),
        *(ModelFamily.Z_IMAGE, ModelFamily.QWEN_IMAGE, ModelFamily.LUMINA_2, ModelFamily.SANA),
    }
)
_PIX2PIX = frozenset({ModelFamily.SD_1_PIX2PIX, ModelFamily.SDXL_PIX2PIX})
"""The families of InstructPix2Pix (Brooks et al. 2022), whose UNet takes eight channels: the noisy
latents, and those of the picture that the prompt changes."""


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model: the bytes that `id` names, and their paths.

    A model is a file, or a diffusers folder, which has a `model_index.json`. The id of a folder is
    the SHA-256 of the output of `sha256sum` for its files, sorted by path. The output has a line
    for each file: 64 hex digits, two blanks, the path inside the folder, and a line feed.

    A model can also be a set: a diffusion model, and the text encoders and the autoencoder that it
    needs, each in a file of its own. The id of a set is the SHA-256 of the ids of its files,
    sorted, each followed by a line feed. Its name, path and extension are those of the diffusion
    model, whose own record has the kind `diffusion_model`.

    Attributes:
        id: SHA-256 of the file's bytes, or a folder's as above; 64 lower-case hex digits.
        name: The file's or folder's name.
        size: Its size in bytes; for a folder the sum of its files.
        path: The path by which it can be opened: the configured folder and the path inside it.
        extension: The file's extension in lower case, with its dot; empty for a folder.
        kind: What it is for.
        family: Its architecture; None if it is not known.
        precision: The type of its weights by torch's name, `mixed` for several types; None if it
            is not known.
        reason: Why the model cannot draw, for a user to read; None if it can.
        aliases: Further paths with the same bytes, sorted.
        stamp: The stamp of the file, which was the same before and after its bytes were hashed.
            None if the file was not compared, as in a test.
        parts: The files of a folder, sorted by path; empty for a file.
        native_size: The size of the pictures of its training; None if it is not known.
        max_pixels: The most pixels of a picture, as the service is configured.
        card: The model's description of itself.
        note: A note for users, as a sentence without its subject, the model's name; None for none.
        is_companion: Whether a request can name it beside a checkpoint, as it can an upscaler.
        scale: The factor by which an upscaler enlarges each side. None for other kinds, for an
            upscaler that cannot be used, and for one that tells its factor only when it is loaded.
        pipeline_inputs: What its pipeline draws from, if it is a checkpoint.
        base: The base family: that of the checkpoints that an add-on is for, or that a checkpoint
            is a variant of (see `base_family`). None if it is not known.
        trigger_words: Words that call for what a LoRA was trained with, the best ones first; empty
            if its metadata has none.
        rank: The largest rank of the matrices of a LoRA; None for other models, and for a LoRA
            without such matrices.
        training: How it was trained to predict; None if its family or its folder decides.
        defaults: Its values for the fields of a request that are left out.
        lacks_vae: Whether its file holds no VAE, so that it draws with a VAE of another file alone.
        settings: What the operator says of it; None for nothing.
        problems: What of the operator's settings and of a VAE beside it is not followed, each a
            sentence without its subject, the model's name.
        component: The component of a pipeline that the file holds; None for other files.
        parameters: The numbers of its networks; None if they are not known.
        members: The files of a set, the diffusion model first; empty for any other model.
        distilled: What is known of a checkpoint that was made to draw in few steps; None for other
            models.
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
    is_companion: bool = False
    scale: int | None = None
    pipeline_inputs: tuple[ModelInput, ...] = tuple(ModelInput)
    base: ModelFamily | None = None
    trigger_words: tuple[str, ...] = ()
    rank: int | None = None
    training: Training | None = None
    defaults: ModelDefaults = NO_DEFAULTS
    lacks_vae: bool = False
    settings: ModelSettings | None = None
    problems: tuple[str, ...] = ()
    component: Component | None = None
    parameters: int | None = None
    members: tuple[ModelMember, ...] = ()
    distilled: Distilled | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings that each result of this model has."""
        hint = None if self.made_for_few_steps is None else self.made_for_few_steps.note
        notes = (self.note, hint, *self.problems)
        return tuple(f"{self.name} {each}" for each in notes if each is not None)

    @property
    def made_for_few_steps(self) -> Distilled | None:
        """What is known of its distillation. None if the operator has set steps or guidance."""
        told = self.settings
        if told is not None and (told.num_inference_steps or told.guidance_scale) is not None:
            return None
        return self.distilled

    @property
    def description(self) -> str | None:
        """What it draws, in a sentence; None if the model does not say."""
        return self.card.description

    @property
    def sample_prompts(self) -> tuple[str, ...]:
        """Prompts that it draws well."""
        return self.card.sample_prompts

    @property
    def known_words(self) -> tuple[str, ...]:
        """The words that name what it draws; empty if the model does not say."""
        return self.card.known_words

    @property
    def loadable(self) -> bool:
        """Whether a request can name it as the model that draws."""
        return self.reason is None

    @property
    def usable(self) -> bool:
        """Whether a request can name it, as the model that draws or beside it."""
        return self.loadable or self.is_companion

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """What it draws from; empty if it cannot draw."""
        if not self.loadable or self.kind is not ModelKind.CHECKPOINT:
            return ()
        if self.takes_image_guidance:
            return tuple(each for each in self.pipeline_inputs if each is not ModelInput.TEXT)
        return self.pipeline_inputs

    @property
    def takes_image_guidance(self) -> bool:
        """Whether a request may have an `image_guidance_scale`.

        These models change a picture as the prompt says, and cannot draw without a picture.
        """
        return self.family in _PIX2PIX

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path with these bytes; the first is `path`."""
        return (self.path, *self.aliases)

    @property
    def sizes(self) -> SizeLimits | None:
        """The sizes that it draws; None if it cannot draw.

        A model that was trained with 1024 × 1024 pixels draws up to 2048 pixels a side. Any other
        model draws up to 1024, where Stable Diffusion 1 already repeats parts of the picture.
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
        # A folder of an unknown family is newer than Stable Diffusion 2, and so is a set.
        return bool(self.members) or (self.family is None and not self.extension)

    @property
    def schedulers(self) -> tuple[Scheduler, ...]:
        """The schedulers that a request can name for this model.

        Models that remove noise from latents as Stable Diffusion 1, 2 and XL do have those that fit
        their training. Every file that can draw is such a model. Other folders have none: Stable
        Diffusion 3 and FLUX have a process of their own, and the rest draw with their authors'
        configuration. Sets are such models too.
        """
        if not self.loadable or self.kind is not ModelKind.CHECKPOINT:
            return ()
        is_folder = not self.extension
        if self.family in _OWN_SCHEDULER or self.members or (is_folder and self.family is None):
            return ()
        return fitting_schedulers(self.training)

    @property
    def prediction_type(self) -> Prediction | None:
        """What its network predicts; None for a model without schedulers."""
        if not self.schedulers:
            return None
        if self.training is not None and self.training.prediction is not None:
            return self.training.prediction
        is_velocity = self.family is ModelFamily.SD_2_V
        return Prediction.VELOCITY if is_velocity else Prediction.EPSILON

    @property
    def fewest_steps(self) -> int:
        """The fewest steps of a drawing.

        Qwen-Image's schedule is stretched so that its last step begins at a given level of noise
        (`shift_terminal`). A single step begins at pure noise, and nothing can be stretched.
        """
        return 2 if self.family is ModelFamily.QWEN_IMAGE else 1

    @property
    def batches(self) -> bool:
        """Whether its pictures can be drawn together without a change of any picture.

        Pipelines that draw with their authors' configuration cannot: many pad a prompt to the
        length of the longest prompt of the batch.
        """
        return bool(self.schedulers)

    @property
    def default_scheduler(self) -> Scheduler | None:
        """The default scheduler of requests; None for the model's own, which has no name here.

        It is DPM++ 2M, unless the training fixes another one. It has Karras' noise levels if the
        model's configuration names them.
        """
        if not self.schedulers:
            return None
        return self.defaults.scheduler or fitting_default(self.training)
