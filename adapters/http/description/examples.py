"""Examples of a request and its answers for the document. A test checks them by the schemas."""

import dataclasses
from typing import Any

from domain.generation.fields import FIELDS
from domain.generation.request import GenerationRequest

__all__ = [
    "EVENT",
    "EXAMPLE_MODEL_ID",
    "JOB",
    "PICTURE",
    "REQUEST",
    "RESULT",
    "UPSCALE",
    "UPSCALED",
]

EXAMPLE_MODEL_ID: str = FIELDS["model_id"].example
EXAMPLE_PICTURE_ID = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
_DEFAULTS = {each.name: each.default for each in dataclasses.fields(GenerationRequest)}
_TIMINGS = {"queue": 0.0, "load": 0.42, "generate": 3.74, "encode": 0.02}

_REQUEST: dict[str, Any] = {
    name: _DEFAULTS[name] if row.example is None else row.example for name, row in FIELDS.items()
}
"""A request with its defaults filled in."""

REQUEST: dict[str, Any] = {
    name: row.example for name, row in FIELDS.items() if row.example is not None and name != "id"
}
"""A body of `/v1/infer`. It has no `id`, so that it can be sent any number of times."""

RESULT: dict[str, Any] = {
    **{name: value for name, value in _REQUEST.items() if not FIELDS[name].is_of_images},
    "images": [
        {
            "id": EXAMPLE_PICTURE_ID,
            "base64": "iVBORw0KGgo=",
            "media_type": "image/png",
            "seed": 7,
            "width": 512,
            "height": 512,
        }
    ],
    "processing_time": 4.18,
    "timings": _TIMINGS,
    "warnings": [],
}
"""Its answer, with the picture's file cut short."""

PICTURE: dict[str, Any] = {
    "id": EXAMPLE_PICTURE_ID,
    "media_type": "image/jpeg",
    "width": 4032,
    "height": 3024,
    "size": 3_481_220,
}
"""The answer of `/v1/images`."""

UPSCALE: dict[str, Any] = {
    "image": {"id": EXAMPLE_PICTURE_ID},
    "model_id": "demo-2x.safetensors",
    "scale": 2.0,
}
"""A body of `/v1/upscale`."""

UPSCALED: dict[str, Any] = {
    "id": _REQUEST["id"],
    "model_id": EXAMPLE_MODEL_ID,
    "image": {"id": EXAMPLE_PICTURE_ID},
    "scale": 2.0,
    "output_format": "png",
    "quality": None,
    "images": [{**RESULT["images"][0], "seed": None, "width": 1024, "height": 1024}],
    "processing_time": 0.61,
    "timings": _TIMINGS,
    "warnings": [],
}
"""Its answer, with the picture's file cut short."""

JOB: dict[str, Any] = {
    "id": _REQUEST["id"],
    "status": "queued",
    "position": 1,
    "progress": {"step": 0, "steps": 30},
    "created_at": "2026-01-31T12:00:00.000Z",
    "started_at": None,
    "finished_at": None,
    "request": _REQUEST,
    "images": None,
    "error": None,
    "processing_time": None,
    "timings": None,
    "warnings": [],
}
"""The answer of `/v1/jobs`."""

EVENT = {
    "id": "3f9a-17",
    "event": "progress",
    "data": '{"step":12,"steps":30,"rate":7.9,"seconds_left":2.3}',
}
"""An event of a job's stream."""
