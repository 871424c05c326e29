"""The schemas of models."""

from marshmallow import Schema, fields

from adapters.http.description.answers import AnswerSchema
from domain.models.record import ModelFamily, ModelInput, ModelKind, PendingState
from domain.models.training import Prediction
from domain.samplers import Scheduler

__all__ = ["ModelListSchema", "ModelQuerySchema", "ModelSchema"]


def _text(description: str, *, allow_none: bool = False) -> fields.String:
    return fields.String(metadata={"description": description}, allow_none=allow_none)


class _SizeSchema(AnswerSchema):
    """A size in pixels."""

    width = fields.Integer()
    height = fields.Integer()


class _SizeLimitsSchema(AnswerSchema):
    """The sizes that a model draws, in pixels."""

    min = fields.Integer(metadata={"description": "The smallest width and height."})
    max = fields.Integer(metadata={"description": "The largest width and height."})
    max_pixels = fields.Integer(metadata={"description": "The largest width × height."})


class _ModelDefaultsSchema(AnswerSchema):
    """The values for fields that a request leaves out; null for those of the service."""

    num_inference_steps = fields.Integer(allow_none=True)
    guidance_scale = fields.Float(allow_none=True)
    scheduler = fields.Enum(Scheduler, by_value=True, allow_none=True)
    clip_skip = fields.Integer(allow_none=True)
    vae_id = _text("The id of the VAE that draws; null for the VAE in the file.", allow_none=True)


class _ModelSettingsSchema(AnswerSchema):
    """The table of the operator in `MODEL_SETTINGS`; null for what it does not say."""

    name = _text("The name of the table.")
    prediction_type = fields.Enum(Prediction, by_value=True, allow_none=True)
    zero_terminal_snr = fields.Boolean(allow_none=True)
    num_inference_steps = fields.Integer(allow_none=True)
    guidance_scale = fields.Float(allow_none=True)
    scheduler = fields.Enum(Scheduler, by_value=True, allow_none=True)
    clip_skip = fields.Integer(allow_none=True)
    vae = fields.String(allow_none=True)
    aliases = fields.List(fields.String())
    description = fields.String(allow_none=True)


class _MemberSchema(AnswerSchema):
    """A file of a set."""

    role = _text("The component of the pipeline, by the name that diffusers gives it.")
    id = _text("The id of the file.")
    name = _text("The name of the file.")


