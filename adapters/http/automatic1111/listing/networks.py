"""The lists of what a request can name beside the checkpoint: LoRAs, embeddings, VAEs, scripts.

Source of shapes: the web UI 1.10, `modules/api/models.py` and
`extensions-builtin/Lora/scripts/lora_script.py`.
"""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from marshmallow import fields

from adapters.http.automatic1111.checkpoints import stem
from adapters.http.automatic1111.errors import SdapiErrorSchema
from adapters.http.automatic1111.listing.scripts import (
    SdapiScriptInfoSchema,
    SdapiScriptsSchema,
    script_info,
    scripts,
)
from adapters.http.automatic1111.networks import Mismatch, named_models, usable, vaes
from adapters.http.automatic1111.options import CallersOptions
from adapters.http.automatic1111.prefix import PREFIX
from adapters.http.description.answers import AnswerSchema
from adapters.http.edge.auth import current_principal, protect
from adapters.http.edge.bodies import Blueprint
from domain.checkpoints.additions.embedding_layout import embedding_layout
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.credentials import Scope
from domain.errors import DomainError, ModelNotFound, ModelsNotRead, NoModel
from domain.models.record import ModelKind, ModelRecord
from domain.ports.model_headers import ModelHeaders
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["networks_blueprint"]


class _SdapiLoraSchema(AnswerSchema):
    """A LoRA in the form of AUTOMATIC1111's API."""

    name = fields.String(metadata={"description": "The name in `<lora:name:0.8>`."})
    alias = fields.String(metadata={"description": "The same name."})
    path = fields.String()
    metadata = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={
            "description": "`modelspec.trigger_phrase` has the words that call for what the LoRA "
            "was trained with, if its file has any."
        },
    )


class _SdapiVaeSchema(AnswerSchema):
    """A VAE in the form of AUTOMATIC1111's API."""

    model_name = fields.String(metadata={"description": "The name in `sd_vae`."})
    filename = fields.String(metadata={"description": "The path."})


class _SdapiEmbeddingSchema(AnswerSchema):
    """An embedding in the form of AUTOMATIC1111's API."""

    step = fields.Constant(None, metadata={"const": None, "description": "Not known."})
    sd_checkpoint = fields.Constant(None, metadata={"const": None})
    sd_checkpoint_name = fields.Constant(None, metadata={"const": None})
    shape = fields.Integer(
        allow_none=True, metadata={"description": "The numbers of a vector; null if not known."}
    )
    vectors = fields.Integer(
        allow_none=True,
        metadata={"description": "The vectors that its word stands for; null if not known."},
    )


class _SdapiEmbeddingsSchema(AnswerSchema):
    """The embeddings by their words."""

    loaded = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(_SdapiEmbeddingSchema),
        metadata={"description": "Those that fit the checkpoint of your options."},
    )
    skipped = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(_SdapiEmbeddingSchema),
        metadata={"description": "Those that do not fit it. Their words are plain words."},
    )


def networks_blueprint(
    registry: ModelRegistry,
    options: CallersOptions,
    headers: ModelHeaders,
    mismatch: Mismatch,
    checker: CredentialChecker,
) -> Blueprint:
    """`/sdapi/v1/loras`, `embeddings`, `sd-vae`, `scripts` and `script-info`."""
    blueprint = Blueprint(
        "sdapi_networks",
        __name__,
        url_prefix=PREFIX,
        description="AUTOMATIC1111's API: what a request can add to the checkpoint.",
        error_schema=SdapiErrorSchema,
    )
    protect(blueprint, checker, Scope.MODELS_READ, basic=True)

    @blueprint.get("/loras")
    @blueprint.response(HTTPStatus.OK, _SdapiLoraSchema(many=True))
    def list_loras() -> list[dict[str, object]]:
        """The LoRAs that a prompt can name."""
        loras = named_models(registry, ModelKind.LORA, stem)
        return [_lora(name, model) for name, model in loras.items()]

    @blueprint.get("/sd-vae")
    @blueprint.response(HTTPStatus.OK, _SdapiVaeSchema(many=True))
    def list_vaes() -> list[dict[str, str]]:
        """The VAEs."""
        return [
            {"model_name": name, "filename": model.path} for name, model in vaes(registry).items()
        ]

    @blueprint.get("/embeddings")
    @blueprint.response(HTTPStatus.OK, _SdapiEmbeddingsSchema)
    def list_embeddings() -> dict[str, dict[str, object]]:
        """The embeddings. Each is a word of a prompt."""
        try:
            checkpoint = options.of(current_principal().name).model(registry)
        except (ModelNotFound, ModelsNotRead, NoModel):
            checkpoint = None
        found: dict[str, dict[str, object]] = {"loaded": {}, "skipped": {}}
        for model in usable(registry, ModelKind.EMBEDDING):
            fits = checkpoint is not None and mismatch(model, checkpoint) is None
            found["loaded" if fits else "skipped"].setdefault(
                stem(model), _embedding(model, headers)
            )
        return found

    @blueprint.get("/scripts")
    @blueprint.response(HTTPStatus.OK, SdapiScriptsSchema)
    def list_scripts() -> dict[str, list[str]]:
        """The scripts."""
        return scripts()

    @blueprint.get("/script-info")
    @blueprint.response(HTTPStatus.OK, SdapiScriptInfoSchema(many=True))
    def list_script_info() -> Response:
        """The scripts with their arguments."""
        return jsonify(script_info())

    return blueprint


def _lora(name: str, model: ModelRecord) -> dict[str, object]:
    words = model.trigger_words
    metadata = {"modelspec.trigger_phrase": ", ".join(words)} if words else {}
    return {"name": name, "alias": name, "path": model.path, "metadata": metadata}


def _embedding(model: ModelRecord, headers: ModelHeaders) -> dict[str, Any]:
    """Return the number of vectors, and of the numbers in each.

    An embedding for SDXL has vectors for two text encoders, whose numbers are added, as in the web
    UI.
    """
    try:
        layout = embedding_layout(headers.tensors(model))
    except (DomainError, UnusableAddition):
        return {"shape": None, "vectors": None}
    return {"shape": sum(layout.widths), "vectors": layout.vectors}
