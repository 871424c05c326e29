"""What the document shows of a request and its answers; a test holds them to the schemas."""

from typing import Any

__all__ = ["EVENT", "EXAMPLE_MODEL_ID", "JOB", "REQUEST", "RESULT"]

EXAMPLE_MODEL_ID = "7fc1fbc8c7b5d4a0c4d6e1f9a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5"
_ASKED: dict[str, Any] = {
    "id": "my-first-picture",
    "model_id": EXAMPLE_MODEL_ID,
    "prompt": "a beautiful landscape with mountains and a lake",
    "negative_prompt": "trees",
    "num_inference_steps": 30,
    "guidance_scale": 7.5,
}
_TIMINGS = {"queue": 0.0, "load": 0.42, "generate": 3.74, "encode": 0.02}

_REQUEST: dict[str, Any] = {**_ASKED, "width": 512, "height": 512, "seed": 7, "num_images": 1}

REQUEST: dict[str, Any] = {name: value for name, value in _REQUEST.items() if name != "id"}
"""A body of `/v1/infer`. It has no `id`, so that it can be sent any number of times."""

RESULT: dict[str, Any] = {
    **_ASKED,
    "images": [
        {
            "base64": "iVBORw0KGgo=",
            "media_type": "image/png",
            "seed": 7,
            "width": 512,
            "height": 512,
        }
    ],
    "processing_time": 4.18,
    "scheduler": None,
    "output_format": "png",
    "quality": None,
    "timings": _TIMINGS,
    "warnings": [],
}
"""Its answer, with the picture's file cut short."""

JOB: dict[str, Any] = {
    "id": _ASKED["id"],
    "status": "queued",
    "position": 1,
    "progress": {"step": 0, "steps": 30},
    "created_at": "2026-01-31T12:00:00.000Z",
    "started_at": None,
    "finished_at": None,
    "request": {**_REQUEST, "scheduler": None, "output_format": "png", "quality": None},
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
