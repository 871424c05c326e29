"""The shapes of what anybody may see."""

from marshmallow import fields

from adapters.http.answers import AnswerSchema

__all__ = ["HealthSchema", "IndexSchema", "ReadySchema"]


class IndexSchema(AnswerSchema):
    """What there is."""

    name = fields.String()
    version = fields.String()
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(metadata={"format": "uri-reference"}),
        metadata={"description": "Paths, by what is there."},
    )


class HealthSchema(AnswerSchema):
    """That the process answers."""

    status = fields.String(metadata={"const": "healthy"})
    version = fields.String()
    device = fields.String(
        allow_none=True,
        metadata={"description": "What draws, as torch names it; null until it is known."},
    )
    models = fields.Integer(metadata={"description": "How many are listed."})
    loadable_models = fields.Integer(
        metadata={"description": "How many of them can be drawn with."}
    )


class ReadySchema(AnswerSchema):
    """That a request would be drawn now."""

    status = fields.String(metadata={"const": "ready"})
