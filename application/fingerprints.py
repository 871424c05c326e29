"""What makes two requests the same request."""

import dataclasses
import hashlib
import json

from domain.generation.request import GenerationRequest

__all__ = ["fingerprint"]


def fingerprint(request: GenerationRequest, **changes: object) -> str:
    """SHA-256, in hex, of all that is asked for but the id: equal for equal requests.

    Of JSON in ASCII, with sorted keys and no blanks.

    Args:
        request: What is asked for.
        changes: Fields that count with another value, which need not be allowed.
    """
    asked = dataclasses.asdict(request) | changes
    del asked["id"]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
