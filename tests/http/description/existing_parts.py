"""Replaces made-up pictures and models of a generated body with existing ones."""

import base64
import dataclasses
import hashlib
import re
from typing import Any

from domain.generation.parts import Embedding
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from tests.contract.test_pictures import picture
from tests.fakes.model_source import model_record

__all__ = [
    "COMPANIONS",
    "FILE",
    "LARGE",
    "PICTURE",
    "PICTURE_ID",
    "UPSCALER",
    "is_name",
    "use_existing_parts",
]

FILE = picture("red", (64, 64))
PICTURE = base64.b64encode(FILE).decode()
PICTURE_ID = hashlib.sha256(FILE).hexdigest()


def _companion(kind: ModelKind, **changes: Any) -> ModelRecord:
    """Return the record of a model that a request can name beside the checkpoint."""
    record = model_record(kind.encode(), f"models/the-{kind}.safetensors")
    return dataclasses.replace(
        record, kind=kind, reason="it draws nothing by itself", is_companion=True, **changes
    )


UPSCALER = _companion(ModelKind.UPSCALER, scale=2)
LARGE = dataclasses.replace(model_record(b"xl", "models/xl.safetensors"), family=ModelFamily.SDXL)
"""Draws every size that the document allows, which most models do not."""
COMPANIONS = {
    "loras": _companion(ModelKind.LORA),
    "embeddings": _companion(ModelKind.EMBEDDING),
    "controls": _companion(ModelKind.CONTROLNET),
    "vae_id": _companion(ModelKind.VAE),
}
"""A model for each field that names one."""


def use_existing_parts(body: dict[str, Any]) -> None:
    """Replace pictures and upscalers, and remove what only some models and sizes have."""
    for name in ("init_image", "mask_image", "image"):
        _use_picture(body, name)
    _use_companions(body)
    _keep_thresholds(body)  # of a route that only makes a map
    for name, member in (("upscale", "model_id"), ("second_pass", "upscaler")):
        if isinstance(part := body.get(name), dict) and is_name(part.get(member)):
            part[member] = UPSCALER.name
    if is_number(body.get("image_guidance_scale"), 1, 10) and "init_image" in body:
        del body["image_guidance_scale"]
    parts = [body.get(name) for name in ("second_pass", "init_image")]
    if any(isinstance(part, dict) for part in parts):
        if body.get("scheduler") == "PLMS":
            body["scheduler"] = None
        if isinstance(parts[0], dict) and is_number(parts[0].get("scale", 2), 1, 4):
            body |= {
                side: 512 for side in ("width", "height") if is_number(body.get(side), 513, 2048)
            }


def _use_picture(body: dict[str, Any], name: str) -> None:
    sent = body.get(name)
    if not isinstance(sent, dict) or len(sent) != 1:
        return
    if isinstance(text := sent.get("base64"), str) and text:
        body[name] = {"base64": PICTURE}
    elif isinstance(text := sent.get("id"), str) and re.fullmatch("[0-9A-Fa-f]{64}", text):
        body[name] = {"id": PICTURE_ID}


def _use_companions(body: dict[str, Any]) -> None:
    """Replace the models, and keep the rules between values that JSON Schema cannot express."""
    if is_name(body.get("vae_id")):
        body["vae_id"] = COMPANIONS["vae_id"].name
    for name, model in COMPANIONS.items():
        entries = body.get(name)
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict):
                continue
            if is_name(entry.get("model_id")):
                entry["model_id"] = model.name
            if name == "embeddings" and _is_token(entry.get("token")):
                entry["token"] = f"word {number}"
            if name == "controls":
                _use_picture(entry, "image")
                _keep_range(entry)
                _keep_thresholds(entry)


def _is_token(value: object) -> bool:
    return value is None or Embedding.LIMITS["token"].problem(value) is None


def _keep_range(control: dict[str, Any]) -> None:
    if is_number(control.get("start", 0), 0, 1) and is_number(control.get("end", 1), 0, 1):
        control |= {"start": 0.25, "end": 0.75}


def _keep_thresholds(control: dict[str, Any]) -> None:
    made = control.get("preprocessor")
    if isinstance(made, dict) and made.keys() <= {"name", "low", "high"}:
        numbers = [made.get("low", 100), made.get("high", 200)]
        if all(each is None or (is_number(each, 0, 255) and each % 1 == 0) for each in numbers):
            if made.get("name") == "invert":
                control["preprocessor"] = {"name": "invert"}
            elif made.get("name") == "canny":
                control["preprocessor"] = {"name": "canny", "low": 10, "high": 20}


def is_name(value: object = None) -> bool:
    """Return whether this may be the name of a model."""
    return isinstance(value, str) and 0 < len(value) <= 4096 and value.isprintable()


def is_number(value: object, least: float, most: float) -> bool:
    """Return whether this is a number within these bounds."""
    return type(value) in (int, float) and least <= value <= most  # type: ignore[operator]