class ModelSchema(AnswerSchema):
    """A model: a file, a diffusers folder, or a set of files. Its id names the bytes."""

    id = fields.String(
        metadata={
            "description": "SHA-256 of the file, of a folder's files, or of the ids of a set's "
            "files.",
            "pattern": "^[0-9a-f]{64}$",
        }
    )
    name = _text("The name of the file or folder.")
    size = fields.Integer(metadata={"description": "Bytes.", "minimum": 0})
    path = _text("The path: the folder as `MODEL_DIRS` has it, then the path inside it.")
    extension = _text("The extension of the file, with its dot; empty for a folder.")
    kind = fields.Enum(
        ModelKind,
        by_value=True,
        metadata={
            "description": "What the model is for. Only a checkpoint can draw. The file of a "
            "`diffusion_model` draws together with others, as a further model."
        },
    )
    family = fields.Enum(
        ModelFamily,
        by_value=True,
        allow_none=True,
        metadata={"description": "The architecture; null if it is not known."},
    )
    base = fields.Enum(
        ModelFamily,
        by_value=True,
        allow_none=True,
        metadata={
            "description": "The family of the checkpoints that an add-on is for, or that a "
            "checkpoint is a variant of: an add-on fits checkpoints with the same `base`. Null if "
            "it is not known; the shapes then decide."
        },
    )
    precision = _text("The type of the weights; null if it is not known.", allow_none=True)
    loadable = fields.Boolean(
        metadata={"description": "Whether the model can draw, as the `model_id` of a request."}
    )
    reason = _text("Why the model cannot draw; null if it can.", allow_none=True)
    usable = fields.Boolean(
        metadata={
            "description": "Whether a request can name the model at all: as its `model_id`, or "
            "beside it, as with a LoRA or an upscaler."
        }
    )
    inputs = fields.List(
        fields.Enum(ModelInput, by_value=True),
        metadata={
            "description": "What the model draws from: `text` alone, an `image` with text, and an "
            "image with a `mask`. Empty if it cannot draw."
        },
    )
    scale = fields.Integer(
        allow_none=True,
        metadata={
            "description": "The factor by which an upscaler enlarges each side; null for other "
            "kinds."
        },
    )
    rank = fields.Integer(
        allow_none=True,
        metadata={"description": "The largest rank of a LoRA's matrices; null if it has none."},
    )
    trigger_words = fields.List(
        fields.String(),
        metadata={
            "description": "Words that call for what a LoRA was trained with, the best ones first; "
            "empty if the file does not say."
        },
    )
    aliases = fields.List(
        fields.String(), metadata={"description": "Other paths with the same bytes."}
    )
    members = fields.List(
        fields.Nested(_MemberSchema),
        metadata={
            "description": "The file of each component, if the model consists of components in "
            "files of their own, or of several in one file; empty for any other model."
        },
    )
    schedulers = fields.List(
        fields.Enum(Scheduler, by_value=True),
        metadata={"description": "The schedulers that a request can name for this model."},
    )
    default_scheduler = fields.Enum(
        Scheduler,
        by_value=True,
        allow_none=True,
        metadata={
            "description": "The scheduler that draws if a request names none; null if the model "
            "has its own."
        },
    )
    prediction_type = fields.Enum(
        Prediction,
        by_value=True,
        allow_none=True,
        metadata={
            "description": "What the network predicts, by which schedulers fit it; null if the "
            "model lists no schedulers."
        },
    )
    defaults = fields.Nested(
        _ModelDefaultsSchema,
        metadata={
            "description": "The values of the model for fields that a request leaves out; null for "
            "those of the service."
        },
    )
    settings = fields.Nested(
        _ModelSettingsSchema,
        allow_none=True,
        metadata={
            "description": "What the operator says of the model in `MODEL_SETTINGS`; null for "
            "nothing."
        },
    )
    warnings = fields.List(
        fields.String(),
        metadata={"description": "What each result of the model says; often empty."},
    )
    native_size = fields.Nested(
        _SizeSchema,
        allow_none=True,
        metadata={
            "description": "The size that the model was trained with; null if it is not known."
        },
    )
    sizes = fields.Nested(
        _SizeLimitsSchema,
        allow_none=True,
        metadata={"description": "The sizes that the model draws; null if it cannot draw."},
    )
    description = _text("What the model draws; null if the model does not say.", allow_none=True)
    sample_prompts = fields.List(
        fields.String(), metadata={"description": "Prompts that the model draws well."}
    )
    known_words = fields.List(
        fields.String(),
        metadata={
            "description": "The words that name what the model draws; empty if the model does "
            "not say. A prompt with none of them gets a warning."
        },
    )


class ModelQuerySchema(Schema):
    """Which models to list; all by default."""

    kind = fields.Enum(
        ModelKind,
        by_value=True,
        error_messages={"unknown": "must be one of: {choices}"},
        metadata={"description": "List only models of this kind."},
    )


class _PendingModelSchema(AnswerSchema):
    """A model file that was found and is not listed yet."""

    name = fields.String()
    path = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})
    state = fields.Enum(PendingState, by_value=True)
    hashed = fields.Integer(metadata={"description": "The number of bytes that are read so far."})
    reason = _text("Why the file cannot be listed yet; null if nothing is wrong.", allow_none=True)


class ModelListSchema(AnswerSchema):
    """The models, sorted by path, and the files that are still being read."""

    models = fields.List(fields.Nested(ModelSchema))
    count = fields.Integer()
    pending = fields.List(fields.Nested(_PendingModelSchema))
