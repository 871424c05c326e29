"""`/sdapi/v1/options`."""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from marshmallow import INCLUDE, Schema, fields

from adapters.http.automatic1111.checkpoints import CHECKPOINT_NAME, title
from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.names import named_format
from adapters.http.automatic1111.options.callers_options import (
    CLIP_SKIP_OPTION,
    VAE_OPTION,
    CallersOptions,
    Options,
)
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.automatic1111.unsupported import refused_settings
from adapters.http.automatic1111.values.numbers import as_number
from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.auth import current_principal, protect, require_scope
from adapters.http.edge.bodies import Blueprint
from domain.credentials import Scope
from domain.errors import (
    FieldProblem,
    InvalidRequest,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
    NoModel,
)
from domain.generation.output_formats import OutputFormat
from domain.generation.parts.rules import PLAIN
from domain.generation.request import GenerationRequest
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["options_blueprint"]

_CHECKPOINT = "sd_model_checkpoint"
_CLIP_SKIP = CLIP_SKIP_OPTION
_FORMAT = "samples_format"
_QUALITY = "jpeg_quality"


class _SdapiSetOptionsSchema(Schema):
    """The options to change. You can send back what `GET` answered, with one option changed.

    `sd_model_checkpoint`, `sd_vae`, `CLIP_stop_at_last_layers`, `samples_format` and `jpeg_quality`
    are kept. Another option that would change pictures is refused, unless it has the value that
    always applies here. The rest is ignored.
    """

    class Meta:
        unknown = INCLUDE


class _SdapiOptionsSchema(AnswerSchema):
    """The options of your own requests."""

    sd_model_checkpoint = fields.String(
        allow_none=True,
        metadata={"description": "The checkpoint that draws; null if there is none."},
    )
    sd_checkpoint_hash = fields.String(
        allow_none=True, metadata={"description": "The SHA-256 of that checkpoint."}
    )
    sd_vae = fields.String(
        metadata={
            "description": "The VAE that decodes; `Automatic` or `None` for the checkpoint's own."
        }
    )
    CLIP_stop_at_last_layers = fields.Integer(
        metadata={"description": "The layer of the text encoder, counted from its end."}
    )
    samples_format = fields.String()
    jpeg_quality = fields.Integer()


def options_blueprint(
    registry: ModelRegistry, options: CallersOptions, checker: CredentialChecker
) -> Blueprint:
    """`/sdapi/v1/options`."""
    blueprint = Blueprint(
        "sdapi_options",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: options.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/options")
    @blueprint.response(HTTPStatus.OK, _SdapiOptionsSchema)
    def get_options() -> dict[str, object]:
        """Your options. A request can override each of them."""
        return _shown(options.of(current_principal().name), registry)

    @blueprint.post("/options")
    @blueprint.raises(ModelNotFound, ModelsNotRead, ModelNotLoadable)
    @blueprint.arguments(_SdapiSetOptionsSchema, required=False)
    @blueprint.response(
        HTTPStatus.OK, {"type": "null"}, description="The options are set, for your own requests."
    )
    def set_options(wanted: dict[str, Any]) -> Response:
        """Set options for your own requests, until the service restarts.

        They decide what is drawn, so they need the scope `inference:run` too.
        """
        require_scope(Scope.INFERENCE_RUN)
        options.set(current_principal().name, **_changes(wanted, options))
        return jsonify(None)

    return blueprint


def _shown(held: Options, registry: ModelRegistry) -> dict[str, object]:
    """Return the options. They show a chosen checkpoint that is gone: requests still name it."""
    model_id = name = None
    clip_skip = held.clip_skip
    if held.checkpoint is not None:
        model_id, name = held.checkpoint.model_id, held.checkpoint.title
    try:
        model = held.model(registry)
    except (ModelNotFound, ModelsNotRead, NoModel):
        pass
    else:
        model_id, name = model.id, name or title(model)
        clip_skip = clip_skip or model.defaults.clip_skip
    return {
        _CHECKPOINT: name,
        "sd_checkpoint_hash": model_id,
        VAE_OPTION: held.vae.title,
        _CLIP_SKIP: clip_skip or 1,
        _FORMAT: held.samples_format.value,
        _QUALITY: held.jpeg_quality,
    }


def _changes(wanted: dict[str, Any], options: CallersOptions) -> dict[str, object]:
    """Return the options of `wanted` to keep. Raise InvalidRequest for the wrong ones."""
    sent = {name: value for name, value in wanted.items() if value is not None}
    problems = [FieldProblem(name, text) for name, (text,) in refused_settings(sent)]
    changes: dict[str, object] = {}
    if _FORMAT in sent:
        changes[_FORMAT] = named_format(sent[_FORMAT])
    if _QUALITY in sent:
        changes[_QUALITY] = sent[_QUALITY]
    if _CLIP_SKIP in sent:
        sent[_CLIP_SKIP] = changes["clip_skip"] = as_number(sent[_CLIP_SKIP]) or 1
    checks = {
        _CHECKPOINT: CHECKPOINT_NAME.problem,
        VAE_OPTION: CHECKPOINT_NAME.problem,
        _CLIP_SKIP: PLAIN["clip_skip"].problem,
        _FORMAT: GenerationRequest.LIMITS["output_format"].problem,
        _QUALITY: GenerationRequest.LIMITS["quality"].problem,
    }
    for name, problem in checks.items():
        if name in sent and (message := problem(changes.get(name, sent[name]))):
            problems.append(FieldProblem(name, message))
    if problems:
        raise InvalidRequest(problems)
    if _FORMAT in changes:
        changes[_FORMAT] = OutputFormat(str(changes[_FORMAT]))
    if VAE_OPTION in sent:
        changes["vae"] = options.choose_vae(sent[VAE_OPTION])
    if _CHECKPOINT in sent:
        changes["checkpoint"] = options.choose(sent[_CHECKPOINT])
    return changes
