"""The shapes of models."""

from marshmallow import Schema, fields

from adapters.http.answers import AnswerSchema
from domain.models import ModelFamily, ModelKind, PendingState
from domain.schedulers import Scheduler

__all__ = ["ModelListSchema", "ModelQuerySchema", "ModelSchema"]


def _text(description: str, *, allow_none: bool = False) -> fields.String:
    return fields.String(metadata={"description": description}, allow_none=allow_none)


class _SizeSchema(AnswerSchema):
    """A size in pixels."""

    width = fields.Integer()
    height = fields.Integer()


class _SizeLimitsSchema(AnswerSchema):
    """The sizes that a model draws, in pixels."""

    min = fields.Integer(metadata={"description": "Of a side, at least."})
    max = fields.Integer(metadata={"description": "Of a side, at most."})
    max_pixels = fields.Integer(metadata={"description": "Width times height, at most."})


class ModelSchema(AnswerSchema):
    """A model: a file, or a diffusers folder. Its id names the bytes."""

    id = fields.String(
        metadata={
            "description": "SHA-256 of the file, or of a folder's files.",
            "pattern": "^[0-9a-f]{64}$",
        }
    )
    name = _text("The file's name.")
    size = fields.Integer(metadata={"description": "Bytes.", "minimum": 0})
    path = _text("The folder as `MODEL_DIRS` writes it, and the way from there.")
    extension = _text("Of the file, with its dot; empty for a folder.")
    kind = fields.Enum(ModelKind, by_value=True, metadata={"description": "What it is for."})
    family = fields.Enum(
        ModelFamily,
        by_value=True,
        allow_none=True,
        metadata={"description": "Its architecture; null when that is not known."},
    )
    precision = _text("The type of its weights; null when that is not known.", allow_none=True)
    loadable = fields.Boolean(
        metadata={"description": "Whether it can be the `model_id` of a request."}
    )
    reason = _text("Why no picture can be drawn with it; null when one can.", allow_none=True)
    aliases = fields.List(
        fields.String(), metadata={"description": "Further paths with the same bytes."}
    )
    schedulers = fields.List(
        fields.Enum(Scheduler, by_value=True),
        metadata={"description": "Those that a request can name with it."},
    )
    default_scheduler = fields.Enum(
        Scheduler,
        by_value=True,
        allow_none=True,
        metadata={"description": "What draws when none is named; null for the model's own."},
    )
    native_size = fields.Nested(
        _SizeSchema,
        allow_none=True,
        metadata={"description": "The size that it was trained with; null when not known."},
    )
    sizes = fields.Nested(
        _SizeLimitsSchema,
        allow_none=True,
        metadata={"description": "The sizes that it draws; null where it draws none."},
    )
    description = _text("What it draws; null when the model does not say.", allow_none=True)
    sample_prompts = fields.List(
        fields.String(), metadata={"description": "Prompts that it draws well."}
    )
    known_words = fields.List(
        fields.String(),
        metadata={
            "description": "The words that name what it draws; empty when the model does not say. "
            "A prompt without any of them is drawn with a warning."
        },
    )


class ModelQuerySchema(Schema):
    """Which models to list; all when nothing is asked for."""

    kind = fields.Enum(
        ModelKind,
        by_value=True,
        error_messages={"unknown": "must be one of: {choices}"},
        metadata={"description": "List this kind alone."},
    )


class _PendingModelSchema(AnswerSchema):
    """A model file that is there and not listed yet."""

    name = fields.String()
    path = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})
    state = fields.Enum(PendingState, by_value=True)
    hashed = fields.Integer(metadata={"description": "Bytes that are read."})
    reason = _text("Why it could not be read so far; null when it was not tried.", allow_none=True)


class ModelListSchema(AnswerSchema):
    """The models, sorted by path, and the files that will be."""

    models = fields.List(fields.Nested(ModelSchema))
    count = fields.Integer()
    pending = fields.List(fields.Nested(_PendingModelSchema))
