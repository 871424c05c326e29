"""The schemas of the device, how it draws, and the limits."""

from marshmallow import fields

from adapters.http.description.answers import AnswerSchema

__all__ = ["SystemSchema"]


class _PlanSchema(AnswerSchema):
    """How every picture is drawn."""

    device = fields.String()
    device_name = fields.String()
    memory_bytes = fields.Integer()
    backend = fields.String()
    dtype = fields.String()
    dtype_of_others = fields.String()
    vae_dtype = fields.String()
    vae_dtype_of_wide_range = fields.String()
    quantization = fields.String()
    memory_format = fields.String()
    attention = fields.String()
    vae_tiling = fields.String()
    offload = fields.String()
    compiled = fields.Boolean()
    threads = fields.Integer(allow_none=True)
    batch_limit = fields.Integer()


class _LoadedModelSchema(AnswerSchema):
    """A model that is loaded."""

    id = fields.String()
    size = fields.Integer()


class _LimitsSchema(AnswerSchema):
    """The settings that limit what the service takes and keeps; null for no limit."""

    max_queue = fields.Integer()
    max_queue_per_caller = fields.Integer(allow_none=True)
    max_waiting = fields.Integer()
    max_streams = fields.Integer()
    max_body_bytes = fields.Integer()
    max_picture_bytes = fields.Integer()
    max_pixels = fields.Integer()
    batch_wait_ms = fields.Integer(allow_none=True)
    model_cache_bytes = fields.Integer(allow_none=True)
    job_retention_seconds = fields.Integer()
    job_retention_bytes = fields.Integer()


class SystemSchema(AnswerSchema):
    """The device, how it draws, and the limits. `plan` is null until the device is known."""

    name = fields.String()
    version = fields.String()
    versions = fields.Dict(keys=fields.String(), values=fields.String())
    plan = fields.Nested(_PlanSchema, allow_none=True)
    loaded_models = fields.List(fields.Nested(_LoadedModelSchema))
    limits = fields.Nested(_LimitsSchema)
