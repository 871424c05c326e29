"""The schemas of the routes that need no credential."""

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema

__all__ = ["HealthSchema", "IndexSchema", "ReadySchema"]


class IndexSchema(AnswerSchema):
    """The name, the version and the links of the service."""

    name = fields.String()
    version = fields.String()
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(metadata={"format": "uri-reference"}),
        metadata={"description": "Paths, by the name of what is there."},
    )


class HealthSchema(AnswerSchema):
    """The process answers."""

    status = fields.String(metadata={"const": "healthy"})
    version = fields.String()
    device = fields.String(
        allow_none=True,
        metadata={
            "description": "The device that draws, as torch names it; null until it is known."
        },
    )
    models = fields.Integer(metadata={"description": "The number of models that are listed."})
    loadable_models = fields.Integer(
        metadata={"description": "The number of models that can draw."}
    )


class ReadySchema(AnswerSchema):
    """A request would be drawn now."""

    status = fields.String(metadata={"const": "ready"})
    warnings = fields.List(
        fields.String(),
        metadata={"description": "What the operator should repair. The log has the details."},
    )
